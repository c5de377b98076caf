"""Laws of attention."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.attention import AttentionCost, MultiHead, attention_cost, head_dimension
from gongsik.spec.errors import DomainError

SEEDS = st.integers(0, 2**32 - 1)


def normal(seed, *shapes):
    """Arrays of ordinary numbers, exact in the precision under test."""
    return [make(seed + i, "normal", shape, PRECISION.get().name) for i, shape in enumerate(shapes)]


def block(seed, t=4, d=3, k=2, e=3, batch=(2,)):
    """A sequence and the weights of one head."""
    return normal(seed, (*batch, t, d), (k, d), (k, d), (e, d))


def rounded(x):
    return PRECISION.get().round(np.asarray(x, np.float64))


def numbers(gs, function, *arrays, **options):
    """A result of the backend under test as NumPy's."""
    return gs.numpy(getattr(gs, function)(*(gs.array(np.asarray(x)) for x in arrays), **options))


def exactly(gs, left, right):
    assert np.array_equal(left, right), f"{gs}: {left!r} is not {right!r}"


# Projections, scores, weights


@law("attention.qkv_projection")
@given(inputs("qkv_projection"))
def test_projections_are_linear_maps(gs, case):
    """Each of the three is `linear` with its own weights."""
    for i in range(3):
        assert_agree(
            gs,
            lambda gs, x, *weights, i=i: gs.qkv_projection(x, *weights)[i],
            lambda gs, x, *weights, i=i: gs.linear(x, weights[i]),
            *case.arguments,
        )


@law("attention.qkv_projection")
@given(SEEDS, st.integers(0, 3))
def test_every_token_is_projected_by_itself_with_the_same_weights(gs, seed, i):
    """The projections of one token are those of the sequence at its place; two equal tokens get equal ones."""
    x, *weights = block(seed)
    x[:, (i + 1) % 4] = x[:, i]
    for which in range(3):
        one = lambda gs, x, *w, which=which: gs.qkv_projection(x[:, i], *w)[which]  # noqa: E731
        for place in (i, (i + 1) % 4):
            assert_agree(gs, lambda gs, x, *w, p=place, k=which: gs.qkv_projection(x, *w)[k][:, p], one, x, *weights)


@law("attention.dot_product_score")
@given(inputs("dot_product_score"))
def test_the_score_of_a_pair_is_the_sum_of_its_products(gs, case):
    """s_ij = sum_f q_if k_jf; exchanging queries and keys transposes the scores."""
    query, key = case.arguments
    assert_agree(
        gs,
        lambda gs, q, k: gs.dot_product_score(q, k),
        lambda gs, q, k: (q[..., :, None, :] * k[..., None, :, :]).sum(-1),
        query,
        key,
    )
    assert_agree(
        gs, lambda gs, q, k: gs.dot_product_score(k, q).swapaxes(-1, -2), lambda gs, q, k: gs.dot_product_score(q, k),
        query, key,
    )  # fmt: skip


@law("attention.dot_product_score")
@given(SEEDS, st.sampled_from([(3, 4, 5), (5, 12, 13), (8, 15, 17)]))
def test_turning_queries_and_keys_together_changes_no_score(gs, seed, triple):
    """(R q) . (R k) = q . k for a rotation R; here c R with c the hypotenuse, whose entries are integers."""
    a, b, c = triple
    query, key = normal(seed, (3, 2), (4, 2))
    turn = np.array([[a, -b], [b, a]], float)
    assert_agree(
        gs,
        lambda gs, q, k, r: gs.dot_product_score(gs.linear(q, r), gs.linear(k, r)),
        lambda gs, q, k, r: c * c * gs.dot_product_score(q, k),
        query,
        key,
        turn,
    )


@law("attention.attention_weights")
@given(inputs("attention_weights"))
def test_weights_are_shares_of_what_the_mask_shows(gs, case):
    """No weight is negative or above 1; a row sums to 1, or to 0 if the mask shows nothing of it; hidden is 0."""
    score, mask = case.arguments
    shown = np.broadcast_to(True if mask is None else mask, score.shape)
    mask = np.ones((), bool) if mask is None else mask
    weights = numbers(gs, "attention_weights", score, mask, **case.options)
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    assert (weights[~shown] == 0).all()
    assert_agree(
        gs,
        lambda gs, z, m, total, **options: gs.attention_weights(z, m, **options).sum(-1),
        lambda gs, z, m, total, **options: total,
        score,
        mask,
        shown.any(-1).astype(float),
        **case.options,
    )


@law("attention.attention_weights")
@given(inputs("attention_weights"))
def test_weights_without_a_mask_are_a_softmax(gs, case):
    """attention_weights(s, scale=c) = softmax(c s); a mask that shows everything changes nothing."""
    score, _ = case.arguments
    assert_agree(
        gs,
        lambda gs, z, scale: gs.attention_weights(z, scale=scale),
        lambda gs, z, scale: gs.softmax(scale * z),
        score,
        **case.options,
    )
    assert_agree(
        gs,
        lambda gs, z, m, scale: gs.attention_weights(z, m, scale=scale),
        lambda gs, z, m, scale: gs.attention_weights(z, scale=scale),
        score,
        np.ones(score.shape[-2:], bool),
        **case.options,
    )


@law("attention.attention_weights")
@given(SEEDS, st.integers(1, 4))
def test_hidden_keys_are_as_good_as_absent(gs, seed, kept):
    """The weights of the shown keys are those of a sequence that has no others."""
    (score,) = normal(seed, (3, 5))
    mask = np.arange(5) < kept
    assert_agree(
        gs,
        lambda gs, z: gs.attention_weights(z, gs.array(mask))[:, :kept],
        lambda gs, z: gs.attention_weights(z[:, :kept]),
        score,
    )


@law("attention.attention_weights")
@given(st.integers(1, 33), st.integers(-50, 50))
def test_equal_scores_share_equally_and_a_dominant_one_takes_all(gs, s, level):
    """Weights 1/s each; with a lead of 300, which exp(-300) is far below rounding, one weight is 1."""
    uniform = np.full((1, s), float(level))
    assert_agree(gs, lambda gs, z: gs.attention_weights(z), lambda gs, z: 0 * z + 1 / s, uniform)
    uniform[0, s // 2] += 300
    weights = numbers(gs, "attention_weights", rounded(uniform))
    assert weights[0, s // 2] == 1
    assert weights.argmax() == s // 2


@law("attention.scaling_variance")
@given(st.integers(1, 10))
def test_scores_of_all_signs_have_variance_d_and_scaled_ones_variance_1(gs, d):
    """Exactly: queries of independent signs have mean 0 and covariance I, and all 2^d of them are on the grid."""
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * d)).reshape(d, -1).T  # [2^d, d]
    for key in (np.ones((1, d)), signs[len(signs) // 3][None]):
        score = numbers(gs, "dot_product_score", signs, key)
        assert score.mean(dtype=np.float64) == 0
        assert score.var(dtype=np.float64) == d
    assert_agree(
        gs,
        lambda gs, q, k: ((gs.dot_product_score(q, k) / math.sqrt(d)) ** 2).mean(),
        lambda gs, q, k: 1.0,
        signs,
        signs[:1],
    )


@law("attention.scaling_variance")
def test_scores_of_normal_draws_have_variance_d(gs):
    """Over 4,096 pairs of draws the mean of s^2 is within 6 of its standard deviations: a false alarm in 10^8.

    Var(s^2) = 2 d^2 + 6 d for d products of independent standard normals. The draws are fixed, so is the verdict.
    """
    pairs = 4096
    for d in (4, 64):
        query, key = np.random.Generator(np.random.Philox(d)).standard_normal((2, pairs, 1, d))
        score = numbers(gs, "dot_product_score", rounded(query), rounded(key)).astype(np.float64)
        deviation = math.sqrt((2 * d * d + 6 * d) / pairs)
        assert abs((score**2).mean() - d) < 6 * deviation, (d, (score**2).mean())


@law("attention.scaling_variance")
def test_without_scaling_the_weights_harden_as_d_grows(gs):
    """The mean entropy of the weights falls towards 0 with d; of the scaled ones it stays near that of d = 4."""
    entropies = {}
    for d in (4, 64, 1024):
        query, key = np.random.Generator(np.random.Philox(7)).standard_normal((2, 64, d))
        score = numbers(gs, "dot_product_score", rounded(query), rounded(key))
        for scale in (1.0, 1 / math.sqrt(d)):
            p = numbers(gs, "attention_weights", score, scale=scale).astype(np.float64)
            entropies[d, scale == 1] = float(-np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(-1).mean())
    hard, soft = ([entropies[d, raw] for d in (4, 64, 1024)] for raw in (True, False))
    assert hard[0] > 2 * hard[1] > 4 * hard[2], hard
    assert min(soft) > 0.8 * math.log(64), soft  # of at most log 64


# Mixing the values


@law("attention.scaled_dot_product_attention")
@given(inputs("scaled_dot_product_attention"))
def test_attention_is_weights_times_values(gs, case):
    """softmax(q k' / sqrt(d)) v, step by step, with the mask and the scale of the call."""
    query, key, value, mask = case.arguments
    t, s, d = query.shape[-2], key.shape[-2], query.shape[-1]
    shown = np.broadcast_to(True if mask is None else mask, (*query.shape[:-1], s))
    if case.options["causal"]:
        shown = shown & np.tril(np.ones((t, s), bool), s - t)
    scale = case.options["scale"] or 1 / math.sqrt(d)
    assert_agree(
        gs,
        lambda gs, q, k, v, m: gs.scaled_dot_product_attention(q, k, v, m, **case.options),
        lambda gs, q, k, v, m: (
            gs.attention_weights(gs.dot_product_score(q, k), gs.array(np.ascontiguousarray(shown)), scale=scale) @ v
        ),
        query,
        key,
        value,
        mask,
    )


@law("attention.scaled_dot_product_attention")
@given(SEEDS)
def test_the_result_lies_between_the_smallest_and_the_largest_value(gs, seed):
    """The weights are shares, so every feature of the result is a mean of that feature of the values."""
    query, key, value = normal(seed, (3, 4), (5, 4), (5, 2))
    for sign in (1, -1):
        assert_at_most(
            gs,
            lambda gs, q, k, v, top: gs.scaled_dot_product_attention(q, k, v),
            lambda gs, q, k, v, top: top,
            query,
            key,
            sign * value,
            (sign * value).max(0),
        )


@law("attention.scaled_dot_product_attention")
@given(SEEDS, st.permutations(range(5)))
def test_the_order_of_the_pairs_of_key_and_value_does_not_matter(gs, seed, order):
    """Keys and values that are shuffled together give the same result."""
    arrays = normal(seed, (2, 3, 4), (2, 5, 4), (2, 5, 2))
    assert_agree(
        gs,
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q, k[:, list(order)], v[:, list(order)]),
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q, k, v),
        *arrays,
    )


@law("attention.scaled_dot_product_attention")
@given(SEEDS)
def test_a_vector_added_to_all_keys_changes_nothing(gs, seed):
    """It adds the same to every score of a row, which the softmax does not see."""
    arrays = normal(seed, (2, 3, 4), (2, 5, 4), (2, 5, 2), (4,))
    assert_agree(
        gs,
        lambda gs, q, k, v, c: gs.scaled_dot_product_attention(q, k + c, v),
        lambda gs, q, k, v, c: gs.scaled_dot_product_attention(q, k, v),
        *arrays,
    )


@law("attention.scaled_dot_product_attention")
@given(SEEDS)
def test_attention_is_linear_in_the_values(gs, seed):
    """A(a u + v) = a A(u) + A(v)."""
    arrays = normal(seed, (3, 4), (5, 4), (5, 2), (5, 2))
    assert_agree(
        gs,
        lambda gs, q, k, u, v: gs.scaled_dot_product_attention(q, k, 3 * u + v),
        lambda gs, q, k, u, v: 3 * gs.scaled_dot_product_attention(q, k, u) + gs.scaled_dot_product_attention(q, k, v),
        *arrays,
    )


@law("attention.scaled_dot_product_attention")
def test_the_numbers_of_the_lecture(gs):
    """d_k = 64: scores 8 and 0 are divided by 8, and weigh 0.731 and 0.269; undivided 0.99966 and 0.00034."""
    query, key = np.full((1, 64), 0.125), np.stack([np.ones(64), np.zeros(64)])
    for scale, lead, written in ((None, 1, [0.731, 0.269]), (1.0, 8, [0.99966, 0.00034])):
        weights = [1 / (1 + math.exp(-lead)), 1 / (1 + math.exp(lead))]
        assert [round(x, 3 if lead == 1 else 5) for x in weights] == written
        assert_agree(
            gs,
            lambda gs, q, k, v, w, scale=scale: gs.scaled_dot_product_attention(q, k, v, scale=scale),
            lambda gs, q, k, v, w: w,
            query,
            key,
            np.eye(2),
            rounded([weights]),
        )


@law("attention.scaled_dot_product_attention", "attention.attention_weights", "attention.multi_head_attention")
@given(SEEDS, st.integers(0, 2))
def test_a_query_that_may_look_at_nothing_gets_zeros_and_sends_none_back(gs, seed, i):
    """Result and weights of the empty row are 0, the others are untouched, and no gradient is NaN."""
    query, key, value = normal(seed, (2, 3, 4), (2, 5, 4), (2, 5, 4))
    mask = np.ones((3, 5), bool)
    mask[i] = False
    others = [j for j in range(3) if j != i]
    result = numbers(gs, "scaled_dot_product_attention", query, key, value, mask)
    assert (result[:, i] == 0).all()
    assert_agree(
        gs,
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q, k, v, gs.array(mask))[:, others],
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q[:, others], k, v),
        query,
        key,
        value,
    )

    def total(arrays, mask):
        return gs.scaled_dot_product_attention(*arrays, mask).sum()

    arrays = [gs.array(x) for x in (query, key, value)]
    slopes = [gs.numpy(g) for g in gs.value_and_grad(total)(arrays, gs.array(mask))[1]]
    assert all(np.isfinite(g).all() for g in slopes)
    assert (slopes[0][:, i] == 0).all()
    nothing = gs.value_and_grad(total)(arrays, gs.array(0 * mask > 0))[1]
    assert all((gs.numpy(g) == 0).all() for g in nothing)
    weights = gs.value_and_grad(lambda z, m: (gs.attention_weights(z, m) ** 2).sum())
    slope = gs.numpy(weights(arrays[0], gs.array(np.array([[True], [False], [True]])))[1])
    assert np.isfinite(slope).all()
    assert (slope[:, 1] == 0).all()


@law("attention.value_dimension")
@given(SEEDS, st.integers(1, 9), st.integers(1, 9))
def test_values_may_be_of_any_width_and_their_columns_go_side_by_side(gs, seed, d, e):
    """The result has the width of the values; each of its columns comes from that column of the values alone."""
    arrays = normal(seed, (3, d), (5, d), (5, e))
    assert numbers(gs, "scaled_dot_product_attention", *arrays).shape == (3, e)
    for j in range(e):
        assert_agree(
            gs,
            lambda gs, q, k, v, j=j: gs.scaled_dot_product_attention(q, k, v)[:, j : j + 1],
            lambda gs, q, k, v, j=j: gs.scaled_dot_product_attention(q, k, v[:, j : j + 1]),
            *arrays,
        )


# Self-attention


@law("attention.self_attention")
@given(inputs("self_attention"))
def test_self_attention_is_attention_of_the_projections(gs, case):
    """Z = softmax(X W_Q (X W_K)' / sqrt(k)) X W_V."""
    *arrays, mask = case.arguments
    assert_agree(
        gs,
        lambda gs, *a: gs.self_attention(*a),
        lambda gs, x, wq, wk, wv, m: gs.scaled_dot_product_attention(*gs.qkv_projection(x, wq, wk, wv), m),
        *arrays,
        mask,
    )


@law("attention.self_attention")
@given(SEEDS)
def test_one_token_gets_its_own_value(gs, seed):
    """With nobody else to look at, z = x W_V."""
    assert_agree(
        gs,
        lambda gs, x, wq, wk, wv: gs.self_attention(x, wq, wk, wv),
        lambda gs, x, wq, wk, wv: gs.linear(x, wv),
        *block(seed, t=1),
    )


@law("attention.self_attention")
@given(SEEDS, st.integers(0, 3), st.integers(0, 3))
def test_every_output_depends_on_every_token(gs, seed, i, j):
    """Another token j changes the output of token i: the same word comes out differently in another sentence."""
    x, *weights = block(seed)
    other = x.copy()
    other[:, j] = -4 * x[:, j] + 1
    before, after = (numbers(gs, "self_attention", y, *weights)[:, i] for y in (x, other))
    assert (before != after).any()


@law("attention.permutation_equivariance", "attention.self_attention")
@given(SEEDS, st.permutations(range(4)))
def test_shuffled_tokens_give_shuffled_outputs(gs, seed, order):
    """SA(P X) = P SA(X), and the mean over the tokens is the same."""
    arrays = block(seed)
    assert_agree(
        gs,
        lambda gs, x, *w: gs.self_attention(x[:, list(order)], *w),
        lambda gs, x, *w: gs.self_attention(x, *w)[:, list(order)],
        *arrays,
    )
    assert_agree(
        gs,
        lambda gs, x, *w: gs.self_attention(x[:, list(order)], *w).mean(1),
        lambda gs, x, *w: gs.self_attention(x, *w).mean(1),
        *arrays,
    )


@law("attention.permutation_equivariance", "attention.add_positional_encoding")
def test_positions_and_a_causal_mask_break_the_symmetry(gs):
    """Turned round, the tokens do not give the outputs turned round any more."""
    x, wq, wk, wv = block(3, d=4, e=4)
    encoding = numbers(gs, "sinusoidal_positional_encoding", np.arange(4.0), d=4).astype(np.float64)

    def positioned(x):
        return numbers(gs, "add_positional_encoding", x, rounded(encoding)).astype(np.float64)

    for outputs in (
        lambda x: numbers(gs, "self_attention", positioned(x), wq, wk, wv),
        lambda x: numbers(gs, "masked_self_attention", x, wq, wk, wv),
    ):
        assert np.abs(outputs(x[:, ::-1]).astype(np.float64) - outputs(x)[:, ::-1]).max() > 0.05


# Positions


@law("attention.sinusoidal_positional_encoding", "attention.concatenated_positional_encoding")
@given(inputs("sinusoidal_positional_encoding"))
def test_encodings_are_points_on_d_half_circles(gs, case):
    """sin^2 + cos^2 = 1 of each frequency, so no entry is above 1 and the square of the length is d/2."""
    position, d = case.arguments[0], case.options["d"]
    for name in ("sinusoidal_positional_encoding", "concatenated_positional_encoding"):
        assert_agree(
            gs,
            lambda gs, p, name=name, **o: (getattr(gs, name)(p, **o) ** 2).sum(-1),
            lambda gs, p, **o: 0 * p + d / 2,
            position,
            **case.options,
        )
        assert (np.abs(numbers(gs, name, position, **case.options)) <= 1).all()


@law("attention.sinusoidal_positional_encoding", "attention.concatenated_positional_encoding")
@given(st.integers(1, 256))
def test_position_0_is_sines_of_0_and_cosines_of_1(gs, half):
    """(0, 1, 0, 1, ...) interleaved, (0, ..., 0, 1, ..., 1) concatenated: exactly, up to the 512 of the lecture."""
    zero, one = np.zeros(half), np.ones(half)
    exactly(
        gs,
        numbers(gs, "sinusoidal_positional_encoding", np.zeros(1), d=2 * half)[0],
        np.stack([zero, one], -1).ravel(),
    )
    exactly(
        gs,
        numbers(gs, "concatenated_positional_encoding", np.zeros(1), d=2 * half)[0],
        np.concatenate([zero, one]),
    )


@law("attention.sinusoidal_positional_encoding")
@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 8))
def test_a_shift_is_a_rotation(gs, position, shift, half):
    """PE(pos + k) = R_k PE(pos): each pair turns by the angle that k itself has, wherever it starts."""
    d = 2 * half

    def pairs(gs, p):
        return gs.sinusoidal_positional_encoding(p, d=d).reshape(half, 2)

    def turned(gs, p, k):
        sin, cos = pairs(gs, p)[:, 0], pairs(gs, p)[:, 1]
        return sin * pairs(gs, k)[:, 1] + cos * pairs(gs, k)[:, 0]

    def turned_cosine(gs, p, k):
        sin, cos = pairs(gs, p)[:, 0], pairs(gs, p)[:, 1]
        return cos * pairs(gs, k)[:, 1] - sin * pairs(gs, k)[:, 0]

    places = np.array(float(position)), np.array(float(shift))
    assert_agree(gs, lambda gs, p, k: pairs(gs, p + k)[:, 0], turned, *places)
    assert_agree(gs, lambda gs, p, k: pairs(gs, p + k)[:, 1], turned_cosine, *places)


@law("attention.sinusoidal_positional_encoding")
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 8))
def test_the_inner_product_of_two_positions_depends_on_their_distance_only(gs, p, q, shift, half):
    """<PE(p), PE(q)> = sum cos((p - q) w) = <PE(p + k), PE(q + k)>."""

    def inner(gs, p, q):
        a, b = (gs.sinusoidal_positional_encoding(x, d=2 * half) for x in (p, q))
        return (a * b).sum(-1)

    assert_agree(gs, inner, lambda gs, p, q: inner(gs, p + shift, q + shift), np.array(float(p)), np.array(float(q)))


@law("attention.sinusoidal_positional_encoding")
def test_512_dimensions_run_from_one_radian_per_word_to_almost_standstill(gs):
    """The first pair turns by 1 per position, the last by 10000^(-510/512)."""
    first = numbers(gs, "sinusoidal_positional_encoding", np.ones(1), d=512)
    assert first.shape == (1, 512)
    assert_agree(
        gs,
        lambda gs, p: gs.sinusoidal_positional_encoding(p, d=512)[..., [0, 1, 510, 511]],
        lambda gs, p: gs.array(rounded([math.sin(1), math.cos(1), math.sin(w := 10000 ** (-510 / 512)), math.cos(w)])),
        np.array(1.0),
    )


@law("attention.concatenated_positional_encoding")
@given(st.integers(0, 40), st.integers(1, 8))
def test_layouts_are_permutations_of_each_other_for_the_same_frequencies(gs, position, half):
    """b^(-i / (d/2 - 1)) = 10000^(-2i / d) for b = 10000^((d - 2) / d): first the even columns, then the odd ones."""
    d = 2 * half
    base = 10000 ** ((d - 2) / d)

    def interleaved(gs, p):
        pairs = gs.sinusoidal_positional_encoding(p, d=d).reshape(half, 2)
        return pairs.swapaxes(0, 1).reshape(d)

    assert_agree(
        gs, lambda gs, p: gs.concatenated_positional_encoding(p, d=d, base=base), interleaved,
        np.array(float(position)),
    )  # fmt: skip


@law("attention.concatenated_positional_encoding")
@given(st.integers(2, 8), st.integers(1, 40))
def test_the_slowest_clock_runs_at_one_over_the_base(gs, half, position):
    """The last sine is sin(pos / 10000): where the interleaved layout has a frequency a little above."""
    assert_agree(
        gs,
        lambda gs, p: gs.concatenated_positional_encoding(p, d=2 * half)[..., half - 1],
        lambda gs, p: gs.array(rounded(math.sin(position / 10000))),
        np.array(float(position)),
    )


@law("attention.add_positional_encoding")
@given(SEEDS)
def test_the_same_word_differs_from_place_to_place_by_the_encoding(gs, seed):
    """Equal tokens at two places differ by the difference of their encodings; subtracting brings the tokens back."""
    x, encoding = normal(seed, (2, 4, 6), (4, 6))
    x[:, 1] = x[:, 0]
    assert_agree(gs, lambda gs, x, e: gs.add_positional_encoding(x, e) - e, lambda gs, x, e: x, x, encoding)
    assert_agree(
        gs,
        lambda gs, x, e: gs.add_positional_encoding(x, e)[:, 1] - gs.add_positional_encoding(x, e)[:, 0],
        lambda gs, x, e: e[1] - e[0],
        x,
        encoding,
    )


# The future


@law("attention.causal_mask")
@given(st.integers(1, 33))
def test_the_mask_of_a_sequence_is_a_lower_triangle(gs, t):
    """Token i sees tokens 0 to i: the first itself only, the last all."""
    position = np.arange(t)
    exactly(gs, numbers(gs, "causal_mask", position, position), np.tril(np.ones((t, t), bool)))


@law("attention.causal_mask")
@given(st.integers(1, 9), st.integers(1, 9))
def test_the_mask_of_the_last_tokens_is_the_end_of_the_whole_mask(gs, past, new):
    """With a cache of past keys the queries are the last ones: rows of the whole triangle."""
    key = np.arange(past + new)
    whole = numbers(gs, "causal_mask", key, key)
    exactly(gs, numbers(gs, "causal_mask", key[past:], key), whole[past:])


@law("attention.masked_self_attention", "attention.causal_mask")
@given(inputs("masked_self_attention"))
def test_masked_self_attention_is_self_attention_with_the_causal_mask(gs, case):
    position = np.arange(case.arguments[0].shape[-2])
    assert_agree(
        gs,
        lambda gs, *a: gs.masked_self_attention(*a),
        lambda gs, *a: gs.self_attention(*a, gs.causal_mask(gs.array(position), gs.array(position))),
        *case.arguments,
    )


@law("attention.masked_self_attention", "attention.causal_mask")
@given(SEEDS, st.integers(1, 5))
def test_changing_the_future_changes_nothing(gs, seed, known):
    """The outputs of the first tokens stay the same, to the last bit, whatever follows."""
    x, *weights = block(seed, t=6)
    other = x.copy()
    other[:, known:] = -3 * x[:, known:] + 1
    before, after = (numbers(gs, "masked_self_attention", y, *weights)[:, :known] for y in (x, other))
    exactly(gs, before, after)


@law("attention.masked_self_attention")
@given(SEEDS, st.integers(1, 6))
def test_a_prefix_gives_the_prefix_of_the_outputs(gs, seed, known):
    """So a text can be extended without computing its beginning again."""
    assert_agree(
        gs,
        lambda gs, x, *w: gs.masked_self_attention(x[:, :known], *w),
        lambda gs, x, *w: gs.masked_self_attention(x, *w)[:, :known],
        *block(seed, t=6),
    )


@law("attention.masked_self_attention")
@given(SEEDS, st.integers(0, 3))
def test_no_gradient_flows_from_an_output_to_what_is_later(gs, seed, i):
    """The Jacobian is lower triangular, exactly."""
    x, *weights = (gs.array(a) for a in block(seed))
    slope = gs.numpy(gs.value_and_grad(lambda x: gs.masked_self_attention(x, *weights)[:, i].sum())(x)[1])
    assert (slope[:, i + 1 :] == 0).all()
    assert (slope[:, : i + 1] != 0).any((0, 2)).all()


@law("attention.scaled_dot_product_attention")
@given(SEEDS, st.integers(1, 5))
def test_causal_attention_of_the_last_queries_is_the_end_of_the_whole(gs, seed, new):
    """One query at a time over a growing table of keys and values gives what the whole sequence gives."""
    assert_agree(
        gs,
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q[:, -new:], k, v, causal=True),
        lambda gs, q, k, v: gs.scaled_dot_product_attention(q, k, v, causal=True)[:, -new:],
        *normal(seed, (2, 6, 4), (2, 6, 4), (2, 6, 4)),
    )


# Several heads


@law("attention.head_dimension")
@given(st.integers(1, 64), st.integers(1, 64))
def test_heads_share_the_width(gs, width, heads):
    """All heads side by side are as wide as the input: 100 are ten heads of 10, 512 are eight of 64."""
    d = width * heads
    assert head_dimension(d, heads) * heads == d
    assert (head_dimension(100, 10), head_dimension(512, 8)) == (10, 64)
    with pytest.raises(DomainError, match="multiple of n_heads"):
        head_dimension(d * 2 + 1, 2)


@law("attention.head_dimension", "attention.split_heads", "attention.output_projection")
@given(inputs("split_heads"))
def test_joining_undoes_splitting(gs, case):
    """Side by side again, by an output projection that is the identity: exactly what was split."""
    (x,) = case.arguments
    heads = gs.split_heads(gs.array(x), **case.options)
    assert gs.numpy(heads).shape[-3:] == (case.options["n_heads"], x.shape[-2], x.shape[-1] // case.options["n_heads"])
    eye = np.eye(x.shape[-1])
    assert_agree(
        gs, lambda gs, x, eye, **o: gs.output_projection(gs.split_heads(x, **o), eye), lambda gs, x, eye, **o: x,
        x, eye, **case.options,
    )  # fmt: skip


@law("attention.split_heads")
def test_a_hundred_features_are_ten_heads_of_ten(gs):
    """Head i has features 10 i to 10 i + 9."""
    heads = numbers(gs, "split_heads", rounded(np.arange(100.0)[None]), n_heads=10)
    exactly(gs, heads[:, 0], np.arange(100.0).reshape(10, 10))


@law("attention.output_projection")
@given(inputs("output_projection"))
def test_the_output_is_the_sum_of_what_each_head_contributes(gs, case):
    """[z_0 | ... ] W^O = sum_i z_i W^O_i (+ b): concatenating and projecting adds up."""
    heads, weight, bias = case.arguments
    h, e = heads.shape[-3], heads.shape[-1]

    def added(gs, z, w, b):
        total = sum(gs.linear(z[..., i, :, :], w[:, i * e : (i + 1) * e]) for i in range(h))
        return total if b is None else total + b

    assert_agree(gs, lambda gs, z, w, b: gs.output_projection(z, w, b), added, heads, weight, bias)


@law("attention.output_projection")
def test_eight_heads_of_64_are_512(gs):
    """The numbers of the lecture: 8 x 64 = 512, back to 512."""
    heads, weight = normal(0, (8, 2, 64), (512, 512))
    assert numbers(gs, "output_projection", heads, weight).shape == (2, 512)


def multi_head(seed, d=6, heads=3, t=4, bias=True):
    config = MultiHead(d, heads, bias)
    names = list(config.parameters())
    x, *values = normal(seed, (2, t, d), *config.parameters().values())
    return config, x, dict(zip(names, values, strict=True))


@law("attention.multi_head_attention")
@given(inputs("multi_head_attention"))
def test_heads_attend_side_by_side_and_are_joined(gs, case):
    """Project, split, attend, join: the formulas of the chapter one after the other; input and output width agree."""
    config, params, x, memory, mask = case.arguments
    d, options = config.d_model, {**case.options}

    def by_hand(gs, params, x, memory, mask):
        w, b = params["in_proj_weight"], params.get("in_proj_bias")
        sources = (x, x, x) if memory is None else (x, memory, memory)
        heads = [
            gs.split_heads(
                gs.linear(y, w[i * d : (i + 1) * d], None if b is None else b[i * d : (i + 1) * d]),
                n_heads=config.n_heads,
            )
            for i, y in enumerate(sources)
        ]
        mask = mask if mask is None or mask.ndim <= 2 else mask[..., None, :, :]
        z = gs.scaled_dot_product_attention(*heads, mask, **options)
        return gs.output_projection(z, params["out_proj.weight"], params.get("out_proj.bias"))

    assert_agree(gs, lambda gs, *a: gs.multi_head_attention(config, *a, **options), by_hand, params, x, memory, mask)


@law("attention.multi_head_attention", "attention.self_attention")
@given(SEEDS)
def test_one_head_is_self_attention_with_a_map_behind_it(gs, seed):
    """With W^O the identity: the formula with one head."""
    config, x, params = multi_head(seed, d=4, heads=1, bias=False)
    params["out_proj.weight"] = np.eye(4)
    assert_agree(
        gs,
        lambda gs, p, x: gs.multi_head_attention(config, p, x),
        lambda gs, p, x: gs.self_attention(x, *(p["in_proj_weight"][4 * i : 4 * i + 4] for i in range(3))),
        params,
        x,
    )


@law("attention.multi_head_attention")
@given(SEEDS, st.permutations(range(3)))
def test_heads_have_no_order(gs, seed, order):
    """Heads that change places, with their columns of W^O, give the same output."""
    config, x, params = multi_head(seed)
    features = np.concatenate([np.arange(2 * i, 2 * i + 2) for i in order])
    rows = np.concatenate([6 * i + features for i in range(3)])
    shuffled = {
        "in_proj_weight": params["in_proj_weight"][rows],
        "in_proj_bias": params["in_proj_bias"][rows],
        "out_proj.weight": params["out_proj.weight"][:, features],
        "out_proj.bias": params["out_proj.bias"],
    }
    assert_agree(
        gs,
        lambda gs, p, q, x: gs.multi_head_attention(config, q, x),
        lambda gs, p, q, x: gs.multi_head_attention(config, p, x),
        params,
        shuffled,
        x,
    )


@law("attention.multi_head_attention")
@given(st.integers(1, 16), st.integers(1, 16))
def test_any_number_of_heads_has_4_d_squared_weights(gs, heads, width):
    """Cutting the projections costs nothing; cutting the input would leave a tenth of 10,000 for d = 100, h = 10."""
    d = heads * width
    sizes = [math.prod(shape) for shape in MultiHead(d, heads, bias=False).parameters().values()]
    assert sum(sizes) == 4 * d * d
    assert MultiHead(100, 10, bias=False).parameters()["in_proj_weight"] == (300, 100)


@law("attention.multi_head_attention")
def test_every_head_sees_the_whole_input(gs):
    """A change of feature 0 alone moves the queries of all ten heads: cut inputs would move one."""
    _, _, params = multi_head(1, d=100, heads=10, bias=False)
    x = rounded(np.zeros((1, 2, 100)))
    x[0, :, 0] = [1, 2]
    heads = numbers(gs, "split_heads", numbers(gs, "linear", x, params["in_proj_weight"][:100]), n_heads=10)
    assert (heads[0, :, 0] != 0).any(-1).all()


@law("attention.multi_head_attention_weights", "attention.multi_head_attention")
@given(inputs("multi_head_attention_weights"))
def test_the_maps_are_those_that_the_output_was_made_with(gs, case):
    """One head at a time: its map times its values, joined, is the output."""
    config, params, x, memory, mask = case.arguments
    d = config.d_model

    def by_maps(gs, params, x, memory, mask):
        maps = gs.multi_head_attention_weights(config, params, x, memory, mask, **case.options)
        b = params.get("in_proj_bias")
        values = gs.linear(
            x if memory is None else memory, params["in_proj_weight"][2 * d :], b if b is None else b[2 * d :]
        )
        heads = maps @ gs.split_heads(values, n_heads=config.n_heads)
        return gs.output_projection(heads, params["out_proj.weight"], params.get("out_proj.bias"))

    assert_agree(
        gs,
        lambda gs, *a: gs.multi_head_attention(config, *a, **case.options),
        by_maps,
        params,
        x,
        memory,
        mask,
    )


# Another sequence


@law("attention.cross_attention", "attention.self_attention")
@given(SEEDS)
def test_cross_attention_to_itself_is_self_attention(gs, seed):
    assert_agree(
        gs,
        lambda gs, x, *w: gs.cross_attention(x, x, *w),
        lambda gs, x, *w: gs.self_attention(x, *w),
        *block(seed),
    )


@law("attention.cross_attention", "attention.multi_head_attention")
@given(SEEDS)
def test_one_head_with_a_memory_is_cross_attention(gs, seed):
    config, x, params = multi_head(seed, d=4, heads=1, bias=False)
    params["out_proj.weight"] = np.eye(4)
    (memory,) = normal(seed + 99, (2, 7, 4))
    assert_agree(
        gs,
        lambda gs, p, x, h: gs.multi_head_attention(config, p, x, h),
        lambda gs, p, x, h: gs.cross_attention(x, h, *(p["in_proj_weight"][4 * i : 4 * i + 4] for i in range(3))),
        params,
        x,
        memory,
    )


@law("attention.cross_attention")
@given(SEEDS, st.permutations(range(5)))
def test_the_memory_has_no_order_and_the_queries_set_the_length(gs, seed, order):
    """A shuffled memory gives the same; one output per query, whatever the length of the memory."""
    x, memory, *weights = normal(seed, (2, 3, 4), (2, 5, 6), (2, 4), (2, 6), (3, 6))
    assert numbers(gs, "cross_attention", x, memory, *weights).shape == (2, 3, 3)
    assert_agree(
        gs,
        lambda gs, x, h, *w: gs.cross_attention(x, h[:, list(order)], *w),
        lambda gs, x, h, *w: gs.cross_attention(x, h, *w),
        x,
        memory,
        *weights,
    )


@law("attention.seq2seq_attention")
@given(inputs("seq2seq_attention"))
def test_seq2seq_attention_is_attention_without_projections_and_scale(gs, case):
    """One query per sequence, K = V = H, scale 1."""
    query, states, mask = case.arguments
    row = None if mask is None else mask[..., None, :]
    assert_agree(
        gs,
        lambda gs, q, h: gs.seq2seq_attention(q, h, None if mask is None else gs.array(mask)).context,
        lambda gs, q, h: gs.scaled_dot_product_attention(
            q[..., None, :], h, h, None if row is None else gs.array(row), scale=1.0
        )[..., 0, :],
        query,
        states,
    )
    assert_agree(
        gs,
        lambda gs, q, h: gs.seq2seq_attention(q, h).weights,
        lambda gs, q, h: gs.softmax(gs.dot_product_score(q[..., None, :], h)[..., 0, :]),
        query,
        states,
    )


@law("attention.seq2seq_attention")
@given(SEEDS, st.permutations(range(5)))
def test_encoder_states_have_no_order_and_a_single_one_is_the_answer(gs, seed, order):
    query, states = normal(seed, (2, 3), (2, 5, 3))
    assert_agree(
        gs,
        lambda gs, q, h: gs.seq2seq_attention(q, h[:, list(order)]).context,
        lambda gs, q, h: gs.seq2seq_attention(q, h).context,
        query,
        states,
    )
    found = gs.seq2seq_attention(gs.array(query), gs.array(states[:, :1]))
    exactly(gs, gs.numpy(found.context), gs.numpy(gs.array(states[:, 0])))
    assert (gs.numpy(found.weights) == 1).all()


@law("attention.seq2seq_attention")
def test_scores_go_into_the_softmax_once(gs):
    """Query 1, keys 2 and 0: weights 0.881 and 0.119; with the keys multiplied in again 0.982 and 0.018."""
    query, states = np.array([1.0]), np.array([[2.0], [0.0]])
    share = 1 / (1 + math.exp(-2))
    assert_agree(
        gs,
        lambda gs, q, h: gs.seq2seq_attention(q, h).weights,
        lambda gs, q, h: gs.array(rounded([share, 1 - share])),
        query,
        states,
    )
    assert round(share, 3) == 0.881


@law("attention.attentional_hidden_state")
@given(inputs("attentional_hidden_state"))
def test_the_new_state_is_a_sum_of_two_maps_squashed(gs, case):
    """W_c [a | s] = W_a a + W_s s; with W_c = [0 | I] and no bias the decoder's own state, squashed."""
    context, query, weight, bias = case.arguments
    c = context.shape[-1]
    assert_agree(
        gs,
        lambda gs, a, s, w, b: gs.attentional_hidden_state(a, s, w, b),
        lambda gs, a, s, w, b: gs.tanh(gs.linear(a, w[:, :c]) + gs.linear(s, w[:, c:], b)),
        context,
        query,
        weight,
        bias,
    )
    d = query.shape[-1]
    assert_agree(
        gs,
        lambda gs, a, s, w, b: gs.attentional_hidden_state(a, s, w, b),
        lambda gs, a, s, w, b: gs.tanh(s),
        context,
        query,
        np.concatenate([np.zeros((d, c)), np.eye(d)], -1),
        np.zeros(d),
    )


# Cost


@law("attention.attention_cost")
@given(st.integers(1, 500), st.integers(1, 16), st.integers(1, 16))
def test_twice_as_many_tokens_are_four_times_as_many_pairs(gs, n, heads, width):
    """Pairs quadruple, projections double; heads multiply the maps but not the work."""
    d = heads * width
    once, twice = (attention_cost(k * n, d, n_heads=heads) for k in (1, 2))
    assert twice == AttentionCost(2 * once.projections, 4 * once.scores, 4 * once.mixing, 4 * once.weights)
    alone = attention_cost(n, d)
    assert once[:3] == alone[:3] == (4 * n * d * d, n * n * d, n * n * d)
    assert once.weights == heads * alone.weights == heads * n * n


@law("attention.attention_cost")
@given(st.integers(1, 9), st.integers(1, 3), st.integers(1, 3))
def test_the_cost_counts_what_the_formulas_compute(gs, n, heads, width):
    """The entries of the maps are those of multi_head_attention_weights."""
    d = heads * width
    config, x, params = multi_head(0, d=d, heads=heads, t=n)
    maps = gs.multi_head_attention_weights(config, {k: gs.array(p) for k, p in params.items()}, gs.array(x[:1]))
    assert gs.numpy(maps).size == attention_cost(n, d, n_heads=heads).weights
