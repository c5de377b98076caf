"""Classic mistakes in pooling."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.spec.array import pair


def _windows(x, kernel, stride, padding=0, value=0.0):
    """All windows, [n c oh ow kh kw]."""
    (ph, pw), (sh, sw) = pair(padding), pair(kernel if stride is None else stride)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=value)
    return np.lib.stride_tricks.sliding_window_view(x, pair(kernel), (2, 3))[:, :, ::sh, ::sw]


@wrong("pooling.max_pool2d", "padded with zeros, which are larger than negative values")
def max_pool2d_zero_padding(x, /, *, kernel, stride=None, padding=0):
    return _windows(x, kernel, stride, padding).max((-2, -1))


@wrong("pooling.max_pool2d", "a stride of 1 where none is given")
def max_pool2d_stride_one(x, /, *, kernel, stride=None, padding=0):
    return _windows(x, kernel, 1 if stride is None else stride, padding, -np.inf).max((-2, -1))


@wrong("pooling.max_pool2d", "the smallest value")
def max_pool2d_smallest(x, /, *, kernel, stride=None, padding=0):
    return _windows(x, kernel, stride, padding, np.inf).min((-2, -1))


@wrong("pooling.block_max_pool", "the axes of the blocks mixed up: reshaped to (M_K, N_L, K, L)")
def block_max_pool_mixed(x, /, *, kernel):
    (m, n), (k, l) = x.shape, pair(kernel)  # noqa: E741
    return x[: m // k * k, : n // l * l].reshape(m // k, n // l, k, l).max((2, 3))


@wrong("pooling.block_max_pool", "the ragged border dropped at the wrong end")
def block_max_pool_from_the_end(x, /, *, kernel):
    (m, n), (k, l) = x.shape, pair(kernel)  # noqa: E741
    return x[m % k :, n % l :].reshape(m // k, k, n // l, l).max((1, 3))


@wrong("pooling.avg_pool2d", "the padding is never counted")
def avg_pool2d_never_counts(x, /, *, kernel, stride=None, padding=0, count_include_pad=True):
    pixels = _windows(np.ones_like(x), kernel, stride, padding).sum((-2, -1))
    return _windows(x, kernel, stride, padding).sum((-2, -1)) / pixels


@wrong("pooling.avg_pool2d", "the sum, not divided")
def avg_pool2d_of_sum(x, /, *, kernel, stride=None, padding=0, count_include_pad=True):
    return _windows(x, kernel, stride, padding).sum((-2, -1))


@wrong("pooling.avg_pool2d", "rows and columns of the kernel exchanged in the divisor")
def avg_pool2d_square(x, /, *, kernel, stride=None, padding=0, count_include_pad=True):
    return _windows(x, kernel, stride, padding).sum((-2, -1)) / pair(kernel)[0] ** 2


def _drawn(windows, uniform, side):
    flat = windows.reshape(*windows.shape[:4], -1)
    cumulative = flat.cumsum(-1)
    passed = side(cumulative[..., :-1], (uniform * cumulative[..., -1])[..., None])
    return np.take_along_axis(flat, passed.sum(-1, keepdims=True), -1)[..., 0]


@wrong("pooling.stochastic_pool2d", "every element with the same probability")
def stochastic_pool2d_uniform(x, uniform, /, *, kernel, stride=None):
    windows = _windows(x, kernel, stride)
    flat = windows.reshape(*windows.shape[:4], -1)
    return np.take_along_axis(flat, (uniform * flat.shape[-1]).astype(int)[..., None], -1)[..., 0]


@wrong("pooling.stochastic_pool2d", "an element is taken at its own lower end, too: an element 0 can be drawn")
def stochastic_pool2d_closed(x, uniform, /, *, kernel, stride=None):
    return _drawn(_windows(x, kernel, stride), uniform, np.less)


@wrong("pooling.stochastic_pool2d", "the windows are read column by column")
def stochastic_pool2d_columns(x, uniform, /, *, kernel, stride=None):
    return _drawn(_windows(x, kernel, stride).swapaxes(-1, -2), uniform, np.less_equal)


@wrong("pooling.stochastic_pool2d_inference", "the plain average")
def stochastic_pool2d_inference_average(x, /, *, kernel, stride=None):
    return _windows(x, kernel, stride).mean((-2, -1))


@wrong("pooling.stochastic_pool2d_inference", "0/0 where all is 0")
def stochastic_pool2d_inference_of_zero(x, /, *, kernel, stride=None):
    windows = _windows(x, kernel, stride)
    with np.errstate(all="ignore"):
        return (windows**2).sum((-2, -1)) / windows.sum((-2, -1))


@wrong("pooling.global_avg_pool2d", "the largest value")
def global_avg_pool2d_max(x, /):
    return x.max((-2, -1))


@wrong("pooling.global_avg_pool2d", "over the channels, too")
def global_avg_pool2d_over_channels(x, /):
    return np.broadcast_to(x.mean((1, 2, 3))[:, None], x.shape[:2])


@wrong("pooling.trainable_subsampling", "the average in place of the sum")
def trainable_subsampling_average(x, weight, bias, /, *, kernel=2):
    total = _windows(x, kernel, None).mean((-2, -1))
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-(weight[:, None, None] * total + bias[:, None, None])))


@wrong("pooling.trainable_subsampling", "no squashing")
def trainable_subsampling_linear(x, weight, bias, /, *, kernel=2):
    return weight[:, None, None] * _windows(x, kernel, None).sum((-2, -1)) + bias[:, None, None]
