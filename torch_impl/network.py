"""Networks in PyTorch: fused kernels forwards and backwards."""

import math
import operator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.spec import network as spec
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.activation import elu, leaky_relu, relu, sigmoid, step, tanh
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.trees import is_transformed

__all__ = [
    "MLPModule",
    "automatic_differentiation",
    "backpropagation",
    "computation_graph",
    "glorot_uniform",
    "he_init",
    "linear",
    "mlp",
    "normal_init",
    "perceptron",
    "perceptron_layer",
    "tensor",
    "xavier_init",
    "xor_mlp",
]

ACTIVATIONS = {
    "identity": lambda z: z, "step": step, "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "leaky_relu": leaky_relu,
    "elu": elu,
}  # fmt: skip


@implements(spec.tensor)
def tensor(x, /):
    # What is known without the device stays on the CPU.
    return spec.Rank(torch.tensor(x.ndim), torch.tensor(x.shape, dtype=torch.int64), torch.tensor(x.numel()))


@implements(spec.perceptron)
def perceptron(x, w, b, /, *, activation="step"):
    return ACTIVATIONS[activation](x @ w + b)  # one output: a product with a vector beats F.linear's with a matrix


@implements(spec.perceptron_layer)
def perceptron_layer(x, weight, bias, /, *, activation):
    return ACTIVATIONS[activation](F.linear(x, weight, bias))


@implements(spec.linear)
def linear(x, weight, bias=None, /):
    return F.linear(x, weight, bias)


@implements(spec.mlp)
def mlp(config, params, x, /):
    check_parameters("mlp", config, params)
    *hidden, last = config.layers
    for layer in hidden:
        x = perceptron_layer(x, params[f"{layer}.weight"], params[f"{layer}.bias"], activation=config.activation)
    return linear(x, params[f"{last}.weight"], params[f"{last}.bias"])


class MLPModule(nn.Sequential):
    """`mlp` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : MLP
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.network import MLP
    >>> list(MLPModule(MLP((2, 3, 1))).state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, config: spec.MLP, /) -> None:
        layers: list[nn.Module] = []
        for n_in, n_out in zip(config.sizes[:-1], config.sizes[1:], strict=True):
            layers += [nn.Linear(n_in, n_out), Elementwise(config.activation)]
        super().__init__(*layers[:-1])
        self.config = config


class Elementwise(nn.Module):
    def __init__(self, activation: spec.Activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return ACTIVATIONS[self.activation](x)

    def extra_repr(self) -> str:
        return self.activation


@implements(spec.xor_mlp)
def xor_mlp(x, /):
    total = x.sum(-1)
    return step(step(total - 0.5) - step(total - 1.5) - 0.5)


OPERATIONS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negative": torch.neg, "square": torch.square, "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log,
    "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
}  # fmt: skip


def _evaluate(graph, inputs):
    values = dict(inputs)
    for node in graph.order:
        values[node.name] = OPERATIONS[node.operation](*node.arguments(values))
    return values


@implements(spec.computation_graph)
def computation_graph(graph, inputs, /):
    graph.check_inputs("computation_graph", inputs)
    values = _evaluate(graph, inputs)
    return {node.name: values[node.name] for node in graph.order}


@implements(spec.automatic_differentiation)
def automatic_differentiation(graph, inputs, upstream=None, /):
    graph.check_inputs("automatic_differentiation", inputs, upstream)
    if not is_transformed([[*inputs.values()]]):
        with torch.enable_grad():
            leaves = {name: x.detach().requires_grad_() for name, x in inputs.items()}
            result = _evaluate(graph, leaves)[graph.output]
        upstream = torch.ones_like(result) if upstream is None else upstream
        gradients = torch.autograd.grad(result, tuple(leaves.values()), upstream, materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True))
    # torch.func records on a level of its own, so this may itself be differentiated, vectorised and compiled.
    result, pull_back, *_ = torch.func.vjp(lambda inputs: _evaluate(graph, inputs)[graph.output], inputs)
    return pull_back(torch.ones_like(result) if upstream is None else upstream)[0]


aten = torch.ops.aten
BACKWARD = {
    "identity": lambda delta, z, a: delta,
    "step": lambda delta, z, a: torch.zeros_like(delta),
    "sigmoid": lambda delta, z, a: aten.sigmoid_backward(delta, a),
    "tanh": lambda delta, z, a: aten.tanh_backward(delta, a),
    "relu": lambda delta, z, a: aten.threshold_backward(delta, a, 0),
    "leaky_relu": lambda delta, z, a: aten.leaky_relu_backward(delta, z, 0.01, False),
    "elu": lambda delta, z, a: aten.elu_backward(delta, 1, 1, 1, False, z),
}
"""What comes back through an activation a = rho(z): delta times the derivative, in one kernel."""


@implements(spec.backpropagation)
def backpropagation(config, params, x, upstream, /):
    check_parameters("backpropagation", config, params)
    a, z = [x], []
    for layer in config.layers:
        z.append(linear(a[-1], params[f"{layer}.weight"], params[f"{layer}.bias"]))
        if len(z) < len(config.layers):
            a.append(ACTIVATIONS[config.activation](z[-1]))

    grads, delta = {}, upstream
    for l, layer in reversed(list(enumerate(config.layers))):  # noqa: E741
        rows, inputs = delta.reshape(-1, delta.shape[-1]), a[l].reshape(-1, a[l].shape[-1])  # [batch, o], [batch, i]
        grads[f"{layer}.weight"] = rows.mT @ inputs
        grads[f"{layer}.bias"] = rows.sum(0)
        if l > 0:
            delta = BACKWARD[config.activation](delta @ params[f"{layer}.weight"], z[l - 1], a[l])
    return {name: grads[name] for name in params}


@implements(spec.normal_init)
def normal_init(normal, /, *, std=0.01):
    return std * normal


@implements(spec.glorot_uniform)
def glorot_uniform(uniform, /):
    n_out, n_in = uniform.shape
    return (uniform - 0.5).mul_(2 * math.sqrt(6 / (n_in + n_out)))  # the same bits, in two passes and one new array


@implements(spec.xavier_init)
def xavier_init(normal, /):
    return normal / math.sqrt(normal.shape[1])


@implements(spec.he_init)
def he_init(normal, /):
    return normal / math.sqrt(normal.shape[1] / 2)
