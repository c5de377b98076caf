"""What a user would call instead of the losses: a kernel, or the line that everybody writes where there is none."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data

SIGNS = "the labels are checked, in two passes over them"
ROWS = "both arguments are checked, in two passes over each"


def _pair(data: Data) -> tuple[Tensor, Tensor]:
    pred = data.normal(*data.of((8, 8), (512, 512), (4096, 1024)))
    return pred, pred.roll(1)


def _rows(data: Data) -> Tensor:
    return data.normal(*data.of((8, 8), (256, 1024), (4096, 1024)))


def _scored(data: Data) -> tuple[Tensor, Tensor]:
    score = data.normal(data.of(2**6, 2**18, 2**22))
    return score, score.roll(1).sign()


def mse(data: Data) -> Contest:
    return Contest(_pair(data), {"F.mse_loss": F.mse_loss})


def rmse(data: Data) -> Contest:
    return Contest(_pair(data), {"F.mse_loss(...).sqrt()": lambda pred, target: F.mse_loss(pred, target).sqrt()})


def mae(data: Data) -> Contest:
    return Contest(_pair(data), {"F.l1_loss": F.l1_loss})


def cross_entropy(data: Data) -> Contest:
    prob = torch.softmax(_rows(data), -1)
    peers = {
        "F.cross_entropy(prob.log(), ...)": lambda prob, target: F.cross_entropy(prob.log(), target),
        "-(target * prob.log()).sum(-1).mean()": lambda prob, target: -(target * prob.log()).sum(-1).mean(),
    }
    return Contest((prob, prob.roll(1, 0)), peers, note=ROWS)


def softmax_cross_entropy(data: Data) -> Contest:
    logits = _rows(data)
    return Contest((logits, data.integers(logits.shape[1], len(logits))), {"F.cross_entropy": F.cross_entropy})


def binary_cross_entropy(data: Data) -> Contest:
    prob = data.uniform(data.of(2**6, 2**18, 2**22))
    return Contest((prob, prob.roll(1)), {"F.binary_cross_entropy": F.binary_cross_entropy})


def gaussian_nll(data: Data) -> Contest:
    pred, target = _pair(data)
    var = data.uniform(*pred.shape) + 0.5
    return Contest((pred, target, var), {"F.gaussian_nll_loss": partial(F.gaussian_nll_loss, full=True)})


def margin(data: Data) -> Contest:
    return Contest(_scored(data), {"torch.mul": torch.mul}, note=SIGNS)


def zero_one_loss(data: Data) -> Contest:
    def by_hand(score: Tensor, target: Tensor) -> Tensor:
        return (score.sign() != target).float().mean()

    return Contest(_scored(data), {"(score.sign() != target).float().mean()": by_hand}, note=SIGNS)


def hinge_loss(data: Data) -> Contest:
    def by_hand(score: Tensor, target: Tensor) -> Tensor:
        return F.relu(1 - score * target).mean()

    return Contest(_scored(data), {"F.relu(1 - score * target).mean()": by_hand}, note=SIGNS)


def logistic_loss(data: Data) -> Contest:
    return Contest(_scored(data), {"F.soft_margin_loss": F.soft_margin_loss}, note=SIGNS)


def exponential_loss(data: Data) -> Contest:
    def by_hand(score: Tensor, target: Tensor) -> Tensor:
        return torch.exp(-score * target).mean()

    return Contest(_scored(data), {"torch.exp(-score * target).mean()": by_hand}, note=SIGNS)
