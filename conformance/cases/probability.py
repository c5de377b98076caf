"""Inputs of probability models: parameters in the shape of the last axes of the data, and draws that decide clearly."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, Range, Simplex, make

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.one_of(st.lists(st.integers(1, 4), max_size=3), st.lists(st.integers(1, 33), max_size=2)).map(tuple)
STYLES = st.sampled_from(("normal", "normal", "spread", "ties", "offset", "tiny"))
ABOVE_0 = Range(0, low_open=True)
CHANCES = (0.0, 1.0, 0.5, 0.25, 0.75, 2.0**-20, 1 - 2.0**-7)


def last_axes(shape: tuple[int, ...]) -> SearchStrategy[tuple[int, ...]]:
    """The last axes of a shape: none, some or all."""
    return st.integers(0, len(shape)).map(lambda first: shape[first:])


@st.composite
def chances(draw: st.DrawFn, precision: Precision, shape: tuple[int, ...]) -> np.ndarray:
    """Probabilities, among them 0, 1 and what is close to them."""
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    some = make(draw(SEEDS), "normal", shape, precision.name, Range(0, 1))
    return np.asarray(np.where(rng.random(shape) < 0.5, some, rng.choice(CHANCES, shape)))


@st.composite
def rows(draw: st.DrawFn, precision: Precision, shape: tuple[int, ...]) -> np.ndarray:
    """Distributions; half of the time of multiples of 1/128, whose sums are exact in every format."""
    if draw(st.booleans()):
        return make(draw(SEEDS), draw(STYLES), shape, precision.name, Simplex())
    return draw(exact_rows(shape))


@st.composite
def exact_rows(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    cuts = np.sort(rng.integers(0, 129, (*shape[:-1], shape[-1] - 1)), -1)
    edge = np.zeros((*shape[:-1], 1), np.int64)
    return np.diff(np.concatenate([edge, cuts, edge + 128], -1), axis=-1) / 128


@st.composite
def between_rows(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform draws, odd multiples of 1/256: no sum of `exact_rows` is as close to them as rounding."""
    return np.asarray((2 * np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, 128, shape) + 1) / 256)


@st.composite
def locations(
    draw: st.DrawFn, precision: Precision, shape: tuple[int, ...], params: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Numbers, means and standard deviations."""
    seed, style = draw(SEEDS), draw(STYLES)
    x, mean = make(seed, style, shape, precision.name), make(seed + 1, style, params, precision.name)
    scale = draw(st.sampled_from(("normal", "normal", "normal", "spread")))
    return x, mean, make(seed + 2, scale, params, precision.name, ABOVE_0)


def bernoulli(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = draw(SHAPES)
        rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
        x = rng.integers(0, 2, shape) if draw(st.booleans()) else rng.integers(0, 9, shape) / 8
        return Case((np.asarray(x, np.float64), draw(chances(precision, draw(last_axes(shape))))))

    return cases()


def bernoulli_sample(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = draw(SHAPES)
        uniform = draw(st.sampled_from((between_rows(shape), chances(precision, shape))).flatmap(lambda x: x))
        return Case((np.asarray(np.minimum(uniform, 255 / 256)), draw(chances(precision, draw(last_axes(shape))))))

    return cases()


def categorical(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape, k = draw(SHAPES), draw(st.integers(1, 6))
        label = np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, k, shape)
        return Case((np.asarray(label), draw(rows(precision, (*draw(last_axes(shape)), k)))))

    return cases()


def categorical_sample(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape, k = draw(SHAPES), draw(st.integers(1, 6))
        return Case((draw(between_rows(shape)), draw(exact_rows((*draw(last_axes(shape)), k)))))

    return cases()


def normal(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = draw(SHAPES)
        return Case(draw(locations(precision, shape, draw(last_axes(shape)))))

    return cases()


def normal_sample(precision: Precision) -> SearchStrategy[Case]:
    return normal(precision)


def posterior(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape, k = draw(SHAPES), draw(st.integers(1, 6))
        style = draw(st.sampled_from(("normal", "normal", "ties", "spread", "huge")))
        log_likelihood = make(draw(SEEDS), style, (*shape, k), precision.name)
        return Case((log_likelihood, draw(rows(precision, (*draw(last_axes(shape)), k)))))

    return cases()


@st.composite
def mixtures(draw: st.DrawFn, precision: Precision, shape: tuple[int, ...], params: tuple[int, ...]) -> tuple:
    """Numbers, and means and standard deviations of the components, which are no further from each other."""
    seed, k = draw(SEEDS), draw(st.integers(1, 5))
    style = draw(st.sampled_from(("normal", "normal", "ties", "spread")))
    x, mean = (make(seed + i, style, s, precision.name) for i, s in enumerate((shape, (*params, k))))
    std = np.random.Generator(np.random.Philox(seed)).choice((0.5, 1.0, 1.5, 4.0), (*params, k))
    return x, mean, std


def gaussian_mixture(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = draw(SHAPES)
        x, mean, std = draw(mixtures(precision, shape, draw(last_axes(shape))))
        return Case((x, draw(rows(precision, mean.shape)), mean, std))

    return cases()


def gaussian_mixture_sample(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = draw(SHAPES)
        normal, mean, std = draw(mixtures(precision, shape, draw(last_axes(shape))))
        return Case((draw(between_rows(shape)), normal, draw(exact_rows(mean.shape)), mean, std))

    return cases()


def expectation_maximization(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        x, mean, std = draw(mixtures(precision, (draw(st.integers(1, 9)),), ()))
        reg_covar = draw(st.sampled_from((0.0, 0.125, 1.0)))
        if precision.unit > 2.0**-12:  # 8 bits see something where components are wide, and few
            x, mean, std, reg_covar = x[:3] / 4, mean[:2], np.maximum(std[:2], 1), 1.0
        weight = draw(exact_rows(mean.shape))
        return Case(tuple(map(precision.round, (x, weight, mean, std))), {"reg_covar": reg_covar})

    return cases()
