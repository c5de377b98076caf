"""Inputs of transformers: small ones of every kind, with all parameters away from where they start."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.attention import SEEDS, masks
from gongsik.conformance.strategies import Case, make
from gongsik.spec.architectures.bert import BERT
from gongsik.spec.architectures.transformer import TORCH_ENCODER
from gongsik.spec.array import Range
from gongsik.spec.transformer import (
    GPT,
    Bert,
    BertClassifier,
    BertPretraining,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
    ViT,
    cache_shape,
)

ACTIVATIONS = st.sampled_from(("relu", "gelu", "gelu_tanh"))
BATCHES = st.sampled_from(((), (1,), (2,), (2, 2), (0,)))
BOTH = st.booleans()
FEW = st.integers(1, 3)
LENGTHS = st.integers(1, 5)
NAMES = st.sampled_from((TORCH_ENCODER, BERT, dataclasses.replace(TORCH_ENCODER, transposed=True)))
RATES = st.sampled_from((0.0, 0.25, 0.5))
STYLES = st.sampled_from(("normal", "normal", "normal", "ties", "spread"))
UNIFORM = Range(0.0, 1.0)

Fill = Callable[[tuple[int, ...]], np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]


@st.composite
def fills(draw: st.DrawFn, precision: Precision) -> Fill:
    """A function that fills one shape after the other with numbers, all of one style."""
    seed, style = draw(SEEDS), draw(STYLES)
    used = iter(range(1000))
    return lambda shape: make(seed + next(used), style, shape, precision.name)


def parameters(config: Any, seed: int, precision: Precision) -> dict[str, np.ndarray]:
    """Matrices that keep the size of what they get, or a part of it; scales around 1, and shifts that are not 0.

    The less a layer adds to its shortcuts, the less of its rounding errors comes through: then 8 bits say something.
    """
    found, part = {}, (1, 1, 4, 16)[seed % 4]
    for i, (name, shape) in enumerate(config.parameters().items()):
        x = make(seed + i, "normal", shape, precision.name)
        if len(shape) > 1:
            found[name] = x / part / 2.0 ** round(math.log2(min(shape)) / 2)
        else:
            found[name] = precision.round(1 + x / 4) if name.endswith("weight") else x / 4 / part
    return found


@st.composite
def draws(draw: st.DrawFn, shapes: Shapes, precision: Precision) -> dict[str, np.ndarray] | None:
    """The draws of training, or None: evaluation."""
    if draw(BOTH):
        return None
    seed = draw(SEEDS)
    return {name: make(seed + i, "normal", shape, precision.name, UNIFORM) for i, (name, shape) in
            enumerate(shapes.items())}  # fmt: skip


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a layer: a normalization over two numbers leaves their order only, so there are more."""
    heads, width = draw(st.sampled_from(((1, 4), (2, 2), (2, 3), (3, 2), (2, 4))))
    return {
        "d_model": heads * width, "n_heads": heads, "d_ff": draw(st.integers(1, 9)), "dropout": draw(RATES),
        "activation": draw(ACTIVATIONS), "eps": draw(st.sampled_from((1e-5, 1e-12))),
    }  # fmt: skip


@st.composite
def layers(draw: st.DrawFn, kind: Any = EncoderLayer) -> Any:
    names: dict[str, Any] = {"names": draw(NAMES)} if kind is EncoderLayer else {}
    return kind(
        **draw(sizes()), norm_first=draw(BOTH), inner_dropout=draw(BOTH),
        attention_dropout=draw(st.sampled_from((None, 0.0, 0.25))), **names,
    )  # fmt: skip


@st.composite
def feed_forward(draw: st.DrawFn, precision: Precision) -> Case:
    d, f, o, fill = draw(LENGTHS), draw(st.integers(1, 9)), draw(LENGTHS), draw(fills(precision))
    arrays = fill((*draw(BATCHES), d)), fill((f, d)), fill((f,)), fill((o, f)), fill((o,))
    return Case(arrays, {"activation": draw(ACTIVATIONS)})


@st.composite
def _encoding(draw: st.DrawFn, precision: Precision, config: Any, *, training: bool = True) -> Case:
    batch, t = draw(BATCHES), draw(LENGTHS)
    width = config.layer.d_model if isinstance(config, Encoder) else config.d_model
    x = draw(fills(precision))((*batch, t, width))
    arguments = config, parameters(config, draw(SEEDS), precision), x, draw(masks(batch, t, t))
    dropped = (draw(draws(config.draws(x.shape), precision)),) if training else ()
    return Case((*arguments, *dropped), {"causal": draw(BOTH)})


def encoder_layer(precision: Precision) -> SearchStrategy[Case]:
    return layers().flatmap(lambda config: _encoding(precision, config))


@st.composite
def stacks(draw: st.DrawFn, least: int = 0) -> Encoder:
    return Encoder(draw(layers()), draw(st.integers(least, 2)), draw(BOTH))


def encoder(precision: Precision) -> SearchStrategy[Case]:
    return stacks().flatmap(lambda config: _encoding(precision, config))


def encoder_states(precision: Precision) -> SearchStrategy[Case]:
    return stacks(1).flatmap(lambda config: _encoding(precision, config, training=False))


@st.composite
def _decoding(draw: st.DrawFn, precision: Precision, config: Any) -> Case:
    batch, t, s, fill = draw(BATCHES), draw(LENGTHS), draw(LENGTHS), draw(fills(precision))
    d = config.layer.d_model if isinstance(config, Decoder) else config.d_model
    x, memory = fill((*batch, t, d)), fill((*batch, s, d))
    params, seen = parameters(config, draw(SEEDS), precision), (draw(masks(batch, t, t)), draw(masks(batch, t, s)))
    return Case((config, params, x, memory, *seen, draw(draws(config.draws(x.shape, s), precision))))


def decoder_layer(precision: Precision) -> SearchStrategy[Case]:
    return layers(DecoderLayer).flatmap(lambda config: _decoding(precision, config))


@st.composite
def decoder(draw: st.DrawFn, precision: Precision) -> Case:
    config = Decoder(draw(layers(DecoderLayer)), draw(st.integers(0, 2)), draw(BOTH))
    return draw(_decoding(precision, config))


@st.composite
def padding(draw: st.DrawFn, n: int, t: int) -> np.ndarray | None:
    """Which tokens are real: the first so many of each sequence, or any; in some sequence perhaps none."""
    if draw(BOTH):
        return None
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    if draw(BOTH):
        return rng.random((n, t)) < 0.7
    return np.arange(t) < rng.integers(1, t, (n, 1), endpoint=True)


def ids(draw: st.DrawFn, size: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, size, shape)


@st.composite
def transformer(draw: st.DrawFn, precision: Precision) -> Case:
    n, s, t, v = draw(FEW), draw(LENGTHS), draw(LENGTHS), draw(st.integers(2, 6))
    options = draw(sizes())
    options["d_model"] = options["n_heads"] * 2 * draw(st.integers(1, 2))
    depths: dict[str, Any] = {"n_encoder_layers": draw(st.integers(0, 1)), "n_decoder_layers": draw(st.integers(0, 2))}
    config = Transformer(v, v + 1, **options, **depths, norm_first=draw(BOTH))
    source, target = ids(draw, v, n, s), ids(draw, v + 1, n, t)
    dropped = draw(draws(config.draws(source.shape, target.shape), precision))
    params = parameters(config, draw(SEEDS), precision)
    return Case((config, params, source, target, draw(padding(n, s)), draw(padding(n, t)), dropped))


@st.composite
def cls_token(draw: st.DrawFn, precision: Precision) -> Case:
    t, d, fill = draw(LENGTHS), draw(LENGTHS), draw(fills(precision))
    return Case((fill((*draw(BATCHES), t, d)), fill((d,))))


@st.composite
def bert_embedding(draw: st.DrawFn, precision: Precision) -> Case:
    batch, t, d, fill = draw(BATCHES), draw(LENGTHS), draw(LENGTHS), draw(fills(precision))
    v, g, m = draw(st.integers(1, 9)), draw(FEW), t + draw(st.integers(0, 3))
    return Case((ids(draw, v, *batch, t), ids(draw, g, *batch, t), fill((v, d)), fill((g, d)), fill((m, d))))


@st.composite
def mask_tokens(draw: st.DrawFn, precision: Precision) -> Case:
    shape, v = (*draw(BATCHES), draw(st.integers(1, 40))), draw(st.integers(1, 30))
    pick, way = (make(draw(SEEDS), "normal", shape, precision.name, UNIFORM) for _ in range(2))
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    allowed = draw(st.sampled_from((None, np.asarray(rng.random(shape) < 0.7))))
    masked, random = draw(st.sampled_from(((0.8, 0.1), (0.8, 0.1), (0.5, 0.5), (1.0, 0.0), (0.0, 0.25))))
    options = {"rate": draw(st.sampled_from((0.15, 0.5, 1.0, 0.0))), "masked": masked, "random": random}
    return Case((ids(draw, v, *shape), pick, way, ids(draw, v, *shape), allowed), {"mask_id": v, **options})


@st.composite
def masked_language_model(draw: st.DrawFn, precision: Precision) -> Case:
    shape, v = (*draw(BATCHES), draw(LENGTHS)), draw(st.integers(1, 9))
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    chosen = np.asarray(rng.random(shape) < draw(st.sampled_from((0.0, 0.3, 0.7, 1.0))))
    return Case((draw(fills(precision))((*shape, v)), ids(draw, v, *shape), chosen))


def _small(draw: st.DrawFn) -> Bert:
    options = draw(sizes())
    return Bert(
        draw(st.integers(2, 7)), n_layers=draw(st.integers(0, 2)), max_length=5, n_segments=draw(FEW),
        attention_dropout=draw(RATES), **options,
    )  # fmt: skip


def _reading(draw: st.DrawFn, precision: Precision, config: Any, bert: Bert) -> Case:
    n, t = draw(FEW), draw(LENGTHS)
    params, tokens = parameters(config, draw(SEEDS), precision), ids(draw, bert.vocab_size, n, t)
    segments = draw(st.sampled_from((None, ids(draw, bert.n_segments, n, t))))
    return Case((config, params, tokens, segments, draw(padding(n, t)), draw(draws(config.draws((n, t)), precision))))


@st.composite
def bert(draw: st.DrawFn, precision: Precision) -> Case:
    config = _small(draw)
    return _reading(draw, precision, config, config)


@st.composite
def bert_pretraining(draw: st.DrawFn, precision: Precision) -> Case:
    config = BertPretraining(_small(draw))
    return _reading(draw, precision, config, config.bert)


@st.composite
def bert_classifier(draw: st.DrawFn, precision: Precision) -> Case:
    config = BertClassifier(_small(draw), draw(FEW))
    return _reading(draw, precision, config, config.bert)


def _gpt(draw: st.DrawFn, most: int, least: int = 0) -> GPT:
    """A small GPT that reads so many tokens, or a few more."""
    options = draw(sizes())
    return GPT(
        draw(st.integers(2, 7)), n_layers=draw(st.integers(least, 2)), max_length=most + draw(st.integers(0, 3)),
        attention_dropout=draw(RATES), **options,
    )  # fmt: skip


@st.composite
def gpt(draw: st.DrawFn, precision: Precision) -> Case:
    n, t = draw(FEW), draw(LENGTHS)
    config = _gpt(draw, t)
    params, tokens = parameters(config, draw(SEEDS), precision), ids(draw, config.vocab_size, n, t)
    return Case((config, params, tokens, draw(padding(n, t)), draw(draws(config.draws((n, t)), precision))))


@st.composite
def gpt_step(draw: st.DrawFn, precision: Precision) -> Case:
    """The first step, and later ones, where every sample holds as many tokens as it likes."""
    n, t, more = draw(FEW), draw(FEW), draw(st.integers(0, 4))
    config = _gpt(draw, t + more, 1)
    params, tokens = parameters(config, draw(SEEDS), precision), ids(draw, config.vocab_size, n, t)
    if draw(BOTH):
        return Case((config, params, tokens, None, None, None), {"capacity": draw(st.sampled_from((None, t + more)))})
    fill, shape = draw(fills(precision)), cache_shape(config, n, t + more)
    return Case((config, params, tokens, fill(shape), fill(shape), ids(draw, more + 1, n)))


@st.composite
def output_sampling(draw: st.DrawFn, precision: Precision) -> Case:
    """Few words and many, some of them impossible, and many draws, some of which fall on the ends of [0, 1)."""
    batch, v = draw(st.sampled_from(((), (0,), (2, 3), (24,), (24,), (24,)))), draw(st.integers(1, 24))
    fill = draw(fills(precision))
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    possible = rng.random((*batch, v)) < draw(st.sampled_from((1.0, 0.6)))
    possible[..., rng.integers(v)] = True
    logits = np.where(possible, fill((*batch, v)), -np.inf)
    uniform = make(draw(SEEDS), "normal", batch, precision.name, UNIFORM)
    uniform = np.where(rng.random(batch) < 0.2, rng.choice([0.0, 1 - 2 * precision.unit], batch), uniform)
    temperature, top_k = draw(st.sampled_from((1.0, 1.0, 0.5, 2.0, 0.125, 0.0))), draw(st.integers(0, v + 1))
    return Case((logits, uniform), {"temperature": temperature, "top_k": top_k or None})


@st.composite
def patch_embedding(draw: st.DrawFn, precision: Precision) -> Case:
    n, c, d, p, q = (draw(FEW) for _ in range(5))
    fill = draw(fills(precision))
    weight, bias = fill((d, c, p, q)), draw(st.sampled_from((None, fill((d,)))))
    return Case((fill((n, c, p * draw(FEW), q * draw(FEW))), weight, bias))


@st.composite
def vit(draw: st.DrawFn, precision: Precision) -> Case:
    side, count, channels = draw(FEW), draw(FEW), draw(FEW)
    config = ViT(
        side * count, side, channels, draw(FEW), n_layers=draw(st.integers(0, 2)), attention_dropout=draw(RATES),
        **draw(sizes()),
    )  # fmt: skip
    x = make(draw(SEEDS), "normal", (draw(FEW), channels, side * count, side * count), precision.name)
    return Case((config, parameters(config, draw(SEEDS), precision), x, draw(draws(config.draws(x.shape), precision))))
