"""What a user would call instead of the network's formulas: torch.nn and autograd."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.graph import Graph, Node
from gongsik.spec.network import MLP


def tensor(data: Data) -> Contest:
    x = data.normal(*data.of((4,), 4 * (4,), 8 * (2,)))
    peer = {"torch.tensor(x.shape), ...": lambda x: [torch.tensor(fact) for fact in (x.ndim, x.shape, x.numel())]}
    return Contest((x,), peer, moved=8 * (2 + x.ndim))  # the elements are not read


def perceptron(data: Data) -> Contest:
    x = data.normal(*data.of((8, 8), (4096, 64), (65536, 256)))
    by_hand = {"(x @ w + b >= 0).float()": lambda x, w, b: (x @ w + b >= 0).float()}
    return Contest((x, data.uniform(x.shape[1]), data.uniform()), by_hand)


def _layer(data: Data) -> tuple[Tensor, Tensor, Tensor, int]:
    """Inputs, weights and biases of a layer; its operations."""
    n, i, o = data.of((8, 8, 8), (256, 256, 256), (1024, 1024, 1024))
    return data.normal(n, i), data.normal(o, i), data.normal(o), 2 * n * i * o


def perceptron_layer(data: Data) -> Contest:
    *arguments, operations = _layer(data)
    peers = {"F.relu(F.linear(...))": lambda x, weight, bias: F.relu(F.linear(x, weight, bias))}
    return Contest(tuple(arguments), peers, {"activation": "relu"}, operations=operations)


def linear(data: Data) -> Contest:
    *arguments, operations = _layer(data)
    return Contest(tuple(arguments), {"F.linear": F.linear}, operations=operations)


def _network(data: Data) -> tuple[MLP, dict[str, Tensor], nn.Sequential, Tensor]:
    """A configuration, its parameters, torch's module with the same parameters, and inputs."""
    widths, n = data.of(((8, 8, 4), 8), ((64, 256, 10), 256), ((784, 1024, 1024, 10), 512))
    config = MLP(widths)
    layers = [nn.Linear(n_in, n_out) for n_in, n_out in pairwise(widths)]
    parts = [part for layer in layers for part in (layer, nn.ReLU())]
    module = nn.Sequential(*parts[:-1]).to(data.device)
    params = {name: 0.1 * data.normal(*shape) for name, shape in config.parameters().items()}
    module.load_state_dict(params)
    return config, params, module, data.normal(n, widths[0])


def _products(params: Mapping[str, Tensor], n: int) -> int:
    """Operations of the products with all weights, for n rows."""
    return sum(2 * n * weight.numel() for weight in params.values() if weight.ndim == 2)


def mlp(data: Data) -> Contest:
    config, params, module, x = _network(data)

    def peer(config: MLP, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x)

    return Contest((config, params, x), {"nn.Sequential": peer}, operations=_products(params, len(x)))


def backpropagation(data: Data) -> Contest:
    config, params, module, x = _network(data)
    upstream = data.normal(len(x), config.sizes[-1])

    def peer(config: MLP, params: Any, x: Tensor, upstream: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(module(x), list(module.parameters()), upstream)

    first = 2 * x.numel() * config.sizes[1]  # the gradient by x is not asked for
    operations = 3 * _products(params, len(x)) - first
    return Contest((config, params, x, upstream), {"torch.autograd.grad": peer}, operations=operations)


def xor_mlp(data: Data) -> Contest:
    x = data.integers(2, data.of(2**6, 2**16, 2**20), 2).float()
    one, weight, bias = x.new_ones(()), x.new_ones(2, 2), x.new_tensor([-0.5, -1.5])
    out = x.new_tensor([[1.0, -1.0]])

    def by_hand(x: Tensor) -> Tensor:
        hidden = torch.heaviside(F.linear(x, weight, bias), one)
        return torch.heaviside(F.linear(hidden, out, -one[None] / 2), one)[:, 0]

    return Contest((x,), {"torch.heaviside(F.linear(...)) twice": by_hand})


GRAPH = Graph(
    (
        Node("u", "multiply", ("w", "x")),
        Node("v", "add", ("u", "b")),
        Node("a", "tanh", ("v",)),
        Node("y", "square", ("a",)),
    )
)


def _inputs(data: Data) -> dict[str, Tensor]:
    x = data.normal(data.of(2**6, 2**16, 2**20))
    return {"w": x.roll(1), "x": x, "b": x.roll(2)}


def _forward(w: Tensor, x: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    u = w * x
    v = u + b
    a = torch.tanh(v)
    return u, v, a, a.square()


def computation_graph(data: Data) -> Contest:
    return Contest((GRAPH, _inputs(data)), {"the lines themselves": lambda _, inputs: _forward(**inputs)})


def automatic_differentiation(data: Data) -> Contest:
    def peer(graph: Graph, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        leaves = {name: x.detach().requires_grad_() for name, x in inputs.items()}
        y = _forward(**leaves)[-1]
        return torch.autograd.grad(y, list(leaves.values()), torch.ones_like(y))

    note = "torch.func, which can itself be differentiated and vectorised, costs more per call"
    return Contest((GRAPH, _inputs(data)), {"torch.autograd.grad": peer}, note=note)


def _weights(data: Data) -> tuple[int, int]:
    return data.of((8, 8), (512, 512), (2048, 2048))


def normal_init(data: Data) -> Contest:
    return Contest((data.normal(*_weights(data)),), {"normal * 0.01": lambda normal: normal * 0.01})


def glorot_uniform(data: Data) -> Contest:
    def by_hand(uniform: Tensor) -> Tensor:
        bound = (6 / sum(uniform.shape)) ** 0.5
        return uniform * (2 * bound) - bound

    peers = {"uniform * (2 * bound) - bound": by_hand}
    return Contest((data.uniform(*_weights(data)),), peers, note="the draws are checked, in one pass")


def xavier_init(data: Data) -> Contest:
    by_hand = {"normal * n_in**-0.5": lambda normal: normal * normal.shape[1] ** -0.5}
    return Contest((data.normal(*_weights(data)),), by_hand)


def he_init(data: Data) -> Contest:
    by_hand = {"normal * (2 / n_in)**0.5": lambda normal: normal * (2 / normal.shape[1]) ** 0.5}
    return Contest((data.normal(*_weights(data)),), by_hand)
