"""Laws of GPT, of its cache, of saying the next word, and of the Vision Transformer."""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree
from gongsik.conformance.cases.transformer import parameters
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.architectures.bert import Bert
from gongsik.spec.architectures.gpt import GPT
from gongsik.spec.architectures.vit import ViT
from gongsik.spec.model import parameter_count

SEEDS = st.integers(0, 2**32 - 1)
LENGTH = 5
SMALL = GPT(vocab_size=7, d_model=6, n_heads=2, d_ff=8, n_layers=2, max_length=LENGTH)
SIGHT = ViT(4, 2, 2, 3, d_model=6, n_heads=2, d_ff=8, n_layers=1)


def model(seed, config: Any = SMALL):
    """Parameters that are nowhere where they start."""
    return parameters(config, seed, PRECISION.get())


def text(seed, n=2, t=LENGTH):
    return np.random.default_rng(seed).integers(0, SMALL.vocab_size, (n, t))


def normal(seed, *shape):
    return make(seed, "normal", shape, PRECISION.get().name)


def numbers(gs, function, *arguments, **options):
    """A result of the backend under test as NumPy's."""
    given_ = [gs.array(np.asarray(x)) if isinstance(x, np.ndarray | list | float) else x for x in arguments]
    return gs.numpy(getattr(gs, function)(*given_, **options))


def converted(gs, params):
    return {name: gs.array(x) for name, x in params.items()}


# GPT


@law("transformer.gpt")
@given(SEEDS, st.integers(1, LENGTH - 1))
def test_gpt_says_of_a_text_what_it_says_of_its_beginning(gs, seed, k):
    """What comes later changes nothing: gpt(w_1..w_T)_t = gpt(w_1..w_k)_t for t <= k."""
    assert_agree(
        gs,
        lambda gs, config, params, ids, some: gs.gpt(config, params, ids)[:, :k],
        lambda gs, config, params, ids, some: gs.gpt(config, params, some),
        SMALL, model(seed), text(seed), text(seed)[:, :k],
    )  # fmt: skip


@law("transformer.gpt")
@given(SEEDS)
def test_another_second_token_changes_what_bert_says_first_and_not_what_gpt_says_first(gs, seed):
    """Which of the two looks ahead; the values are far apart: no rounding decides."""
    first = text(seed)
    second = first.copy()
    second[:, 1] = (first[:, 1] + 1) % SMALL.vocab_size
    params = model(seed)
    assert_agree(
        gs,
        lambda gs, config, params, a, b: gs.gpt(config, params, a)[:, 0],
        lambda gs, config, params, a, b: gs.gpt(config, params, b)[:, 0],
        SMALL, params, first, second,
    )  # fmt: skip
    if gs.precision.name == "float64":
        config = Bert(SMALL.vocab_size, 6, 2, 8, 2, max_length=LENGTH)
        given_ = converted(gs, model(seed, config))
        said = [gs.numpy(gs.bert(config, given_, gs.array(ids)).hidden)[:, 0] for ids in (first, second)]
        assert (abs(said[0] - said[1]).max(-1) > 2.0**-30).all()


@law("transformer.gpt")
@given(SEEDS)
def test_the_loss_of_gpt_is_the_surprise_at_the_next_token(gs, seed):
    """language_model_loss(gpt(w), w) = cross entropy of the logits before each token."""
    params, ids = model(seed), text(seed)
    assert_agree(
        gs,
        lambda gs, config, params, ids, target: gs.language_model_loss(gs.gpt(config, params, ids), ids),
        lambda gs, config, params, ids, target: gs.softmax_cross_entropy(
            gs.gpt(config, params, ids)[:, :-1].reshape(-1, config.vocab_size), target
        ),
        SMALL, params, ids, ids[:, 1:].reshape(-1),
    )  # fmt: skip


@law("transformer.gpt")
@given(SEEDS)
def test_a_row_of_the_table_says_one_token_as_well(gs, seed):
    """A token that is not read: its row decides its own logit, linearly, and no other."""
    params, ids = model(seed), text(seed) % (SMALL.vocab_size - 1)
    name = "transformer.wte.weight"
    changed = {**params, name: np.concatenate([params[name][:-1], -2 * params[name][-1:]])}
    assert_agree(
        gs,
        lambda gs, config, params, changed, ids: gs.gpt(config, changed, ids)[..., :-1],
        lambda gs, config, params, changed, ids: gs.gpt(config, params, ids)[..., :-1],
        SMALL, params, changed, ids,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, config, params, changed, ids: gs.gpt(config, changed, ids)[..., -1],
        lambda gs, config, params, changed, ids: -2 * gs.gpt(config, params, ids)[..., -1],
        SMALL, params, changed, ids,
    )  # fmt: skip


@law("transformer.gpt")
@given(SEEDS, st.integers(1, LENGTH - 1))
def test_padding_behind_a_text_changes_nothing_of_it(gs, seed, k):
    """With a mask, and without one as well: what is behind is not seen."""
    mask = np.arange(LENGTH) < k
    assert_agree(
        gs,
        lambda gs, config, params, ids, mask: gs.gpt(config, params, ids, mask)[:, :k],
        lambda gs, config, params, ids, mask: gs.gpt(config, params, ids)[:, :k],
        SMALL, model(seed), text(seed), np.broadcast_to(mask, (2, LENGTH)),
    )  # fmt: skip


@law("transformer.gpt")
def test_the_small_gpt_2_has_124_million_parameters():
    """One table for reading and for saying; the sizes are those of Radford et al. 2019, table 2."""
    assert parameter_count(GPT()) == 124_439_808
    assert parameter_count(GPT(d_model=1600, n_heads=25, d_ff=6400, n_layers=48)) == 1_557_611_200


# The cache


@law("transformer.gpt_step", "transformer.parallel_training")
@given(SEEDS, st.lists(st.integers(1, LENGTH - 1), unique=True).map(sorted), st.booleans())
def test_token_by_token_gpt_says_what_it_says_of_the_whole(gs, seed, cuts, overwrite):
    """However a text is cut into steps; a cache longer than the text, and one just as long."""

    def in_steps(gs, config, params, ids):
        cache, said = (), []
        for start, end in zip([0, *cuts], [*cuts, LENGTH], strict=True):
            logits, *cache = gs.gpt_step(config, params, ids[:, start:end], *cache, overwrite=overwrite)
            said.append(logits)
        return said

    def whole(gs, config, params, ids):
        logits = gs.gpt(config, params, ids)
        return [logits[:, start:end] for start, end in zip([0, *cuts], [*cuts, LENGTH], strict=True)]

    for more in (0, 2):
        assert_agree(gs, in_steps, whole, dataclasses.replace(SMALL, max_length=LENGTH + more),
                     model(seed, dataclasses.replace(SMALL, max_length=LENGTH + more)), text(seed))  # fmt: skip


@law("transformer.gpt_step")
@given(SEEDS, st.integers(1, 2), st.integers(1, 3))
def test_samples_of_different_lengths_are_read_side_by_side(gs, seed, first, second):
    """What is kept of one sample ends where it ends: the next token of each follows its own text."""
    params, ids = model(seed), text(seed)
    length = np.array([first, second])

    def together(gs, config, params, ids, length):
        _, keys, values, _ = gs.gpt_step(config, params, ids[:, :3])
        return gs.gpt_step(config, params, ids[:, 4:], keys, values, length).logits[:, 0]

    def alone(gs, config, params, ids, length, *, i):
        _, *cache = gs.gpt_step(config, params, ids[i : i + 1, : (first, second)[i]])
        return gs.gpt_step(config, params, ids[i : i + 1, 4:], *cache).logits[0, 0]

    for i in range(2):
        assert_agree(
            gs, lambda *given_, i=i: together(*given_)[i], lambda *given_, i=i: alone(*given_, i=i),
            SMALL, params, ids, length,
        )  # fmt: skip


@law("transformer.gpt_step")
@given(SEEDS, st.integers(1, 3))
def test_a_cache_is_a_value_unless_it_may_be_written_over(gs, seed, t):
    """A step leaves what it got as it was; with overwrite=True it says the same, to the last bit."""
    params, ids = converted(gs, model(seed)), gs.array(text(seed))
    _, *cache = gs.gpt_step(SMALL, params, ids[:, :2])
    before = [gs.numpy(x).copy() for x in cache]
    once = gs.gpt_step(SMALL, params, ids[:, 2 : 2 + t], *cache)
    for x, y in zip(before, cache, strict=True):
        assert np.array_equal(x, gs.numpy(y))
    again = gs.gpt_step(SMALL, params, ids[:, 2 : 2 + t], *cache, overwrite=True)
    for x, y in zip(once, again, strict=True):
        assert np.array_equal(gs.numpy(x), gs.numpy(y))


@law("transformer.gpt_step")
@given(SEEDS)
def test_what_lies_behind_the_end_of_the_cache_means_nothing(gs, seed):
    """Other numbers there, the same logits, to the last bit."""
    params, ids = converted(gs, model(seed)), gs.array(text(seed))
    _, keys, values, length = gs.gpt_step(SMALL, params, ids[:, :2])
    behind = np.arange(LENGTH)[:, None] >= 2
    others = [gs.array(np.where(behind, normal(seed, *x.shape), gs.numpy(x).astype(float))) for x in (keys, values)]
    first = gs.gpt_step(SMALL, params, ids[:, 2:4], keys, values, length).logits
    second = gs.gpt_step(SMALL, params, ids[:, 2:4], *others, length).logits
    assert np.array_equal(gs.numpy(first), gs.numpy(second))


# The next word


@law("transformer.output_sampling")
@given(st.integers(0, 6), st.sampled_from((None, 1.0, 0.25, 8.0)))
def test_equal_words_get_equal_pieces(gs, k, temperature):
    """Of 128 draws, evenly spread over [0, 1), each of 2^k words gets as many as every other, at any temperature."""
    v = 2**k
    uniform = np.arange(128) / 128
    words = numbers(gs, "output_sampling", np.full((128, v), 3.0), uniform, temperature=temperature or 1.0)
    assert np.array_equal(words, np.repeat(np.arange(v), 128 // v))


@law("transformer.output_sampling")
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_word_gets_as_much_of_the_line_as_its_probability(gs, weights):
    """Words with shares m_i / M: the middle of the i-th piece is the i-th word; draws that grow never go back."""
    ends = np.cumsum(weights)
    middles = (ends - np.array(weights) / 2) / ends[-1]
    logits = np.tile(PRECISION.get().round(np.log(weights)), (len(weights), 1))
    words = numbers(gs, "output_sampling", logits, PRECISION.get().round(middles))
    assert np.array_equal(words, np.arange(len(weights)))
    uniform = np.arange(64) / 64
    words = numbers(gs, "output_sampling", np.tile(logits[0], (64, 1)), uniform)
    assert (np.diff(words) >= 0).all()
    assert (words[0], words[-1]) == (0, len(weights) - 1)


@law("transformer.output_sampling")
@given(inputs("output_sampling"))
def test_without_temperature_the_likeliest_word_is_said(gs, case):
    """At 0 it is arg max, whatever is drawn; near 0, too, where no two logits are equal."""
    logits, uniform = case.arguments
    words = numbers(gs, "output_sampling", logits, uniform, temperature=0.0)
    assert np.array_equal(words, logits.argmax(-1))
    apart = np.arange(logits.shape[-1])[::-1] + np.zeros(logits.shape)
    words = numbers(gs, "output_sampling", apart, np.minimum(uniform, 0.875), temperature=2.0**-6)
    assert (words == 0).all()


@law("transformer.output_sampling")
@given(inputs("output_sampling"), st.integers(1, 3))
def test_only_the_k_likeliest_words_are_said_and_no_impossible_one(gs, case, k):
    """With k = 1 it is arg max or a word as likely; k = v leaves everything as it is."""
    logits, uniform = case.arguments
    v = logits.shape[-1]
    words = numbers(gs, "output_sampling", logits, uniform, top_k=k)
    said = np.take_along_axis(logits, words[..., None], -1)[..., 0]
    assert (said >= np.sort(logits, -1)[..., -min(k, v)]).all()
    assert (said > -np.inf).all()
    free = numbers(gs, "output_sampling", logits, uniform)
    assert np.array_equal(numbers(gs, "output_sampling", logits, uniform, top_k=v), free)


# Patches and ViT


@law("transformer.patch_embedding")
@given(inputs("patch_embedding"))
def test_an_embedding_of_patches_is_a_convolution_with_steps_as_long_as_its_kernel(gs, case):
    """patch_embedding(x, W, b) = conv2d(x, W, b, stride=P), place after place; there are HW / P^2 of them."""
    x, weight, bias = case.arguments
    d, _, p, q = weight.shape
    bias = np.zeros(d) if bias is None else bias
    tokens = (x.shape[2] // p) * (x.shape[3] // q)
    assert_agree(
        gs,
        lambda gs, *given_: gs.patch_embedding(*given_),
        lambda gs, *given_: gs.conv2d(*given_, stride=(p, q)).reshape(len(x), d, tokens).swapaxes(1, 2),
        x,
        weight,
        bias,
    )


@law("transformer.patch_embedding")
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_an_image_can_be_put_together_from_its_patches(gs, seed, c, p, rows, columns):
    """With the identity for E a token is its patch, and the adjoint convolution puts it back, exactly."""
    x = normal(seed, 2, c, p * rows, p * columns)
    identity = np.eye(c * p * p).reshape(c * p * p, c, p, p)
    tokens = gs.patch_embedding(gs.array(x), gs.array(identity))
    assert tuple(tokens.shape) == (2, rows * columns, c * p * p)
    maps = tokens.swapaxes(1, 2).reshape(2, c * p * p, rows, columns)
    assert np.array_equal(gs.numpy(gs.conv_transpose2d(maps, gs.array(identity), stride=p)), x)
    first = x[:, :, :p, p * (columns - 1) :].reshape(2, -1)
    assert np.array_equal(gs.numpy(tokens)[:, columns - 1], first)


@law("transformer.vit")
@given(SEEDS)
def test_vit_is_an_encoder_over_patches_asked_by_a_token_of_its_own(gs, seed):
    """The scores are those of the first row of the encoder's result, of N + 1 tokens."""

    def by_parts(gs, config, params, inner, x):
        at = "vit.embeddings."
        weight, bias = (params[f"{at}patch_embeddings.projection.{name}"] for name in ("weight", "bias"))
        tokens = gs.cls_token(gs.patch_embedding(x, weight, bias), params[f"{at}cls_token"][0, 0])
        assert tokens.shape[1] == config.n_patches + 1
        z = gs.encoder(config.encoder, inner, tokens + params[f"{at}position_embeddings"])
        return gs.linear(z[:, 0], params["classifier.weight"], params["classifier.bias"])

    params = model(seed, SIGHT)
    inner = {name: params[f"vit.{name}"] for name in SIGHT.encoder.parameters()}
    assert_agree(
        gs, lambda gs, config, params, inner, x: gs.vit(config, params, x), by_parts,
        SIGHT, params, inner, normal(seed, 2, 2, 4, 4),
    )  # fmt: skip


@law("transformer.vit")
@given(SEEDS, st.permutations(range(4)))
def test_without_positions_vit_does_not_know_where_a_patch_lies(gs, seed, order):
    """Patches in another order, the same scores; the positions tell them apart."""
    x = normal(seed, 2, 2, 4, 4)
    patches = x.reshape(2, 2, 2, 2, 2, 2).swapaxes(3, 4).reshape(2, 2, 4, 2, 2)[:, :, list(order)]
    moved = patches.reshape(2, 2, 2, 2, 2, 2).swapaxes(3, 4).reshape(2, 2, 4, 4)
    params = model(seed, SIGHT)
    name = "vit.embeddings.position_embeddings"
    assert_agree(
        gs,
        lambda gs, config, params, x, moved: gs.vit(config, params, moved),
        lambda gs, config, params, x, moved: gs.vit(config, params, x),
        SIGHT, {**params, name: 0 * params[name]}, x, moved,
    )  # fmt: skip


@law("transformer.vit")
def test_vit_b_16_has_86_million_parameters_and_197_tokens():
    """As in Dosovitskiy et al. 2021, table 1; of the size of an image nothing depends but the positions."""
    assert parameter_count(ViT()) == 86_567_656
    assert ViT().parameters()["vit.embeddings.position_embeddings"] == (1, 197, 768)
    larger = dataclasses.replace(ViT(), image_size=384)
    assert parameter_count(larger) - parameter_count(ViT()) == (24**2 - 14**2) * 768
