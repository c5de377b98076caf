"""What a user would call instead of the optimizers: the fastest variant that torch.optim has."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import scipy.signal
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from gongsik import torch_impl
from gongsik.benchmarks.peers import Contest, Data, can_compile


def _optimizer(data: Data, id: str, peer: type[torch.optim.Optimizer], *variants: str, **options: Any) -> Contest:
    """One step of ours, plain, compiled and donating, beside every variant of torch's and beside fused Adam."""
    function = getattr(torch_impl, id.split(".")[1])
    param, grad = data.trees(2)
    result = function(param, grad)
    arguments = (param, grad, result[1]) if function.formula.steps else (param, grad)
    peers = {
        f"torch.optim.{peer.__name__}({variant})": _step(peer, param, grad, {**options, **_switch(variant)})
        for variant in ("", "foreach", *variants)
    }
    ours = {}
    if can_compile(data.device):
        ours["gongsik compiled"] = partial(torch_impl.compiled(function, id), *arguments)
        ours["gongsik donating"] = _donating(torch_impl.compiled(function, id, donate=True), arguments)
    yardsticks = {}
    if data.size in ("medium", "large"):  # below that it is not memory that is waited for
        moved = 28 * sum(leaf.numel() for leaf in tree_leaves(param))
        yardsticks["torch.optim.Adam(fused)"] = _step(torch.optim.Adam, param, grad, {"fused": True}), moved
    return Contest(arguments, peers, ours=ours, yardsticks=yardsticks)


def _switch(variant: str) -> Mapping[str, bool]:
    return {variant: True} if variant else {"foreach": False}


def _step(peer: type[torch.optim.Optimizer], param: Any, grad: Any, options: Mapping[str, Any]) -> Callable[..., Any]:
    """A step of torch's, with parameters, gradients (some variants write over them) and state of its own."""
    params = [leaf.clone().requires_grad_() for leaf in tree_leaves(param)]
    for leaf, gradient in zip(params, tree_leaves(grad), strict=True):
        leaf.grad = gradient.clone()
    optimizer = peer(params, **options)

    def step(*_: Any) -> list[Tensor]:
        optimizer.step()
        return params

    return step


def _donating(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """A step that writes over parameters and state of its own, as torch's do."""
    param, grad, *state = tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, arguments)

    def step() -> None:
        nonlocal param, state
        result = function(param, grad, *state)
        param, state = (result[0], [result[1]]) if state else (result, state)

    return step


def gradient_descent(data: Data) -> Contest:
    return _optimizer(data, "optimizer.gradient_descent", torch.optim.SGD, "fused")


def momentum(data: Data) -> Contest:
    return _optimizer(data, "optimizer.momentum", torch.optim.SGD, "fused", momentum=0.9)


def nesterov(data: Data) -> Contest:
    return _optimizer(data, "optimizer.nesterov", torch.optim.SGD, "fused", momentum=0.9, nesterov=True)


def adagrad(data: Data) -> Contest:
    return _optimizer(data, "optimizer.adagrad", torch.optim.Adagrad, "fused")


def adadelta(data: Data) -> Contest:
    return _optimizer(data, "optimizer.adadelta", torch.optim.Adadelta)


def rmsprop(data: Data) -> Contest:
    return _optimizer(data, "optimizer.rmsprop", torch.optim.RMSprop)


def adam(data: Data) -> Contest:
    return _optimizer(data, "optimizer.adam", torch.optim.Adam, "fused")


def adamax(data: Data) -> Contest:
    return _optimizer(data, "optimizer.adamax", torch.optim.Adamax)


def adamw(data: Data) -> Contest:
    return _optimizer(data, "optimizer.adamw", torch.optim.AdamW, "fused")


def nadam(data: Data) -> Contest:
    return _optimizer(data, "optimizer.nadam", torch.optim.NAdam)


def radam(data: Data) -> Contest:
    return _optimizer(data, "optimizer.radam", torch.optim.RAdam)


def nesterov_lookahead(data: Data) -> Contest:
    param, velocity = data.trees(2)
    by_hand = partial(tree_map, lambda w, a: w - 1e-3 * 0.9 * a)
    state = torch_impl.momentum(param, velocity)[1]
    return Contest((param, state), {"w - lr * beta * a": lambda param, state: by_hand(param, state.a)})


def _regression(data: Data) -> tuple[Callable[..., Tensor], Tensor, tuple[Tensor, Tensor]]:
    x = data.normal(*data.of((16, 8), (4096, 64), (32768, 256)))

    def loss(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return ((x @ weight - y) ** 2).mean()

    return loss, data.normal(x.shape[1]), (x, x[:, 0] + 1)


def _by_autograd(loss: Callable[..., Tensor], params: Tensor, data: tuple[Tensor, ...], *index: Tensor) -> Any:
    leaf = params.detach().requires_grad_()
    value = loss(leaf, *(x[index[0]] if index else x for x in data))
    return value.detach(), torch.autograd.grad(value, leaf)[0]


def batch_gradient(data: Data) -> Contest:
    return Contest(_regression(data), {"torch.autograd.grad": _by_autograd})


def mini_batch_gradient(data: Data) -> Contest:
    loss, weight, samples = _regression(data)
    n = len(samples[0])
    return Contest((loss, weight, samples, data.integers(n, n // 4)), {"torch.autograd.grad": _by_autograd})


def stochastic_gradient(data: Data) -> Contest:
    loss, weight, samples = _regression(data)
    index = data.integers(len(samples[0]), 1)[0]
    peer = {"torch.autograd.grad": lambda *given: _by_autograd(*given[:3], given[3].reshape(1))}
    return Contest((loss, weight, samples, index), peer)


def exponential_moving_average(data: Data) -> Contest:
    x = data.normal(data.of(2**6, 2**18, 2**22))
    smooth = partial(scipy.signal.lfilter, np.array([0.01], np.float32), np.array([1, -0.99], np.float32), axis=0)
    return Contest((x,), options={"gamma": 0.99}, arrays={"scipy.signal.lfilter": smooth})


def newton_method(data: Data) -> Contest:
    n = data.of(8, 128, 1024)
    a = data.normal(n, n)
    peers = {"param - torch.linalg.solve": lambda param, grad, hessian: param - torch.linalg.solve(hessian, grad)}
    arguments = (data.normal(n), data.uniform(n), a @ a.T / n + torch.eye(n, device=data.device))
    return Contest(arguments, peers, operations=2 * n**3 // 3)


def _steps(data: Data) -> Tensor:
    return torch.arange(1, data.of(2**6, 2**14, 2**20) + 1, device=data.device)


def cosine_decay(data: Data) -> Contest:
    return Contest((_steps(data),), options={"total_steps": 2**21})


def linear_decay(data: Data) -> Contest:
    return Contest((_steps(data),), options={"total_steps": 2**21})


def inverse_sqrt_decay(data: Data) -> Contest:
    return Contest((_steps(data),))


def linear_warmup(data: Data) -> Contest:
    return Contest((_steps(data),))


def clip_grad_norm(data: Data) -> Contest:
    (grads,) = data.trees(1)
    params = [torch.zeros_like(leaf) for leaf in tree_leaves(grads)]
    for leaf, gradient in zip(params, tree_leaves(grads), strict=True):
        leaf.grad = gradient.clone()

    def peer(_: Any) -> list[Any]:
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        return [leaf.grad for leaf in params]

    return Contest((grads,), {"torch.nn.utils.clip_grad_norm_": peer})
