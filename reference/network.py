"""Networks in NumPy."""

import numpy as np

from gongsik.reference.activation import elu, leaky_relu, relu, sigmoid, step, tanh
from gongsik.reference.arrays import implements
from gongsik.reference.gradients import LOCAL_GRADIENTS
from gongsik.spec import network as spec
from gongsik.spec.model import check_parameters

__all__ = [
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
    return spec.Rank(np.array(x.ndim), np.array(x.shape, dtype=int), np.array(x.size))


@implements(spec.perceptron)
def perceptron(x, w, b, /, *, activation="step"):
    return ACTIVATIONS[activation](x @ w + b)


@implements(spec.perceptron_layer)
def perceptron_layer(x, weight, bias, /, *, activation):
    return ACTIVATIONS[activation](linear(x, weight, bias))


@implements(spec.linear)
def linear(x, weight, bias=None, /):
    y = x @ weight.T  # [*batch, o]
    return y if bias is None else y + bias


@implements(spec.mlp)
def mlp(config, params, x, /):
    check_parameters("mlp", config, params)
    *hidden, last = config.layers
    for layer in hidden:
        x = perceptron_layer(x, params[f"{layer}.weight"], params[f"{layer}.bias"], activation=config.activation)
    return linear(x, params[f"{last}.weight"], params[f"{last}.bias"])


def staircase(g, low, high, width, *, activation="step", sharpness=1.0):
    """A network with one hidden layer that climbs g in steps: on each of `width` cells it has g's value at the middle.

    The sum of squashing functions by which universal approximation is proved. Any of them will do: the sharper, the
    closer to a step. Returns the configuration and its parameters.
    """
    cell = (high - low) / width
    left = low + cell * np.arange(width)
    jumps = np.diff(g(left + cell / 2), prepend=0.0)
    return spec.MLP((1, width, 1), activation), {
        "0.weight": np.full((width, 1), float(sharpness)),
        "0.bias": -sharpness * left,
        "2.weight": jumps[None, :],
        "2.bias": np.zeros(1),
    }


def interpolant(g, knots):
    """A network of ReLUs that joins the points (t, g(t)) at the knots t by straight lines: each ReLU bends it at one.

    Returns the configuration and its parameters.
    """
    slopes = np.diff(g(knots)) / np.diff(knots)
    return spec.MLP((1, len(slopes), 1), "relu"), {
        "0.weight": np.ones((len(slopes), 1)),
        "0.bias": -knots[:-1],
        "2.weight": np.diff(slopes, prepend=0.0)[None, :],
        "2.bias": g(knots[:1]),
    }


@implements(spec.xor_mlp)
def xor_mlp(x, /):
    total = x.sum(-1)
    at_least_one, both = step(total - 0.5), step(total - 1.5)
    return step(at_least_one - both - 0.5)


@implements(spec.computation_graph)
def computation_graph(graph, inputs, /):
    graph.check_inputs("computation_graph", inputs)
    values = dict(inputs)
    for node in graph.order:
        values[node.name] = getattr(np, node.operation)(*node.arguments(values))
    return {node.name: values[node.name] for node in graph.order}


@implements(spec.automatic_differentiation)
def automatic_differentiation(graph, inputs, upstream=None, /):
    graph.check_inputs("automatic_differentiation", inputs, upstream)
    values = {**inputs, **computation_graph(graph, inputs)}
    adjoint = {graph.output: np.ones_like(values[graph.output]) if upstream is None else upstream}
    for node in reversed(graph.order):
        if node.name in adjoint:  # else the output does not depend on it
            local_gradients = LOCAL_GRADIENTS[getattr(np, node.operation)]
            for operand, local_gradient in zip(node.operands, local_gradients, strict=True):
                if operand in node.sources:
                    local = local_gradient(values[node.name], *node.arguments(values))
                    adjoint[operand] = adjoint.get(operand, 0) + adjoint[node.name] * local
    return {name: adjoint.get(name, np.zeros_like(x)) for name, x in inputs.items()}


SLOPES = {
    "identity": lambda z: np.ones_like(z),
    "step": lambda z: np.zeros_like(z),
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: np.where(z <= 0, np.zeros_like(z), 1),
    "leaky_relu": lambda z: np.where(z > 0, np.ones_like(z), 0.01),
    "elu": lambda z: np.where(z > 0, 1, np.exp(np.where(z > 0, 0, z))),
}
"""The derivatives of the activations, by hand."""


@implements(spec.backpropagation)
def backpropagation(config, params, x, upstream, /):
    check_parameters("backpropagation", config, params)
    rho, slope = ACTIVATIONS[config.activation], SLOPES[config.activation]
    a, z = [x], []  # input of every layer, and its output before the activation
    for layer in config.layers:
        z.append(linear(a[-1], params[f"{layer}.weight"], params[f"{layer}.bias"]))
        a.append(rho(z[-1]))

    grads, delta = {}, upstream
    for l, layer in reversed(list(enumerate(config.layers))):  # noqa: E741
        rows, inputs = delta.reshape(-1, delta.shape[-1]), a[l].reshape(-1, a[l].shape[-1])  # [batch, o], [batch, i]
        grads[f"{layer}.weight"] = rows.T @ inputs
        grads[f"{layer}.bias"] = rows.sum(0)
        if l > 0:
            delta = delta @ params[f"{layer}.weight"] * slope(z[l - 1])
    return {name: grads[name] for name in params}


@implements(spec.normal_init)
def normal_init(normal, /, *, std=0.01):
    return std * normal


@implements(spec.glorot_uniform)
def glorot_uniform(uniform, /):
    n_out, n_in = uniform.shape
    bound = float(np.sqrt(6 / (n_in + n_out)))
    return bound * (2 * uniform - 1)


@implements(spec.xavier_init)
def xavier_init(normal, /):
    n_in = normal.shape[1]
    return normal / float(np.sqrt(n_in))


@implements(spec.he_init)
def he_init(normal, /):
    n_in = normal.shape[1]
    return normal / float(np.sqrt(n_in / 2))
