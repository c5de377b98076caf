"""Convolution in PyTorch: torch's own kernels, in the memory format of the input."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.spec import convolution as spec
from gongsik.spec.array import pair
from gongsik.spec.convolution import Margin, Padding, Steps, receptive_field, same_padding
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.network import ACTIVATIONS, Elementwise

__all__ = [
    "ConvStackModule",
    "channel_shuffle",
    "continuous_convolution",
    "conv2d",
    "conv2d_grad_input",
    "conv2d_grad_weight",
    "conv_transpose2d",
    "convolve",
    "convolve2d",
    "cross_correlation2d",
    "depthwise_conv2d",
    "depthwise_separable_conv2d",
    "dilated_conv2d",
    "flattened_conv2d",
    "grouped_conv2d",
    "nested_convolution",
    "pointwise_conv2d",
    "receptive_field",  # computed from the sizes alone, and so the same in every backend
    "same_padding",
    "shuffled_grouped_conv2d",
    "spatially_separable_conv2d",
    "zero_pad",
]


@implements(spec.continuous_convolution)
def continuous_convolution(f, g, t, /, *, lower, upper, steps=512):
    tau = torch.linspace(lower, upper, steps + 1, dtype=torch.float64, device=t.device).to(t.dtype)
    width = torch.full_like(tau, (upper - lower) / steps)
    width[0] /= 2
    width[-1] /= 2
    return g(t[..., None] - tau) @ (f(tau) * width)  # the product is summed up without being formed


def _overlap(m, mode):
    return {"full": m - 1, "same": m // 2, "valid": 0}[mode]  # in mode "same" it may leave one at the end too many


@implements(spec.convolve)
def convolve(f, g, /, *, mode="full"):
    y = F.conv1d(f[None], g.flip(0)[None, None], padding=_overlap(len(g), mode))[0]
    return y[: len(f)] if mode == "same" else y


@implements(spec.convolve2d)
def convolve2d(image, kernel, /, *, mode="full"):
    (h, w), (kh, kw) = image.shape, kernel.shape
    y = F.conv2d(image[None], kernel.flip(0, 1)[None, None], padding=(_overlap(kh, mode), _overlap(kw, mode)))[0]
    return y[:h, :w] if mode == "same" else y


@implements(spec.cross_correlation2d)
def cross_correlation2d(image, kernel, bias=None, /):
    return F.conv2d(image[None], kernel[None, None], None if bias is None else bias[None])[0]


def _same(x, kernel, dilation):
    """The padding that keeps the size; what the kernel of torch cannot pad, one more at the end, is padded here."""
    (top, bottom), (left, right) = (same_padding(k, dilation=d) for k, d in zip(kernel, pair(dilation), strict=True))
    if (top, left) != (bottom, right):
        x = F.pad(x, (0, right - left, 0, bottom - top))
    return x, (top, left)


def _conv2d(x: Tensor, weight: Tensor, bias=None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups=1):
    if padding == "same":
        x, padding = _same(x, weight.shape[-2:], dilation)
    if x.ndim <= 4:
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    y = F.conv2d(x.flatten(0, -4), weight, bias, stride, padding, dilation, groups)
    return y.view(*x.shape[:-3], *y.shape[1:])


@implements(spec.conv2d)
def conv2d(x, weight, bias=None, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1, groups=1):
    return _conv2d(x, weight, bias, stride, padding, dilation, groups)


@implements(spec.nested_convolution)
def nested_convolution(config, params, x, /):
    check_parameters("nested_convolution", config, params)
    rho = ACTIVATIONS[config.activation]
    for layer in config.layers:
        weight, bias = params[f"{layer}.weight"], params[f"{layer}.bias"]
        x = rho(_conv2d(x, weight, bias, config.stride, config.padding, config.dilation))
    return x


class ConvStackModule(nn.Sequential):
    """`nested_convolution` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : ConvStack
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.convolution import ConvStack
    >>> list(ConvStackModule(ConvStack((3, 8, 8))).state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, config: spec.ConvStack, /) -> None:
        layers: list[nn.Module] = []
        for c_in, c_out in zip(config.channels[:-1], config.channels[1:], strict=True):
            options = {"stride": config.stride, "padding": config.padding, "dilation": config.dilation}
            layers += [_Conv2d(c_in, c_out, config.kernel, **options), Elementwise(config.activation)]
        super().__init__(*layers)
        self.config = config


class _Conv2d(nn.Conv2d):
    """torch's layer with our padding: its own copies the input for even kernels, and warns."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return _conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation)


@implements(spec.zero_pad)
def zero_pad(x, /, *, pad: Margin, after: Margin | None = None):
    (top, left), (bottom, right) = pair(pad), pair(pad if after is None else after)
    return F.pad(x, (left, right, top, bottom))


def _conv_transpose2d(x, weight, bias, stride, padding, output_padding, dilation, groups):
    if x.ndim <= 4:
        return F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)
    y = F.conv_transpose2d(x.flatten(0, -4), weight, bias, stride, padding, output_padding, groups, dilation)
    return y.view(*x.shape[:-3], *y.shape[1:])


@implements(spec.conv2d_grad_input)
def conv2d_grad_input(
    grad, weight, /, *, size: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups=1
):
    forgotten = tuple(
        (n + 2 * p - d * (k - 1) - 1) % s  # rows or columns at the end that no place of the kernel has reached
        for n, k, s, p, d in zip(pair(size), weight.shape[-2:], *map(pair, (stride, padding, dilation)), strict=True)
    )
    return _conv_transpose2d(grad, weight, None, stride, padding, forgotten, dilation, groups)


@implements(spec.conv2d_grad_weight)
def conv2d_grad_weight(
    x, grad, /, *, kernel: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups=1
):
    if x.dtype != grad.dtype:  # only under autocast, which does not know this kernel
        dtype = torch.promote_types(x.dtype, grad.dtype)
        x, grad = x.to(dtype), grad.to(dtype)
    x, grad = (a[None] if a.ndim == 3 else a.flatten(0, -4) for a in (x, grad))
    nothing = x.new_empty(()).expand(grad.shape[1], x.shape[1] // groups, *pair(kernel))  # only its shape is read
    wanted = (False, True, False)
    stride, padding, dilation = pair(stride), pair(padding), pair(dilation)
    return torch.ops.aten.convolution_backward(
        grad, x, nothing, None, stride, padding, dilation, False, (0, 0), groups, wanted
    )[1]


@implements(spec.pointwise_conv2d)
def pointwise_conv2d(x, weight, bias=None, /):
    return _conv2d(x, weight[:, :, None, None], bias)


@implements(spec.conv_transpose2d)
def conv_transpose2d(
    x,
    weight,
    bias=None,
    /,
    *,
    stride: Steps = 1,
    padding: Margin = 0,
    output_padding: Margin = 0,
    dilation: Steps = 1,
    groups=1,
):
    return _conv_transpose2d(x, weight, bias, stride, padding, output_padding, dilation, groups)


@implements(spec.dilated_conv2d)
def dilated_conv2d(x, weight, bias=None, /, *, dilation: Steps, padding: Padding = 0):
    return _conv2d(x, weight, bias, 1, padding, dilation)


@implements(spec.depthwise_conv2d)
def depthwise_conv2d(x, weight, bias=None, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    return _conv2d(x, weight, bias, stride, padding, dilation, groups=x.shape[-3])


@implements(spec.depthwise_separable_conv2d)
def depthwise_separable_conv2d(
    x, depthwise, pointwise, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1
):
    filtered = _conv2d(x, depthwise, None, stride, padding, dilation, groups=x.shape[-3])
    return _conv2d(filtered, pointwise[:, :, None, None])


ONE_PASS = 49
"""Up to so many weights a kernel of rank 1 is faster in one pass over the image than as two lines in two passes."""


def _lines(x, columns, rows, stride, padding, dilation):
    """For every channel a kernel of rank 1, the outer product of its column [c, kh] and its row [c, kw]."""
    c, (kh, kw), (sh, sw), (dh, dw) = x.shape[-3], (columns.shape[1], rows.shape[1]), pair(stride), pair(dilation)
    if kh * kw <= ONE_PASS:
        return _conv2d(x, columns[:, None, :, None] * rows[:, None, None, :], None, stride, padding, dilation, c)
    down, across = ("same", "same") if padding == "same" else ((pair(padding)[0], 0), (0, pair(padding)[1]))
    along_rows = _conv2d(x, rows[:, None, None, :], None, (1, sw), across, (1, dw), c)
    return _conv2d(along_rows, columns[:, None, :, None], None, (sh, 1), down, (dh, 1), c)


@implements(spec.spatially_separable_conv2d)
def spatially_separable_conv2d(x, column, row, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    c = x.shape[-3]
    return _lines(x, column.expand(c, -1), row.expand(c, -1), stride, padding, dilation)


@implements(spec.flattened_conv2d)
def flattened_conv2d(
    x, channel, vertical, horizontal, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1
):
    return _lines(_conv2d(x, channel[:, :, None, None]), vertical, horizontal, stride, padding, dilation)


@implements(spec.grouped_conv2d)
def grouped_conv2d(x, weight, bias=None, /, *, groups, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    return _conv2d(x, weight, bias, stride, padding, dilation, groups)


def _shuffle(x, groups):
    """One copy, in the memory format of the images; torch's kernel takes the second of four axes for the channels."""
    if x.ndim == 4:
        return F.channel_shuffle(x, groups)
    return F.channel_shuffle(x.reshape(-1, *x.shape[-3:]), groups).reshape(x.shape)


@implements(spec.channel_shuffle)
def channel_shuffle(x, /, *, groups):
    return _shuffle(x, groups)


@implements(spec.shuffled_grouped_conv2d)
def shuffled_grouped_conv2d(x, weight1, weight2, /, *, groups):
    return _conv2d(_shuffle(_conv2d(x, weight1, groups=groups), groups), weight2, groups=groups)
