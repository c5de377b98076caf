"""Classic mistakes in probability models."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.spec.probability import Estimate, Mixture


def _rows(table, shape):
    return np.broadcast_to(table, (*shape, table.shape[-1]))


def _log_normal(x, mean, std):
    return -(np.log(2 * np.pi) / 2 + np.log(std) + ((x - mean) / std) ** 2 / 2).astype(x.dtype)


@wrong("probability.bernoulli", "0 log 0 is computed as 0 times infinity")
def bernoulli_zero_times_infinity(x, p, /):
    with np.errstate(all="ignore"):
        return x * np.log(p) + (1 - x) * np.log1p(-p)


@wrong("probability.bernoulli", "log(1 - p): a small probability is rounded away before the logarithm")
def bernoulli_cancels(x, p, /):
    with np.errstate(all="ignore"):
        return np.where(x == 0, 0, x * np.log(p)) + np.where(x == 1, 0, (1 - x) * np.log(1 - p))


@wrong("probability.bernoulli", "probabilities pushed away from 0 and 1: what cannot be is merely improbable")
def bernoulli_clipped(x, p, /):
    p = np.clip(p, 1e-7, 1 - 1e-7).astype(x.dtype)
    return x * np.log(p) + (1 - x) * np.log1p(-p)


@wrong("probability.bernoulli_sample", "yes where the draw is above p: yes and no exchanged")
def bernoulli_sample_turned(uniform, p, /):
    return (uniform > p).astype(uniform.dtype)


@wrong("probability.bernoulli_sample", "yes also where the draw equals p: what has the probability 0 happens at u = 0")
def bernoulli_sample_closed(uniform, p, /):
    return (uniform <= p).astype(uniform.dtype)


@wrong("probability.categorical", "the probability, not its logarithm")
def categorical_without_log(label, p, /):
    return np.take_along_axis(_rows(p, label.shape), label[..., None], -1)[..., 0]


@wrong("probability.categorical", "values counted from 1")
def categorical_from_one(label, p, /):
    with np.errstate(divide="ignore"):
        return np.log(np.take_along_axis(_rows(p, label.shape), (label[..., None] - 1) % p.shape[-1], -1)[..., 0])


@wrong("probability.categorical_sample", "the most probable value, whatever was drawn")
def categorical_sample_is_argmax(uniform, p, /):
    return _rows(p, uniform.shape).argmax(-1)


@wrong("probability.categorical_sample", "one too far: the number of sums up to the draw, and one")
def categorical_sample_off_by_one(uniform, p, /):
    return np.minimum((p.cumsum(-1) <= uniform[..., None]).sum(-1) + 1, p.shape[-1] - 1)


@wrong("probability.normal", "the constant log 2 pi is forgotten")
def normal_without_constant(x, mean, std, /):
    return -np.log(std) - ((x - mean) / std) ** 2 / 2


@wrong("probability.normal", "the standard deviation taken to be the variance")
def normal_of_variance(x, mean, std, /):
    return _log_normal(x, mean, np.sqrt(std))


@wrong("probability.normal", "log of the density: minus infinity where the density underflows")
def normal_underflows(x, mean, std, /):
    with np.errstate(divide="ignore"):
        return np.log(np.exp(_log_normal(x, mean, std)))


@wrong("probability.normal_sample", "scaled by the variance")
def normal_sample_of_variance(normal, mean, std, /):
    return mean + std**2 * normal


@wrong("probability.normal_sample", "shifted before it is scaled")
def normal_sample_shifted_first(normal, mean, std, /):
    return (normal + mean) * std


@wrong("probability.posterior", "the prior is forgotten")
def posterior_without_prior(log_likelihood, prior, /):
    e = np.exp(log_likelihood - log_likelihood.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@wrong("probability.posterior", "likelihoods as they are: 0/0 where all of them underflow")
def posterior_underflows(log_likelihood, prior, /):
    with np.errstate(all="ignore"):
        joint = np.exp(log_likelihood) * prior
        return joint / joint.sum(-1, keepdims=True)


@wrong("probability.posterior", "not divided by the evidence")
def posterior_is_joint(log_likelihood, prior, /):
    return np.exp(np.minimum(log_likelihood, 80)) * prior


@wrong("probability.log_likelihood", "the mean over observations")
def log_likelihood_mean(log_prob, /):
    return log_prob.sum(0) / max(len(log_prob), 1)


@wrong("probability.log_likelihood", "the sign is turned: a loss")
def log_likelihood_turned(log_prob, /):
    return -log_prob.sum(0)


@wrong("probability.likelihood", "the sum of the probabilities")
def likelihood_adds(log_prob, /):
    with np.errstate(over="ignore"):
        return np.exp(log_prob).sum(0)


@wrong("probability.likelihood", "left as a logarithm")
def likelihood_in_logs(log_prob, /):
    return log_prob.sum(0)


@wrong("probability.maximum_likelihood", "the variance divided by n - 1")
def maximum_likelihood_unbiased(x, /):
    mean = x.mean(0)
    return Estimate(mean, np.sqrt(((x - mean) ** 2).sum(0) / x.dtype.type(max(len(x) - 1, 1))))


@wrong("probability.maximum_likelihood", "the mean of squares minus the square of the mean, which cancels")
def maximum_likelihood_one_pass(x, /):
    mean = x.mean(0)
    return Estimate(mean, np.sqrt(np.maximum((x**2).mean(0) - mean**2, 0)))


@wrong("probability.maximum_likelihood", "the variance in place of the standard deviation")
def maximum_likelihood_variance(x, /):
    return Estimate(x.mean(0), x.var(0))


@wrong("probability.entropy", "0 log 0 is NaN")
def entropy_of_zero(p, /):
    with np.errstate(all="ignore"):
        return -(p * np.log(p)).sum(-1)


@wrong("probability.entropy", "in bits: the logarithm to base 2")
def entropy_in_bits(p, /):
    return -(p * np.log2(np.where(p == 0, 1, p))).sum(-1)


@wrong("probability.entropy", "a small constant inside the logarithm")
def entropy_with_epsilon(p, /):
    return -(p * np.log(p + p.dtype.type(1e-3))).sum(-1)


@wrong("probability.kl_divergence", "p and q exchanged")
def kl_divergence_exchanged(p, q, /):
    with np.errstate(all="ignore"):
        return np.where(q == 0, 0, q * (np.log(q) - np.log(p))).sum(-1)


@wrong("probability.kl_divergence", "the mean over the values, as the default of some libraries")
def kl_divergence_mean(p, q, /):
    with np.errstate(all="ignore"):
        return np.where(p == 0, 0, p * (np.log(p) - np.log(q))).mean(-1)


@wrong("probability.kl_divergence", "finite where q is 0: the term is left out")
def kl_divergence_skips(p, q, /):
    some = (p > 0) & (q > 0)
    return np.where(some, p * (np.log(np.where(some, p, 1)) - np.log(np.where(some, q, 1))), 0).sum(-1)


@wrong("probability.js_divergence", "the sum, not the mean, of the two divergences from the middle")
def js_divergence_twice(p, q, /):
    return 2 * _js(p, q)


@wrong("probability.js_divergence", "the mean of the divergences from each other")
def js_divergence_is_jeffreys(p, q, /):
    with np.errstate(all="ignore"):
        return np.where(p == q, 0, (p - q) * (np.log(p) - np.log(q))).sum(-1) / 2


@wrong("probability.js_divergence", "the root, which is the distance")
def js_divergence_is_distance(p, q, /):
    return np.sqrt(np.maximum(_js(p, q), 0))


def _js(p, q):
    m = np.where(p + q == 0, 1, p + q) / 2
    terms = [np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, x / m))) for x in (p, q)]
    return ((terms[0] + terms[1]).sum(-1) / 2).astype(p.dtype)


@wrong("probability.gaussian_mixture", "the densities are added as they are: minus infinity where all underflow")
def gaussian_mixture_underflows(x, weight, mean, std, /):
    with np.errstate(divide="ignore"):
        return np.log((weight * np.exp(_log_normal(x[..., None], mean, std))).sum(-1))


@wrong("probability.gaussian_mixture", "the mean of the log-densities")
def gaussian_mixture_of_logs(x, weight, mean, std, /):
    return (weight * _log_normal(x[..., None], mean, std)).sum(-1)


@wrong("probability.gaussian_mixture", "the weights are forgotten")
def gaussian_mixture_without_weights(x, weight, mean, std, /):
    z = _log_normal(x[..., None], mean, std) + 0 * weight
    top = z.max(-1, keepdims=True)
    return (top + np.log(np.exp(z - top).sum(-1, keepdims=True)))[..., 0]


@wrong("probability.gaussian_mixture_sample", "the mixture of the samples, not a sample of the mixture")
def gaussian_mixture_sample_average(uniform, normal, weight, mean, std, /):
    return (weight * (mean + std * normal[..., None])).sum(-1)


@wrong("probability.gaussian_mixture_sample", "always the component of the largest weight")
def gaussian_mixture_sample_of_the_largest(uniform, normal, weight, mean, std, /):
    largest = _rows(weight, normal.shape).argmax(-1)[..., None]
    mean, std = (np.take_along_axis(_rows(table, normal.shape), largest, -1)[..., 0] for table in (mean, std))
    return mean + std * normal


def _em(x, weight, mean, std, reg_covar, *, hard=False, old_mean=False):
    log_joint = np.log(np.maximum(weight, 1e-30)) + _log_normal(x[:, None], mean, std)
    r = np.exp(log_joint - log_joint.max(-1, keepdims=True))
    r = (r == 1).astype(x.dtype) if hard else r / r.sum(-1, keepdims=True)
    with np.errstate(all="ignore"):
        new = (r * x[:, None]).sum(0) / r.sum(0)
        around = mean if old_mean else new
        var = (r * (x[:, None] - around) ** 2).sum(0) / r.sum(0) + x.dtype.type(reg_covar)
    return r.sum(0) / x.dtype.type(len(x)), new, var


@wrong("probability.expectation_maximization", "each observation goes to one component only: k-means")
def expectation_maximization_hard(x, weight, mean, std, /, *, reg_covar=0.0):
    weight, mean, var = _em(x, weight, mean, std, reg_covar, hard=True)
    return Mixture(weight, mean, np.sqrt(var))


@wrong("probability.expectation_maximization", "the spread around the old mean")
def expectation_maximization_old_mean(x, weight, mean, std, /, *, reg_covar=0.0):
    weight, mean, var = _em(x, weight, mean, std, reg_covar, old_mean=True)
    return Mixture(weight, mean, np.sqrt(var))


@wrong("probability.expectation_maximization", "the variance in place of the standard deviation")
def expectation_maximization_variance(x, weight, mean, std, /, *, reg_covar=0.0):
    return Mixture(*_em(x, weight, mean, std, reg_covar))
