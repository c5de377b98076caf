"""Convolution in NumPy: every place of a kernel is a window of the input, and a layer is one sum over the windows."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gongsik.reference.arrays import implements
from gongsik.reference.network import ACTIVATIONS
from gongsik.spec import convolution as spec
from gongsik.spec.array import pair
from gongsik.spec.convolution import Margin, Padding, Steps, receptive_field, same_padding
from gongsik.spec.model import check_parameters

__all__ = [
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


def windows(x: Any, kernel: tuple[int, int], stride: Any = 1, dilation: Any = 1) -> Any:
    """What a kernel sees at each of its places on the last two axes: [..., oh, ow, kh, kw], a view."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, pair(stride), pair(dilation)
    covered = sliding_window_view(x, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(-2, -1))
    return covered[..., ::sh, ::sw, ::dh, ::dw]


def _pad(x, rows, columns):
    """Zeros (before, after) the last two axes."""
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [rows, columns])


def _padded(x, kernel, padding, dilation):
    """The image with the margin that `padding` says."""
    if padding == "same":
        return _pad(x, *(same_padding(k, dilation=d) for k, d in zip(kernel, pair(dilation), strict=True)))
    ph, pw = pair(padding)
    return _pad(x, (ph, ph), (pw, pw))


@implements(spec.continuous_convolution)
def continuous_convolution(f, g, t, /, *, lower, upper, steps=512):
    tau = np.linspace(lower, upper, steps + 1).astype(t.dtype)
    product = f(tau) * g(t[..., None] - tau)  # [*shape, steps + 1]
    inner_and_ends = product.sum(-1) - (product[..., 0] + product[..., -1]) / 2
    return (upper - lower) / steps * inner_and_ends


def _overlap(m, mode):
    """Zeros (before, after) a sequence, so that something of length m stays inside wherever the mode asks for it."""
    return {"full": (m - 1, m - 1), "same": (m // 2, (m - 1) // 2), "valid": (0, 0)}[mode]


@implements(spec.convolve)
def convolve(f, g, /, *, mode="full"):
    (m,) = g.shape
    return sliding_window_view(np.pad(f, _overlap(m, mode)), m) @ np.flip(g)


@implements(spec.convolve2d)
def convolve2d(image, kernel, /, *, mode="full"):
    kh, kw = kernel.shape
    return cross_correlation2d(_pad(image, _overlap(kh, mode), _overlap(kw, mode)), np.flip(kernel))


@implements(spec.cross_correlation2d)
def cross_correlation2d(image, kernel, bias=None, /):
    o = np.einsum("ijuv,uv->ij", windows(image, kernel.shape), kernel)
    return o if bias is None else o + bias


def _grouped(x, axis, groups):
    """The channels on one axis as two: groups, and channels of a group."""
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis:][1:])


@implements(spec.conv2d)
def conv2d(x, weight, bias=None, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1, groups=1):
    kernel = weight.shape[-2:]
    seen = windows(_padded(x, kernel, padding, dilation), kernel, stride, dilation)  # [*batch, c, oh, ow, kh, kw]
    seen = _grouped(seen, -5, groups)  # [*batch, groups, c/groups, oh, ow, kh, kw]
    filters = _grouped(weight, 0, groups)  # [groups, o/groups, c/groups, kh, kw]
    y = np.einsum("...gcijuv,gocuv->...goij", seen, filters, optimize=True)
    y = y.reshape(*x.shape[:-3], weight.shape[0], *y.shape[-2:])  # [*batch, o, oh, ow]
    return y if bias is None else y + bias[:, None, None]


@implements(spec.nested_convolution)
def nested_convolution(config, params, x, /):
    check_parameters("nested_convolution", config, params)
    rho = ACTIVATIONS[config.activation]
    options = {"stride": config.stride, "padding": config.padding, "dilation": config.dilation}
    for layer in config.layers:
        x = rho(conv2d(x, params[f"{layer}.weight"], params[f"{layer}.bias"], **options))
    return x


@implements(spec.zero_pad)
def zero_pad(x, /, *, pad: Margin, after: Margin | None = None):
    (top, left), (bottom, right) = pair(pad), pair(pad if after is None else after)
    return _pad(x, (top, bottom), (left, right))


def convolution_matrix(kernel, shape):
    """The matrix of a correlation: what it makes of an image of this shape, written as a vector, row by row.

    It has the weights of the kernel on its diagonals and zeros elsewhere: [oh * ow, h * w].
    """
    (kh, kw), (h, w) = kernel.shape, shape
    i, j = np.ogrid[: h - kh + 1, : w - kw + 1]
    u = np.arange(h)[:, None] - i[..., None, None]  # [oh, 1, h, 1]: row of the kernel over row a, placed at row i
    v = np.arange(w) - j[..., None, None]  # [1, ow, 1, w]
    inside = (u >= 0) & (u < kh) & (v >= 0) & (v < kw)
    return np.where(inside, kernel[u.clip(0, kh - 1), v.clip(0, kw - 1)], 0).reshape(-1, h * w)


def insert_zeros(x, stride):
    """Zeros between the pixels, which end up `stride` apart: [..., (h - 1) sh + 1, (w - 1) sw + 1]."""
    (*batch, h, w), (sh, sw) = x.shape, pair(stride)
    cells = np.pad(x[..., :, None, :, None], [(0, 0)] * (x.ndim - 1) + [(0, sh - 1), (0, 0), (0, sw - 1)])
    return cells.reshape(*batch, h * sh, w * sw)[..., : (h - 1) * sh + 1, : (w - 1) * sw + 1]


def _transposed(x, weight, size, stride, padding, dilation, groups):
    """Spread the pixels, and correlate with the kernel turned by 180 degrees wherever it overlaps them."""
    (_, q, *kernel), (ph, pw) = weight.shape, pair(padding)
    turned = np.swapaxes(_grouped(np.flip(weight, (-2, -1)), 0, groups), 1, 2)  # [groups, q, c/groups, kh, kw]
    spread = insert_zeros(x, stride)
    margins = []
    for k, d, p, n, m in zip(kernel, pair(dilation), (ph, pw), size, spread.shape[-2:], strict=True):
        margins.append((d * (k - 1), max(p + n - m, 0)))  # output a sees the pixels a + p - d (k - 1), ..., a + p
    y = conv2d(
        _pad(spread, *margins), turned.reshape(groups * q, -1, *kernel), dilation=dilation, groups=groups
    )  # [*batch, groups q, at least ph + oh, at least pw + ow]
    return y[..., ph : ph + size[0], pw : pw + size[1]]


@implements(spec.conv2d_grad_input)
def conv2d_grad_input(
    grad, weight, /, *, size: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups=1
):
    return _transposed(grad, weight, pair(size), stride, padding, dilation, groups)


@implements(spec.conv2d_grad_weight)
def conv2d_grad_weight(
    x, grad, /, *, kernel: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups=1
):
    kernel = pair(kernel)
    x, g = x.reshape(-1, *x.shape[-3:]), grad.reshape(-1, *grad.shape[-3:])  # [n, c, h, w], [n, o, oh, ow]
    seen = windows(_padded(x, kernel, padding, dilation), kernel, stride, dilation)  # [n, c, oh, ow, kh, kw]
    seen, g = _grouped(seen, 1, groups), _grouped(g, 1, groups)
    dw = np.einsum("ngoij,ngcijuv->gocuv", g, seen, optimize=True)
    return dw.reshape(grad.shape[-3], -1, *kernel)


@implements(spec.pointwise_conv2d)
def pointwise_conv2d(x, weight, bias=None, /):
    y = np.einsum("oc,...cij->...oij", weight, x, optimize=True)
    return y if bias is None else y + bias[:, None, None]


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
    size = [
        spec.conv_transpose_output_size(n, k, stride=s, padding=p, output_padding=op, dilation=d)
        for n, k, s, p, op, d in zip(
            x.shape[-2:], weight.shape[-2:], *map(pair, (stride, padding, output_padding, dilation)), strict=True
        )
    ]
    y = _transposed(x, weight, size, stride, padding, dilation, groups)
    return y if bias is None else y + bias[:, None, None]


@implements(spec.dilated_conv2d)
def dilated_conv2d(x, weight, bias=None, /, *, dilation: Steps, padding: Padding = 0):
    return conv2d(x, weight, bias, dilation=dilation, padding=padding)


@implements(spec.depthwise_conv2d)
def depthwise_conv2d(x, weight, bias=None, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    return conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=x.shape[-3])


@implements(spec.depthwise_separable_conv2d)
def depthwise_separable_conv2d(
    x, depthwise, pointwise, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1
):
    filtered = depthwise_conv2d(x, depthwise, stride=stride, padding=padding, dilation=dilation)  # [*batch, c, oh, ow]
    return pointwise_conv2d(filtered, pointwise)


@implements(spec.spatially_separable_conv2d)
def spatially_separable_conv2d(x, column, row, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    (kh,), (kw,), (sh, sw), (dh, dw) = column.shape, row.shape, pair(stride), pair(dilation)
    x = _padded(x, (kh, kw), padding, dilation)
    along_rows = np.einsum("...ijuv,v->...ij", windows(x, (1, kw), (1, sw), (1, dw)), row)
    return np.einsum("...ijuv,u->...ij", windows(along_rows, (kh, 1), (sh, 1), (dh, 1)), column)


@implements(spec.flattened_conv2d)
def flattened_conv2d(
    x, channel, vertical, horizontal, /, *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1
):
    kh, kw, (sh, sw), (dh, dw) = vertical.shape[1], horizontal.shape[1], pair(stride), pair(dilation)
    y = pointwise_conv2d(_padded(x, (kh, kw), padding, dilation), channel)  # [*batch, o, h, w]
    y = np.einsum("...oijuv,ou->...oij", windows(y, (kh, 1), (sh, 1), (dh, 1)), vertical)
    return np.einsum("...oijuv,ov->...oij", windows(y, (1, kw), (1, sw), (1, dw)), horizontal)


@implements(spec.grouped_conv2d)
def grouped_conv2d(x, weight, bias=None, /, *, groups, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1):
    return conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@implements(spec.channel_shuffle)
def channel_shuffle(x, /, *, groups):
    return np.swapaxes(_grouped(x, -3, groups), -4, -3).reshape(x.shape)


@implements(spec.shuffled_grouped_conv2d)
def shuffled_grouped_conv2d(x, weight1, weight2, /, *, groups):
    return conv2d(channel_shuffle(conv2d(x, weight1, groups=groups), groups=groups), weight2, groups=groups)
