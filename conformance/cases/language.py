"""Inputs of the language models: short texts of few words, so that words and n-grams come again."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.recurrent import LENGTHS, SEEDS, Dims, fills, parameters, sizes
from gongsik.conformance.strategies import Case, PerBackend, make
from gongsik.spec.array import Range
from gongsik.spec.language import SentenceEncoder, Seq2Seq

POSITIVE = Range(low=0.0)


@st.composite
def integers(draw: st.DrawFn, below: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, below, shape)


@st.composite
def lengths(draw: st.DrawFn, s: int, t: int, least: int = 1) -> np.ndarray | None:
    return draw(st.none() | st.lists(st.integers(least, t), min_size=s, max_size=s).map(np.array))


@st.composite
def texts(draw: st.DrawFn, at_least: int = 1) -> tuple[np.ndarray, int]:
    """A few sentences, and the size of the vocabulary, which may be larger than the words that occur."""
    vocab, s = draw(st.sampled_from((1, 2, 2, 3, 3, 5, 40))), draw(st.integers(1, 3))
    t = draw(st.integers(at_least, at_least + 9))
    return draw(integers(draw(st.integers(1, vocab)), s, t)), vocab


# Counting


@st.composite
def n_gram_counts(draw: st.DrawFn, precision: Precision) -> Case:
    n = draw(st.sampled_from((1, 2, 2, 3, 4, 5)))
    seq, vocab = draw(texts(n))
    return Case((seq, draw(lengths(*seq.shape))), {"n": n, "vocab": vocab})


@st.composite
def n_gram_model(draw: st.DrawFn, precision: Precision) -> Case:
    """Counts of n-grams in any order, some of them twice; the text has some of them, and others."""
    n = draw(st.sampled_from((1, 2, 2, 3)))
    seq, vocab = draw(texts(n))
    windows = np.lib.stride_tricks.sliding_window_view(seq, n, axis=1).reshape(-1, n)
    others = draw(integers(vocab, draw(st.integers(0, 6)), n))
    gram = np.concatenate([windows[draw(integers(len(windows), draw(st.integers(1, 12))))], others])
    style = draw(st.sampled_from(("ties", "ties", "normal", "spread", "tiny")))
    count = make(draw(SEEDS), style, (len(gram),), precision.name, POSITIVE)
    alpha = draw(st.sampled_from((0.0, 0.0, 0.5, 1.0)))
    return Case((gram, count, seq), {"vocab": vocab, "alpha": alpha})


@st.composite
def wordpiece(draw: st.DrawFn, precision: Precision) -> Case:
    """Words of three letters, Korean ones among them, and pieces of such words."""
    piece = st.text("ab한", min_size=1, max_size=3)
    pieces = draw(st.lists(st.tuples(st.booleans(), piece), min_size=1, max_size=12))
    names = ["[UNK]", *("##" * within + text for within, text in pieces)]
    words = draw(st.lists(st.text("ab한", min_size=1, max_size=6) | piece, min_size=1, max_size=5))
    vocab = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return Case((tuple(words), vocab), {"longest": draw(st.sampled_from((100, 100, 100, 4)))})


@st.composite
def cooccurrence_matrix(draw: st.DrawFn, precision: Precision) -> Case:
    seq, vocab = draw(texts())
    window = draw(st.integers(1, 5))
    kind = draw(st.sampled_from(("ones", "inverse", "any")))
    if kind == "any":
        weight = make(draw(SEEDS), "normal", (window,), precision.name, POSITIVE)
    else:
        weight = precision.round(np.ones(window) if kind == "ones" else 1 / np.arange(1, window + 1))
    return Case((seq, weight, draw(lengths(*seq.shape))), {"vocab": vocab, "normalize": draw(st.booleans())})


@st.composite
def glove(draw: st.DrawFn, precision: Precision) -> Case:
    """Counts from 0 to beyond x_max, of pairs some of which come twice."""
    v, d, m = draw(st.integers(1, 6)), draw(st.integers(1, 9)), draw(st.integers(1, 12))
    fill = draw(fills(precision))
    x = make(draw(SEEDS), draw(st.sampled_from(("ties", "normal", "spread"))), (m,), precision.name, POSITIVE)
    arguments = fill((v, d)), fill((v, d)), fill((v,)), fill((v,)), draw(integers(v, m)), draw(integers(v, m)), x
    options = {"x_max": draw(st.sampled_from((100.0, 1.0, 3.0))), "alpha": draw(st.sampled_from((0.75, 0.5, 1.0)))}
    return Case(arguments, options)


# Sentences, and one sequence made of another


@st.composite
def language_model_loss(draw: st.DrawFn, precision: Precision) -> Case:
    s, t, v = draw(st.integers(1, 3)), draw(st.integers(2, 6)), draw(st.integers(1, 9))
    style = draw(st.sampled_from(("normal", "spread", "ties", "offset", "huge")))
    logits = make(draw(SEEDS), style, (s, t, v), precision.name)
    return Case((logits, draw(integers(v, s, t)), draw(lengths(s, t, 2))))


@st.composite
def sentence_encoder(draw: st.DrawFn, precision: Precision) -> Case:
    d, fill = draw(sizes()), draw(fills(precision))
    config = SentenceEncoder(draw(st.integers(1, 7)), d["i"], d["k"], d["o"])
    ids = draw(integers(config.vocab, d["n"], d["t"]))
    return Case((config, parameters(config, fill), ids, draw(lengths(d["n"], d["t"]))))


@st.composite
def networks(draw: st.DrawFn, precision: Precision) -> tuple[Seq2Seq, dict[str, np.ndarray], Dims, Any]:
    """A configuration, parameters that fit it, sizes, and what fills more arrays."""
    d, fill = draw(sizes()), draw(fills(precision))
    config = Seq2Seq(draw(st.integers(1, 7)), d["o"], d["i"], d["k"], attention=draw(st.booleans()))
    return config, parameters(config, fill), d, fill


@st.composite
def seq2seq_encoder(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, d, _ = draw(networks(precision))
    source = draw(integers(config.source_vocab, d["n"], d["t"]))
    return Case((config, params, source, draw(lengths(d["n"], d["t"]))))


@st.composite
def seq2seq_decoder(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, d, fill = draw(networks(precision))
    ids = draw(integers(config.target_vocab, d["n"], draw(LENGTHS)))
    h, states = fill((d["n"], d["k"])), fill((d["n"], d["t"], d["k"]))
    if not config.attention:
        return Case((config, params, ids, h, draw(st.sampled_from((None, states))), None))
    visible = draw(st.sampled_from((None, draw(integers(4, d["n"], d["t"])) > 0)))
    return Case((config, params, ids, h, states, visible))


@st.composite
def seq2seq(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, d, _ = draw(networks(precision))
    source = draw(integers(config.source_vocab, d["n"], d["t"]))
    target = draw(integers(config.target_vocab, d["n"], draw(LENGTHS)))
    return Case((config, params, source, target, draw(lengths(d["n"], d["t"]))))


def table_decoder(table: np.ndarray) -> PerBackend:
    """A decoder that looks up the logits of the next word by the word before. Its state is added to all of them."""

    def make_decoder(gs: Any) -> Any:
        logits = gs.array(table)
        return lambda state, ids: logits[ids] + state["bias"]

    return PerBackend(make_decoder)


@st.composite
def teacher_forcing(draw: st.DrawFn, precision: Precision) -> Case:
    s, t, v = draw(st.integers(1, 3)), draw(LENGTHS), draw(st.integers(1, 6))
    fill = draw(fills(precision))
    start, target = draw(integers(v, s)), draw(integers(v, s, t))
    return Case((table_decoder(fill((v, v))), {"bias": fill((v,))}, start, target, draw(lengths(s, t))))


def table_step(table: np.ndarray) -> PerBackend:
    """A step whose logits depend on the word before and on how many words were said. No two of them are equal."""

    def make_step(gs: Any) -> Any:
        logits = gs.array(table)
        return lambda t, word: (logits[t % len(table)][word], t + 1)

    return PerBackend(make_step)


@st.composite
def greedy_decode(draw: st.DrawFn, precision: Precision) -> Case:
    period, v = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    order = np.random.Generator(np.random.Philox(draw(SEEDS)))
    table = order.permuted(np.broadcast_to(np.arange(v) - 1.0, (period, v, v)), axis=-1)
    start, eos = draw(integers(v, draw(st.integers(1, 4)))), draw(st.integers(0, v - 1))
    return Case((table_step(table), 0, start), {"eos": eos, "max_length": draw(st.integers(1, 7))})
