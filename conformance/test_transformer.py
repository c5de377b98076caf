"""Laws of transformers."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik import reference
from gongsik.conformance.agreement import Exact, assert_agree, assert_at_most, check_values, convert
from gongsik.conformance.cases.transformer import parameters
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, Case, inputs, make
from gongsik.spec.architectures.transformer import layer_names
from gongsik.spec.attention import MultiHead
from gongsik.spec.transformer import (
    Bert,
    BertClassifier,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
)

SEEDS = st.integers(0, 2**32 - 1)
ENCODER = EncoderLayer(8, 2, 12, activation="gelu")
DECODER = DecoderLayer(8, 2, 12)
STACK = Encoder(ENCODER, 2, norm=True)
WRITER = Decoder(DECODER, 2, norm=True)
TRANSLATOR = Transformer(7, 5, 8, 2, 12, 1, 2)
BERT = Bert(9, 8, 2, 12, 2, max_length=6)


def normal(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Arrays of ordinary numbers, exact in the precision under test."""
    return [make(seed + i, "normal", shape, PRECISION.get().name) for i, shape in enumerate(shapes)]


def model(config: Any, seed: int) -> dict[str, np.ndarray]:
    return parameters(config, seed, PRECISION.get())


def ids(seed: int, size: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).integers(0, size, shape)


def part(params: dict[str, Any], at: str) -> dict[str, Any]:
    """The parameters whose names begin so, without that."""
    return {name.removeprefix(at): x for name, x in params.items() if name.startswith(at)}


def only_float64(gs: Any) -> None:
    if gs.precision.name != "float64":
        pytest.skip("a deep composition is judged in float64")


def assert_differ(gs: Any, left: Any, right: Any, *arguments: Any) -> None:
    """Two expressions are further apart than rounding could bring them, at least in some element."""
    with pytest.raises(AssertionError):
        assert_agree(gs, left, right, *arguments)


# Layers


@law("transformer.feed_forward")
@given(inputs("feed_forward"))
def test_the_feed_forward_layer_is_two_linear_layers(gs, case):
    """An MLP per token: linear, what lies between, linear."""
    x, w1, b1, w2, b2 = case.arguments
    eye, none = np.eye(len(b1)), np.zeros(len(b1))
    assert_agree(
        gs,
        lambda gs, x, w1, b1, w2, b2, eye, none: gs.feed_forward(x, w1, b1, w2, b2, **case.options),
        lambda gs, x, w1, b1, w2, b2, eye, none: gs.linear(
            gs.feed_forward(gs.linear(x, w1, b1), eye, none, eye, none, **case.options), w2, b2
        ),
        x, w1, b1, w2, b2, eye, none,
    )  # fmt: skip


@law("transformer.feed_forward")
@given(SEEDS, st.sampled_from(("relu", "gelu", "gelu_tanh")))
def test_an_activation_and_its_mirror_image_leave_the_number(gs, seed, activation):
    """f(z) - f(-z) = z, for all three; relu is the chapter on activations'; each GELU lies between relu and relu - 1/5.

    The least of z P(Z < z) is -0.16997, at -0.7518.
    """
    (z,) = normal(seed, (5, 1))
    one, none = np.ones((1, 1)), np.zeros(1)

    def f(gs, z, one, none):
        return gs.feed_forward(z, one, none, one, none, activation=activation)

    assert_agree(gs, lambda gs, z, *w: f(gs, z, *w) - f(gs, -z, *w), lambda gs, z, one, none: z, 4 * z, one, none)
    if activation == "relu":
        assert_agree(gs, f, lambda gs, z, one, none: gs.relu(z), z, one, none)
    assert_at_most(gs, f, lambda gs, z, one, none: gs.relu(z), z, one, none)
    assert_at_most(gs, lambda gs, z, one, none: gs.relu(z) - 0.203125, f, z, one, none)


@law("transformer.feed_forward")
@given(SEEDS, st.permutations(range(4)))
def test_the_feed_forward_layer_treats_every_token_alike(gs, seed, order):
    """Shuffled tokens give shuffled results: no token knows of another."""
    arrays = normal(seed, (2, 4, 3), (5, 3), (5,), (3, 5), (3,))
    assert_agree(
        gs,
        lambda gs, x, *weights: gs.feed_forward(x[:, list(order)], *weights),
        lambda gs, x, *weights: gs.feed_forward(x, *weights)[:, list(order)],
        *arrays,
    )


@law("transformer.encoder_layer", "transformer.encoder")
@pytest.mark.parametrize("norm_first", [False, True])
@given(SEEDS, st.permutations(range(4)))
def test_an_encoder_layer_does_not_know_the_order_of_its_tokens(gs, norm_first, seed, order):
    """Shuffled tokens give shuffled results, until positions are added; the shape is kept."""
    config = dataclasses.replace(ENCODER, norm_first=norm_first)
    (x,) = normal(seed, (2, 4, 8))
    assert_agree(
        gs,
        lambda gs, params, x: gs.encoder_layer(config, params, x[:, list(order)]),
        lambda gs, params, x: gs.encoder_layer(config, params, x)[:, list(order)],
        model(config, seed),
        x,
    )
    params = {name: gs.array(p) for name, p in model(config, seed).items()}
    assert tuple(gs.encoder_layer(config, params, gs.array(x)).shape) == x.shape


@law("transformer.encoder_layer")
@given(SEEDS)
def test_what_an_encoder_layer_returns_is_normalized(gs, seed):
    """With scale 1 and shift 0, every token has mean 0 and a variance of at most 1; with `norm_first` it has not."""
    (x,) = normal(seed, (3, 8))
    params = model(ENCODER, seed)
    params |= {"norm2.weight": np.ones(8), "norm2.bias": np.zeros(8)}
    y = lambda gs, params, x: gs.encoder_layer(ENCODER, params, x)  # noqa: E731
    assert_agree(gs, lambda *a: y(*a).mean(-1), lambda gs, params, x: 0 * x[:, 0], params, x)
    assert_at_most(gs, lambda *a: (y(*a) ** 2).mean(-1), lambda gs, params, x: 0 * x[:, 0] + 1, params, x)


@law("transformer.encoder_layer")
@given(SEEDS, st.booleans(), st.booleans())
def test_an_encoder_layer_is_attention_and_thought_with_shortcuts(gs, seed, norm_first, causal):
    """By the formulas of other chapters: layer_norm, multi_head_attention, and feed_forward."""
    config = dataclasses.replace(ENCODER, norm_first=norm_first)
    (x,) = normal(seed, (2, 3, 8))
    mask = ids(seed, 2, 2, 3, 3) > 0

    def by_hand(gs, params, x):
        def norm(name, x):
            return gs.layer_norm(x, params[f"{name}.weight"], params[f"{name}.bias"])

        def attend(x):
            return gs.multi_head_attention(
                MultiHead(8, 2), part(params, "self_attn."), x, None, gs.array(mask), causal=causal
            )

        def think(x):
            weights = (params[f"linear{i}.{name}"] for i in (1, 2) for name in ("weight", "bias"))
            return gs.feed_forward(x, *weights, activation="gelu")

        for name, body in (("norm1", attend), ("norm2", think)):
            x = x + body(norm(name, x)) if norm_first else norm(name, x + body(x))
        return x

    assert_agree(
        gs,
        lambda gs, params, x: gs.encoder_layer(config, params, x, gs.array(mask), causal=causal),
        by_hand,
        model(config, seed),
        x,
    )


@law("transformer.encoder_layer", "transformer.decoder_layer")
@given(SEEDS, st.booleans())
def test_dropping_nothing_is_evaluation(gs, seed, norm_first):
    """With p = 0 the draws do not matter."""
    x, memory = normal(seed, (2, 3, 8), (2, 2, 8))
    for name, start, more in (("encoder_layer", ENCODER, ()), ("decoder_layer", DECODER, (memory,))):
        config = dataclasses.replace(start, dropout=0.0, norm_first=norm_first)
        shapes = config.draws(x.shape, *(m.shape[-2] for m in more))
        dropped = {key: make(seed, "normal", shape, PRECISION.get().name) % 1 for key, shape in shapes.items()}
        masks = (None,) * (1 + len(more))

        def training(gs, params, draws, *arrays, name=name, config=config, masks=masks):
            return getattr(gs, name)(config, params, *arrays, *masks, draws)

        def evaluation(gs, params, draws, *arrays, name=name, config=config):
            return getattr(gs, name)(config, params, *arrays)

        assert_agree(
            gs,
            training,
            evaluation,
            model(config, seed),
            dropped,
            x,
            *more,
        )


@law("transformer.encoder_layer")
@given(SEEDS)
def test_dropping_all_that_is_added_leaves_what_was_there(gs, seed):
    """Draws of 0 are below every p: with `norm_first` the shortcuts are all that is left."""
    config = dataclasses.replace(ENCODER, norm_first=True, dropout=0.5)
    (x,) = normal(seed, (2, 3, 8))
    params = {name: gs.array(p) for name, p in model(config, seed).items()}
    draws = {name: gs.array(np.zeros(shape)) for name, shape in config.draws(x.shape).items()}
    assert np.array_equal(gs.numpy(gs.encoder_layer(config, params, gs.array(x), None, draws)), x)


# Stacks


@law("transformer.encoder", "transformer.encoder_states", "transformer.bert")
def test_a_stack_agrees_layer_by_layer(gs, tally):
    """Each layer, on the reference's own activations: in any precision, where a whole stack says nothing."""

    @given(inputs("encoder_states"))
    def check(case):
        config, params, x, mask = case.arguments
        with np.errstate(all="ignore"):
            hidden = reference.encoder_states(config, params, x, mask, **case.options).hidden
        for i, at in enumerate(layer_names(config)):
            seen = gs.precision.round(hidden[i])
            layer = Case((config.layer, part(params, at), seen, mask, None), case.options)
            verdict = check_values(gs, "encoder_layer", layer)
            assert verdict.agreed, f"layer {i} of {config}: {verdict.message}"
            tally["executed"] += 1
            tally["inconclusive"] += not verdict.conclusive

    check()
    assert tally["executed"] > tally["inconclusive"], "no layer said anything"


@law("transformer.encoder")
@given(inputs("encoder"))
def test_a_stack_is_its_layers_one_after_the_other(gs, case):
    """The layers share their structure and not their parameters; the last normalization comes after them."""
    only_float64(gs)
    config, params, x, mask, draws = case.arguments

    def by_hand(gs, params, x, mask, draws):
        for at in layer_names(config):
            x = gs.encoder_layer(
                config.layer, part(params, at), x, mask, None if draws is None else part(draws, at), **case.options
            )
        final = config.layer.names.final
        scale_and_shift = (params[f"{final}{name}"] for name in ("weight", "bias") if config.norm)
        return gs.layer_norm(x, *scale_and_shift, eps=config.layer.eps) if config.norm else x

    assert_agree(
        gs,
        lambda gs, params, x, mask, draws: gs.encoder(config, params, x, mask, draws, **case.options),
        by_hand,
        params, x, mask, draws,
    )  # fmt: skip


@law("transformer.encoder", "transformer.decoder")
@given(SEEDS)
def test_a_stack_of_no_layers_is_the_identity(gs, seed):
    """To the last bit."""
    x, memory = normal(seed, (2, 3, 8), (2, 2, 8))
    y = gs.encoder(Encoder(ENCODER, 0), {}, gs.array(x))
    z = gs.decoder(Decoder(DECODER, 0), {}, gs.array(x), gs.array(memory))
    assert np.array_equal(gs.numpy(y), x)
    assert np.array_equal(gs.numpy(z), x)


@law("transformer.encoder")
@given(SEEDS)
def test_layers_have_parameters_of_their_own(gs, seed):
    """Exchanging those of two layers changes the result."""
    only_float64(gs)
    params, (x,) = model(STACK, seed), normal(seed, (3, 8))
    swapped = params | {
        f"layers.{1 - i}.{rest}": params[f"layers.{i}.{rest}"] for i in (0, 1) for rest in part(params, "layers.0.")
    }
    run = lambda gs, params, swapped, x: gs.encoder(STACK, params, x)  # noqa: E731
    assert_differ(gs, run, lambda gs, params, swapped, x: gs.encoder(STACK, swapped, x), params, swapped, x)


@law("transformer.encoder")
@given(SEEDS)
def test_tokens_that_see_only_themselves_are_sentences_of_one_word(gs, seed):
    """All places go through the stack side by side: hidden from each other, they are as good as a batch."""
    only_float64(gs)
    params, (x,) = model(STACK, seed), normal(seed, (4, 8))
    assert_agree(
        gs,
        lambda gs, params, x: gs.encoder(STACK, params, x, gs.array(np.eye(4, dtype=bool)))[:, None],
        lambda gs, params, x: gs.encoder(STACK, params, x[:, None]),
        params,
        x,
    )


@law("transformer.encoder_states")
@given(inputs("encoder_states"))
def test_states_begin_with_the_input_and_end_with_the_output(gs, case):
    """Between them each is what a layer makes of the one before; weights are shares of what a query may look at."""
    only_float64(gs)
    config, params, x, mask = case.arguments
    assert_agree(
        gs,
        lambda gs, *a: gs.encoder_states(*a, **case.options).hidden[-1],
        lambda gs, *a: gs.encoder(*a, **case.options),
        config,
        params,
        x,
        mask,
    )
    states = gs.encoder_states(config, *convert((params, x, mask), gs), **case.options)
    hidden, weights = gs.numpy(states.hidden), gs.numpy(states.weights)
    *batch, t, _ = x.shape
    assert np.array_equal(hidden[0], x)
    assert weights.shape == (config.n_layers, *batch, config.layer.n_heads, t, t)
    assert ((weights >= 0) & (weights <= 1)).all()
    shown = np.broadcast_to(True if mask is None else mask, (*batch, t, t))
    shown = shown & np.tril(np.ones((t, t), bool)) if case.options["causal"] else shown
    assert (weights[:, ~shown[..., None, :, :].repeat(config.layer.n_heads, -3)] == 0).all()


# Decoders


@law("transformer.decoder_layer")
@given(SEEDS, st.permutations(range(4)))
def test_a_decoder_layer_does_not_know_the_order_of_its_memory(gs, seed, order):
    """It looks up by content: the encoder's tokens may come in any order."""
    x, memory = normal(seed, (2, 3, 8), (2, 4, 8))
    assert_agree(
        gs,
        lambda gs, params, x, memory: gs.decoder_layer(DECODER, params, x, memory[:, list(order)]),
        lambda gs, params, x, memory: gs.decoder_layer(DECODER, params, x, memory),
        model(DECODER, seed),
        x,
        memory,
    )


@law("transformer.decoder_layer", "transformer.parallel_training")
@given(SEEDS, st.integers(1, 4))
def test_a_decoder_layer_does_not_see_what_is_later(gs, seed, t):
    """Its first t results are those of the first t tokens alone."""
    x, memory = normal(seed, (2, 4, 8), (2, 3, 8))
    assert_agree(
        gs,
        lambda gs, params, x, memory: gs.decoder_layer(DECODER, params, x, memory)[:, :t],
        lambda gs, params, x, memory: gs.decoder_layer(DECODER, params, x[:, :t], memory),
        model(DECODER, seed),
        x,
        memory,
    )


@law("transformer.decoder_layer")
@given(SEEDS)
def test_a_decoder_layer_is_two_attentions_and_thought_with_shortcuts(gs, seed):
    """By the formulas of other chapters, with hidden keys on both sides."""
    x, memory = normal(seed, (2, 3, 8), (2, 4, 8))
    mask, memory_mask = ids(seed, 2, 2, 3, 3) > 0, ids(seed + 1, 2, 2, 1, 4) > 0

    def by_hand(gs, params, x, memory):
        def norm(i, x):
            return gs.layer_norm(x, params[f"norm{i}.weight"], params[f"norm{i}.bias"])

        heads, own, cross = MultiHead(8, 2), part(params, "self_attn."), part(params, "multihead_attn.")
        weights = (params[f"linear{i}.{name}"] for i in (1, 2) for name in ("weight", "bias"))
        x = norm(1, x + gs.multi_head_attention(heads, own, x, None, gs.array(mask), causal=True))
        x = norm(2, x + gs.multi_head_attention(heads, cross, x, memory, gs.array(memory_mask)))
        return norm(3, x + gs.feed_forward(x, *weights))

    assert_agree(
        gs,
        lambda gs, params, *a: gs.decoder_layer(DECODER, params, *a, gs.array(mask), gs.array(memory_mask)),
        by_hand,
        model(DECODER, seed),
        x,
        memory,
    )


@law("transformer.decoder")
@given(SEEDS)
def test_every_layer_of_a_decoder_sees_the_same_memory(gs, seed):
    """Layer after layer, with the encoder's output given to each, and not what the layer before made of it."""
    only_float64(gs)
    x, memory = normal(seed, (2, 3, 8), (2, 4, 8))

    def by_hand(gs, params, x, memory):
        for at in layer_names(WRITER):
            x = gs.decoder_layer(DECODER, part(params, at), x, memory)
        return gs.layer_norm(x, params["norm.weight"], params["norm.bias"])

    run = lambda gs, params, x, memory: gs.decoder(WRITER, params, x, memory)  # noqa: E731
    assert_agree(gs, run, by_hand, model(WRITER, seed), x, memory)


@law("transformer.parallel_training", "transformer.decoder")
@given(SEEDS, st.integers(1, 4))
def test_one_masked_pass_is_as_many_passes_as_there_are_words(gs, seed, t):
    """Dec(y_1..T)_t = Dec(y_1..t)_t for every t."""
    only_float64(gs)
    x, memory = normal(seed, (2, 4, 8), (2, 3, 8))
    params = model(WRITER, seed)
    assert_agree(
        gs,
        lambda gs, params, x, memory: gs.decoder(WRITER, params, x, memory)[:, t - 1],
        lambda gs, params, x, memory: gs.decoder(WRITER, params, x[:, :t], memory)[:, t - 1],
        params,
        x,
        memory,
    )


@law("transformer.parallel_training")
@given(SEEDS, st.integers(1, 3))
def test_without_the_mask_a_pass_has_seen_the_answer(gs, seed, t):
    """The same stack, not causal: its first t results are not those of the first t tokens."""
    only_float64(gs)
    (x,) = normal(seed, (2, 4, 8))
    for causal, relation in ((True, assert_agree), (False, assert_differ)):
        relation(
            gs,
            lambda gs, params, x, c=causal: gs.encoder(STACK, params, x, causal=c)[:, :t],
            lambda gs, params, x, c=causal: gs.encoder(STACK, params, x[:, :t], causal=c),
            model(STACK, seed),
            x,
        )


# The whole


@law("transformer.transformer")
@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_a_transformer_writes_distributions_for_a_target_of_any_length(gs, seed, s, t):
    """Source and target need not be of one length; the softmax of every row sums to 1."""
    only_float64(gs)
    params, source, target = model(TRANSLATOR, seed), ids(seed, 7, 2, s), ids(seed, 5, 2, t)
    assert_agree(
        gs,
        lambda gs, params, *a: gs.softmax(gs.transformer(TRANSLATOR, params, *a)).sum(-1),
        lambda gs, params, *a: np.ones((2, t)) if isinstance(gs, Exact) else gs.array(np.ones((2, t))),
        params,
        source,
        target,
    )


@law("transformer.transformer", "transformer.parallel_training")
@given(SEEDS, st.integers(1, 4))
def test_teacher_forcing_in_parallel_is_writing_word_by_word(gs, seed, t):
    """What the whole target gets at place t - 1 is what the first t words get there: no step waits for another."""
    only_float64(gs)
    params, source, target = model(TRANSLATOR, seed), ids(seed, 7, 2, 3), ids(seed, 5, 2, 4)
    assert_agree(
        gs,
        lambda gs, params, source, target: gs.transformer(TRANSLATOR, params, source, target)[:, t - 1],
        lambda gs, params, source, target: gs.transformer(TRANSLATOR, params, source, target[:, :t])[:, t - 1],
        params,
        source,
        target,
    )


@law("transformer.transformer")
@given(SEEDS)
def test_a_transformer_is_embeddings_encoder_decoder_and_a_linear_layer(gs, seed):
    """By its parts; embeddings are multiplied by the root of the width before positions are added."""
    only_float64(gs)
    params, source, target = model(TRANSLATOR, seed), ids(seed, 7, 2, 3), ids(seed, 5, 2, 4)
    mask = np.arange(3) < np.array([[3], [2]])

    def by_hand(gs, params, position, source, target):
        def embed(name, ids):
            encoding = gs.sinusoidal_positional_encoding(position[: ids.shape[-1]], d=8)
            return gs.add_positional_encoding(math.sqrt(8) * gs.word_embedding(ids, params[f"{name}.weight"]), encoding)

        keys = gs.array(mask[:, None])
        memory = gs.encoder(TRANSLATOR.encoder, part(params, "encoder."), embed("source", source), keys)
        h = gs.decoder(TRANSLATOR.decoder, part(params, "decoder."), embed("target", target), memory, None, keys)
        return gs.linear(h, params["output.weight"], params["output.bias"])

    assert_agree(
        gs,
        lambda gs, params, position, *a: gs.transformer(TRANSLATOR, params, *a, gs.array(mask)),
        by_hand,
        params,
        np.arange(4.0),
        source,
        target,
    )


@law("transformer.transformer", "transformer.bert")
@given(SEEDS, st.integers(1, 3))
def test_padding_that_is_masked_might_as_well_not_be_there(gs, seed, real):
    """Whatever stands in the padding: the real tokens get what they get without it."""
    only_float64(gs)
    params, source, target = model(TRANSLATOR, seed), ids(seed, 7, 2, 4), ids(seed, 5, 2, 3)
    mask = np.broadcast_to(np.arange(4) < real, (2, 4))
    assert_agree(
        gs,
        lambda gs, params, source, target: gs.transformer(TRANSLATOR, params, source, target, gs.array(mask)),
        lambda gs, params, source, target: gs.transformer(TRANSLATOR, params, source[:, :real], target),
        params,
        source,
        target,
    )
    params, tokens = model(BERT, seed), ids(seed, 9, 2, 4)
    assert_agree(
        gs,
        lambda gs, params, tokens: _whole(gs.bert(BERT, params, tokens, None, gs.array(mask)), real),
        lambda gs, params, tokens: _whole(gs.bert(BERT, params, tokens[:, :real]), real),
        params,
        tokens,
    )


def _whole(output: Any, real: int) -> tuple[Any, Any]:
    return output.hidden[:, :real], output.pooled


# Context


@law("transformer.contextual_representation")
@given(SEEDS, st.integers(0, 2))
def test_a_token_means_something_else_among_others(gs, seed, i):
    """What an encoder makes of token i changes with the others; what the feed-forward layer makes of it does not."""
    x, other = normal(seed, (3, 8), (3, 8))
    other[i] = x[i]
    thought = normal(seed + 2, (12, 8), (12,), (8, 12), (8,))
    assert_agree(
        gs,
        lambda gs, x, other, *w: gs.feed_forward(x, *w)[i],
        lambda gs, x, other, *w: gs.feed_forward(other, *w)[i],
        x,
        other,
        *thought,
    )
    only_float64(gs)
    assert_differ(
        gs,
        lambda gs, params, x, other: gs.encoder(STACK, params, x)[i],
        lambda gs, params, x, other: gs.encoder(STACK, params, other)[i],
        model(STACK, seed),
        x,
        other,
    )


@law("transformer.cls_token")
@given(inputs("cls_token"))
def test_the_sequence_grows_by_one_at_its_beginning(gs, case):
    """The first token of every sequence is the given one, the others are what they were."""
    x, cls = case.arguments
    grown = gs.numpy(gs.cls_token(gs.array(x), gs.array(cls)))
    assert grown.shape == (*x.shape[:-2], x.shape[-2] + 1, x.shape[-1])
    assert np.array_equal(grown[..., 0, :], np.broadcast_to(cls, grown[..., 0, :].shape))
    assert np.array_equal(grown[..., 1:, :], x)


@law("transformer.cls_token")
@given(SEEDS, st.permutations(range(3)), st.integers(0, 2))
def test_the_first_token_sums_up_all_others_in_whatever_order(gs, seed, order, i):
    """Enc([cls; x])_0 does not change when the tokens are shuffled, and does when any of them changes."""
    only_float64(gs)
    x, cls = normal(seed, (3, 8), (8,))
    changed = x.copy()
    changed[i] = -changed[i]

    def summary(gs, params, x, cls):
        return gs.encoder(STACK, params, gs.cls_token(x, cls))[0]

    def shuffled(gs, params, x, cls):
        return summary(gs, params, x[list(order)], cls)

    params = model(STACK, seed)
    assert_agree(gs, summary, shuffled, params, x, cls)
    assert_differ(
        gs, lambda gs, p, x, y, c: summary(gs, p, x, c), lambda gs, p, x, y, c: summary(gs, p, y, c),
        params, x, changed, cls,
    )  # fmt: skip


# BERT


@law("transformer.bert_embedding")
@given(inputs("bert_embedding"))
def test_the_embedding_of_a_token_is_the_sum_of_three_lookups(gs, case):
    """Of the token, of its sentence, of its place."""
    tokens, segments, *tables = case.arguments
    place = np.broadcast_to(np.arange(tokens.shape[-1]), tokens.shape).copy()
    assert_agree(
        gs,
        lambda gs, tokens, segments, place, *tables: gs.bert_embedding(tokens, segments, *tables),
        lambda gs, tokens, segments, place, *tables: sum(
            gs.word_embedding(which, table) for which, table in zip((tokens, segments, place), tables, strict=True)
        ),
        tokens,
        segments,
        place,
        *tables,
    )


@law("transformer.bert_embedding")
@given(inputs("bert_embedding"))
def test_the_gradient_scatters_to_three_tables(gs, case):
    """Of the sum of all embeddings: each row gets 1 for each time it was looked up, exactly."""
    tokens, segments, *tables = case.arguments

    def total(tables, tokens, segments):
        return gs.bert_embedding(tokens, segments, *tables).sum()

    arrays = [gs.array(table) for table in tables]
    slopes = gs.value_and_grad(total)(arrays, gs.array(tokens), gs.array(segments))[1]
    places = np.broadcast_to(np.arange(tokens.shape[-1]), tokens.shape)
    for which, table, slope in zip((tokens, segments, places), tables, slopes, strict=True):
        counts = np.bincount(which.ravel(), minlength=len(table))
        assert np.array_equal(gs.numpy(slope), np.broadcast_to(counts[:, None], table.shape))


@law("transformer.mask_tokens", "transformer.masked_language_model")
def test_15_percent_are_chosen_and_80_10_10_of_them_masked_changed_and_kept(gs):
    """Of 2^16 tokens, each count within 6 of its standard deviations: a false alarm in 10^8. The draws are fixed.

    A drawn token is the old one as often as one in v: those count as kept.
    """
    n, v = 2**16, 1000
    rng = np.random.Generator(np.random.Philox(5))
    tokens, other = rng.integers(0, v, (2, n))
    pick, way = (np.floor(2.0**7 * rng.random((2, n))) + 0.5) / 2.0**7  # exact in all precisions, never on an edge
    masked, chosen = (
        gs.numpy(x) for x in gs.mask_tokens(*(gs.array(x) for x in (tokens, pick, way, other)), mask_id=v)
    )
    shares = {"chosen": 19 / 2**7, "masked": 19 * 102 / 2**14, "changed": 19 * 13 / 2**14 * (1 - 1 / v)}
    counts = {
        "chosen": chosen.sum(), "masked": (masked == v).sum(), "changed": ((masked != tokens) & (masked != v)).sum()
    }  # fmt: skip
    for name, share in shares.items():
        deviation = math.sqrt(n * share * (1 - share))
        assert abs(counts[name] - n * share) < 6 * deviation, (name, counts[name], n * share)
    assert (masked[~chosen] == tokens[~chosen]).all()
    assert 0.14 < shares["chosen"] < 0.15  # 0.15 of the draws that are possible


@law("transformer.mask_tokens")
@given(inputs("mask_tokens"))
def test_only_what_is_allowed_is_chosen_and_only_what_is_chosen_changes(gs, case):
    """At rate 1 all that is allowed is chosen, at rate 0 nothing."""
    tokens, *_, allowed = case.arguments
    arrays = [None if x is None else gs.array(x) for x in case.arguments]
    shown = np.broadcast_to(True if allowed is None else allowed, tokens.shape)
    masked, chosen = map(gs.numpy, gs.mask_tokens(*arrays, **case.options))
    assert not chosen[~shown].any()
    assert np.array_equal(masked[~chosen], tokens[~chosen])
    for rate, expected in ((1.0, shown), (0.0, np.zeros_like(shown))):
        arrays[1] = gs.array(np.minimum(case.arguments[1], 0.5))  # a draw is below 1
        assert np.array_equal(gs.numpy(gs.mask_tokens(*arrays, **{**case.options, "rate": rate}).chosen), expected)


@law("transformer.masked_language_model")
@given(inputs("masked_language_model"))
def test_only_chosen_places_cost_something(gs, case):
    """The loss is that of the chosen rows alone, 0 without any; and only they get a gradient."""
    logits, tokens, chosen = case.arguments
    if chosen.any():
        assert_agree(
            gs,
            lambda gs, logits, rows, few: gs.masked_language_model(logits, gs.array(tokens), gs.array(chosen)),
            lambda gs, logits, rows, few: gs.softmax_cross_entropy(rows, few),
            logits,
            logits[chosen],
            tokens[chosen],
        )
    loss, slope = gs.value_and_grad(lambda z, *rest: gs.masked_language_model(z, *rest))(
        gs.array(logits), gs.array(tokens), gs.array(chosen)
    )
    assert chosen.any() or float(gs.numpy(loss)) == 0
    assert (gs.numpy(slope)[~chosen] == 0).all()


@law("transformer.next_sentence_pairs", "transformer.next_sentence_prediction")
@given(st.integers(1, 6), SEEDS)
def test_the_next_sentence_follows_or_any_other_but_never_both(gs, n, seed):
    """Over all `other`, every sentence but the next one comes up exactly once; a label says which happened."""
    every = np.arange(n)
    for i in range(n):
        seen = set()
        for j in every:
            second, label = gs.next_sentence_pairs(gs.array(np.full(n, 0.75)), gs.array(np.full(n, j)))
            assert (gs.numpy(label) == 1).all()
            seen.add(int(gs.numpy(second)[i]))
        assert seen == set(range(n + 1)) - {i + 1}
    second, label = gs.next_sentence_pairs(gs.array(np.full(n, 0.25)), gs.array(ids(seed, n, n)))
    assert np.array_equal(gs.numpy(second), every + 1)
    assert (gs.numpy(label) == 0).all()


@law("transformer.next_sentence_pairs", "transformer.next_sentence_prediction")
def test_half_of_the_pairs_are_random(gs):
    """Of all draws on a grid of 2^8 numbers exactly half are below 1/2; a label is 0 or 1."""
    uniform = np.arange(2**8) / 2**8
    label = gs.numpy(gs.next_sentence_pairs(gs.array(uniform), gs.array(np.zeros(2**8, np.int64))).label)
    assert set(label.tolist()) == {0, 1}
    assert label.sum() == 2**7


@law("transformer.next_sentence_prediction")
@given(inputs("next_sentence_prediction"))
def test_two_logits_are_one_sigmoid(gs, case):
    """The loss is the binary cross-entropy of sigma((w_0 - w_1) z + b_0 - b_1), as the lecture writes it."""
    pooled, label, weight, bias = case.arguments
    assert_agree(
        gs,
        lambda gs, pooled, sign, weight, bias: gs.next_sentence_prediction(pooled, gs.array(label), weight, bias),
        lambda gs, pooled, sign, weight, bias: gs.logistic_loss(
            gs.linear(pooled, weight, bias)[:, 0] - gs.linear(pooled, weight, bias)[:, 1], sign
        ),
        pooled,
        1.0 - 2 * label,
        weight,
        bias,
    )


@law("transformer.bert")
@given(SEEDS, st.integers(0, 2), st.integers(0, 2))
def test_every_output_of_bert_depends_on_every_token_on_both_sides(gs, seed, i, j):
    """There is no causal mask: place i notices that token j has become another."""
    only_float64(gs)
    params, tokens = model(BERT, seed), ids(seed, 9, 1, 3)
    changed = tokens.copy()
    changed[0, j] = (changed[0, j] + 1) % 9
    assert_differ(
        gs,
        lambda gs, params, tokens, changed: gs.bert(BERT, params, tokens).hidden[:, i],
        lambda gs, params, tokens, changed: gs.bert(BERT, params, changed).hidden[:, i],
        params,
        tokens,
        changed,
    )


@law("transformer.bert")
@given(inputs("bert"))
def test_bert_is_embeddings_encoder_and_pooler(gs, case):
    """By its parts; no segments are segments 0."""
    only_float64(gs)
    config, params, tokens, segments, mask, _ = case.arguments

    def by_hand(gs, params, tokens, segments, mask):
        at = "embeddings."
        tables = (params[f"{at}{name}_embeddings.weight"] for name in ("word", "token_type", "position"))
        x = gs.bert_embedding(tokens, segments, *tables)
        x = gs.layer_norm(x, params[f"{at}LayerNorm.weight"], params[f"{at}LayerNorm.bias"], eps=config.eps)
        keys = None if mask is None else mask[:, None]
        hidden = gs.encoder(config.encoder, part(params, "encoder."), x, keys)
        return hidden, gs.tanh(gs.linear(hidden[:, 0], params["pooler.dense.weight"], params["pooler.dense.bias"]))

    assert_agree(
        gs,
        lambda gs, params, tokens, _, mask: tuple(
            gs.bert(config, params, tokens, None if segments is None else gs.array(segments), mask)
        ),
        by_hand,
        params,
        tokens,
        np.zeros_like(tokens) if segments is None else segments,
        mask,
    )


@law("transformer.bert_pretraining")
@given(inputs("bert_pretraining"))
def test_bert_names_tokens_by_the_vectors_that_it_reads_them_with(gs, case):
    """Logits are products with the table of the tokens; the head before is a layer, GELU and a normalization."""
    only_float64(gs)
    config, params, tokens, segments, mask, _ = case.arguments

    def by_hand(gs, params, tokens, segments, mask):
        hidden, pooled = gs.bert(config.bert, part(params, "bert."), tokens, segments, mask)
        head = part(params, "cls.predictions.")
        d = config.bert.d_model
        eye, none = gs.array(np.eye(d)), gs.array(np.zeros(d))
        h = gs.feed_forward(
            hidden, head["transform.dense.weight"], head["transform.dense.bias"], eye, none,
            activation=config.bert.activation,
        )  # fmt: skip
        h = gs.layer_norm(h, head["transform.LayerNorm.weight"], head["transform.LayerNorm.bias"], eps=config.bert.eps)
        follows = gs.linear(pooled, params["cls.seq_relationship.weight"], params["cls.seq_relationship.bias"])
        return gs.linear(h, params["bert.embeddings.word_embeddings.weight"], head["bias"]), follows

    assert_agree(
        gs,
        lambda gs, params, *a: tuple(gs.bert_pretraining(config, params, *a)),
        by_hand,
        params,
        tokens,
        segments,
        mask,
    )


@law("transformer.bert_classifier")
@given(SEEDS)
def test_the_classifier_reads_the_first_place_only(gs, seed):
    """A linear layer on what BERT has pooled from [CLS]: that is all that a task adds."""
    only_float64(gs)
    config = BertClassifier(BERT, 3)
    assert_agree(
        gs,
        lambda gs, params, tokens: gs.bert_classifier(config, params, tokens),
        lambda gs, params, tokens: gs.linear(
            gs.bert(BERT, part(params, "bert."), tokens).pooled, params["classifier.weight"], params["classifier.bias"]
        ),
        model(config, seed),
        ids(seed, 9, 2, 4),
    )


@law("transformer.bert_classifier")
@given(SEEDS)
def test_with_a_frozen_encoder_the_head_is_a_convex_problem(gs, seed):
    """Half-way between two heads the loss is at most the mean of theirs."""
    only_float64(gs)
    config = BertClassifier(BERT, 3)
    first, second = model(config, seed), model(config, seed + 1000)
    second = first | {name: x for name, x in second.items() if name.startswith("classifier.")}
    middle = {name: (x + second[name]) / 2 for name, x in first.items()}
    label = ids(seed + 1, 3, 2)

    def loss(gs, params, tokens):
        return gs.softmax_cross_entropy(gs.bert_classifier(config, params, tokens), gs.array(label))

    assert_at_most(
        gs,
        lambda gs, a, b, m, tokens: loss(gs, m, tokens),
        lambda gs, a, b, m, tokens: (loss(gs, a, tokens) + loss(gs, b, tokens)) / 2,
        first,
        second,
        middle,
        ids(seed, 9, 2, 4),
    )
