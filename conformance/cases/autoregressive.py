"""Inputs of autoregressive models: small images, and weights that shrink with the width, as those of a network do."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.network import SEEDS, Fill
from gongsik.conformance.cases.recurrent import fills, weight
from gongsik.conformance.strategies import Case, Range, make
from gongsik.spec.autoregressive import NADE, DiagonalBiLSTM, RealNADE, RowLSTM

SAMPLES = st.sampled_from((1, 2, 3, 3, 5))
SIDES = st.integers(1, 4)


def parameters(config: Any, fill: Fill) -> dict[str, np.ndarray]:
    """Weights are divided by about the root of the numbers that a unit reads, so that sums stay where gates are steep.

    W is read in one piece, a column per pixel; of the tables of `RealNADE` every row is a unit of its own.
    """
    shapes = config.parameters()
    return {name: weight(fill, *shape) if len(shape) > 1 else fill(shape) for name, shape in shapes.items()}


def binary(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).integers(0, 2, shape).astype(float)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    """Pixels and hidden units: few, sometimes so many that a block of pixels is not the last one."""
    width = st.integers(1, 6) if draw(st.integers(0, 3)) else st.integers(7, 24)
    return draw(width), draw(width)


def nade(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = NADE(*draw(sizes()))
        params = parameters(config, draw(fills(precision)))
        return Case((config, params, binary(draw(SEEDS), draw(SAMPLES), config.features)))

    return cases()


def nade_sample(precision: Precision) -> SearchStrategy[Case]:
    """Weights that keep the chances away from 0 and 1, where every draw decides the same."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = NADE(*draw(sizes()))
        params = parameters(config, draw(fills(precision)))
        shape = draw(SAMPLES), config.features
        return Case((config, params, make(draw(SEEDS), "normal", shape, precision.name, Range(0, 1))))

    return cases()


def real_nade(precision: Precision) -> SearchStrategy[Case]:
    """Standard deviations between e^-4 and e^4: of a narrower one, 8 bits say nothing."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = RealNADE(*draw(sizes()), draw(st.integers(1, 4)), draw(st.sampled_from(("relu", "sigmoid"))))
        fill = draw(fills(precision))
        params = parameters(config, fill)
        params = {name: np.clip(p, -2, 2) / 2 if name.startswith("sigma") else p for name, p in params.items()}
        return Case((config, params, fill((draw(SAMPLES), config.features))))

    return cases()


def pixel_rnn_factorization(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n, k, h, w = draw(SAMPLES), draw(st.sampled_from((2, 3, 4, 16))), draw(SIDES), draw(SIDES)
        x = np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, k, (n, 3, h, w))
        return Case((draw(fills(precision))((n, 3, k, h, w)), x))

    return cases()


def context_mask(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        channels, odd = draw(st.sampled_from((1, 1, 2, 3))), st.sampled_from((1, 3, 5))
        o, i = (channels * draw(st.integers(1, 3)) for _ in range(2))
        shape = o, i, draw(odd), draw(odd)
        return Case((draw(fills(precision))(shape),), {"kind": draw(st.sampled_from(("A", "B"))), "channels": channels})

    return cases()


@st.composite
def _images(draw: st.DrawFn, precision: Precision, kind: Any, **options: SearchStrategy[Any]) -> Case:
    channels, fill = draw(st.sampled_from((1, 1, 3))), draw(fills(precision))
    c, k = (channels * draw(st.sampled_from((1, 1, 2))) for _ in range(2))
    config = kind(c, k, channels, **{name: draw(option) for name, option in options.items()})
    return Case((config, parameters(config, fill), fill((draw(SAMPLES), c, draw(SIDES), draw(SIDES)))))


def row_lstm(precision: Precision) -> SearchStrategy[Case]:
    return _images(precision, RowLSTM, kernel_size=st.sampled_from((1, 3, 3, 5)))


def diagonal_bilstm(precision: Precision) -> SearchStrategy[Case]:
    return _images(precision, DiagonalBiLSTM)


def unskew(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        batch, h, w = draw(st.sampled_from(((), (2,), (2, 3), (0,)))), draw(SIDES), draw(SIDES)
        return Case((draw(fills(precision))((*batch, h, w + h - 1)),))

    return cases()
