"""Probability models in PyTorch.

Where a probability is 0, the logarithm sees a 1: so nothing is 0 times infinity, forwards nor backwards. Operations in
place are on tensors made here: a new one costs more than a pass over it.
"""

import math

import torch
import torch.nn.functional as F

from gongsik.spec import probability as spec
from gongsik.torch_impl.arrays import implements

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


@implements(spec.bernoulli)
def bernoulli(x, p, /):
    yes = p.masked_fill(x == 0, 1).log_()
    no = p.neg().masked_fill(x == 1, 0).log1p_()
    return torch.addcmul(x * yes, 1 - x, no)


@implements(spec.bernoulli_sample)
def bernoulli_sample(uniform, p, /):
    return (uniform < p).to(uniform.dtype)


def _choose(table, index):
    """From each of the rows along the last axis of a table the number at an index; nothing is repeated for it."""
    if table.ndim == 1:  # not table[index], which no graph can have for a single one
        return table.index_select(0, index.reshape(-1)).view(index.shape)
    return table.expand(*index.shape, -1).gather(-1, index[..., None]).squeeze(-1)


@implements(spec.categorical)
def categorical(label, p, /):
    return _choose(p, label.long()).log()


@implements(spec.categorical_sample)
def categorical_sample(uniform, p, /):
    total = p.cumsum(-1)
    last = (total < total[..., -1:]).sum(-1)  # behind it are probabilities of 0
    if p.ndim == 1:
        found = torch.searchsorted(total, uniform.contiguous(), right=True)
    else:
        rows = total.expand(*uniform.shape, -1).contiguous()
        found = torch.searchsorted(rows, uniform.unsqueeze(-1).contiguous(), right=True).squeeze(-1)
    return torch.minimum(found, last)


def _normal(x, mean, std):
    z = (x - mean) / std
    return torch.addcmul(-math.log(2 * math.pi) / 2 - std.log(), z, z, value=-0.5)


@implements(spec.normal)
def normal(x, mean, std, /):
    return _normal(x, mean, std)


@implements(spec.normal_sample)
def normal_sample(normal, mean, std, /):
    return torch.addcmul(mean, std, normal)


def _log_weight(p):
    """Logarithm of p, minus infinity at 0, where its derivative is 0."""
    nothing = p == 0
    return p.masked_fill(nothing, 1).log_().masked_fill(nothing, -math.inf)


@implements(spec.posterior)
def posterior(log_likelihood, prior, /):
    return torch.softmax(log_likelihood + _log_weight(prior), -1)


@implements(spec.log_likelihood)
def log_likelihood(log_prob, /):
    return log_prob.sum(0)


@implements(spec.likelihood)
def likelihood(log_prob, /):
    return log_prob.sum(0).exp_()


@implements(spec.maximum_likelihood)
def maximum_likelihood(x, /):
    mean = x.mean(0)
    return spec.Estimate(mean, ((x - mean) ** 2).mean(0).sqrt())


def _log_positive(p):
    return F.threshold(p, 0, 1).log_()


@implements(spec.entropy)
def entropy(p, /):
    return -(p * _log_positive(p)).sum(-1)


@implements(spec.kl_divergence)
def kl_divergence(p, q, /):
    log_q = q.masked_fill(p == 0, 1).log_()
    return (p * (_log_positive(p) - log_q)).sum(-1)


@implements(spec.js_divergence)
def js_divergence(p, q, /):
    both = F.threshold(p + q, 0, 1)
    terms = [x * F.threshold(x / both, 0, 0.5).mul_(2).log_() for x in (p, q)]
    return (terms[0] + terms[1]).sum(-1) / 2


@implements(spec.gaussian_mixture)
def gaussian_mixture(x, weight, mean, std, /):
    return torch.logsumexp(_log_weight(weight) + _normal(x.unsqueeze(-1), mean, std), -1)


@implements(spec.gaussian_mixture_sample)
def gaussian_mixture_sample(uniform, normal, weight, mean, std, /):
    component = categorical_sample(uniform, weight)
    return torch.addcmul(_choose(mean, component), _choose(std, component), normal)


@implements(spec.expectation_maximization)
def expectation_maximization(x, weight, mean, std, /, *, reg_covar=0.0):
    x = x.unsqueeze(-1)
    r = torch.softmax(_log_weight(weight) + _normal(x, mean, std), -1)  # [n, k]
    shares = r.sum(0)
    mean = (r * x).sum(0) / shares
    var = (r * (x - mean) ** 2).sum(0) / shares + reg_covar
    return spec.Mixture(shares / len(x), mean, var.sqrt())
