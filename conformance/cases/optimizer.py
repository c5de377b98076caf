"""Inputs of the optimizers that the declarations cannot derive: losses over data, and Hessians that have an inverse."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, from_declaration, make

SEEDS = st.integers(0, 2**32 - 1)


def mean_square(params: Any, x: Any, y: Any) -> Any:
    """The loss of a linear model: a function that every array library can compute."""
    return ((x @ params["w"] + params["b"] - y) ** 2).mean()


def some_weight_is_left(case: Case) -> bool:
    """Whether 1 - lr * weight_decay is more than the rounding of the two numbers, which have no bound of their own."""
    return abs(1 - case.options["lr"] * case.options["weight_decay"]) >= 0.25


def adamw(precision: Precision) -> SearchStrategy[Case]:
    return from_declaration("adamw").filter(some_weight_is_left)


@st.composite
def problems(draw: st.DrawFn, precision: Precision) -> tuple[Any, Any, Any]:
    """Parameters and data of a linear model of 1 to 9 samples, and the number of samples."""
    seed, n, d = draw(SEEDS), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    style = draw(st.sampled_from(("normal", "spread", "ties")))
    w, x, y = (make(seed + i, style, shape, precision.name) for i, shape in enumerate([(d,), (n, d), (n,)]))
    return {"w": w, "b": make(seed + 3, style, (), precision.name)}, (x, y), n


def stochastic_gradient(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, n = draw(problems(precision))
        return Case((mean_square, params, data, np.array(draw(st.integers(0, n - 1)))))

    return cases()


def mini_batch_gradient(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, n = draw(problems(precision))
        index = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n + 2))  # a sample may come twice
        return Case((mean_square, params, data, np.array(index)))

    return cases()


def batch_gradient(precision: Precision) -> SearchStrategy[Case]:
    return problems(precision).map(lambda problem: Case((mean_square, *problem[:2])))


def newton_method(precision: Precision) -> SearchStrategy[Case]:
    """Hessians with a dominant diagonal of either sign: far from singular, not all of them positive."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        seed, p = draw(SEEDS), draw(st.integers(1, 9))
        x, g, square = (make(seed + i, "normal", shape, precision.name) for i, shape in enumerate([(p,), (p,), (p, p)]))
        diagonal = np.diag(draw(st.lists(st.sampled_from((-3.0, 3.0)), min_size=p, max_size=p))) * p
        return Case((x, g, precision.round(square / 2 + square.T / 2 + diagonal)))

    return cases()
