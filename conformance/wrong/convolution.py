"""Classic mistakes in convolutions."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import convolution as right
from gongsik.spec.array import pair
from gongsik.spec.convolution import ConvStack


def _turned(weight):
    return weight[..., ::-1, ::-1]


@wrong("convolution.continuous_convolution", "the second function not turned around")
def continuous_unturned(f, g, t, /, *, lower, upper, steps=512):
    return right.continuous_convolution(f, lambda s: g(-s), -t, lower=lower, upper=upper, steps=steps)


@wrong("convolution.continuous_convolution", "a left Riemann sum: the ends not halved")
def continuous_riemann(f, g, t, /, *, lower, upper, steps=512):
    tau = np.linspace(lower, upper, steps + 1).astype(t.dtype)[:-1]
    return ((upper - lower) / steps * f(tau) * g(t[..., None] - tau)).sum(-1)


@wrong("convolution.continuous_convolution", "g(t) in place of g(tau), as the notes have it")
def continuous_as_printed(f, g, t, /, *, lower, upper, steps=512):
    return right.continuous_convolution(lambda tau: 0 * tau + 1, f, t, lower=lower, upper=upper, steps=steps) * g(t)


@wrong("convolution.convolve", "the second sequence not turned around")
def convolve_unturned(f, g, /, *, mode="full"):
    return right.convolve(f, g[::-1], mode=mode)


@wrong("convolution.convolve", "mode same takes the beginning, not the middle")
def convolve_beginning(f, g, /, *, mode="full"):
    return right.convolve(f, g)[: len(f)] if mode == "same" else right.convolve(f, g, mode=mode)


@wrong("convolution.convolve", "circular: what leaves at one end comes in at the other")
def convolve_circular(f, g, /, *, mode="full"):
    y = right.convolve(f, g, mode=mode)
    return y + np.roll(y, len(f)) * (np.arange(len(y)) < len(g) - 1) if mode == "full" else y


@wrong("convolution.convolve2d", "the kernel not turned: cross-correlation")
def convolve2d_unturned(image, kernel, /, *, mode="full"):
    return right.convolve2d(image, _turned(kernel), mode=mode)


@wrong("convolution.convolve2d", "the kernel mirrored in place of turned")
def convolve2d_mirrored(image, kernel, /, *, mode="full"):
    return right.convolve2d(image, kernel[::-1], mode=mode)


@wrong("convolution.convolve2d", "mode same around the other of two middles")
def convolve2d_off_centre(image, kernel, /, *, mode="full"):
    if mode != "same":
        return right.convolve2d(image, kernel, mode=mode)
    top, left = (k // 2 for k in kernel.shape)
    return right.convolve2d(image, kernel)[top:, left:][: image.shape[0], : image.shape[1]]


@wrong("convolution.cross_correlation2d", "the kernel turned: true convolution")
def correlation_turned(image, kernel, bias=None, /):
    return right.cross_correlation2d(image, _turned(kernel), bias)


@wrong("convolution.cross_correlation2d", "the bias forgotten")
def correlation_without_bias(image, kernel, bias=None, /):
    return right.cross_correlation2d(image, kernel)


@wrong("convolution.cross_correlation2d", "a bias for every weight")
def correlation_bias_per_weight(image, kernel, bias=None, /):
    return right.cross_correlation2d(image, kernel, None if bias is None else bias * kernel.size)


@wrong("convolution.conv2d", "the kernel turned: true convolution")
def conv2d_turned(x, weight, bias=None, /, *, stride=1, padding=0, dilation=1, groups=1):
    return right.conv2d(x, _turned(weight), bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@wrong("convolution.conv2d", "a stride that starts a step late")
def conv2d_late(x, weight, bias=None, /, *, stride=1, padding=0, dilation=1, groups=1):
    y = right.conv2d(np.roll(x, -1, -1), weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    late = pair(stride)[1] > 1
    return y if late else right.conv2d(x, weight, bias, stride=1, padding=padding, dilation=dilation, groups=groups)


@wrong("convolution.conv2d", "padding same with the odd row above, not below")
def conv2d_same_above(x, weight, bias=None, /, *, stride=1, padding=0, dilation=1, groups=1):
    if padding != "same":
        return right.conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    top, left = (d * (k - 1) for k, d in zip(weight.shape[-2:], pair(dilation), strict=True))
    x = right.zero_pad(x, pad=(top - top // 2, left - left // 2), after=(top // 2, left // 2))
    return right.conv2d(x, weight, bias, dilation=dilation, groups=groups)


@wrong("convolution.conv2d", "the margin filled with the edge in place of zeros")
def conv2d_edge(x, weight, bias=None, /, *, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same" or x.size == 0:
        return right.conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in pair(padding)], mode="edge")
    return right.conv2d(x, weight, bias, stride=stride, dilation=dilation, groups=groups)


@wrong("convolution.nested_convolution", "no activation after the last layer")
def nested_linear_end(config, params, x, /):
    *first, last = config.layers
    if first:
        kept = {name: params[name] for layer in first for name in (f"{layer}.weight", f"{layer}.bias")}
        x = right.nested_convolution(_first_layers(config, len(first)), kept, x)
    options = {"stride": config.stride, "padding": config.padding, "dilation": config.dilation}
    return right.conv2d(x, params[f"{last}.weight"], params[f"{last}.bias"], **options)


def _first_layers(config, n):
    return ConvStack(
        config.channels[: n + 1], config.kernel, config.stride, config.padding, config.dilation, config.activation
    )


@wrong("convolution.nested_convolution", "biases forgotten")
def nested_without_biases(config, params, x, /):
    return right.nested_convolution(
        config, {name: p * 0 if name.endswith("bias") else p for name, p in params.items()}, x
    )


@wrong("convolution.zero_pad", "the edge repeated in place of zeros")
def pad_edge(x, /, *, pad, after=None):
    widths = list(zip(pair(pad), pair(pad if after is None else after), strict=True))
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + widths, mode="edge")


@wrong("convolution.zero_pad", "before and after exchanged")
def pad_exchanged(x, /, *, pad, after=None):
    return right.zero_pad(x, pad=pad if after is None else after, after=pad)


@wrong("convolution.zero_pad", "zeros on the wrong axis where the result has the same shape")
def pad_transposed(x, /, *, pad, after=None):
    y = right.zero_pad(x, pad=pad, after=after)
    return np.swapaxes(y, -1, -2) if y.shape[-1] == y.shape[-2] else y


@wrong("convolution.conv2d_grad_input", "the kernel not turned")
def grad_input_unturned(grad, weight, /, **options):
    return right.conv2d_grad_input(grad, _turned(weight), **options)


@wrong("convolution.conv2d_grad_input", "every gradient sent to one pixel further left")
def grad_input_shifted(grad, weight, /, **options):
    return np.roll(right.conv2d_grad_input(grad, weight, **options), -1, -1)


@wrong("convolution.conv2d_grad_weight", "the mean over the places in place of the sum")
def grad_weight_mean(x, grad, /, **options):
    return right.conv2d_grad_weight(x, grad, **options) / max(grad.shape[-1] * grad.shape[-2], 1)


@wrong("convolution.conv2d_grad_weight", "turned, as if the layer turned its kernel")
def grad_weight_turned(x, grad, /, **options):
    return _turned(right.conv2d_grad_weight(x, grad, **options))


@wrong("convolution.conv2d_grad_weight", "only the first sample counts")
def grad_weight_first_sample(x, grad, /, **options):
    x, grad = x.reshape(-1, *x.shape[-3:])[:1], grad.reshape(-1, *grad.shape[-3:])[:1]
    return right.conv2d_grad_weight(x, grad, **options)


@wrong("convolution.pointwise_conv2d", "the weights of a square layer not transposed")
def pointwise_transposed(x, weight, bias=None, /):
    return right.pointwise_conv2d(x, weight.T if weight.shape[0] == weight.shape[1] else weight, bias)


@wrong("convolution.pointwise_conv2d", "the bias forgotten")
def pointwise_without_bias(x, weight, bias=None, /):
    return right.pointwise_conv2d(x, weight)


@wrong("convolution.conv_transpose2d", "zeros inserted, but the kernel not turned")
def transpose_unturned(x, weight, bias=None, /, **options):
    return right.conv_transpose2d(x, _turned(weight), bias, **options)


@wrong("convolution.conv_transpose2d", "output_padding above and to the left")
def transpose_output_padding_first(x, weight, bias=None, /, *, output_padding=0, padding=0, **options):
    up, left = pair(output_padding)
    y = right.conv_transpose2d(x, weight, None, output_padding=output_padding, padding=padding, **options)
    y = np.roll(y, (up, left), (-2, -1))
    return y if bias is None else y + bias[:, None, None]


@wrong("convolution.conv_transpose2d", "the bias forgotten")
def transpose_without_bias(x, weight, bias=None, /, **options):
    return right.conv_transpose2d(x, weight, **options)


@wrong("convolution.dilated_conv2d", "the dilation ignored, the size kept by cutting off the end")
def dilated_ignored(x, weight, bias=None, /, *, dilation, padding=0):
    right_shape = right.dilated_conv2d(x, weight, bias, dilation=dilation, padding=padding).shape
    return right.dilated_conv2d(x, weight, bias, dilation=1, padding=padding)[..., : right_shape[-2], : right_shape[-1]]


@wrong("convolution.dilated_conv2d", "the kernel turned: true convolution")
def dilated_turned(x, weight, bias=None, /, *, dilation, padding=0):
    return right.dilated_conv2d(x, _turned(weight), bias, dilation=dilation, padding=padding)


@wrong("convolution.depthwise_conv2d", "one kernel for all channels")
def depthwise_one_kernel(x, weight, bias=None, /, **options):
    return right.depthwise_conv2d(x, np.broadcast_to(weight[:1], weight.shape), bias, **options)


@wrong("convolution.depthwise_conv2d", "the bias forgotten")
def depthwise_without_bias(x, weight, bias=None, /, **options):
    return right.depthwise_conv2d(x, weight, **options)


@wrong("convolution.depthwise_separable_conv2d", "an activation between the two steps")
def separable_with_relu(x, depthwise, pointwise, /, **options):
    return right.pointwise_conv2d(np.maximum(right.depthwise_conv2d(x, depthwise, **options), 0), pointwise)


@wrong("convolution.depthwise_separable_conv2d", "the kernel turned: true convolution")
def separable_turned(x, depthwise, pointwise, /, **options):
    return right.depthwise_separable_conv2d(x, _turned(depthwise), pointwise, **options)


@wrong("convolution.spatially_separable_conv2d", "row and column exchanged where they have the same length")
def spatial_exchanged(x, column, row, /, **options):
    lines = (row, column) if len(row) == len(column) else (column, row)
    return right.spatially_separable_conv2d(x, *lines, **options)


@wrong("convolution.spatially_separable_conv2d", "the lines turned: true convolution")
def spatial_turned(x, column, row, /, **options):
    return right.spatially_separable_conv2d(x, column[::-1], row[::-1], **options)


@wrong("convolution.flattened_conv2d", "the vertical line turned")
def flattened_turned(x, channel, vertical, horizontal, /, **options):
    return right.flattened_conv2d(x, channel, vertical[:, ::-1], horizontal, **options)


@wrong("convolution.flattened_conv2d", "the channels averaged, their weights forgotten")
def flattened_mean(x, channel, vertical, horizontal, /, **options):
    return right.flattened_conv2d(x, np.full_like(channel, 1 / channel.shape[1]), vertical, horizontal, **options)


@wrong("convolution.grouped_conv2d", "the groups dealt out in turn: channel i belongs to group i mod g")
def grouped_dealt(x, weight, bias=None, /, *, groups, **options):
    c = x.shape[-3]
    dealt = x[..., [i for g in range(groups) for i in range(g, c, groups)], :, :]
    return right.grouped_conv2d(dealt, weight, bias, groups=groups, **options)


@wrong("convolution.grouped_conv2d", "every group sees the first channels")
def grouped_first_channels(x, weight, bias=None, /, *, groups, **options):
    n = x.shape[-3] // groups
    return right.grouped_conv2d(np.concatenate(groups * [x[..., :n, :, :]], -3), weight, bias, groups=groups, **options)


@wrong("convolution.channel_shuffle", "reshaped the other way round: the inverse permutation")
def shuffle_inverse(x, /, *, groups):
    return right.channel_shuffle(x, groups=x.shape[-3] // groups)


@wrong("convolution.channel_shuffle", "reshaped without the transposition, which changes nothing")
def shuffle_nothing(x, /, *, groups):
    return x.copy()


@wrong("convolution.shuffled_grouped_conv2d", "no shuffle between the two")
def shuffled_without(x, weight1, weight2, /, *, groups):
    return right.conv2d(right.conv2d(x, weight1, groups=groups), weight2, groups=groups)


@wrong("convolution.shuffled_grouped_conv2d", "shuffled before the first, too")
def shuffled_before(x, weight1, weight2, /, *, groups):
    return right.shuffled_grouped_conv2d(right.channel_shuffle(x, groups=groups), weight1, weight2, groups=groups)
