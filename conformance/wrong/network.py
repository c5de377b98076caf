"""Classic mistakes in networks."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import network as right
from gongsik.reference.gradients import LOCAL_GRADIENTS
from gongsik.spec.network import MLP, Rank


@wrong("network.tensor", "the length of the first axis in place of the number of axes")
def tensor_len(x, /):
    return Rank(np.array(len(x) if x.ndim else 0), np.array(x.shape, dtype=int), np.array(x.size))


@wrong("network.tensor", "the sum of the lengths in place of their product")
def tensor_sum(x, /):
    return Rank(np.array(x.ndim), np.array(x.shape, dtype=int), np.array(sum(x.shape)))


@wrong("network.tensor", "the lengths of the axes backwards")
def tensor_reversed(x, /):
    return Rank(np.array(x.ndim), np.array(x.shape[::-1], dtype=int), np.array(x.size))


@wrong("network.perceptron", "the threshold subtracted in place of the bias added")
def perceptron_threshold(x, w, b, /, *, activation="step"):
    return right.perceptron(x, w, -b, activation=activation)


@wrong("network.perceptron", "the option is forgotten: always a step")
def perceptron_step(x, w, b, /, *, activation="step"):
    return right.perceptron(x, w, b)


@wrong("network.perceptron_layer", "the bias after the activation")
def perceptron_layer_late_bias(x, weight, bias, /, *, activation):
    return right.perceptron_layer(x, weight, np.zeros_like(bias), activation=activation) + bias


@wrong("network.perceptron_layer", "no activation")
def perceptron_layer_linear(x, weight, bias, /, *, activation):
    return x @ weight.T + bias


@wrong("network.linear", "the bias forgotten")
def linear_without_bias(x, weight, bias=None, /):
    return x @ weight.T


@wrong("network.linear", "the weights of a square layer not transposed")
def linear_untransposed(x, weight, bias=None, /):
    square = weight.shape[0] == weight.shape[1]
    return right.linear(x, weight.T if square else weight, bias)


@wrong("network.linear", "the bias added before the product")
def linear_early_bias(x, weight, bias=None, /):
    return right.linear(x if bias is None else x + bias.sum(), weight)


@wrong("network.mlp", "an activation after the last layer, too")
def mlp_activated_output(config, params, x, /):
    return right.ACTIVATIONS[config.activation](right.mlp(config, params, x))


@wrong("network.mlp", "no activation between the layers")
def mlp_collapsed(config, params, x, /):
    return right.mlp(MLP(config.sizes, "identity"), params, x)


@wrong("network.mlp", "only the first layer has a bias")
def mlp_without_biases(config, params, x, /):
    first = f"{config.layers[0]}.bias"
    kept = {name: np.zeros_like(p) if name.endswith("bias") and name != first else p for name, p in params.items()}
    return right.mlp(config, kept, x)


@wrong("network.xor_mlp", "at least one, though both")
def xor_as_or(x, /):
    return right.step(x.sum(-1) - 0.5)


@wrong("network.xor_mlp", "the sign of the second hidden unit")
def xor_added(x, /):
    total = x.sum(-1)
    return right.step(right.step(total - 0.5) + right.step(total - 1.5) - 0.5)


@wrong("network.xor_mlp", "equality in place of thresholds, which only corners forgive")
def xor_by_equality(x, /):
    return (x[..., 0] != x[..., 1]).astype(x.dtype)


@wrong("network.computation_graph", "operands in alphabetical order")
def graph_sorted_operands(graph, inputs, /):
    values = dict(inputs)
    for node in graph.order:
        arguments = [values[o] if isinstance(o, str) else o for o in sorted(node.operands, key=str)]
        values[node.name] = getattr(np, node.operation)(*arguments)
    return {node.name: values[node.name] for node in graph.order}


@wrong("network.computation_graph", "nodes in the order of their declaration, with 0 for what is not computed yet")
def graph_declared_order(graph, inputs, /):
    zero = np.zeros_like(next(iter(inputs.values())))
    values = {**{node.name: zero for node in graph.nodes}, **inputs}
    for node in graph.nodes:
        values[node.name] = getattr(np, node.operation)(*node.arguments(values))
    return {node.name: values[node.name] for node in graph.nodes}


def _accumulate(graph, inputs, upstream, *, add=True, nodes=None, local=True):
    values = {**inputs, **right.computation_graph(graph, inputs)}
    adjoint = {graph.output: np.ones_like(values[graph.output]) if upstream is None else upstream}
    for node in reversed(graph.order) if nodes is None else nodes:
        if node.name in adjoint:
            for operand, rule in zip(node.operands, LOCAL_GRADIENTS[getattr(np, node.operation)], strict=True):
                if isinstance(operand, str):
                    sent = adjoint[node.name] * (rule(values[node.name], *node.arguments(values)) if local else 1)
                    adjoint[operand] = (adjoint.get(operand, 0) if add else 0) + sent
    return {name: adjoint.get(name, np.zeros_like(x)) for name, x in inputs.items()}


@wrong("network.automatic_differentiation", "a node used twice keeps only what came last")
def autodiff_overwriting(graph, inputs, upstream=None, /):
    return _accumulate(graph, inputs, upstream, add=False)


@wrong("network.automatic_differentiation", "the upstream gradient ignored")
def autodiff_without_upstream(graph, inputs, upstream=None, /):
    return _accumulate(graph, inputs, None)


@wrong("network.automatic_differentiation", "forward order: what comes back late is not passed on")
def autodiff_forward_order(graph, inputs, upstream=None, /):
    return _accumulate(graph, inputs, upstream, nodes=graph.order)


@wrong("network.automatic_differentiation", "gradients passed on without the local derivative")
def autodiff_without_local(graph, inputs, upstream=None, /):
    return _accumulate(graph, inputs, upstream, local=False)


def _recursion(config, params, x, upstream, *, slope_at_output=False, mean=False, slope=True):
    rho, steepness = right.ACTIVATIONS[config.activation], right.SLOPES[config.activation]
    a, z = [x], []
    for layer in config.layers:
        z.append(right.linear(a[-1], params[f"{layer}.weight"], params[f"{layer}.bias"]))
        a.append(rho(z[-1]))
    grads, delta = {}, upstream
    for i, layer in reversed(list(enumerate(config.layers))):
        rows, inputs = delta.reshape(-1, delta.shape[-1]), a[i].reshape(-1, a[i].shape[-1])
        share = max(len(rows), 1) if mean else 1
        grads[f"{layer}.weight"], grads[f"{layer}.bias"] = rows.T @ inputs / share, rows.sum(0) / share
        if i > 0:
            delta = delta @ params[f"{layer}.weight"]
            if slope:
                delta = delta * steepness(a[i] if slope_at_output else z[i - 1])
    return {name: grads[name].astype(x.dtype) for name in params}


@wrong("network.backpropagation", "the derivative taken at the activation in place of at what goes into it")
def backpropagation_slope_at_output(config, params, x, upstream, /):
    return _recursion(config, params, x, upstream, slope_at_output=True)


@wrong("network.backpropagation", "the activation's derivative forgotten")
def backpropagation_without_slope(config, params, x, upstream, /):
    return _recursion(config, params, x, upstream, slope=False)


@wrong("network.backpropagation", "the mean over the batch in place of the sum")
def backpropagation_mean(config, params, x, upstream, /):
    return _recursion(config, params, x, upstream, mean=True)


@wrong("network.normal_init", "the variance taken for the standard deviation")
def normal_init_variance(normal, /, *, std=0.01):
    return std**2 * normal


@wrong("network.normal_init", "the option forgotten")
def normal_init_default(normal, /, *, std=0.01):
    return 0.01 * normal


@wrong("network.glorot_uniform", "draws from [0, 1) taken for draws from [-1, 1)")
def glorot_one_sided(uniform, /):
    return np.sqrt(6 / sum(uniform.shape), dtype=uniform.dtype) * uniform


@wrong("network.glorot_uniform", "the standard deviation taken for the bound")
def glorot_by_deviation(uniform, /):
    return np.sqrt(2 / sum(uniform.shape), dtype=uniform.dtype) * (2 * uniform - 1)


@wrong("network.glorot_uniform", "twice the inputs in place of inputs and outputs")
def glorot_fan_in(uniform, /):
    return np.sqrt(3 / uniform.shape[1], dtype=uniform.dtype) * (2 * uniform - 1)


@wrong("network.xavier_init", "divided by the number of inputs, not its root")
def xavier_by_inputs(normal, /):
    return normal / normal.shape[1]


@wrong("network.xavier_init", "the number of outputs in place of inputs")
def xavier_fan_out(normal, /):
    return normal / np.sqrt(normal.shape[0], dtype=normal.dtype)


@wrong("network.xavier_init", "Glorot's rule under the same name")
def xavier_as_glorot(normal, /):
    return normal * np.sqrt(2 / sum(normal.shape), dtype=normal.dtype)


@wrong("network.he_init", "the factor of two forgotten")
def he_as_xavier(normal, /):
    return normal / np.sqrt(normal.shape[1], dtype=normal.dtype)


@wrong("network.he_init", "the number of outputs in place of inputs")
def he_fan_out(normal, /):
    return normal * np.sqrt(2 / normal.shape[0], dtype=normal.dtype)


@wrong("network.he_init", "the factor of two on the wrong side of the division")
def he_inverted(normal, /):
    return normal / np.sqrt(2 * normal.shape[1], dtype=normal.dtype)
