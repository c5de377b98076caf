"""What a user would call instead of the normalizations: torch's kernels."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data


def _image(data: Data) -> Tensor:
    return data.normal(*data.of((4, 4, 4, 4), (8, 32, 32, 32), (32, 64, 56, 56)))


def _parameters(x: Tensor, data: Data) -> tuple[Tensor, Tensor]:
    """A scale above 0, and a shift."""
    scale = data.uniform(x.shape[1]) + 0.5
    return scale, scale - 1


def standardize(data: Data) -> Contest:
    def by_hand(x: Tensor) -> Tensor:
        return (x - x.mean(0)) / x.std(0, correction=0)

    def with_numpy(x: Any) -> Any:
        return (x - x.mean(0)) / x.std(0)

    x = data.normal(*data.of((8, 8), (1024, 256), (16384, 1024)))
    return Contest((x,), {"(x - x.mean(0)) / x.std(0)": by_hand}, arrays={"(x - x.mean(0)) / x.std(0)": with_numpy})


def batch_statistics(data: Data) -> Contest:
    peers = {"torch.var_mean": lambda x: torch.var_mean(x, (0, 2, 3), correction=0)[::-1]}
    return Contest((_image(data),), peers)


def batch_norm_affine(data: Data) -> Contest:
    def by_hand(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return gamma[:, None, None] * x + beta[:, None, None]

    x = _image(data)
    return Contest((x, *_parameters(x, data)), {"gamma * x + beta": by_hand})


def batch_norm(data: Data) -> Contest:
    def peer(x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, ...]:
        mean, var, m = torch.zeros_like(gamma), torch.ones_like(gamma), x.numel() // x.shape[1]
        y = F.batch_norm(x, mean, var, gamma, beta, training=True, momentum=1.0)
        return y, mean, var * ((m - 1) / m)

    x = _image(data)
    return Contest((x, *_parameters(x, data)), {"F.batch_norm": peer})


def batch_norm_backward(data: Data) -> Contest:
    def peer(upstream: Tensor, x: Tensor, gamma: Tensor) -> tuple[Tensor, ...]:
        leaves = [x.detach().requires_grad_(), gamma.detach().requires_grad_()]
        beta = torch.zeros_like(gamma, requires_grad=True)
        y = F.batch_norm(leaves[0], None, None, leaves[1], beta, training=True)
        return torch.autograd.grad(y, [*leaves, beta], upstream)

    x = _image(data)
    return Contest((x.roll(1), x, _parameters(x, data)[0]), {"torch.autograd.grad of F.batch_norm": peer})


def batch_norm_running(data: Data) -> Contest:
    def by_hand(old_mean: Tensor, old_var: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        return torch.lerp(old_mean, mean, 0.1), torch.lerp(old_var, var, 0.1)

    statistics = tuple(data.uniform(4, data.of(2**4, 2**10, 2**20)).unbind())
    return Contest(statistics, {"torch.lerp twice": by_hand})


def batch_norm_inference(data: Data) -> Contest:
    x = _image(data)
    gamma, beta = _parameters(x, data)
    return Contest((x, beta, gamma, gamma, beta), {"F.batch_norm": F.batch_norm}, note="the variance is checked")


def layer_norm(data: Data) -> Contest:
    x = data.normal(*data.of((8, 16), (512, 256), (4096, 1024)))
    peers = {"F.layer_norm": lambda x, gamma, beta: F.layer_norm(x, x.shape[-1:], gamma, beta)}
    return Contest((x, *_parameters(x, data)), peers)


def layer_norm_backward(data: Data) -> Contest:
    def peer(upstream: Tensor, x: Tensor, gamma: Tensor) -> tuple[Tensor, ...]:
        leaves = [x.detach().requires_grad_(), gamma.detach().requires_grad_()]
        beta = torch.zeros_like(gamma, requires_grad=True)
        y = F.layer_norm(leaves[0], x.shape[-1:], leaves[1], beta)
        return torch.autograd.grad(y, [*leaves, beta], upstream)

    x = data.normal(*data.of((8, 16), (512, 256), (4096, 1024)))
    return Contest((x.roll(1), x, _parameters(x, data)[0]), {"torch.autograd.grad of F.layer_norm": peer})


def instance_norm(data: Data) -> Contest:
    x = _image(data)
    peers = {"F.instance_norm": lambda x, gamma, beta: F.instance_norm(x, weight=gamma, bias=beta)}
    return Contest((x, *_parameters(x, data)), peers)


def group_norm(data: Data) -> Contest:
    def peer(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return F.group_norm(x, 4, gamma, beta)

    x = _image(data)
    return Contest((x, *_parameters(x, data)), {"F.group_norm": peer}, {"groups": 4})


def local_response_norm(data: Data) -> Contest:
    return Contest((_image(data),), {"F.local_response_norm": lambda x: F.local_response_norm(x, 5)})
