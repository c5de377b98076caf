"""Inputs of attention: masks that fit, some of which leave a row empty, and configurations with their parameters."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, make
from gongsik.spec.attention import MultiHead

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "normal", "normal", "ties", "spread", "tiny", "huge", "offset"))
BATCHES = st.sampled_from(((), (1,), (2,), (2, 3), (1, 2, 2), (0,)))
LENGTHS = st.one_of(st.integers(1, 4), st.integers(1, 4), st.integers(1, 24))
SCALES = st.one_of(st.none(), st.sampled_from((1.0, 0.5, 0.125)))
MASKS = st.sampled_from((None, "any", "any", "any", "padding", "shared", "query", "all", "nothing"))


@st.composite
def fills(draw: st.DrawFn, precision: Precision) -> Any:
    """A function that fills one shape after the other with numbers, all of one style."""
    seed, style = draw(SEEDS), draw(STYLES)
    layout = draw(st.sampled_from(("plain", "plain", "transposed", "strided", "broadcast")))
    used = iter(range(1000))
    return lambda shape: make(seed + next(used), style, shape, precision.name, None, layout)


@st.composite
def sizes(draw: st.DrawFn, number: int) -> list[int]:
    """Lengths of so many axes: drawn one by one, which shrinks, or all different, which hypothesis seldom draws."""
    if draw(st.booleans()):
        return [draw(LENGTHS) for _ in range(number)]
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    return rng.integers(1, draw(st.sampled_from((5, 9, 25))), number).tolist()


@st.composite
def masks(draw: st.DrawFn, batch: tuple[int, ...], t: int, s: int) -> np.ndarray | None:
    """A mask of any shape that can be broadcast to (*batch, t, s); each entry is drawn, so that rows may be empty."""
    kind = draw(MASKS)
    if kind is None:
        return None
    shapes = {"any": (*batch, t, s), "padding": (*batch, 1, s), "shared": (t, s), "query": (t, 1)}
    shape = shapes.get(kind, (s,))
    if kind in ("all", "nothing"):
        return np.full(shape, kind == "all")
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    return rng.random(shape) < draw(st.sampled_from((0.3, 0.7, 0.9)))


@st.composite
def attention_weights(draw: st.DrawFn, precision: Precision) -> Case:
    batch, t, s, fill = draw(BATCHES), draw(LENGTHS), draw(LENGTHS), draw(fills(precision))
    scale = draw(st.sampled_from((1.0, 0.5, 0.125, 1 / math.sqrt(3))))
    return Case((fill((*batch, t, s)), draw(masks(batch, t, s))), {"scale": scale})


@st.composite
def scaled_dot_product_attention(draw: st.DrawFn, precision: Precision) -> Case:
    batch, (t, s, d, e) = draw(BATCHES), draw(sizes(4))
    fill = draw(fills(precision))
    e = draw(st.sampled_from((d, e)))  # equal widths take other kernels
    arguments = fill((*batch, t, d)), fill((*batch, s, d)), fill((*batch, s, e)), draw(masks(batch, t, s))
    return Case(arguments, {"scale": draw(SCALES), "causal": draw(st.booleans())})


def _weight(fill: Any, shape: tuple[int, int]) -> np.ndarray:
    """A matrix, divided by a power of 2 near the root of its inputs: still exact."""
    return fill(shape) / 2.0 ** round(math.log2(shape[-1]) / 2)


@st.composite
def _projected(draw: st.DrawFn, precision: Precision, *, memory: bool = False, mask: bool = True) -> Case:
    batch, (t, s, d, m, k, e) = draw(BATCHES), draw(sizes(6))
    fill = draw(fills(precision))
    sources = (fill((*batch, t, d)), fill((*batch, s, m))) if memory else (fill((*batch, t, d)),)
    if not memory:
        s, m = t, d
    e = draw(st.sampled_from((k, e)))
    weights = _weight(fill, (k, d)), _weight(fill, (k, m)), _weight(fill, (e, m))
    return Case((*sources, *weights, *((draw(masks(batch, t, s)),) if mask else ())))


def self_attention(precision: Precision) -> SearchStrategy[Case]:
    return _projected(precision)


def masked_self_attention(precision: Precision) -> SearchStrategy[Case]:
    return _projected(precision, mask=False)


def cross_attention(precision: Precision) -> SearchStrategy[Case]:
    return _projected(precision, memory=True)


@st.composite
def causal_mask(draw: st.DrawFn, precision: Precision) -> Case:
    """Positions of whole sequences, of their ends, and any integers."""
    batch, t, s = draw(BATCHES), draw(LENGTHS), draw(LENGTHS)
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    if draw(st.booleans()):
        key = np.broadcast_to(np.arange(s), (*batch, s))
        return Case((key[..., s - min(s, t) :], key))
    return Case((rng.integers(-3, 9, (*batch, t)), rng.integers(-3, 9, (*batch, s))))


@st.composite
def split_heads(draw: st.DrawFn, precision: Precision) -> Case:
    batch, t, h, e = draw(BATCHES), draw(LENGTHS), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    return Case((draw(fills(precision))((*batch, t, h * e)),), {"n_heads": h})


@st.composite
def _multi_head(draw: st.DrawFn, precision: Precision) -> Case:
    batch, t, s = draw(BATCHES), draw(LENGTHS), draw(LENGTHS)
    heads, width = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    config = MultiHead(heads * width, heads, draw(st.booleans()))
    fill = draw(fills(precision))
    params = {}
    for name, shape in config.parameters().items():
        params[name] = _weight(fill, shape) if len(shape) == 2 else fill(shape)
    memory = draw(st.sampled_from((None, fill((*batch, s, config.d_model)))))
    mask = draw(masks(batch, t, t if memory is None else s))
    arguments = config, params, fill((*batch, t, config.d_model)), memory, mask
    return Case(arguments, {"causal": draw(st.booleans())})


def multi_head_attention(precision: Precision) -> SearchStrategy[Case]:
    return _multi_head(precision)


def multi_head_attention_weights(precision: Precision) -> SearchStrategy[Case]:
    return _multi_head(precision)


@st.composite
def sinusoidal_positional_encoding(draw: st.DrawFn, precision: Precision) -> Case:
    """Positions from the first on, and real numbers; few of them so large that rounding hides the fast clocks."""
    d, base = 2 * draw(st.integers(1, 12)), draw(st.sampled_from((10000.0, 10000.0, 100.0, 2.5, 0.5)))
    if draw(st.booleans()):
        start, n = draw(st.sampled_from((0, 0, 100, 511))), draw(st.integers(1, 20))
        position = precision.round(np.arange(start, start + n))
    else:
        position = draw(fills(precision))(draw(BATCHES))
    return Case((np.asarray(position),), {"d": d, "base": base})


concatenated_positional_encoding = sinusoidal_positional_encoding


@st.composite
def seq2seq_attention(draw: st.DrawFn, precision: Precision) -> Case:
    batch, s, d, fill = draw(BATCHES), draw(LENGTHS), draw(LENGTHS), draw(fills(precision))
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    mask = draw(st.sampled_from((None, rng.random((*batch, s)) < 0.6)))
    return Case((fill((*batch, d)), fill((*batch, s, d)), None if mask is None else np.asarray(mask)))
