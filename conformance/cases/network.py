"""Inputs of the models and graphs, which the declarations cannot derive: a configuration and what fits it."""

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, make
from gongsik.spec.graph import OPERATIONS, Graph, Node
from gongsik.spec.network import MLP, Activation

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "normal", "ties", "spread", "tiny"))
BATCHES = st.sampled_from(((), (1,), (7,), (2, 3), (0,)))

Fill = Callable[[tuple[int, ...]], np.ndarray]


@st.composite
def fills(draw: st.DrawFn, precision: Precision) -> Fill:
    """A function that fills one shape after the other with numbers, all of one style."""
    seed, style = draw(SEEDS), draw(STYLES)
    used = iter(range(1000))
    return lambda shape: make(seed + next(used), style, shape, precision.name)


@st.composite
def networks(draw: st.DrawFn, precision: Precision, activations: tuple[str, ...] = get_args(Activation)) -> Any:
    """A configuration of up to three hidden layers, parameters that fit it, an input, and what fills more arrays."""
    width = st.integers(1, 5) if draw(st.booleans()) else st.integers(1, 33)
    config = MLP(tuple(draw(st.lists(width, min_size=2, max_size=5))), draw(st.sampled_from(activations)))  # pyright: ignore[reportArgumentType]
    fill = draw(fills(precision))
    params = {}
    for name, shape in config.parameters().items():  # divided by a power of 2 near the root of the inputs: still exact
        params[name] = fill(shape) / 2.0 ** round(math.log2(shape[-1]) / 2)
    return config, params, fill((*draw(BATCHES), config.sizes[0])), fill


def mlp(precision: Precision) -> SearchStrategy[Case]:
    return networks(precision).map(lambda network: Case(network[:3]))


def backpropagation(precision: Precision) -> SearchStrategy[Case]:
    def case(network: Any) -> Case:
        config, params, x, fill = network
        return Case((config, params, x, fill((*x.shape[:-1], config.sizes[-1]))))

    return networks(precision).map(case)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to seven nodes over up to three inputs, in any order. Roots and logarithms are of squares and exponentials."""
    inputs = draw(st.sampled_from((("x",), ("x", "y"), ("x", "y", "z"))))
    nodes: list[Node] = []
    for i in range(draw(st.integers(1, 7))):
        names = [*inputs, *(node.name for node in nodes)]
        positive = [node.name for node in nodes if node.operation in ("exp", "square")]
        operation = draw(st.sampled_from([o for o in OPERATIONS if positive or o not in ("log", "sqrt")]))
        first = draw(st.sampled_from(positive if operation in ("log", "sqrt") else names))
        operands: list[str | float] = [first]
        if OPERATIONS[operation] == 2:
            operands.append(draw(st.one_of(st.sampled_from(names), st.sampled_from((1.0, -2.0, 0.5)))))
            operands = draw(st.permutations(operands))
        nodes.append(Node(f"v{i}", operation, tuple(operands)))
    return Graph(tuple(draw(st.permutations(nodes))), output=draw(st.sampled_from(nodes)).name)


@st.composite
def _graph_cases(draw: st.DrawFn, precision: Precision, *, upstream: bool) -> Case:
    graph, fill = draw(graphs()), draw(fills(precision))
    shape = draw(st.sampled_from(((), (1,), (5,), (2, 3))))
    names = [*graph.inputs, *draw(st.sampled_from(((), ("unused",))))]
    inputs = {name: fill(shape) for name in names}
    if not upstream:
        return Case((graph, inputs))
    return Case((graph, inputs, draw(st.sampled_from((None, fill(shape))))))


def computation_graph(precision: Precision) -> SearchStrategy[Case]:
    return _graph_cases(precision, upstream=False)


def automatic_differentiation(precision: Precision) -> SearchStrategy[Case]:
    return _graph_cases(precision, upstream=True)
