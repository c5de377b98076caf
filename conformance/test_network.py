"""Laws of the chapter on networks."""

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.network import networks
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.reference.network import interpolant, staircase
from gongsik.spec.graph import Graph, Node
from gongsik.spec.model import parameter_count
from gongsik.spec.network import MLP, linear_parameter_count

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
SMALL = st.integers(-8, 8).map(float)
SMOOTH = ("identity", "sigmoid", "tanh", "elu")
DRAWS = 6  # standard errors that a sample may be off; a right implementation is further off once in 500 million times


def draws(seed: int, shape: tuple[int, ...], gs: Any) -> np.ndarray:
    return make(seed, "normal", shape, gs.precision.name)


# Tensors and layers


@law("network.tensor")
@given(inputs("tensor"))
def test_rank_counts_axes_and_elements(gs, case):
    """Ndim is the number of axes, size the product of their lengths."""
    (x,) = case.arguments
    rank = gs.tensor(gs.array(x))
    shape = gs.numpy(rank.shape).tolist()
    assert (int(gs.numpy(rank.ndim)), shape, int(gs.numpy(rank.size))) == (x.ndim, list(x.shape), math.prod(x.shape))


@law("network.tensor")
def test_notes_examples_have_their_number_of_axes(gs):
    """A scalar has no axis, a vector one, a matrix two, a colour image three: [height, width, colour]."""
    for ndim, shape in enumerate(((), (3,), (2, 2), (4, 6, 3))):
        assert int(gs.numpy(gs.tensor(gs.array(np.zeros(shape))).ndim)) == ndim


@law("network.tensor")
def test_reshape_keeps_the_size_and_the_order_of_rows(gs):
    """Element (i, j) of a matrix with n columns is element i n + j of the flat vector; reshaping changes no size."""
    x = gs.array(np.arange(12.0).reshape(3, 4))
    assert gs.numpy(x.reshape(12)).tolist() == list(range(12))
    assert gs.numpy(gs.tensor(x.reshape(2, 6)).size) == gs.numpy(gs.tensor(x).size)


@law("network.perceptron")
@given(st.lists(SMALL, min_size=3, max_size=3), SMALL, st.sampled_from((0.25, 2.0, 64.0)))
def test_scaling_weights_and_bias_moves_no_decision(gs, w, b, factor):
    """step(w.x + b) is 1 on one side of a plane and 0 on the other, and a (w, b) with a > 0 has the same plane."""
    x, w = np.array(list(itertools.product((-2.0, 0.0, 1.0), repeat=3))), np.array(w)
    decision = gs.perceptron(gs.array(x), gs.array(w), gs.array(np.array(b)))
    scaled = gs.perceptron(gs.array(x), gs.array(factor * w), gs.array(np.array(factor * b)))
    assert gs.numpy(decision).tolist() == (x @ w + b >= 0).tolist()
    assert gs.numpy(scaled).tolist() == gs.numpy(decision).tolist()


@law("network.perceptron")
def test_and_or_nand_are_perceptrons(gs):
    """Three gates of logic, each with one plane between its zeros and its ones."""
    for w, b, table in (((1, 1), -1.5, [0, 0, 0, 1]), ((1, 1), -0.5, [0, 1, 1, 1]), ((-1, -1), 1.5, [1, 1, 1, 0])):
        output = gs.perceptron(gs.array(CORNERS), gs.array(np.array(w, float)), gs.array(np.array(b)))
        assert gs.numpy(output).tolist() == table


@law("network.perceptron_layer")
@given(inputs("perceptron_layer"))
def test_every_row_of_a_layer_is_one_perceptron(gs, case):
    """Output j of the layer is the perceptron with row j of the weights."""
    assume(case.options["activation"] != "step")  # a sum within rounding of 0 may fall on either side
    for j in {0, len(case.arguments[2]) - 1}:
        assert_agree(
            gs,
            lambda gs, x, w, b, j=j, **options: gs.perceptron_layer(x, w, b, **options)[..., j],
            lambda gs, x, w, b, j=j, **options: gs.perceptron(x, w[j], b[j], **options),
            *case.arguments,
            **case.options,
        )


@law("network.perceptron_layer")
@given(inputs("perceptron_layer"))
def test_permuted_rows_permute_the_outputs(gs, case):
    """The units of a layer have no order."""
    assume(case.options["activation"] != "step")
    turned = [*range(1, len(case.arguments[2])), 0]
    assert_agree(
        gs,
        lambda gs, x, w, b, **options: gs.perceptron_layer(x, w[turned], b[turned], **options),
        lambda gs, x, w, b, **options: gs.perceptron_layer(x, w, b, **options)[..., turned],
        *case.arguments,
        **case.options,
    )


@law("network.linear")
@given(inputs("linear"), st.sampled_from((-2.0, 0.5, 4.0)))
def test_layer_without_bias_is_additive_and_homogeneous(gs, case, a):
    """linear(a x + y) = a linear(x) + linear(y)."""
    x, weight, _ = case.arguments
    y = np.flip(x, -1)
    assert_agree(
        gs,
        lambda gs, x, y, w: gs.linear(a * x + y, w),
        lambda gs, x, y, w: a * gs.linear(x, w) + gs.linear(y, w),
        x, y, weight,
    )  # fmt: skip


@law("network.linear")
@given(inputs("linear"))
def test_transpose_of_the_weights_is_the_adjoint(gs, case):
    """<linear(x, W), g> = <x, linear(g, W^T)>."""
    x, weight, _ = case.arguments
    g = draws(1, (*x.shape[:-1], len(weight)), gs)
    assert_agree(
        gs,
        lambda gs, x, w, g: (gs.linear(x, w) * g).sum(),
        lambda gs, x, w, g: (x * gs.linear(g, w.T)).sum(),
        x, weight, g,
    )  # fmt: skip


@law("network.linear")
@given(inputs("linear"))
def test_gradients_of_a_layer_are_those_of_the_formula(gs, case):
    """With the upstream gradient g: dL/dx = g W, dL/dW = g^T x, dL/db = sum of g."""
    x, weight, bias = case.arguments
    bias = np.zeros(len(weight)) if bias is None else bias
    g = draws(2, (*x.shape[:-1], len(weight)), gs)

    def formula(gs, x, w, b, g):
        rows, inputs = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        return [g @ w, rows.T @ inputs, rows.sum(0)]

    def by_differentiation(gs, x, w, b, g):
        return gs.value_and_grad(lambda p: (gs.linear(*p) * g).sum())([x, w, b])[1]

    assert_agree(gs, by_differentiation, formula, x, weight, bias, g)


@law("network.linear_parameter_count")
def test_parameter_counts_are_those_of_the_notes():
    """AlexNet's three dense layers, without biases."""
    assert linear_parameter_count(13 * 13 * 128 * 2, 2048 * 2) == 177_209_344
    assert linear_parameter_count(2048 * 2, 2048 * 2) == 16_777_216
    assert linear_parameter_count(2048 * 2, 1000) == 4_096_000


@law("network.linear_parameter_count")
@given(st.integers(1, 5000), st.integers(1, 5000))
def test_parameter_count_is_the_size_of_the_arrays(n_in, n_out):
    """Without biases it is symmetric, and that of a convolution whose kernel covers the input."""
    assert linear_parameter_count(n_in, n_out) == linear_parameter_count(n_out, n_in)
    assert linear_parameter_count(4 * n_in, n_out) == math.prod((n_out, n_in, 2, 2))  # a kernel on an input of 2 x 2
    assert linear_parameter_count(n_in, n_out, bias=True) == parameter_count(MLP((n_in, n_out)))


# Stacks of layers


@st.composite
def linear_networks(draw: st.DrawFn) -> Any:
    return draw(networks(PRECISION.get(), activations=("identity",)))[:3]


@law("network.linear_collapse")
@given(linear_networks())
def test_stacked_linear_layers_are_one_linear_layer(gs, network):
    """However many layers: one matrix, the product of all, and one shift."""

    def one_layer(gs, config, params, x):
        weight, bias = params["0.weight"], params["0.bias"]
        for layer in config.layers[1:]:
            bias = gs.linear(bias, params[f"{layer}.weight"], params[f"{layer}.bias"])
            weight = params[f"{layer}.weight"] @ weight
        return gs.linear(x, weight, bias)

    assert_agree(gs, lambda gs, *network: gs.mlp(*network), one_layer, *network)


@law("network.linear_collapse")
def test_a_relu_between_them_keeps_layers_from_collapsing(gs):
    """ReLU(x) + ReLU(-x) = |x| is no line: its value in the middle is not the mean of those at the ends."""
    params = {"0.weight": [[1.0], [-1.0]], "0.bias": [0.0, 0.0], "2.weight": [[1.0, 1.0]], "2.bias": [0.0]}
    arrays = {name: gs.array(np.array(value)) for name, value in params.items()}
    left, middle, right = gs.numpy(gs.mlp(MLP((1, 2, 1), "relu"), arrays, gs.array(np.array([[-1.0], [0.0], [1.0]]))))[
        :, 0
    ]
    assert (left, middle, right) == (1, 0, 1)


@law("network.linear_collapse")
@given(st.integers(0, 2**32 - 1))
def test_rank_of_a_deep_linear_net_is_at_most_its_narrowest_width(gs, seed):
    """Through a layer of one unit all outputs are multiples of one vector: every 2 x 2 minor is 0."""
    config = MLP((4, 3, 1, 3, 4), "identity")
    rng = np.random.Generator(np.random.Philox(seed))
    params = {
        name: gs.array(rng.integers(-2, 3, shape).astype(float) if name.endswith("weight") else np.zeros(shape))
        for name, shape in config.parameters().items()
    }  # products of small integers: exact in every precision
    matrix = gs.numpy(gs.mlp(config, params, gs.array(np.eye(4)))).astype(np.float64)
    minors = matrix[:, None, :, None] * matrix[None, :, None, :] - matrix[:, None, None, :] * matrix[None, :, :, None]
    assert not minors.any(), matrix


@law("network.mlp")
@given(inputs("mlp"))
def test_order_of_the_hidden_units_does_not_matter(gs, case):
    """Permuting rows of one layer and columns of the next leaves the function unchanged."""
    config = case.arguments[0]
    assume(len(config.sizes) > 2 and config.activation != "step")
    first, second, *_ = config.layers
    turned = [*range(1, config.sizes[1]), 0]

    def permuted(gs, config, params, x):
        return gs.mlp(config, {
            **params,
            f"{first}.weight": params[f"{first}.weight"][turned],
            f"{first}.bias": params[f"{first}.bias"][turned],
            f"{second}.weight": params[f"{second}.weight"][:, turned],
        }, x)  # fmt: skip

    assert_agree(gs, lambda gs, *network: gs.mlp(*network), permuted, *case.arguments)


@law("network.mlp")
@given(inputs("mlp"), st.sampled_from((0.5, 2.0, 8.0)))
def test_relu_net_without_biases_is_positively_homogeneous(gs, case, a):
    """f(a x) = a f(x) for a > 0."""
    config, params, x = case.arguments
    config = MLP(config.sizes, "relu")
    params = {name: np.zeros_like(p) if name.endswith("bias") else p for name, p in params.items()}
    assert_agree(
        gs,
        lambda gs, params, x: gs.mlp(config, params, a * x),
        lambda gs, params, x: a * gs.mlp(config, params, x),
        params, x,
    )  # fmt: skip


@law("network.mlp")
@given(st.lists(st.integers(1, 100), min_size=2, max_size=6))
def test_parameters_of_a_net_are_those_of_its_layers(sizes):
    """The count of an MLP is the sum of its layers' counts."""
    counts = [linear_parameter_count(i, o, bias=True) for i, o in itertools.pairwise(sizes)]
    assert parameter_count(MLP(tuple(sizes))) == sum(counts)


@law("network.xor_not_linearly_separable")
@given(st.lists(st.floats(-4, 4, width=16), min_size=3, max_size=3))
def test_no_perceptron_is_xor(gs, numbers):
    """A line gets at most three of the four corners right: the fourth inequality contradicts the sum of the others."""
    w1, w2, b = (float(gs.precision.round(x)) for x in numbers)
    output = gs.numpy(gs.perceptron(gs.array(CORNERS), gs.array(np.array([w1, w2])), gs.array(np.array(b)))).tolist()
    right = sum(y == xor for y, xor in zip(output, (0, 1, 1, 0), strict=True))
    assert 1 <= right <= 3, (w1, w2, b, output)


@law("network.xor_not_linearly_separable")
def test_fourteen_of_sixteen_boolean_functions_are_perceptrons(gs):
    """All but XOR and its negation."""
    grid = itertools.product((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0), (-1.5, -0.5, 0.5, 1.5))
    found = {
        tuple(gs.numpy(gs.perceptron(gs.array(CORNERS), gs.array(np.array([w1, w2])), gs.array(np.array(b)))).tolist())
        for w1, w2, b in grid
    }
    assert set(itertools.product((0, 1), repeat=4)) - found == {(0, 1, 1, 0), (1, 0, 0, 1)}


@law("network.xor_mlp")
def test_two_layers_are_xor(gs):
    """The truth table, exactly; and the same from two ReLUs: ReLU(x1 + x2) - 2 ReLU(x1 + x2 - 1)."""
    assert gs.numpy(gs.xor_mlp(gs.array(CORNERS))).tolist() == [0, 1, 1, 0]
    params = {"0.weight": np.ones((2, 2)), "0.bias": np.array([0.0, -1.0]), "2.weight": np.array([[1.0, -2.0]]),
              "2.bias": np.zeros(1)}  # fmt: skip
    arrays = {name: gs.array(value) for name, value in params.items()}
    assert gs.numpy(gs.mlp(MLP((2, 2, 1), "relu"), arrays, gs.array(CORNERS)))[:, 0].tolist() == [0, 1, 1, 0]


# Universal approximation


def wave(x: np.ndarray) -> np.ndarray:
    """A function of slope at most 2: what the theorem's networks are to approximate."""
    return np.sin(2 * x)


def assert_close_to_wave(gs: Any, config: MLP, params: dict[str, np.ndarray], x: np.ndarray, limit: float) -> None:
    """Nowhere further from the wave than the limit, and what rounding the jumps and the targets adds."""
    limit += gs.precision.unit * (np.abs(params["2.weight"]).sum() + 1)
    params = {name: gs.precision.round(value) for name, value in params.items()}
    assert_at_most(
        gs,
        lambda gs, params, x, y, limit: abs(gs.mlp(config, params, x[:, None])[:, 0] - y),
        lambda gs, params, x, y, limit: limit,
        params, x, gs.precision.round(wave(x)), gs.precision.round(np.full(len(x), limit)),
    )  # fmt: skip


@law("network.universal_approximation")
def test_error_of_a_staircase_falls_like_one_over_its_width(gs):
    """Where the slope is at most s, steps of length h are nowhere further off than s h / 2."""
    for width in (4, 16, 64):
        x = -2 + 4 * (np.arange(4 * width) + 0.5) / (4 * width)  # away from the edges of the steps
        config, params = staircase(wave, -2.0, 2.0, width)
        assert_close_to_wave(gs, config, params, x, limit=2 * (4 / width) / 2)


@law("network.universal_approximation")
def test_any_squashing_function_will_do(gs):
    """Sigmoids that are steep enough are as good as steps: here at a quarter and three quarters of each step."""
    for width in (4, 16, 64):
        x = -2 + 4 * (np.arange(2 * width) + 0.5) / (2 * width)
        config, params = staircase(wave, -2.0, 2.0, width, activation="sigmoid", sharpness=8 * width)
        assert_close_to_wave(gs, config, params, x, limit=2 * (4 / width) / 2)


@law("network.universal_approximation")
@given(st.lists(st.integers(-8, 8), min_size=2, max_size=9))
def test_a_net_of_relus_goes_through_every_point(gs, values):
    """One ReLU per line: n + 1 points are met exactly by n of them."""
    knots = np.arange(len(values), dtype=np.float64)
    config, params = interpolant(lambda t: np.array(values, float)[t.astype(int)], knots)
    arrays = {name: gs.array(value) for name, value in params.items()}
    assert gs.numpy(gs.mlp(config, arrays, gs.array(knots[:, None])))[:, 0].tolist() == values


# Gradients


def jacobian(gs: Any, function: Any, x: Any, n: int) -> list[Any]:
    """Rows of the Jacobian: the gradients of all n outputs."""
    return [gs.value_and_grad(lambda x, i=i: function(x)[i])(x)[1] for i in range(n)]


@law("network.chain_rule")
@given(st.integers(0, 2**32 - 1))
def test_jacobian_of_a_composition_is_the_product_of_jacobians(gs, seed):
    """J of g after f at x is J_g(f(x)) J_f(x): multiplied from the left (reverse) or from the right (forward)."""
    v, w, x = draws(seed, (3, 4), gs), draws(seed + 1, (4, 2), gs), draws(seed + 2, (2,), gs)
    direction = draws(seed + 3, (2,), gs)

    def f(gs, w, x):
        return gs.tanh(gs.linear(x, w))

    def g(gs, v, y):
        return gs.sigmoid(gs.linear(y, v))

    def composition(gs, v, w, x, d):
        return [row @ d for row in jacobian(gs, lambda x: g(gs, v, f(gs, w, x)), x, 3)]

    def forward(gs, v, w, x, d):
        pushed = [row @ d for row in jacobian(gs, lambda x: f(gs, w, x), x, 4)]
        return [
            sum(row[j] * pushed[j] for j in range(4)) for row in jacobian(gs, lambda y: g(gs, v, y), f(gs, w, x), 3)
        ]

    def reverse(gs, v, w, x, d):
        inner = jacobian(gs, lambda x: f(gs, w, x), x, 4)
        return [
            sum(row[j] * inner[j] for j in range(4)) @ d for row in jacobian(gs, lambda y: g(gs, v, y), f(gs, w, x), 3)
        ]

    assert_agree(gs, composition, forward, v, w, x, direction)
    assert_agree(gs, composition, reverse, v, w, x, direction)


@law("network.computation_graph")
@given(inputs("computation_graph"), st.randoms(use_true_random=False))
def test_order_in_which_the_nodes_are_declared_does_not_matter(gs, case, random):
    """A topological order computes every node once, from finished operands: the values are the same, bit for bit."""
    graph, arrays = case.arguments
    nodes = list(graph.nodes)
    random.shuffle(nodes)
    arrays = {name: gs.array(x) for name, x in arrays.items()}
    with np.errstate(all="ignore"):
        values = gs.computation_graph(graph, arrays)
        shuffled = gs.computation_graph(Graph(tuple(nodes), graph.output), arrays)
    assert values.keys() == shuffled.keys() == {node.name for node in nodes}
    for name, value in values.items():
        np.testing.assert_array_equal(gs.numpy(value), gs.numpy(shuffled[name]))


@law("network.computation_graph")
def test_a_diamond_is_evaluated(gs):
    """(x + y) (y - x) = y^2 - x^2: inputs that are used twice, and an operation whose operands have an order."""
    graph = Graph((
        Node("product", "multiply", ("total", "gap")), Node("total", "add", ("x", "y")),
        Node("gap", "subtract", ("y", "x")), Node("half", "multiply", (0.5, "product")),
    ))  # fmt: skip
    values = gs.computation_graph(graph, {"x": gs.array(np.array(3.0)), "y": gs.array(np.array(5.0))})
    assert {name: float(gs.numpy(value)) for name, value in values.items()} == {
        "total": 8, "gap": 2, "product": 16, "half": 8,
    }  # fmt: skip


@law("network.automatic_differentiation")
@given(inputs("automatic_differentiation"))
def test_reverse_accumulation_is_the_derivative_of_the_graph(gs, case):
    """It equals the gradient that differentiating the evaluation of the graph gives; unused inputs get 0."""
    graph, arrays, upstream = case.arguments
    upstream = np.ones_like(next(iter(arrays.values()))) if upstream is None else upstream

    def differentiated(gs, graph, arrays, upstream):
        def total(arrays):
            return (gs.computation_graph(graph, arrays)[graph.output] * upstream).sum()

        return gs.value_and_grad(total)(arrays)[1]

    with np.errstate(all="ignore"):
        finite = all(np.isfinite(g).all() for g in _reference_gradients(graph, arrays, upstream))
    assume(finite)
    assert_agree(gs, lambda gs, *given: gs.automatic_differentiation(*given), differentiated, graph, arrays, upstream)


def _reference_gradients(graph: Graph, arrays: dict[str, np.ndarray], upstream: np.ndarray) -> Any:
    from gongsik import reference

    return reference.automatic_differentiation(graph, arrays, upstream).values()


@law("network.automatic_differentiation")
def test_a_node_used_twice_receives_the_sum(gs):
    """Z = (w x + b) w: dz/dw = 2 w x + b. A constant is no input, and what the output does not use gets 0."""
    graph = Graph((Node("u", "multiply", ("w", "x")), Node("v", "add", ("u", "b")), Node("z", "multiply", ("v", "w")),
                   Node("aside", "multiply", ("c", 3.0))), output="z")  # fmt: skip
    arrays = {name: gs.array(np.array(value)) for name, value in {"w": 2.0, "x": 3.0, "b": 4.0, "c": 5.0}.items()}
    grads = gs.automatic_differentiation(graph, arrays, gs.array(np.array(10.0)))
    assert {name: float(gs.numpy(g)) for name, g in grads.items()} == {"w": 160, "x": 40, "b": 20, "c": 0}


@law("network.backpropagation")
@given(inputs("backpropagation"))
def test_backpropagation_is_the_gradient_of_the_net(gs, case):
    """The recursion of the deltas gives what differentiating <mlp(x), upstream> gives, for every parameter."""

    def differentiated(gs, config, params, x, upstream):
        return gs.value_and_grad(lambda params: (gs.mlp(config, params, x) * upstream).sum())(params)[1]

    assert_agree(gs, lambda gs, *given: gs.backpropagation(*given), differentiated, *case.arguments)


@law("network.backpropagation")
@given(inputs("backpropagation"))
def test_backpropagation_is_linear_in_the_upstream_gradient(gs, case):
    """backpropagation(a g + h) = a backpropagation(g) + backpropagation(h)."""
    *network, g = case.arguments
    h = draws(3, g.shape, gs)

    def together(gs, config, params, x, g, h):
        return gs.backpropagation(config, params, x, 2 * g + h)

    def apart(gs, config, params, x, g, h):
        first, second = gs.backpropagation(config, params, x, g), gs.backpropagation(config, params, x, h)
        return {name: 2 * first[name] + second[name] for name in first}

    assert_agree(gs, together, apart, *network, g, h)


@law("network.backpropagation")
def test_downstream_is_upstream_times_local(gs):
    """By hand, at z = 0, where a sigmoid is 1/2 and its slope 1/4: delta^1 = v upstream / 4, and dL/dw = delta^1 x."""
    params = {"0.weight": [[2.0]], "0.bias": [-6.0], "2.weight": [[5.0]], "2.bias": [1.0]}  # z = 2 * 3 - 6 = 0
    arrays = {name: gs.array(np.array(value)) for name, value in params.items()}
    x, upstream = gs.array(np.array([3.0])), gs.array(np.array([7.0]))
    grads = gs.backpropagation(MLP((1, 1, 1), "sigmoid"), arrays, x, upstream)
    found = {name: float(gs.numpy(g).sum()) for name, g in grads.items()}
    assert found == {"0.weight": 7 * 5 / 4 * 3, "0.bias": 7 * 5 / 4, "2.weight": 7 / 2, "2.bias": 7}


# How gradients and activations fare with depth


def chain(gs: Any, depth: int, activation: Any, x: float) -> list[float]:
    """Sizes of the gradients by the biases of a chain of single units with weight 1, from the last to the first."""
    config = MLP((1,) * (depth + 1), activation)
    params = {name: np.ones(s) if name.endswith("weight") else np.zeros(s) for name, s in config.parameters().items()}
    arrays = {name: gs.array(value) for name, value in params.items()}
    grads = gs.backpropagation(config, arrays, gs.array(np.array([x])), gs.array(np.ones(1)))
    return [abs(float(gs.numpy(grads[f"{layer}.bias"])[0])) for layer in reversed(config.layers)]


@law("network.vanishing_gradient")
@given(st.floats(-4, 4, width=16))
def test_gradient_of_a_chain_of_sigmoids_loses_a_factor_of_four_per_layer(gs, x):
    """Through L sigmoids with weights 1 at most 4^-L comes back; tanh at 0 and ReLU above 0 let all of it through."""
    x = float(gs.precision.round(x))
    for depth, size in enumerate(chain(gs, 12, "sigmoid", x)):
        assert size <= 0.25**depth, (depth, size)
    assert chain(gs, 12, "tanh", 0.0) == [1] * 12
    assert chain(gs, 12, "relu", abs(x) + 1) == [1] * 12


@law("network.vanishing_gradient")
@given(inputs("backpropagation"))
def test_gradient_is_bounded_by_the_product_of_the_norms(gs, case):
    """The delta of the first layer is at most the last one times, per layer between, |W| sup |rho'|."""
    config, params, x, upstream = case.arguments
    steepest = {"identity": 1.0, "step": 0.0, "sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1.0, "elu": 1.0}
    x, upstream = x.reshape(-1, x.shape[-1])[:1], upstream.reshape(-1, upstream.shape[-1])[:1]
    assume(len(x))

    def first_delta(gs, params, x, g):
        delta = gs.backpropagation(config, params, x, g)["0.bias"]
        return (delta * delta).sum()

    def bound(gs, params, x, g):
        product = (g * g).sum()
        for layer in config.layers[1:]:
            product = product * (params[f"{layer}.weight"] ** 2).sum() * steepest[config.activation] ** 2
        return product

    assert_at_most(gs, first_delta, bound, params, x, upstream)


@law("network.normal_init")
@given(inputs("normal_init"))
def test_small_random_weights_are_the_draws_scaled(gs, case):
    """Twice the spread, twice the weights; the same draws, the same weights."""
    (normal,), std = case.arguments, case.options["std"]
    twice = gs.numpy(gs.normal_init(gs.array(normal), std=2 * std))
    once = gs.numpy(gs.normal_init(gs.array(normal), std=std))
    again = gs.numpy(gs.normal_init(gs.array(normal), std=std))
    with np.errstate(all="ignore"):
        assert_agree(
            gs, lambda gs, x: gs.normal_init(x, std=2 * std), lambda gs, x: 2 * gs.normal_init(x, std=std), normal
        )
    assert twice.shape == once.shape == normal.shape
    np.testing.assert_array_equal(once, again)


@law("network.normal_init")
def test_random_weights_break_the_symmetry_of_the_units(gs):
    """Units that start equal get equal gradients and stay equal; units that start differently do not."""
    config, x, upstream = MLP((3, 4, 2), "tanh"), gs.array(draws(4, (5, 3), gs)), gs.array(draws(5, (5, 2), gs))

    def gradient(params: dict[str, np.ndarray]) -> np.ndarray:
        arrays = {name: gs.array(value) for name, value in params.items()}
        return gs.numpy(gs.backpropagation(config, arrays, x, upstream)["0.weight"])

    shapes = config.parameters()
    same = gradient({name: np.full(shape, 0.25) for name, shape in shapes.items()})
    random = {
        name: gs.numpy(gs.normal_init(gs.array(draws(i, s, gs)), std=0.5)) for i, (name, s) in enumerate(shapes.items())
    }
    assert (same == same[0]).all()
    assert len(np.unique(gradient({name: value.astype(np.float64) for name, value in random.items()}), axis=0)) == 4


def assert_moments(weights: np.ndarray, variance: float, kurtosis: float) -> None:
    """Mean 0 and the given variance, up to `DRAWS` standard errors of a sample with this kurtosis."""
    weights = weights.astype(np.float64)
    n = weights.size
    assert abs(weights.mean()) <= DRAWS * math.sqrt(variance / n), weights.mean()
    assert abs(weights.var() / variance - 1) <= DRAWS * math.sqrt((kurtosis - 1) / n), weights.var() / variance


@law("network.normal_init", "network.glorot_uniform", "network.xavier_init", "network.he_init")
def test_initial_weights_have_the_variance_of_the_rule(gs):
    """std^2, 2 / (n_in + n_out), 1 / n_in, 2 / n_in."""
    n_out, n_in = 60, 240
    normal = gs.array(draws(6, (n_out, n_in), gs))
    uniform = (
        np.random.Generator(np.random.Philox(6)).integers(0, 128, (n_out, n_in)) / 128 + 1 / 256
    )  # exact everywhere
    assert_moments(gs.numpy(gs.normal_init(normal, std=0.02)), 0.02**2, 3)
    assert_moments(gs.numpy(gs.glorot_uniform(gs.array(uniform))), 2 / (n_in + n_out), 1.8)
    assert_moments(gs.numpy(gs.xavier_init(normal)), 1 / n_in, 3)
    assert_moments(gs.numpy(gs.he_init(normal)), 2 / n_in, 3)


@law("network.glorot_uniform")
@given(inputs("glorot_uniform"))
def test_glorot_weights_are_inside_their_bound_and_symmetric_in_both_widths(gs, case):
    """Draws in [0, 1) fill [-b, b) with b = sqrt(6 / (n_in + n_out)); transposed draws give the transposed weights."""
    (uniform,) = case.arguments
    bound = gs.precision.round(np.full(uniform.shape, math.sqrt(6 / sum(uniform.shape))))
    assert_at_most(gs, lambda gs, u, b: abs(gs.glorot_uniform(u)), lambda gs, u, b: b, uniform, bound)
    assert_agree(gs, lambda gs, u, b: gs.glorot_uniform(u * 0), lambda gs, u, b: -b, uniform, bound)
    assert_agree(gs, lambda gs, u: gs.glorot_uniform(u.T), lambda gs, u: gs.glorot_uniform(u).T, uniform)


@law("network.he_init", "network.xavier_init")
@given(inputs("he_init"))
def test_he_weights_are_xavier_weights_times_the_root_of_two(gs, case):
    """Twice the variance, since a ReLU throws half of it away."""
    assert_agree(gs, lambda gs, x: gs.he_init(x), lambda gs, x: 2**0.5 * gs.xavier_init(x), *case.arguments)


@law("network.xavier_init")
def test_a_linear_layer_with_xavier_weights_keeps_the_variance(gs):
    """Var(W x) = Var(x); dividing by n_in instead of its root would leave Var(x) / n_in."""
    n = 200
    y = gs.linear(gs.array(draws(7, (50, n), gs)), gs.xavier_init(gs.array(draws(8, (n, n), gs))))
    # Given x, the outputs are normal with variance |x|^2 / n, which itself spreads by 2 / n; rows share the weights.
    assert abs(gs.numpy(y).astype(np.float64).var() - 1) <= DRAWS * math.sqrt(2 / (50 * n) + 2 * 2 / n / 50 + 2 / n / n)


def second_moments(gs: Any, gain: float, activation: str, depth: int = 50, width: int = 128) -> np.ndarray:
    """Mean square of the activations of every layer, with weights of variance gain / n_in, in units of the input's."""
    a = gs.array(draws(9, (width,), gs))
    moments = [(gs.numpy(a).astype(np.float64) ** 2).mean()]
    for layer in range(depth):
        weight = gs.xavier_init(gs.array(draws(100 + layer, (width, width), gs))) * gain**0.5
        a = getattr(gs, activation)(gs.linear(a, weight)) if activation != "identity" else gs.linear(a, weight)
        moments.append((gs.numpy(a).astype(np.float64) ** 2).mean())
    return np.array(moments[1:]) / moments[0]


@law("network.init_variance_preservation", "network.he_init")
def test_he_weights_keep_the_second_moment_through_fifty_layers_of_relus(gs):
    """Var(y) = n Var(W) E[x^2], and a ReLU keeps half of it: with Var(W) = 2 / n nothing grows or fades.

    A layer multiplies the moment by a mean of n terms 2 relu(g)^2, g normal, of variance 5: after l layers its
    logarithm is off by about sqrt(5 l / n).
    """
    layers = np.arange(1, 51)
    off = np.abs(np.log(second_moments(gs, 2.0, "relu")) + 5 * layers / 128 / 2)
    assert (off <= DRAWS * np.sqrt(5 * layers / 128)).all(), off


@law("network.init_variance_preservation")
def test_wrong_scales_make_activations_fade_or_explode_or_saturate(gs):
    """Var(y) = n Var(W) E[x^2]: half the variance halves the moment in every layer, twice the variance doubles it."""
    layers = np.arange(1, 21)
    spread = DRAWS * np.sqrt(2 * layers / 128)  # of the logarithm: a linear layer multiplies by a mean of g^2
    for gain in (0.5, 1.0, 2.0):
        found = np.log(second_moments(gs, gain, "identity", depth=20))
        assert (np.abs(found - layers * math.log(gain) + layers / 128) <= spread).all(), (gain, found)
    assert second_moments(gs, 100.0, "tanh", depth=5)[-1] * (draws(9, (128,), gs) ** 2).mean() > 0.8  # near +1 and -1
