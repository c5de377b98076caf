"""Probability models in NumPy."""

import math

import numpy as np

from gongsik.reference.activation import softmax
from gongsik.reference.arrays import implements
from gongsik.spec import probability as spec

__all__ = [
    "bernoulli",
    "bernoulli_sample",
    "categorical",
    "categorical_sample",
    "entropy",
    "expectation_maximization",
    "gaussian_mixture",
    "gaussian_mixture_sample",
    "js_divergence",
    "kl_divergence",
    "likelihood",
    "log_likelihood",
    "maximum_likelihood",
    "normal",
    "normal_sample",
    "posterior",
]


def _log(p):
    with np.errstate(divide="ignore"):  # minus infinity at 0
        return np.log(p)


def _times_log(x, y):
    """Product x log y, 0 where x is: there log sees a 1, so that neither value nor gradient is 0 * inf."""
    return x * _log(np.where(x == 0, 1, y))


@implements(spec.bernoulli)
def bernoulli(x, p, /):
    with np.errstate(divide="ignore"):  # log1p does not form 1 - p, which rounds a small p away
        log_no = np.log1p(-np.where(x == 1, 0, p))
    return _times_log(x, p) + (1 - x) * log_no


@implements(spec.bernoulli_sample)
def bernoulli_sample(uniform, p, /):
    return (uniform < p).astype(uniform.dtype)


def _choose(table, index):
    """From each of the rows along the last axis of a table the number at an index."""
    rows = np.broadcast_to(table, (*index.shape, table.shape[-1]))
    return np.take_along_axis(rows, index[..., None], -1)[..., 0]  # [*shape]


@implements(spec.categorical)
def categorical(label, p, /):
    return _log(_choose(p, label))


@implements(spec.categorical_sample)
def categorical_sample(uniform, p, /):
    total = np.cumsum(p, -1)  # [*params, k]
    beyond = (total > uniform[..., None]) | (total >= total[..., -1:])  # [*shape, k]
    return np.argmax(beyond, -1)  # the first


@implements(spec.normal)
def normal(x, mean, std, /):
    return -math.log(2 * math.pi) / 2 - np.log(std) - ((x - mean) / std) ** 2 / 2


@implements(spec.normal_sample)
def normal_sample(normal, mean, std, /):
    return mean + std * normal


def _log_weight(p):
    """Logarithm of p, minus infinity at 0, where its derivative is taken as 0: what has no weight takes no part."""
    return np.where(p == 0, -np.inf, np.log(np.where(p == 0, 1, p)))


@implements(spec.posterior)
def posterior(log_likelihood, prior, /):
    with np.errstate(invalid="ignore"):  # where no cause can be, 0/0
        return softmax(log_likelihood + _log_weight(prior))


@implements(spec.log_likelihood)
def log_likelihood(log_prob, /):
    return log_prob.sum(0)


@implements(spec.likelihood)
def likelihood(log_prob, /):
    return np.exp(log_likelihood(log_prob))


@implements(spec.maximum_likelihood)
def maximum_likelihood(x, /):
    mean = x.mean(0)
    return spec.Estimate(mean, np.sqrt(((x - mean) ** 2).mean(0)))


@implements(spec.entropy)
def entropy(p, /):
    return -_times_log(p, p).sum(-1)


@implements(spec.kl_divergence)
def kl_divergence(p, q, /):
    return (_times_log(p, p) - _times_log(p, q)).sum(-1)


@implements(spec.js_divergence)
def js_divergence(p, q, /):
    both = p + q  # 2m: half of it could underflow
    both = np.where(both == 0, 1, both)
    return (_times_log(p, 2 * (p / both)) + _times_log(q, 2 * (q / both))).sum(-1) / 2


def _log_sum_exp(z):
    """Logarithm of the sum of e^z along the last axis, in which the largest exponent is 0."""
    top = z.max(-1)
    finite = np.isfinite(top)
    total = np.exp(z - np.where(finite, top, 0)[..., None]).sum(-1)
    return top + np.log(np.where(finite, total, 1))


def _components(x, mean, std):
    """Log-density of x under each of k normal distributions: [*shape, k]."""
    return normal(np.broadcast_to(x[..., None], (*x.shape, mean.shape[-1])), mean, std)


@implements(spec.gaussian_mixture)
def gaussian_mixture(x, weight, mean, std, /):
    return _log_sum_exp(_log_weight(weight) + _components(x, mean, std))


@implements(spec.gaussian_mixture_sample)
def gaussian_mixture_sample(uniform, normal, weight, mean, std, /):
    component = categorical_sample(uniform, weight)
    return _choose(mean, component) + _choose(std, component) * normal


@implements(spec.expectation_maximization)
def expectation_maximization(x, weight, mean, std, /, *, reg_covar=0.0):
    r = posterior(_components(x, mean, std), weight)  # [n, k]
    shares = r.sum(0)  # [k]
    mean = (r * x[:, None]).sum(0) / shares
    var = (r * (x[:, None] - mean) ** 2).sum(0) / shares + reg_covar
    return spec.Mixture(shares / len(x), mean, np.sqrt(var))
