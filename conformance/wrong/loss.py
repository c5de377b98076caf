"""Classic mistakes in loss functions."""

import numpy as np

from gongsik.conformance.wrong import wrong


def _reduce(losses, reduction):
    return losses.sum() / {"mean": losses.size, "batchmean": len(losses), "sum": 1}[reduction]


@wrong("loss.mse", "an extra factor 1/2, which only makes the gradient prettier")
def mse_halved(pred, target, /, *, reduction="mean"):
    return _reduce((pred - target) ** 2, reduction) / 2


@wrong("loss.mse", "the parenthesis is missing: y - pred^2")
def mse_without_parenthesis(pred, target, /, *, reduction="mean"):
    return _reduce(target - pred**2, reduction)


@wrong("loss.mse", "batchmean divides by all elements")
def mse_ignores_batchmean(pred, target, /, *, reduction="mean"):
    return _reduce((pred - target) ** 2, "mean" if reduction == "batchmean" else reduction)


@wrong("loss.rmse", "the mean of the roots, which is the mean absolute error")
def rmse_root_inside(pred, target, /):
    return np.sqrt((pred - target) ** 2).mean()


@wrong("loss.rmse", "the root of the sum, not of the mean")
def rmse_of_sum(pred, target, /):
    return np.sqrt(((pred - target) ** 2).sum())


@wrong("loss.mae", "no absolute value: residuals of both signs cancel")
def mae_signed(pred, target, /, *, reduction="mean"):
    return _reduce(pred - target, reduction)


@wrong("loss.mae", "quadratic near 0: the smooth L1 loss")
def mae_smooth(pred, target, /, *, reduction="mean"):
    e = np.abs(pred - target)
    return _reduce(np.where(e < 1, e * e / 2, e - e.dtype.type(0.5)), reduction)


@wrong("loss.cross_entropy", "prediction and target exchanged")
def cross_entropy_exchanged(prob, target, /, *, reduction="mean"):
    with np.errstate(divide="ignore"):
        return _reduce(-(prob * np.maximum(np.log(target), -100)).sum(-1), reduction)


@wrong("loss.cross_entropy", "the mean over classes, too")
def cross_entropy_mean_over_classes(prob, target, /, *, reduction="mean"):
    with np.errstate(divide="ignore"):
        return _reduce(-(target * np.maximum(np.log(prob), -100)).mean(-1), reduction)


@wrong("loss.cross_entropy", "a small constant inside the logarithm, against log 0")
def cross_entropy_with_epsilon(prob, target, /, *, reduction="mean"):
    return _reduce(-(target * np.log(prob + prob.dtype.type(1e-7))).sum(-1), reduction)


@wrong("loss.softmax_cross_entropy", "the maximum is not subtracted")
def softmax_cross_entropy_unshifted(logits, target, /, *, reduction="mean"):
    log_p = np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))
    return _reduce(-np.take_along_axis(log_p, target[..., None], -1)[..., 0], reduction)


@wrong("loss.softmax_cross_entropy", "log of the softmax: a probability that underflows costs infinity")
def softmax_cross_entropy_in_two_steps(logits, target, /, *, reduction="mean"):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    p = np.take_along_axis(e / e.sum(-1, keepdims=True), target[..., None], -1)[..., 0]
    with np.errstate(divide="ignore"):
        return _reduce(-np.log(p), reduction)


@wrong("loss.softmax_cross_entropy", "the softmax taken twice")
def softmax_cross_entropy_twice(logits, target, /, *, reduction="mean"):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    log_p = p - np.log(np.exp(p).sum(-1, keepdims=True))
    return _reduce(-np.take_along_axis(log_p, target[..., None], -1)[..., 0], reduction)


@wrong("loss.binary_cross_entropy", "the second half is forgotten: no cost for a false alarm")
def binary_cross_entropy_half(prob, target, /, *, reduction="mean"):
    with np.errstate(divide="ignore"):
        return _reduce(-target * np.maximum(np.log(prob), -100), reduction)


@wrong("loss.binary_cross_entropy", "log(1 - p): a small probability is rounded away before the logarithm")
def binary_cross_entropy_cancels(prob, target, /, *, reduction="mean"):
    with np.errstate(divide="ignore"):
        yes, no = (np.maximum(np.log(p), -100) for p in (prob, 1 - prob))
    return _reduce(-(target * yes + (1 - target) * no), reduction)


@wrong("loss.binary_cross_entropy", "probabilities pushed away from 0 and 1 by 1e-4")
def binary_cross_entropy_clipped(prob, target, /, *, reduction="mean"):
    p = np.clip(prob, 1e-4, 1 - 1e-4).astype(prob.dtype)
    return _reduce(-(target * np.log(p) + (1 - target) * np.log1p(-p)), reduction)


@wrong("loss.gaussian_nll", "without the constant log 2 pi")
def gaussian_nll_without_constant(pred, target, var=None, /, *, reduction="mean"):
    var = np.ones_like(pred) if var is None else var
    return _reduce((np.log(var) + (pred - target) ** 2 / var) / 2, reduction)


@wrong("loss.gaussian_nll", "the standard deviation in place of the variance")
def gaussian_nll_of_deviation(pred, target, var=None, /, *, reduction="mean"):
    var = np.ones_like(pred) if var is None else var
    return _reduce((np.log(2 * np.pi * var**2) + ((pred - target) / var) ** 2) / 2, reduction).astype(pred.dtype)


@wrong("loss.gaussian_nll", "taken to be the mean squared error")
def gaussian_nll_is_mse(pred, target, var=None, /, *, reduction="mean"):
    return _reduce((pred - target) ** 2, reduction)


@wrong("loss.margin", "the difference, not the product")
def margin_is_difference(score, target, /):
    return target - score


@wrong("loss.margin", "the sign is turned")
def margin_turned(score, target, /):
    return -score * target


@wrong("loss.zero_one_loss", "a score of 0 counts as right")
def zero_one_loss_forgives_zero(score, target, /, *, reduction="mean"):
    return _reduce((score * target < 0).astype(score.dtype), reduction)


@wrong("loss.zero_one_loss", "the share of right answers")
def zero_one_loss_is_accuracy(score, target, /, *, reduction="mean"):
    return _reduce((score * target > 0).astype(score.dtype), reduction)


@wrong("loss.hinge_loss", "the perceptron's loss: no margin is asked for")
def hinge_loss_without_margin(score, target, /, *, reduction="mean"):
    return _reduce(np.maximum(0, -score * target), reduction)


@wrong("loss.hinge_loss", "squared")
def hinge_loss_squared(score, target, /, *, reduction="mean"):
    return _reduce(np.maximum(0, 1 - score * target) ** 2, reduction)


@wrong("loss.logistic_loss", "log(1 + e^-m) as it is written: infinite where e^-m is")
def logistic_loss_overflows(score, target, /, *, reduction="mean"):
    with np.errstate(over="ignore"):
        return _reduce(np.log1p(np.exp(-score * target)), reduction)


@wrong("loss.logistic_loss", "log(1 + x) in place of log1p: the loss of a sure answer is rounded away")
def logistic_loss_cancels(score, target, /, *, reduction="mean"):
    m = score * target
    return _reduce(np.log(1 + np.exp(-np.abs(m))) + np.maximum(0, -m), reduction)


@wrong("loss.logistic_loss", "in bits: the logarithm to base 2")
def logistic_loss_in_bits(score, target, /, *, reduction="mean"):
    return _reduce(np.logaddexp(0, -score * target), reduction) / np.log(2).astype(score.dtype)


@wrong("loss.exponential_loss", "the sign of the margin is turned")
def exponential_loss_turned(score, target, /, *, reduction="mean"):
    return _reduce(np.exp(score * target), reduction)


@wrong("loss.exponential_loss", "half the margin, as where labels are 0 and 1")
def exponential_loss_of_half(score, target, /, *, reduction="mean"):
    return _reduce(np.exp(-score * target / 2), reduction)
