"""Inputs of pooling: windows that fit the image, and ties in it, over which gradients could quarrel."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import LAYOUTS, STYLES, Case, make
from gongsik.spec.array import Domain, Range
from gongsik.spec.pooling import pool_output_size

SEEDS = st.integers(0, 2**32 - 1)
KERNELS = st.integers(1, 3)
LEAST_0 = Range(low=0.0)


def _both(option: tuple[Any, ...]) -> Any:
    """One number where both axes have the same."""
    return option[0] if option[0] == option[1] else option


@st.composite
def _windows(draw: st.DrawFn, precision: Precision, *, padded: bool, domain: Domain | None = None) -> Any:
    """An image, and a kernel, a stride and, if `padded`, a padding that fit it."""
    kernel = draw(st.tuples(KERNELS, KERNELS))
    stride = draw(st.one_of(st.none(), st.tuples(KERNELS, KERNELS)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel) if padded else (0, 0)
    room = st.integers(0, 4) if draw(st.integers(0, 3)) else st.integers(0, 24)
    size = tuple(max(1, k - 2 * p + draw(room)) for k, p in zip(kernel, padding, strict=True))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size)
    style, layout = draw(st.sampled_from(("ties", "ties", *STYLES))), draw(st.sampled_from(LAYOUTS))
    x = make(draw(SEEDS), style, shape, precision.name, domain, layout)
    options = {"kernel": _both(kernel), "stride": stride and _both(stride)}
    return x, options | ({"padding": _both(padding)} if padded else {})


def max_pool2d(precision: Precision) -> SearchStrategy[Case]:
    return _windows(precision, padded=True).map(lambda drawn: Case(drawn[:1], drawn[1]))


def block_max_pool(precision: Precision) -> SearchStrategy[Case]:
    return _windows(precision, padded=False).map(lambda drawn: Case((drawn[0][0, 0],), {"kernel": drawn[1]["kernel"]}))


def avg_pool2d(precision: Precision) -> SearchStrategy[Case]:
    drawn = st.tuples(_windows(precision, padded=True), st.booleans())
    return drawn.map(lambda d: Case(d[0][:1], d[0][1] | {"count_include_pad": d[1]}))


def stochastic_pool2d(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        x, options = draw(_windows(precision, padded=False, domain=LEAST_0))
        kernel, stride = (o if isinstance(o, tuple) else (o, o) for o in (options["kernel"], options["stride"]))
        size = (pool_output_size(*axis) for axis in zip(x.shape[2:], kernel, stride, strict=True))
        uniform = make(draw(SEEDS), draw(st.sampled_from(("normal", "ties"))), (*x.shape[:2], *size), precision.name)
        return Case((x, _fraction(uniform, precision)), options)

    return cases()


def _fraction(x: np.ndarray, precision: Precision) -> np.ndarray:
    """Numbers as draws in [0, 1): multiples of 1/16, often the very share of a window that ends at an element."""
    return precision.round(np.mod(np.rint(16 * x), 16) / 16)


def stochastic_pool2d_inference(precision: Precision) -> SearchStrategy[Case]:
    return _windows(precision, padded=False, domain=LEAST_0).map(lambda drawn: Case(drawn[:1], drawn[1]))


def trainable_subsampling(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        x, options = draw(_windows(precision, padded=False))
        weight, bias = (make(draw(SEEDS), "normal", x.shape[1:2], precision.name) for _ in range(2))
        return Case((x, weight, bias), {"kernel": options["kernel"]})

    return cases()
