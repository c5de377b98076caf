"""Loss functions in NumPy."""

import math

import numpy as np

from gongsik.reference.activation import relu, step
from gongsik.reference.arrays import implements
from gongsik.spec import loss as spec

__all__ = [
    "binary_cross_entropy",
    "cross_entropy",
    "exponential_loss",
    "gaussian_nll",
    "hinge_loss",
    "logistic_loss",
    "mae",
    "margin",
    "mse",
    "rmse",
    "softmax_cross_entropy",
    "zero_one_loss",
]


def _reduce(losses, reduction):
    """One number from the losses of all elements; the first axis counts samples."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() / len(losses) if reduction == "batchmean" else losses.sum()


@implements(spec.mse)
def mse(pred, target, /, *, reduction="mean"):
    return _reduce((target - pred) ** 2, reduction)


@implements(spec.rmse)
def rmse(pred, target, /):
    return np.sqrt(mse(pred, target))


@implements(spec.mae)
def mae(pred, target, /, *, reduction="mean"):
    return _reduce(np.abs(target - pred), reduction)


def _log(p):
    """The logarithm, at least LOG_FLOOR. Where it is the floor, log sees a 1: its own derivative there is infinite."""
    low = p <= math.exp(spec.LOG_FLOOR)
    return np.where(low, spec.LOG_FLOOR, np.log(np.where(low, 1, p)))


def _log_complement(p):
    """log(1 - p), likewise, without forming 1 - p, which rounds a small p away."""
    low = p >= 1
    return np.where(low, spec.LOG_FLOOR, np.log1p(-np.where(low, 0, p)))


@implements(spec.cross_entropy)
def cross_entropy(prob, target, /, *, reduction="mean"):
    return _reduce(-(target * _log(prob)).sum(-1), reduction)


@implements(spec.softmax_cross_entropy)
def softmax_cross_entropy(logits, target, /, *, reduction="mean"):
    z = logits - logits.max(-1, keepdims=True)  # no exponent above 0
    log_total = np.log(np.exp(z).sum(-1))  # [n, *batch]
    chosen = np.take_along_axis(z, target[..., None], -1)[..., 0]  # [n, *batch]
    return _reduce(-(chosen - log_total), reduction)


@implements(spec.binary_cross_entropy)
def binary_cross_entropy(prob, target, /, *, reduction="mean"):
    return _reduce(-(target * _log(prob) + (1 - target) * _log_complement(prob)), reduction)


@implements(spec.gaussian_nll)
def gaussian_nll(pred, target, var=None, /, *, reduction="mean"):
    square = (target - pred) ** 2
    log_var = 0 if var is None else np.log(var)
    return _reduce((math.log(2 * math.pi) + log_var + (square if var is None else square / var)) / 2, reduction)


@implements(spec.margin)
def margin(score, target, /):
    return target * score


@implements(spec.zero_one_loss)
def zero_one_loss(score, target, /, *, reduction="mean"):
    return _reduce(step(-margin(score, target)), reduction)


@implements(spec.hinge_loss)
def hinge_loss(score, target, /, *, reduction="mean"):
    return _reduce(relu(1 - margin(score, target)), reduction)


@implements(spec.logistic_loss)
def logistic_loss(score, target, /, *, reduction="mean"):
    return _reduce(np.logaddexp(0, -margin(score, target)), reduction)


@implements(spec.exponential_loss)
def exponential_loss(score, target, /, *, reduction="mean"):
    return _reduce(np.exp(-margin(score, target)), reduction)
