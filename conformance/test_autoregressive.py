"""Laws of autoregressive models: what is seen before, that chances sum to 1, and what the running sum saves."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik import reference
from gongsik.conformance.agreement import assert_agree
from gongsik.conformance.cases.autoregressive import binary, parameters
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.reference.autodiff import trace
from gongsik.spec.autoregressive import NADE, DiagonalBiLSTM, RealNADE, RowLSTM, nade_parameter_count
from gongsik.spec.model import parameter_count
from gongsik.spec.recurrent import LSTM

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = 6  # standard errors that a sample may be off; a right implementation is further off once in 500 million times


def normal(seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, PRECISION.get().name)


def params_of(config: Any, seed: int) -> dict[str, np.ndarray]:
    used = itertools.count(seed)
    return parameters(config, lambda shape: normal(next(used), *shape))


def arrays(gs: Any, params: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: gs.array(p) for name, p in params.items()}


def every_image(d: int, levels: int = 2) -> np.ndarray:
    """All images of d pixels, [levels^d, d]."""
    return np.array(list(itertools.product(range(levels), repeat=d)), float)


def chance(gs: Any, log_p: Any) -> Any:
    """exp, of functions that every backend has."""
    return gs.sigmoid(log_p) / gs.sigmoid(-log_p)


def one(gs: Any, *_: Any) -> Any:
    return 1.0


# The chain rule over pixels


@law("autoregressive.factorization", "autoregressive.nade")
@given(st.integers(1, 6), st.integers(1, 5), SEEDS)
def test_chances_of_all_images_sum_to_1(gs, d, h, seed):
    """Whatever the weights are: a product of conditional chances needs no normalization."""
    config = NADE(d, h)
    assert_agree(
        gs,
        lambda gs, params, x: chance(gs, gs.nade(config, params, x)).sum(),
        one,
        params_of(config, seed),
        every_image(d),
    )


@law("autoregressive.factorization", "autoregressive.raster_order")
@given(st.permutations(range(3)), SEEDS)
def test_the_chain_rule_is_exact_in_every_order_of_the_pixels(gs, order, seed):
    """Any distribution of images, as tables of conditional chances, pixel after pixel in any order."""
    weights = np.random.Generator(np.random.Philox(seed)).integers(1, 9, (2, 2, 2)).astype(float)
    joint = weights.transpose(order)
    partial = [joint.sum(tuple(range(j, 3))) for j in range(4)]  # of the first j pixels, up to the same factor
    tables = tuple(PRECISION.get().round(b / a[..., None]) for a, b in itertools.pairwise(partial))
    images = every_image(3).astype(int)
    log_p = gs.numpy(gs.naive_sequence_model(tuple(map(gs.array, tables)), gs.array(images[:, order])))
    # Three rounded elements of tables, three logarithms and their sum, each off by a few units of the last place.
    room = 32 * PRECISION.get().unit * (1 + 3 * math.log(72))
    assert np.all(np.abs(log_p - np.log(weights / weights.sum())[tuple(images.T)]) <= room)


@law("autoregressive.raster_order")
@given(st.integers(1, 5), st.integers(1, 5))
def test_raster_order_counts_every_pixel_once(gs, height, width):
    """A bijection, whose inverse is division with remainder; its context is what a mask of type A lets through."""
    row, column = np.indices((height, width))
    order = gs.numpy(gs.raster_order(gs.array(row), gs.array(column), width=width))
    assert np.array_equal(np.sort(order, None), np.arange(height * width))
    assert np.array_equal(np.stack(np.divmod(order, width)), np.stack([row, column]))
    if height % 2 and width % 2:
        mask = gs.numpy(gs.context_mask(gs.array(np.ones((1, 1, height, width))), kind="A"))[0, 0]
        assert np.array_equal(mask == 1, order < order[height // 2, width // 2])


@law("autoregressive.raster_order")
def test_another_order_is_another_model_with_as_many_parameters(gs):
    config, x = NADE(4, 3), np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    params, turned = params_of(config, 5), [2, 0, 3, 1]
    ours, theirs = (gs.numpy(gs.nade(config, arrays(gs, params), gs.array(y))) for y in (x, x[:, turned]))
    assert np.all(np.abs(ours - theirs) > 64 * PRECISION.get().unit)
    total = chance(gs, gs.nade(config, arrays(gs, params), gs.array(every_image(4)[:, turned]))).sum()
    assert abs(float(total) - 1) < 64 * PRECISION.get().unit, "the same family: it is a distribution as well"


# NADE


def first(params: dict[str, Any], i: int) -> dict[str, Any]:
    """The parameters of the first i pixels."""
    return {"w": params["w"][:, :i], "c": params["c"], "alpha": params["alpha"][:i], "b": params["b"][:i]}


@law("autoregressive.nade")
@given(st.integers(2, 5), st.integers(1, 4), SEEDS)
def test_without_its_last_pixels_nade_gives_the_marginal_distribution(gs, d, h, seed):
    """Conditional i does not depend on x_i, ..., x_d: what comes later sums to 1 and can be left out."""
    config, kept = NADE(d, h), d - 1

    def summed(gs: Any, params: Any, x: Any, _: Any) -> Any:
        return chance(gs, gs.nade(config, params, x)).reshape(-1, 2).sum(-1)

    def cut(gs: Any, params: Any, _: Any, x: Any) -> Any:
        return chance(gs, gs.nade(NADE(kept, h), first(params, kept), x))

    assert_agree(gs, summed, cut, params_of(config, seed), every_image(d), every_image(kept))


@law("autoregressive.nade")
@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 3), SEEDS)
def test_the_running_sum_equals_a_product_for_every_pixel(gs, d, h, n, seed):
    """h_i = sigmoid(W_<i x_<i + c), computed anew for each i: d^2 h multiplications in place of d h."""
    config = NADE(d, h)

    def anew(gs: Any, params: Any, x: Any) -> Any:
        p = 1
        for i in range(d):
            hidden = gs.sigmoid(x[:, :i] @ params["w"][:, :i].T + params["c"])
            z = hidden @ params["alpha"][i] + params["b"][i]
            p = p * (x[:, i] * gs.sigmoid(z) + (1 - x[:, i]) * gs.sigmoid(-z))
        return p

    assert_agree(
        gs, lambda gs, params, x: chance(gs, gs.nade(config, params, x)), anew, params_of(config, seed),
        binary(seed, n, d),
    )  # fmt: skip


@law("autoregressive.nade")
def test_work_grows_with_the_pixels_not_with_their_square():
    """Numbers that the reference makes on its way: as many more for every pixel, the hundredth or the second."""

    def numbers(d: int) -> int:
        config = NADE(d, 8)
        x = np.zeros((2, d))
        visits = trace(lambda params: reference.nade(config, params, x).sum())(params_of(config, 0))
        return sum(np.size(visit.node.value) for visit in visits if visit.node.operation != "input")

    assert numbers(100) - numbers(99) == numbers(3) - numbers(2)


@law("autoregressive.nade")
@given(st.integers(1, 6), SEEDS)
def test_with_alpha_0_pixels_are_independent(gs, d, seed):
    config = NADE(d, 3)
    params = params_of(config, seed) | {"alpha": np.zeros((d, 3))}

    def independent(gs: Any, params: Any, x: Any) -> Any:
        p = 1
        for i in range(d):
            p = p * (x[:, i] * gs.sigmoid(params["b"])[i] + (1 - x[:, i]) * gs.sigmoid(-params["b"])[i])
        return p

    assert_agree(gs, lambda gs, params, x: chance(gs, gs.nade(config, params, x)), independent, params, every_image(d))


@law("autoregressive.nade_sample")
@given(st.integers(1, 8), st.integers(1, 4), st.integers(0, 7), SEEDS)
def test_a_draw_decides_its_own_pixel_and_those_after_it(gs, d, h, j, seed):
    config, j = NADE(d, h), j % d
    params, u = arrays(gs, params_of(config, seed)), np.random.Generator(np.random.Philox(seed)).random((5, d))
    other = np.where(np.arange(d) < j, u, 1 - u)
    ours, theirs = (gs.numpy(gs.nade_sample(config, params, gs.array(x))) for x in (u, other))
    assert np.array_equal(ours[:, :j], theirs[:, :j])
    assert set(np.unique(ours)) <= {0, 1}


@law("autoregressive.nade_sample")
def test_images_are_drawn_as_often_as_their_chances_say(gs):
    """Of 4,000 draws, every one of 8 images within 6 standard errors of its chance (a false alarm in 1 of 60 million).

    In 8 bits, the rounding of three chances is added.
    """
    config, n = NADE(3, 4), 4000
    params = {name: 4 * p for name, p in params_of(config, 3).items()}
    u = gs.array(np.random.Generator(np.random.Philox(1)).random((n, 3)))
    drawn = gs.numpy(gs.nade_sample(config, arrays(gs, params), u)).astype(int)
    share = np.bincount(drawn @ [4, 2, 1], minlength=8) / n
    p = np.exp(reference.nade(config, params, every_image(3)))
    assert np.ptp(p) > 0.1, "the chances differ"
    assert np.all(np.abs(share - p) <= DRAWS * np.sqrt(p * (1 - p) / n) + 16 * PRECISION.get().unit)


@law("autoregressive.nade_sample")
@given(st.integers(1, 6), st.integers(1, 4), SEEDS)
def test_a_draw_of_0_is_ink_and_a_draw_of_1_is_paper(gs, d, h, seed):
    """Where no chance is 0 or 1."""
    config = NADE(d, h)
    params = arrays(gs, {name: np.clip(p, -1, 1) for name, p in params_of(config, seed).items()})
    for u in (0.0, 1.0):
        x = gs.numpy(gs.nade_sample(config, params, gs.array(np.full((2, d), u))))
        assert np.all(x == 1 - u)


@law("autoregressive.nade_parameter_count")
@given(st.integers(1, 50), st.integers(1, 50))
def test_parameters_are_linear_in_the_pixels_where_they_are_shared(d, h):
    """Each pixel costs 2 h + 1 more; without sharing, i - 1 + 2 weights more for every unit of the i-th."""
    assert nade_parameter_count(d, h) == parameter_count(NADE(d, h)) == d * (2 * h + 1) + h
    own = [h * (i - 1) + h + h + 1 for i in range(1, d + 1)]
    assert nade_parameter_count(d, h, shared=False) == sum(own)


@law("autoregressive.nade_parameter_count")
def test_the_numbers_of_the_notes_image():
    """784 conditional chances; W alone has 392,000 numbers if they share it, and 153,468,000 if they do not."""
    d, h = 28 * 28, 500
    assert NADE(d, h).parameters()["b"] == (784,)
    assert (h * d, h * sum(range(d))) == (392_000, 153_468_000)
    assert (
        nade_parameter_count(d, h, shared=False) - h * sum(range(d)) == nade_parameter_count(d, h) - h * d + h * d - h
    )


# Real numbers


@law("autoregressive.real_nade")
@given(st.integers(1, 4), SEEDS)
def test_the_density_of_one_number_integrates_to_1(gs, k, seed):
    """By the trapezoid rule, whose error is below e^-100 here: a step of a fourth of a standard deviation or less."""
    config = RealNADE(1, 2, k)
    params = {name: np.zeros(shape) for name, shape in config.parameters().items()}
    params |= {"pi.bias": normal(seed, 1, k), "mu.bias": np.clip(normal(seed + 1, 1, k), -2, 2)}
    params["sigma.bias"] = PRECISION.get().round(np.random.Generator(np.random.Philox(seed)).uniform(-0.6, 0, (1, k)))
    x = np.arange(-128, 129)[:, None] / 8  # up to 14 standard deviations beyond all means, exact in 8 bits
    assert_agree(gs, lambda gs, params, x: chance(gs, gs.real_nade(config, params, x)).sum() / 8, one, params, x)


@law("autoregressive.real_nade")
@given(st.integers(1, 5), SEEDS)
def test_one_component_and_no_weights_are_independent_normal_numbers(gs, d, seed):
    config = RealNADE(d, 2, 1)
    params = {name: np.zeros(shape) for name, shape in config.parameters().items()}
    params |= {"mu.bias": normal(seed, d, 1), "pi.bias": normal(seed + 1, d, 1)}

    def independent(gs: Any, params: Any, x: Any) -> Any:
        return -gs.gaussian_nll(0 * x + params["mu.bias"][:, 0], x, None, reduction="sum")

    assert_agree(
        gs, lambda gs, params, x: gs.real_nade(config, params, x).sum(), independent, params, normal(seed + 2, 2, d)
    )


@law("autoregressive.real_nade")
@given(st.integers(2, 5), st.sampled_from(("relu", "sigmoid")), SEEDS)
def test_a_number_does_not_change_the_densities_of_those_before_it(gs, d, activation, seed):
    """p(x_1, ..., x_d) / p(x_1, ..., x_{d-1}) is a mixture's density: two of x_d differ by that of the last alone."""
    config = RealNADE(d, 3, 2, activation)
    params = params_of(config, seed) | {"w": np.zeros((3, d))}  # what was seen changes nothing: a product of mixtures
    x = normal(seed + 50, 3, d)

    def alone(params: Any, i: int) -> Any:
        of_table = {name: p[i : i + 1] for name, p in params.items() if "." in name or name == "rho"}
        return of_table | {"w": params["w"][:, i : i + 1], "c": params["c"]}

    def by_one(gs: Any, params: Any, x: Any) -> Any:
        one = RealNADE(1, 3, 2, activation)
        return sum(gs.real_nade(one, alone(params, i), x[:, i : i + 1]) for i in range(d))

    assert_agree(gs, lambda gs, params, x: gs.real_nade(config, params, x), by_one, params, x)


@law("autoregressive.real_nade")
def test_far_from_every_mean_the_log_density_is_finite(gs):
    """10,000 standard deviations away: -5 * 10^7, where the density itself would be 0."""
    config = RealNADE(1, 2, 2)
    params = {name: np.zeros(shape) for name, shape in config.parameters().items()}
    log_p = gs.numpy(gs.real_nade(config, arrays(gs, params), gs.array(np.array([[1e4]]))))
    assert np.all(np.isfinite(log_p))
    assert np.all(log_p < -4e7)


# PixelRNN


@law("autoregressive.pixel_rnn_factorization", "autoregressive.context_mask")
@given(st.sampled_from(((1, 1), (1, 2), (2, 1))), SEEDS)
def test_chances_of_all_colour_images_sum_to_1(gs, size, seed):
    """With logits from a masked convolution, which sees what a factor may see: here of two levels per colour."""
    h, w = size
    images = every_image(3 * h * w).reshape(-1, 3, h, w)
    kernel = normal(seed, 6, 3, 3, 3)

    def total(gs: Any, kernel: Any, x: Any, levels: Any) -> Any:
        logits = gs.conv2d(x, gs.context_mask(kernel, kind="A", channels=3), padding=1)
        return chance(gs, gs.pixel_rnn_factorization(logits.reshape(-1, 3, 2, h, w), levels)).sum()

    assert_agree(gs, total, one, kernel, images, images.astype(int))


@law("autoregressive.pixel_rnn_factorization")
@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 5), SEEDS)
def test_an_image_has_3_factors_per_pixel(gs, h, w, k, seed):
    """With equal logits each factor is 1/k, whatever the image."""
    x = np.random.Generator(np.random.Philox(seed)).integers(0, k, (2, 3, h, w))

    def one_factor(gs: Any, logits: Any, x: Any) -> Any:
        pixel = gs.pixel_rnn_factorization(logits[:, :, :, :1, :1], x[:, :, :1, :1])
        return h * w * pixel

    assert_agree(gs, lambda gs, z, x: gs.pixel_rnn_factorization(z, x), one_factor, np.zeros((2, 3, k, h, w)), x)
    log_p = gs.numpy(gs.pixel_rnn_factorization(gs.array(np.zeros((2, 3, k, h, w))), gs.array(x)))
    assert np.array_equal(np.rint(log_p / -math.log(k)), [3 * h * w] * 2)


def changes(run: Callable[[np.ndarray], np.ndarray], x: np.ndarray, at: tuple[int, ...]) -> np.ndarray:
    """Where the result [n, o, h, w] changes if the input does at one place: [o, h, w]."""
    moved = x.copy()
    moved[(slice(None), *at)] += 1
    return np.not_equal(run(moved), run(x)).max(0)


def earlier(h: int, w: int, i: int, j: int) -> np.ndarray:
    """The pixels before (i, j) in raster order."""
    return np.arange(h * w).reshape(h, w) < i * w + j


def runner(gs: Any, function: Callable[..., Any]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: gs.numpy(function(gs.array(x)))


@law("autoregressive.context_mask")
@pytest.mark.parametrize("kinds", [("A",), ("B",), ("A", "B"), ("A", "B", "B"), ("B", "B")], ids="".join)
def test_a_stack_of_masked_convolutions_sees_earlier_pixels_only(gs, kinds):
    """And the pixel itself, if there is no layer of type A in it."""
    kernels = [normal(7 + j, 2, 2, 3, 3) for j in range(len(kinds))]

    def stack(x: Any) -> Any:
        for kernel, kind in zip(kernels, kinds, strict=True):
            x = gs.conv2d(x, gs.context_mask(gs.array(kernel), kind=kind), padding=1)
        return x

    x, h, w = normal(1, 1, 2, 4, 5), 4, 5
    for i, j in itertools.product(range(h), range(w)):
        changed = changes(runner(gs, stack), x, (0, i, j)).max(0)
        assert not changed[earlier(h, w, i, j)].any()
        assert changed[i, j] == ("A" not in kinds)


@law("autoregressive.context_mask")
@given(inputs("context_mask"))
def test_a_mask_keeps_half_of_a_kernel_and_changes_nothing_it_keeps(gs, case):
    """Type A of one group keeps (kh kw - 1) / 2 places, B one more; with groups, some of those at the centre."""
    (weight,), (o, i, kh, kw) = case.arguments, case.arguments[0].shape
    groups = case.options["channels"]
    kept = gs.numpy(gs.context_mask(gs.array(np.ones(weight.shape)), **case.options))
    seen = groups * (groups - 1) // 2 + (groups if case.options["kind"] == "B" else 0)
    assert kept.sum() == o * i * (kh * kw // 2) + o * i * seen // groups**2
    assert np.array_equal(gs.numpy(gs.context_mask(gs.array(weight), **case.options)), np.where(kept == 1, weight, 0))


@law("autoregressive.context_mask", "autoregressive.pixel_rnn_factorization")
@pytest.mark.parametrize("kind", ["A", "B"])
def test_red_sees_no_green_and_green_no_blue_of_its_own_pixel(gs, kind):
    kernel, x = gs.array(normal(3, 6, 3, 1, 1)), normal(4, 1, 3, 2, 2)
    for colour in range(3):
        run = runner(gs, lambda x: gs.conv2d(x, gs.context_mask(kernel, kind=kind, channels=3)))
        changed = changes(run, x, (colour, 0, 0))[:, 0, 0].reshape(3, 2).all(1)
        assert np.array_equal(changed, np.arange(3) > colour if kind == "A" else np.arange(3) >= colour)


@law("autoregressive.row_lstm")
def test_a_row_lstm_sees_a_triangle_above_the_pixel(gs):
    """With kernels of m pixels, d rows above it sees d + 1 times m // 2 pixels to either side, and to the left only
    m // 2 in its own row.
    """
    config, h, w = RowLSTM(1, 3), 4, 7
    # large weights, so that what came a long way is still seen in few digits
    params = arrays(gs, {name: 2 * p for name, p in params_of(config, 3).items()})
    x = normal(5, 8, 1, h, w)
    changed = {at: changes(runner(gs, lambda x: gs.row_lstm(config, params, x)), x, (0, *at)).max(0)
               for at in itertools.product(range(h), range(w))}  # fmt: skip
    for (i, j), (r, c) in itertools.product(changed, changed):
        rows = r - i
        # the way up: a step to the side per row, and one in the masked kernel over the input, to the left
        expected = rows >= 0 and -rows <= j - c + (j < c) <= rows
        assert changed[i, j][r, c] == expected, ((i, j), (r, c))


@law("autoregressive.row_lstm")
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), SEEDS)
def test_with_kernels_of_one_pixel_a_row_lstm_is_an_lstm_down_every_column(gs, c, k, h, w, seed):
    config, plain = RowLSTM(c, k, kernel_size=1), LSTM(c, k)

    def down(gs: Any, params: Any, x: Any, zero: Any) -> Any:
        theirs = {
            "weight_ih_l0": params["input_to_state.weight"][:, :, 0, 0], "bias_ih_l0": params["input_to_state.bias"],
            "weight_hh_l0": params["state_to_state.weight"][:, :, 0, 0], "bias_hh_l0": zero,
        }  # fmt: skip
        columns = moved_axes(x, (0, 3, 2, 1)).reshape(-1, h, c)  # [n w, h, c]
        return moved_axes(gs.lstm(plain, theirs, columns).output.reshape(2, w, h, k), (0, 3, 2, 1))

    assert_agree(
        gs, lambda gs, params, x, _: gs.row_lstm(config, params, x), down, params_of(config, seed),
        normal(seed + 9, 2, c, h, w), np.zeros(4 * k),
    )  # fmt: skip


def moved_axes(x: Any, axes: tuple[int, ...]) -> Any:
    """Axes in another order, by a name that arrays of either kind have for two axes: swapaxes."""
    order = list(range(len(axes)))
    for place, axis in enumerate(axes):
        at = order.index(axis)
        if at != place:
            x = x.swapaxes(place, at)
            order[place], order[at] = order[at], order[place]
    return x


@law("autoregressive.diagonal_bilstm")
def test_a_diagonal_bilstm_sees_all_earlier_pixels_and_no_later_one(gs):
    """And the pixel itself. With one of both directions alone, a part of them would be missing."""
    config, h, w = DiagonalBiLSTM(1, 3), 3, 4
    # large weights, so that what came a long way is still seen in few digits
    params = arrays(gs, {name: 2 * p for name, p in params_of(config, 1).items()})
    x = normal(8, 4, 1, h, w)
    for i, j in itertools.product(range(h), range(w)):
        changed = changes(runner(gs, lambda x: gs.diagonal_bilstm(config, params, x)), x, (0, i, j)).max(0)
        assert np.array_equal(changed, ~earlier(h, w, i, j)), (i, j)


@law("autoregressive.diagonal_bilstm")
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), SEEDS)
def test_a_diagonal_bilstm_is_an_lstm_with_two_pasts_at_every_pixel(gs, c, k, h, w, seed):
    """Pixel by pixel, without a skew: `lstm_cell` reads the pixel and the state above it, after the state beside it."""
    config = DiagonalBiLSTM(c, k)

    def crossed(gs: Any, p: Any, x: Any, zero: Any, bias: Any, join: Any) -> Any:
        states: dict[tuple[int, int], Any] = {}
        for i, j in itertools.product(range(h), range(w)):
            above = states[i - 1, j].h if i else zero
            beside, cell = states[i, j - 1] if j else (zero, zero)
            seen = join(x[:, :, i, j], above)
            weights = join(p["input_to_state.weight"][:, :, 0, 0], p["state_to_state.weight"][:, :, 0, 0])
            states[i, j] = gs.lstm_cell(
                seen, beside, cell, weights, p["state_to_state.weight"][:, :, 1, 0], p["input_to_state.bias"], bias
            )
        return states

    def by_pixel(gs: Any, params: Any, x: Any, zero: Any, bias: Any, eye: Any) -> Any:
        def join(a: Any, b: Any) -> Any:
            return a @ eye[:c] + b @ eye[c:]  # side by side, by a product with parts of the identity

        sides = [{name.partition(".")[2]: p for name, p in params.items() if name.startswith(side)}
                 for side in ("from_left", "from_right")]  # fmt: skip
        left = crossed(gs, sides[0], x, zero, bias, join)
        turned = [[x[:, :, i, w - 1 - j] for j in range(w)] for i in range(h)]
        right = crossed(gs, sides[1], _Picked(turned), zero, bias, join)
        return [left[i, j].h + (right[i - 1, w - 1 - j].h if i else 0) for i in range(h) for j in range(w)]

    def by_diagonal(gs: Any, params: Any, x: Any, *_: Any) -> Any:
        y = gs.diagonal_bilstm(config, params, x)
        return [y[:, :, i, j] for i in range(h) for j in range(w)]

    assert_agree(
        gs, by_diagonal, by_pixel, params_of(config, seed), normal(seed + 9, 2, c, h, w), np.zeros((2, k)),
        np.zeros(4 * k), np.eye(c + k),
    )  # fmt: skip


class _Picked:
    """Pixels in a list of lists, indexed like an image [n, c, h, w]."""

    def __init__(self, rows: list[list[Any]]):
        self.rows = rows

    def __getitem__(self, at: tuple[Any, ...]) -> Any:
        return self.rows[at[2]][at[3]]


@law("autoregressive.skew")
@given(inputs("skew"))
def test_unskew_undoes_skew(gs, case):
    """In a square image n columns become 2 n - 1; what is filled in is 0, so the sum stays."""
    (x,) = case.arguments
    h, w = x.shape[-2:]
    y = gs.skew(gs.array(x))
    assert y.shape == (*x.shape[:-1], w + h - 1)
    assert np.array_equal(gs.numpy(gs.unskew(y)), x)
    assert np.count_nonzero(gs.numpy(y)) == np.count_nonzero(x)


@law("autoregressive.skew", "autoregressive.unskew")
@given(st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_antidiagonals_become_columns(gs, h, w, seed):
    """Column t of the skewed image has the pixels with r + c = t."""
    x = normal(seed, h, w)
    y = gs.numpy(gs.skew(gs.array(x)))
    for t in range(w + h - 1):
        here = [(r, t - r) for r in range(h) if 0 <= t - r < w]
        assert np.array_equal(y[[r for r, _ in here], t], [x[at] for at in here])
