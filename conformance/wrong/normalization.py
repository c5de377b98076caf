"""Classic mistakes in normalization."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.spec.normalization import BatchNorm, BatchNormGradients, BatchStatistics, LayerNormGradients


def _batch(x):
    return (0, *range(2, x.ndim))


def _beside(channels, x):
    return channels.reshape(-1, *(1,) * (x.ndim - 2))


def _affine(x_hat, gamma, beta):
    scaled = x_hat if gamma is None else _beside(gamma, x_hat) * x_hat
    return scaled if beta is None else scaled + _beside(beta, x_hat)


def _normalized(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps).astype(x.dtype)


@wrong("normalization.standardize", "the unbiased variance, which divides by n - 1")
def standardize_unbiased(x, /):
    with np.errstate(all="ignore"):
        return (x - x.mean(0)) / np.maximum(x.std(0, ddof=min(1, len(x) - 1)), np.finfo(x.dtype).tiny)


@wrong("normalization.standardize", "divided by the variance")
def standardize_by_variance(x, /):
    return (x - x.mean(0)) / np.where(x.std(0) == 0, 1, x.var(0))


@wrong("normalization.standardize", "every sample instead of every feature")
def standardize_rows(x, /):
    return standardize_by_deviation(x.T).T


def standardize_by_deviation(x):
    return (x - x.mean(0)) / np.where(x.std(0) == 0, 1, x.std(0))


@wrong("normalization.batch_statistics", "in one pass: the square of the mean off the mean of the squares")
def batch_statistics_one_pass(x, /):
    mean = x.mean(_batch(x))
    return BatchStatistics(mean, (x**2).mean(_batch(x)) - mean**2)


@wrong("normalization.batch_statistics", "the unbiased variance")
def batch_statistics_unbiased(x, /):
    m = x.size // x.shape[1]
    return BatchStatistics(x.mean(_batch(x)), x.var(_batch(x), ddof=1 if m > 1 else 0))


@wrong("normalization.batch_norm_affine", "the shift before the scale")
def batch_norm_affine_shift_first(x_hat, gamma, beta, /):
    return _beside(gamma, x_hat) * (x_hat + _beside(beta, x_hat))


@wrong("normalization.batch_norm_affine", "the scale as an offset from 1")
def batch_norm_affine_from_one(x_hat, gamma, beta, /):
    return (1 + _beside(gamma, x_hat)) * x_hat + _beside(beta, x_hat)


@wrong("normalization.batch_norm", "epsilon outside the root")
def batch_norm_epsilon_outside(x, gamma=None, beta=None, /, *, eps=1e-5):
    mean, var = x.mean(_batch(x)), x.var(_batch(x))
    x_hat = (x - _beside(mean, x)) / (np.sqrt(_beside(var, x)) + x.dtype.type(eps))
    return BatchNorm(_affine(x_hat, gamma, beta), mean, var)


@wrong("normalization.batch_norm", "each place by itself: space is not averaged over")
def batch_norm_per_place(x, gamma=None, beta=None, /, *, eps=1e-5):
    return BatchNorm(_affine(_normalized(x, 0, eps), gamma, beta), x.mean(_batch(x)), x.var(_batch(x)))


@wrong("normalization.batch_norm", "returns the unbiased variance")
def batch_norm_unbiased(x, gamma=None, beta=None, /, *, eps=1e-5):
    m = x.size // x.shape[1]
    y = _affine(_normalized(x, _batch(x), eps), gamma, beta)
    return BatchNorm(y, x.mean(_batch(x)), x.var(_batch(x)) * x.dtype.type(m / max(m - 1, 1)))


def _backward(upstream, x, axes, eps):
    std = np.sqrt(x.var(axes, keepdims=True) + eps).astype(x.dtype)
    return std, (x - x.mean(axes, keepdims=True)) / std


@wrong("normalization.batch_norm_backward", "mean and variance taken for constants")
def batch_norm_backward_of_constants(upstream, x, gamma, /, *, eps=1e-5):
    batch = _batch(x)
    std, x_hat = _backward(upstream, x, batch, eps)
    return BatchNormGradients(_beside(gamma, x) / std * upstream, (upstream * x_hat).sum(batch), upstream.sum(batch))


@wrong("normalization.batch_norm_backward", "the way through the variance is forgotten")
def batch_norm_backward_without_variance(upstream, x, gamma, /, *, eps=1e-5):
    batch = _batch(x)
    std, x_hat = _backward(upstream, x, batch, eps)
    dx = _beside(gamma, x) / std * (upstream - upstream.mean(batch, keepdims=True))
    return BatchNormGradients(dx, (upstream * x_hat).sum(batch), upstream.sum(batch))


@wrong("normalization.batch_norm_running", "the standard deviation in place of the variance")
def batch_norm_running_deviation(running_mean, running_var, mean, var, /, *, alpha=0.9, count=None):
    factor = 1 if count is None else count / (count - 1)
    moved = alpha * running_var + (1 - alpha) * np.sqrt(np.abs(var) * factor)
    return BatchStatistics(alpha * running_mean + (1 - alpha) * mean, moved.astype(var.dtype))


@wrong("normalization.batch_norm_running", "alpha as the share of the new")
def batch_norm_running_turned(running_mean, running_var, mean, var, /, *, alpha=0.9, count=None):
    factor = 1 if count is None else count / (count - 1)
    return BatchStatistics(
        alpha * mean + (1 - alpha) * running_mean, alpha * (var * factor) + (1 - alpha) * running_var
    )


@wrong("normalization.batch_norm_inference", "the statistics of the batch")
def batch_norm_inference_of_batch(x, mean, var, gamma=None, beta=None, /, *, eps=1e-5):
    return _affine(_normalized(x, _batch(x), eps), gamma, beta) if x.size else x


@wrong("normalization.batch_norm_inference", "divided by the variance, no root")
def batch_norm_inference_no_root(x, mean, var, gamma=None, beta=None, /, *, eps=1e-5):
    return _affine((x - _beside(mean, x)) / (_beside(var, x) + x.dtype.type(eps)), gamma, beta)


@wrong("normalization.layer_norm", "over the batch instead of the features")
def layer_norm_over_batch(x, gamma=None, beta=None, /, *, eps=1e-5):
    x_hat = _normalized(x, 0, eps) if x.size else x
    scaled = x_hat if gamma is None else gamma * x_hat
    return scaled if beta is None else scaled + beta


@wrong("normalization.layer_norm", "epsilon outside the root")
def layer_norm_epsilon_outside(x, gamma=None, beta=None, /, *, eps=1e-5):
    x_hat = (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + x.dtype.type(eps))
    scaled = x_hat if gamma is None else gamma * x_hat
    return scaled if beta is None else scaled + beta


@wrong("normalization.layer_norm_backward", "gamma taken out of the means, as in batch norm")
def layer_norm_backward_gamma_outside(upstream, x, gamma, /, *, eps=1e-5):
    std, x_hat = _backward(upstream, x, -1, eps)
    means = upstream.mean(-1, keepdims=True) + x_hat * (upstream * x_hat).mean(-1, keepdims=True)
    batch = tuple(range(x.ndim - 1))
    return LayerNormGradients(gamma / std * (upstream - means), (upstream * x_hat).sum(batch), upstream.sum(batch))


@wrong("normalization.layer_norm_backward", "the gradients of scale and shift averaged over the batch")
def layer_norm_backward_averaged(upstream, x, gamma, /, *, eps=1e-5):
    std, x_hat = _backward(upstream, x, -1, eps)
    g = gamma * upstream
    dx = (g - g.mean(-1, keepdims=True) - x_hat * (g * x_hat).mean(-1, keepdims=True)) / std
    rows = max(x.size // x.shape[-1], 1)
    batch = tuple(range(x.ndim - 1))
    return LayerNormGradients(dx, (upstream * x_hat).sum(batch) / rows, upstream.sum(batch) / rows)


@wrong("normalization.instance_norm", "over the batch, too: batch norm")
def instance_norm_over_batch(x, gamma=None, beta=None, /, *, eps=1e-5):
    return _affine(_normalized(x, _batch(x), eps), gamma, beta)


@wrong("normalization.instance_norm", "over the channels, too: layer norm")
def instance_norm_over_channels(x, gamma=None, beta=None, /, *, eps=1e-5):
    return _affine(_normalized(x, tuple(range(1, x.ndim)), eps), gamma, beta)


def _grouped(members, x, gamma, beta, eps):
    return _affine(_normalized(members, -1, eps).reshape(x.shape), gamma, beta)


@wrong("normalization.group_norm", "channels dealt out in turn: c modulo groups")
def group_norm_in_turn(x, gamma=None, beta=None, /, *, groups, eps=1e-5):
    n, c = x.shape[:2]
    dealt = x.reshape(n, c // groups, groups, -1).swapaxes(1, 2).reshape(n, groups, -1)
    x_hat = _normalized(dealt, -1, eps).reshape(n, groups, c // groups, -1).swapaxes(1, 2).reshape(x.shape)
    return _affine(x_hat, gamma, beta)


@wrong("normalization.group_norm", "groups of so many channels, not so many groups")
def group_norm_size_for_number(x, gamma=None, beta=None, /, *, groups, eps=1e-5):
    return _grouped(x.reshape(len(x), x.shape[1] // groups, -1), x, gamma, beta, eps)


def _response(x, before, after, alpha, beta, k):
    c = x.shape[1]
    total = [(x[:, max(0, j - before) : min(c, j + after + 1)] ** 2).sum(1) for j in range(c)]
    return (x / (k + alpha * np.stack(total, 1)) ** beta).astype(x.dtype)


@wrong("normalization.local_response_norm", "the other convention about the size: a sum for an average, and back")
def local_response_norm_other_convention(x, /, *, size=5, alpha=1e-4, beta=0.75, k=1.0, average=True):
    return _response(x, size // 2, (size - 1) // 2, alpha if average else alpha / size, beta, k)


@wrong("normalization.local_response_norm", "a window that looks back only")
def local_response_norm_backwards(x, /, *, size=5, alpha=1e-4, beta=0.75, k=1.0, average=True):
    return _response(x, size - 1, 0, alpha / size if average else alpha, beta, k)
