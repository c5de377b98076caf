"""Normalization in NumPy."""

import numpy as np

from gongsik.reference.arrays import implements
from gongsik.spec import normalization as spec

__all__ = [
    "batch_norm",
    "batch_norm_affine",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_statistics",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "layer_norm_backward",
    "local_response_norm",
    "standardize",
]


@implements(spec.standardize)
def standardize(x, /):
    # compared, not computed: the mean of equal numbers may be another number
    constant = x.max(0) == x.min(0)
    deviation = np.where(constant, x - x, x - x.mean(0))
    var = (deviation**2).mean(0)
    return deviation / np.sqrt(np.where(constant, 1, var))


def _all_but_channels(x):
    return (0, *range(2, x.ndim))


def _beside(channels, x):
    """One number per channel, beside an image."""
    return channels.reshape(-1, *(1,) * (x.ndim - 2))  # [c *1]


@implements(spec.batch_statistics)
def batch_statistics(x, /):
    mu = x.mean(_all_but_channels(x))
    var = ((x - _beside(mu, x)) ** 2).mean(_all_but_channels(x))
    return spec.BatchStatistics(mu, var)


@implements(spec.batch_norm_affine)
def batch_norm_affine(x_hat, gamma, beta, /):
    return _beside(gamma, x_hat) * x_hat + _beside(beta, x_hat)


def _affine(x_hat, gamma, beta):
    """Scale and shift, as far as they are given."""
    scaled = x_hat if gamma is None else _beside(gamma, x_hat) * x_hat
    return scaled if beta is None else scaled + _beside(beta, x_hat)


@implements(spec.batch_norm)
def batch_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    mu, var = batch_statistics(x)
    x_hat = (x - _beside(mu, x)) / np.sqrt(_beside(var, x) + eps)
    return spec.BatchNorm(_affine(x_hat, gamma, beta), mu, var)


@implements(spec.batch_norm_backward)
def batch_norm_backward(upstream, x, gamma, /, *, eps=1e-5):
    g, batch = upstream, _all_but_channels(x)
    mu, var = batch_statistics(x)
    std = np.sqrt(_beside(var, x) + eps)
    x_hat = (x - _beside(mu, x)) / std
    mean_g, mean_gx = _beside(g.mean(batch), x), _beside((g * x_hat).mean(batch), x)
    dx = _beside(gamma, x) / std * (g - mean_g - x_hat * mean_gx)
    return spec.BatchNormGradients(dx, (g * x_hat).sum(batch), g.sum(batch))


@implements(spec.batch_norm_running)
def batch_norm_running(running_mean, running_var, mean, var, /, *, alpha=0.9, count=None):
    unbiased = var if count is None else var * (count / (count - 1))
    return spec.BatchStatistics(
        alpha * running_mean + (1 - alpha) * mean,
        alpha * running_var + (1 - alpha) * unbiased,
    )


@implements(spec.batch_norm_inference)
def batch_norm_inference(x, mean, var, gamma=None, beta=None, /, *, eps=1e-5):
    scale = 1 / np.sqrt(var + eps) if gamma is None else gamma / np.sqrt(var + eps)
    shift = -scale * mean if beta is None else beta - scale * mean
    return batch_norm_affine(x, scale, shift)


@implements(spec.layer_norm)
def layer_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    var = ((x - mu) ** 2).mean(-1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    scaled = x_hat if gamma is None else gamma * x_hat
    return scaled if beta is None else scaled + beta


@implements(spec.layer_norm_backward)
def layer_norm_backward(upstream, x, gamma, /, *, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    var = ((x - mu) ** 2).mean(-1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    g = gamma * upstream
    mean_g, mean_gx = g.mean(-1, keepdims=True), (g * x_hat).mean(-1, keepdims=True)
    dx = (g - mean_g - x_hat * mean_gx) / np.sqrt(var + eps)
    batch = tuple(range(x.ndim - 1))
    return spec.LayerNormGradients(dx, (upstream * x_hat).sum(batch), upstream.sum(batch))


@implements(spec.group_norm)
def group_norm(x, gamma=None, beta=None, /, *, groups, eps=1e-5):
    members = x.reshape(len(x), groups, -1)  # [n groups c/groups*space]
    mu = members.mean(-1, keepdims=True)
    var = ((members - mu) ** 2).mean(-1, keepdims=True)
    x_hat = (members - mu) / np.sqrt(var + eps)
    return _affine(x_hat.reshape(x.shape), gamma, beta)


@implements(spec.instance_norm)
def instance_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    return group_norm(x, gamma, beta, groups=x.shape[1], eps=eps)


@implements(spec.local_response_norm)
def local_response_norm(x, /, *, size=5, alpha=1e-4, beta=0.75, k=1.0, average=True):
    c = x.shape[1]
    outside = [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)]
    squares = np.pad(x**2, outside)  # [n size-1+c *space]
    total = sum(squares[:, j : j + c] for j in range(size))
    return x / (k + (alpha / size if average else alpha) * total) ** beta
