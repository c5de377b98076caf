"""Loss functions in PyTorch. Operations in place are on tensors made here: a new one costs more than a pass over it."""

import math

import torch
import torch.nn.functional as F

from gongsik.spec import loss as spec
from gongsik.torch_impl.activation import step
from gongsik.torch_impl.arrays import implements

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
    if reduction == "mean":
        return losses.mean()
    return losses.sum() / len(losses) if reduction == "batchmean" else losses.sum()


def _kernel(function, pred, target, reduction, **options):
    """A loss of torch's own, which knows "mean" and "sum"."""
    if reduction == "batchmean":
        return function(pred, target, reduction="sum", **options) / len(pred)
    return function(pred, target, reduction=reduction, **options)


@implements(spec.mse)
def mse(pred, target, /, *, reduction="mean"):
    return _kernel(F.mse_loss, pred, target, reduction)


@implements(spec.rmse)
def rmse(pred, target, /):
    return F.mse_loss(pred, target).sqrt()


@implements(spec.mae)
def mae(pred, target, /, *, reduction="mean"):
    return _kernel(F.l1_loss, pred, target, reduction)


def _minus_log(log_, x, edge):
    """Minus a logarithm of a probability, and minus LOG_FLOOR for x at or below `edge`.

    log(x).clamp_min(floor) has the derivative 0 * inf = NaN at the edge. So the edge is moved to where the logarithm is
    log 2, which no probability has, and what is found there is replaced.
    """
    return F.threshold(log_(F.threshold(x, edge, edge + 2)).neg_(), -0.5, -spec.LOG_FLOOR, inplace=True)


def _minus_log_probability(p):
    return _minus_log(torch.log_, p, math.exp(spec.LOG_FLOOR))


def _minus_log_complement(p):
    return _minus_log(torch.log1p_, -p, -1)


@implements(spec.cross_entropy)
def cross_entropy(prob, target, /, *, reduction="mean"):
    return _reduce((target * _minus_log_probability(prob)).sum(-1), reduction)


@implements(spec.softmax_cross_entropy)
def softmax_cross_entropy(logits, target, /, *, reduction="mean"):
    classes_second = logits if logits.ndim == 2 else logits.movedim(-1, 1)  # [n, k, *batch]
    # By default -100 would mean "ignore this row"; here it is a label out of range like any other.
    return _kernel(F.cross_entropy, classes_second, target.long(), reduction, ignore_index=-(2**62))


@implements(spec.binary_cross_entropy)
def binary_cross_entropy(prob, target, /, *, reduction="mean"):
    # not F.binary_cross_entropy, which takes one logarithm at a time and whose derivative is wrong below p = 1e-12
    yes, no = _minus_log_probability(prob), _minus_log_complement(prob)
    return _reduce(torch.lerp(no, yes, target.to(yes.dtype)), reduction)


@implements(spec.gaussian_nll)
def gaussian_nll(pred, target, var=None, /, *, reduction="mean"):
    if var is None:
        elements = {"mean": 1, "batchmean": pred.numel() // len(pred), "sum": pred.numel()}[reduction]
        return (elements * math.log(2 * math.pi) + mse(pred, target, reduction=reduction)) / 2
    return _reduce((math.log(2 * math.pi) + var.log() + (pred - target) ** 2 / var) / 2, reduction)


@implements(spec.margin)
def margin(score, target, /):
    return score * target


@implements(spec.zero_one_loss)
def zero_one_loss(score, target, /, *, reduction="mean"):
    return _reduce(step((score * target).neg_()), reduction)


@implements(spec.hinge_loss)
def hinge_loss(score, target, /, *, reduction="mean"):
    return _reduce(torch.addcmul(score.new_ones(()), score, target, value=-1).relu_(), reduction)


@implements(spec.logistic_loss)
def logistic_loss(score, target, /, *, reduction="mean"):
    # Not F.soft_margin_loss, which overflows. With beta = -1, softplus is -log(1 + e^-x), which spares a pass for the
    # sign; above the threshold, log(1 + e^x) is x in every precision.
    return -_reduce(F.softplus(score * target, beta=-1, threshold=40), reduction)


@implements(spec.exponential_loss)
def exponential_loss(score, target, /, *, reduction="mean"):
    return _reduce(torch.exp((score * target).neg_()), reduction)
