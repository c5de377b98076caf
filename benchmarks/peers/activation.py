"""What a user would call instead of the activation functions."""

from functools import partial

import scipy.special
import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data


def _numbers(data: Data) -> Tensor:
    return data.normal(data.of(2**6, 2**18, 2**22))


def step(data: Data) -> Contest:
    one = torch.ones((), device=data.device)
    return Contest((_numbers(data),), {"torch.heaviside": lambda x: torch.heaviside(x, one)})


def sigmoid(data: Data) -> Contest:
    return Contest(
        (_numbers(data),), {"torch.sigmoid": torch.sigmoid}, arrays={"scipy.special.expit": scipy.special.expit}
    )


def tanh(data: Data) -> Contest:
    return Contest((_numbers(data),), {"torch.tanh": torch.tanh})


def relu(data: Data) -> Contest:
    return Contest((_numbers(data),), {"torch.relu": torch.relu})


def leaky_relu(data: Data) -> Contest:
    return Contest((_numbers(data),), {"F.leaky_relu": F.leaky_relu})


def elu(data: Data) -> Contest:
    return Contest((_numbers(data),), {"F.elu": F.elu})


def softmax(data: Data) -> Contest:
    z = data.normal(*data.of((8, 8), (256, 1024), (4096, 1024)))
    peers = {"torch.softmax": partial(torch.softmax, dim=-1)}
    return Contest((z,), peers, arrays={"scipy.special.softmax": partial(scipy.special.softmax, axis=-1)})


def softmax_jacobian(data: Data) -> Contest:
    z = data.normal(*data.of((2, 8), (64, 64), (64, 256)))

    def by_hand(z: Tensor) -> Tensor:
        p = torch.softmax(z, -1)
        return torch.diag_embed(p) - torch.einsum("...i,...j->...ij", p, p)

    automatic = torch.func.vmap(torch.func.jacrev(partial(torch.softmax, dim=-1)))
    return Contest((z,), {"diag_embed(p) - outer(p, p)": by_hand, "vmap(jacrev(softmax))": automatic})
