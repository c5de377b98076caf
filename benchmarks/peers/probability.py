"""What a user would call instead of the probability models: torch.distributions, or the line that everybody writes."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, Normal

from gongsik.benchmarks.peers import Contest, Data

CHECKED = "the probabilities are checked, in a pass or two over them"


def _pixels(data: Data) -> tuple[Tensor, Tensor]:
    p = data.uniform(*data.of((8, 8), (128, 784), (4096, 784)))
    return (p.roll(1, 0) < 0.5).float(), p


def _rows(data: Data) -> Tensor:
    return torch.softmax(data.normal(*data.of((8, 8), (256, 1024), (4096, 1024))), -1)


def _numbers(data: Data) -> Tensor:
    return data.normal(data.of(2**6, 2**18, 2**22))


def _mixture(data: Data) -> tuple[Tensor, ...]:
    k = data.of(4, 10, 10)
    return data.uniform(k).softmax(-1), data.normal(k), data.uniform(k) + 0.5


def bernoulli(data: Data) -> Contest:
    def by_distribution(x: Tensor, p: Tensor) -> Tensor:
        return Bernoulli(p, validate_args=False).log_prob(x)

    def by_loss(x: Tensor, p: Tensor) -> Tensor:
        return -F.binary_cross_entropy(p, x, reduction="none")

    peers = {"Bernoulli(p).log_prob": by_distribution, "-F.binary_cross_entropy": by_loss}
    return Contest(_pixels(data), peers, note=CHECKED + "; and minus infinity is not clamped")


def bernoulli_sample(data: Data) -> Contest:
    def by_hand(uniform: Tensor, p: Tensor) -> Tensor:
        return (uniform < p).float()

    _, p = _pixels(data)
    return Contest((p.roll(1, 1), p), {"(uniform < p).float()": by_hand}, note="draws and probabilities are checked")


def categorical(data: Data) -> Contest:
    def by_distribution(label: Tensor, p: Tensor) -> Tensor:
        return Categorical(p, validate_args=False).log_prob(label)

    def by_hand(label: Tensor, p: Tensor) -> Tensor:
        return p.gather(-1, label[:, None])[:, 0].log()

    p = _rows(data)
    peers = {"Categorical(p).log_prob": by_distribution, "p.gather(...).log()": by_hand}
    return Contest((data.integers(p.shape[1], len(p)), p), peers, note=CHECKED + ", of which few are taken")


def categorical_sample(data: Data) -> Contest:
    def by_hand(uniform: Tensor, p: Tensor) -> Tensor:
        return (p.cumsum(-1) <= uniform[:, None]).sum(-1)

    p = _rows(data)
    return Contest((data.uniform(len(p)), p), {"(p.cumsum(-1) <= uniform).sum(-1)": by_hand}, note=CHECKED)


def normal(data: Data) -> Contest:
    def by_distribution(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        return Normal(mean, std, validate_args=False).log_prob(x)

    x = _numbers(data)
    return Contest((x, x.roll(1), x.abs() + 0.5), {"Normal(mean, std).log_prob": by_distribution})


def normal_sample(data: Data) -> Contest:
    def by_hand(normal: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        return mean + std * normal

    x = _numbers(data)
    return Contest((x, x.roll(1), x.abs() + 0.5), {"mean + std * normal": by_hand}, note="deviations are checked")


def posterior(data: Data) -> Contest:
    def by_hand(log_likelihood: Tensor, prior: Tensor) -> Tensor:
        return torch.softmax(log_likelihood + prior.log(), -1)

    rows = _rows(data)
    return Contest((rows.log(), rows[0]), {"softmax(log_likelihood + prior.log())": by_hand})


def log_likelihood(data: Data) -> Contest:
    return Contest((_rows(data).log(),), {"log_prob.sum(0)": lambda log_prob: log_prob.sum(0)})


def likelihood(data: Data) -> Contest:
    def by_hand(log_prob: Tensor) -> Tensor:
        return log_prob.sum(0).exp()

    return Contest((_rows(data).log(),), {"log_prob.sum(0).exp()": by_hand})


def maximum_likelihood(data: Data) -> Contest:
    def by_torch(x: Tensor) -> tuple[Tensor, Tensor]:
        std, mean = torch.std_mean(x, 0, correction=0)
        return mean, std

    return Contest((_rows(data),), {"torch.std_mean": by_torch})


def entropy(data: Data) -> Contest:
    def by_distribution(p: Tensor) -> Tensor:
        return Categorical(p, validate_args=False).entropy()

    def by_special(p: Tensor) -> Tensor:
        return torch.special.entr(p).sum(-1)

    peers = {"Categorical(p).entropy": by_distribution, "torch.special.entr(p).sum(-1)": by_special}
    return Contest((_rows(data),), peers, note=CHECKED)


def kl_divergence(data: Data) -> Contest:
    def by_kernel(p: Tensor, q: Tensor) -> Tensor:
        return F.kl_div(q.log(), p, reduction="none").sum(-1)

    def by_hand(p: Tensor, q: Tensor) -> Tensor:
        return (p * (p / q).log()).sum(-1)

    p = _rows(data)
    peers = {"F.kl_div(q.log(), p)": by_kernel, "(p * (p / q).log()).sum(-1)": by_hand}
    return Contest((p, p.roll(1, 0)), peers, note=CHECKED + "; zeros are no NaN")


def js_divergence(data: Data) -> Contest:
    def by_hand(p: Tensor, q: Tensor) -> Tensor:
        m = (p + q) / 2
        return ((p * (p / m).log()).sum(-1) + (q * (q / m).log()).sum(-1)) / 2

    p = _rows(data)
    return Contest((p, p.roll(1, 0)), {"p log(p/m) + q log(q/m)": by_hand}, note=CHECKED + "; zeros are no NaN")


def gaussian_mixture(data: Data) -> Contest:
    def by_distribution(x: Tensor, weight: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        parts = Categorical(weight, validate_args=False), Normal(mean, std, validate_args=False)
        return MixtureSameFamily(*parts, validate_args=False).log_prob(x)

    return Contest((_numbers(data), *_mixture(data)), {"MixtureSameFamily(...).log_prob": by_distribution})


def gaussian_mixture_sample(data: Data) -> Contest:
    def by_hand(uniform: Tensor, normal: Tensor, weight: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        component = (weight.cumsum(-1) <= uniform[:, None]).sum(-1)
        return mean[component] + std[component] * normal

    normal = _numbers(data)
    return Contest((data.uniform(len(normal)), normal, *_mixture(data)), {"cumsum, then mean + std * normal": by_hand})


def expectation_maximization(data: Data) -> Contest:
    def by_hand(x: Tensor, weight: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, ...]:
        log_joint = weight.log() + Normal(mean, std, validate_args=False).log_prob(x[:, None])
        r = torch.softmax(log_joint, -1)
        shares = r.sum(0)
        mean = (r * x[:, None]).sum(0) / shares
        return shares / len(x), mean, ((r * (x[:, None] - mean) ** 2).sum(0) / shares).sqrt()

    return Contest((_numbers(data), *_mixture(data)), {"Normal(...).log_prob, softmax, sums": by_hand})
