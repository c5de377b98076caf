"""Laws of adversarial networks: what the game minimises, how it goes wrong, and what a distance does about it."""

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most, convert
from gongsik.conformance.cases.cnn import fitting
from gongsik.conformance.cases.gan import affine_game, games, make_critic
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec import DomainError
from gongsik.spec.architectures.conditional import DenseDiscriminator, DenseGenerator
from gongsik.spec.architectures.dcgan import DCGANDiscriminator, DCGANGenerator, PuzzleGAN, TextGenerator
from gongsik.spec.architectures.infogan import InfoGANDiscriminator, InfoGANGenerator
from gongsik.spec.architectures.progressive import ProgressiveDiscriminator, ProgressiveGenerator
from gongsik.spec.architectures.translation import CycleGAN, StarGAN
from gongsik.spec.gan import Game, Players, translators
from gongsik.spec.model import parameter_count

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 9)
COUNTS = st.lists(st.integers(0, 4), min_size=2, max_size=6).filter(any)
"""How often each of a few outcomes is among the data, or among the samples."""


def normal(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    return PRECISION.get().round(make(seed, "normal", shape, PRECISION.get().name) * scale)


def best_answers(data: list[int], samples: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The best discriminator's D for every datum and every sample, where outcome i comes data[i] and samples[i] times.

    Their numbers may differ: what counts is the share of each.
    """
    p, q = np.array(data) / sum(data), np.array(samples) / sum(samples)
    answer = np.divide(p, p + q, out=np.zeros_like(p), where=p + q > 0)
    return PRECISION.get().round(np.repeat(answer, data)), PRECISION.get().round(np.repeat(answer, samples))


def divergence(data: list[int], samples: list[int]) -> float:
    """Jensen and Shannon's, in nats."""
    p, q = np.array(data) / sum(data), np.array(samples) / sum(samples)
    middle = (p + q) / 2
    return sum(float((r[r > 0] * np.log(r[r > 0] / middle[r > 0])).sum()) for r in (p, q)) / 2


def of_length(counts: list[int], n: int) -> list[int]:
    return (counts + [0] * n)[:n]


# The game


@law("gan.value_function", "gan.global_optimum")
@given(SIZES, SIZES)
def test_a_discriminator_that_knows_nothing_gets_minus_log_4(gs, n, m):
    """D = 1/2 everywhere: V = -log 4, however many data and samples there are."""
    assert_agree(
        gs,
        lambda gs, p, q: gs.value_function(p, q),
        lambda gs, p, q: 0 * p.mean() - math.log(4),
        np.full(n, 0.5), np.full(m, 0.5),
    )  # fmt: skip


@law("gan.value_function")
@given(inputs("value_function"))
def test_the_value_is_at_most_0(gs, case):
    assert float(gs.value_function(*convert(case.arguments, gs))) <= 0


@law("gan.value_function")
@given(SEEDS, SIZES, SIZES)
def test_the_value_is_concave_in_the_discriminator(gs, seed, n, m):
    """Half-way between two discriminators it is at least half-way between their values."""
    rng = np.random.Generator(np.random.Philox(seed))
    real, fake = rng.integers(1, 15, (2, n)) / 16, rng.integers(1, 15, (2, m)) / 16
    assert_at_most(
        gs,
        lambda gs, p, q: (gs.value_function(p[0], q[0]) + gs.value_function(p[1], q[1])) / 2,
        lambda gs, p, q: gs.value_function((p[0] + p[1]) / 2, (q[0] + q[1]) / 2),
        real, fake,
    )  # fmt: skip


@law("gan.discriminator_loss", "gan.value_function")
@given(SEEDS, SIZES, SIZES)
def test_the_discriminator_maximises_the_value(gs, seed, n, m):
    """Its loss is minus the value at D, the sigmoid of its logits."""
    assert_agree(
        gs,
        lambda gs, s, t: gs.discriminator_loss(s, t),
        lambda gs, s, t: -gs.value_function(gs.sigmoid(s), gs.sigmoid(t)),
        normal(seed, n), normal(seed + 1, m),
    )  # fmt: skip


@law("gan.discriminator_loss")
@given(SEEDS, SIZES, SIZES)
def test_the_discriminator_s_loss_is_cross_entropy_with_labels_1_and_0(gs, seed, n, m):
    """In signs, as `logistic_loss` has them: +1 for data, -1 for samples."""
    assert_agree(
        gs,
        lambda gs, s, t, yes, no: gs.discriminator_loss(s, t),
        lambda gs, s, t, yes, no: gs.logistic_loss(s, yes) + gs.logistic_loss(t, no),
        normal(seed, n, 2), normal(seed + 1, m, 2), np.ones((n, 2)), -np.ones((m, 2)),
    )  # fmt: skip


@law("gan.discriminator_loss", "gan.generator_loss", "gan.non_saturating_generator_loss")
@given(st.sampled_from((50.0, 1e3, 1e4)))
def test_losses_are_finite_for_every_logit(gs, size):
    """They grow with a wrong logit, and no faster; a perfect discriminator has loss 0."""
    high, low = gs.array(np.array([size])), gs.array(np.array([-size]))
    size = float(gs.numpy(high)[0])
    assert float(gs.discriminator_loss(high, low)) < 1e-20
    assert float(gs.discriminator_loss(low, high)) == 2 * size
    assert float(gs.generator_loss(high)) == -size
    assert -1e-20 < float(gs.generator_loss(low)) <= 0
    assert float(gs.non_saturating_generator_loss(low)) == size


def slopes(gs: Any, loss: Any, logit: np.ndarray) -> Any:
    return gs.value_and_grad(loss)(gs.array(logit))[1]


@law("gan.generator_loss")
@given(SEEDS, SIZES)
def test_the_saturating_loss_has_slope_minus_d(gs, seed, m):
    """Where the discriminator sees through a sample, nothing is left to learn from."""
    assert_agree(
        gs,
        lambda gs, s: gs.value_and_grad(gs.generator_loss)(s)[1],
        lambda gs, s: -gs.sigmoid(s) / m,
        normal(seed, m, scale=4),
    )
    assert float(gs.numpy(slopes(gs, gs.generator_loss, np.array([-20.0])))[0]) > -1e-8


@law("gan.non_saturating_generator_loss")
@given(SEEDS, SIZES)
def test_the_other_loss_has_slope_minus_1_plus_d(gs, seed, m):
    """Steep where the discriminator sees through a sample; the sign is that of the saturating loss everywhere."""
    assert_agree(
        gs,
        lambda gs, s: gs.value_and_grad(gs.non_saturating_generator_loss)(s)[1],
        lambda gs, s: -gs.sigmoid(-s) / m,
        normal(seed, m, scale=4),
    )
    assert float(gs.numpy(slopes(gs, gs.non_saturating_generator_loss, np.array([-20.0])))[0]) < -0.99


@law("gan.generator_loss", "gan.non_saturating_generator_loss")
@given(SEEDS, SIZES)
def test_both_losses_fall_where_the_discriminator_is_fooled(gs, seed, m):
    """They are two objectives: log(1 - D) is not -log D, their sum is minus the mean logit."""
    logit = normal(seed, m)
    assert_agree(
        gs,
        lambda gs, s: gs.generator_loss(s) + gs.non_saturating_generator_loss(s),
        lambda gs, s: -s.mean(),
        logit,
    )
    assert_at_most(gs, lambda gs, s: gs.generator_loss(s + 1), lambda gs, s: gs.generator_loss(s), logit)


# What is minimised


@law("gan.optimal_discriminator")
@given(COUNTS, COUNTS, st.integers(1, 15))
def test_no_discriminator_beats_the_share_of_the_data(gs, data, samples, other):
    """At each outcome, p log D + q log(1 - D) is largest for D = p / (p + q), which lies in [0, 1]."""
    n = min(len(data), len(samples))
    data, samples = of_length(data, n), of_length(samples, n)
    if not any(data) or not any(samples):
        data, samples = [1] * n, [2] * n
    real, fake = best_answers(data, samples)
    constant = np.full_like(real, other / 16), np.full_like(fake, other / 16)
    mixed = (real + constant[0]) / 2, (fake + constant[1]) / 2
    for rival in (constant, tuple(PRECISION.get().round(x) for x in mixed)):
        assert_at_most(
            gs,
            lambda gs, p, q, *_: gs.value_function(p, q),
            lambda gs, p, q, *best: gs.value_function(*best),
            *rival, real, fake,
        )  # fmt: skip


@law("gan.value_at_optimal_discriminator", "gan.global_optimum")
@given(COUNTS, COUNTS)
def test_the_value_at_the_best_discriminator_is_a_divergence(gs, data, samples):
    """V(G, D*) = 2 JSD - log 4: at least -log 4, which is reached by equal distributions only, and at most 0."""
    if gs.precision.name != "float64":
        pytest.skip("D* is a quotient: only in float64 it is known as well as the identity asks")
    n = max(len(data), len(samples))
    data, samples = of_length(data, n), of_length(samples, n)
    real, fake = best_answers(data, samples)
    found, expected = float(gs.value_function(gs.array(real), gs.array(fake))), 2 * divergence(data, samples)
    # a D that is off by one unit of rounding moves each logarithm by at most u / D and u / (1 - D), of which means are
    # taken: p / D = p + q, so both means move by at most 2 n u
    room = 16 * (n + sum(data) + sum(samples)) * gs.precision.unit
    assert abs(found - (expected - math.log(4))) <= room
    equal = [x * sum(samples) for x in data] == [y * sum(data) for y in samples]
    assert -math.log(4) - room <= found <= room
    assert equal == (abs(found + math.log(4)) <= room)


@law("gan.value_at_optimal_discriminator")
@given(st.integers(1, 4), st.integers(1, 4))
def test_disjoint_distributions_have_the_largest_value(gs, n, m):
    """A discriminator that is right about everything: V = 0, JSD = ln 2."""
    real, fake = best_answers([n, 0], [0, m])
    assert float(gs.value_function(gs.array(real), gs.array(fake))) == 0
    assert divergence([n, 0], [0, m]) == pytest.approx(math.log(2), abs=2**-50)


# The updates


def counting(game: Game, calls: dict[str, int]) -> Game:
    """The same game, which counts how often samples are made and losses are taken."""

    def counted(name: str) -> Any:
        function = getattr(game, name)

        def call(*arguments: Any) -> Any:
            calls[name] += 1
            return function(*arguments)

        return call

    return Game(**{name: counted(name) for name in Game.__dataclass_fields__})


@law("gan.alternating_training")
@given(st.data(), st.integers(1, 3), st.sampled_from(("shared", "fresh")))
def test_no_pass_is_made_twice(gs, data, k, noise):
    """A round costs k passes through the generator, k + 1 with fresh noise, and k + 1 losses: one per update."""
    arguments = convert(data.draw(games(gs.precision, noise, k)), gs)
    rounds = arguments[1][0].shape[0] // k
    calls = dict.fromkeys(Game.__dataclass_fields__, 0)
    gs.alternating_training(counting(affine_game(gs), calls), *arguments, k=k, noise=noise)
    assert calls == {
        "generate": rounds * (k + (noise == "fresh")),
        "discriminator_loss": rounds * k, "update_discriminator": rounds * k,
        "generator_loss": rounds, "update_generator": rounds,
    }  # fmt: skip


@law("gan.alternating_training")
@given(st.data(), st.integers(1, 2))
def test_each_player_moves_while_the_other_stands_still(gs, data, k):
    """With a rate of 0 for one of them, that one is as before, exactly, and the other is not held up."""
    players, *rest = convert(data.draw(games(gs.precision, "shared", k)), gs)
    game = affine_game(gs)

    def stay(params: Any, grads: Any, state: Any) -> Any:
        return params, ()

    held = Game(game.generate, game.discriminator_loss, game.generator_loss, stay, game.update_generator)
    after = gs.alternating_training(held, players, *rest, k=k).players
    assert after.discriminator is players.discriminator
    held = Game(game.generate, game.discriminator_loss, game.generator_loss, game.update_discriminator, stay)
    assert gs.alternating_training(held, players, *rest, k=k).players.generator is players.generator


@law("gan.alternating_training")
@given(st.data(), st.integers(1, 2), st.sampled_from(("shared", "fresh")))
def test_a_round_is_the_updates_one_after_the_other(gs, data, k, noise):
    """As one would write it: the loss of each player, differentiated by its own parameters, from the start."""
    players, (real,), (z,) = data.draw(games(gs.precision, noise, k))

    def by_hand(gs: Any, players: Any, real: Any, z: Any) -> Any:
        game, per_round = affine_game(gs), k + (noise == "fresh")
        g, d, g_state, d_state = players
        for r in range(real.shape[0] // k):
            for j in range(k):
                fake = game.generate(g, z[r * per_round + j])
                _, grads = gs.value_and_grad(game.discriminator_loss)(d, fake, real[r * k + j])
                d, d_state = game.update_discriminator(d, grads, d_state)
            draws, batch = z[(r + 1) * per_round - 1], real[(r + 1) * k - 1]
            _, grads = gs.value_and_grad(
                lambda g, d=d, z=draws, x=batch: game.generator_loss(d, game.generate(g, z), x)
            )(g)
            g, g_state = game.update_generator(g, grads, g_state)
        return g, d

    assert_agree(
        gs,
        lambda gs, p, x, z: gs.alternating_training(affine_game(gs), p, (x,), (z,), k=k, noise=noise).players[:2],
        by_hand,
        players, real, z,
    )  # fmt: skip


@law("gan.alternating_training")
@given(st.data())
def test_a_game_goes_on_where_it_was_left(gs, data):
    """Two rounds are one round, and one more from the players that it leaves, exactly."""
    players, (x,), (z,) = convert(data.draw(games(gs.precision, "shared", 2)), gs)
    game = affine_game(gs)
    seen: list[int] = []
    whole = gs.alternating_training(game, players, (x,), (z,), k=2, on_step=lambda done, d, g: seen.append(done))
    for r in range(x.shape[0] // 2):
        part = slice(2 * r, 2 * r + 2)
        players = gs.alternating_training(game, players, (x[part],), (z[part],), k=2).players
    assert seen == list(range(1, x.shape[0] // 2 + 1))
    for name in ("w", "b"):
        assert np.array_equal(gs.numpy(players.generator[name]), gs.numpy(whole.players.generator[name]))


@law("gan.alternating_training", "gan.global_optimum")
@given(SEEDS, st.integers(1, 4))
def test_the_equilibrium_is_a_fixed_point(gs, seed, n):
    """Samples like the data, D = 1/2: nobody moves; the losses are log 4 and log 2."""
    x = gs.array(normal(seed, 1, n, 2))
    zero = {"w": gs.array(np.zeros((2, 3))), "v": gs.array(np.zeros(3))}
    generator = {"w": gs.array(np.eye(2)), "b": gs.array(np.zeros(2))}
    played = gs.alternating_training(affine_game(gs), Players(generator, zero), (x,), (x,))
    for before, after in zip((generator, zero), played.players[:2], strict=True):
        assert all(np.array_equal(gs.numpy(after[name]), gs.numpy(value)) for name, value in before.items())
    assert float(played.discriminator_losses[0, 0]) == pytest.approx(math.log(4), rel=4 * gs.precision.unit)
    assert float(played.generator_losses[0]) == pytest.approx(math.log(2), rel=4 * gs.precision.unit)


# Mode collapse, and remedies


@law("gan.mode_collapse")
@given(SEEDS, st.integers(2, 6))
def test_against_a_fixed_discriminator_all_samples_go_to_one_place(gs, seed, n):
    """To where its D is largest. With s = -(x - x0)^2/2 a sample's slope is (1 - D)(x - x0), and D at most 1/2.

    So each update takes at least lr / 2 of the way: after t of them at most (1 - lr/2)^t is left of every distance.
    """
    x, best, lr, steps = gs.array(normal(seed, n)), 1.0, 0.5, 24

    def loss(x: Any) -> Any:
        return gs.non_saturating_generator_loss(-((x - best) ** 2) / 2) * n

    start = gs.numpy(x).astype(np.float64)
    for _ in range(steps):
        x = gs.gradient_descent(x, gs.value_and_grad(loss)(x)[1], lr=lr)
    left = np.abs(gs.numpy(x).astype(np.float64) - best)
    rounding = 4 * steps * gs.precision.unit * (1 + np.abs(start - best))
    assert (left <= (1 - lr / 2) ** steps * np.abs(start - best) + rounding).all(), (start, left)


@law("gan.mode_collapse", "gan.minibatch_discrimination", "gan.feature_matching")
def test_a_collapse_is_invisible_sample_by_sample_and_visible_in_a_batch(gs):
    """Four samples in the one best place please a discriminator more than one in each of the data's four places.

    Mini-batch features and means of features tell the two apart.
    """
    data = np.array([[-3.0], [-1.0], [1.0], [3.0]])
    collapsed = np.full((4, 1), 3.0)
    logit = lambda x: gs.array(x[:, 0] / 4)  # noqa: E731 - a discriminator that likes the right
    assert float(gs.non_saturating_generator_loss(logit(collapsed))) < float(
        gs.non_saturating_generator_loss(logit(data))
    )
    kernel = gs.array(np.ones((1, 1, 1)))
    crowd, spread = (gs.numpy(gs.minibatch_discrimination(gs.array(x), kernel)) for x in (collapsed, data))
    assert (crowd == 4).all()
    assert (spread < 1.5).all()
    assert float(gs.feature_matching(gs.array(data), gs.array(data[::-1].copy()))) == 0
    assert float(gs.feature_matching(gs.array(data), gs.array(collapsed))) == 9


@law("gan.feature_matching")
@given(SEEDS, SIZES, SIZES, st.integers(1, 4))
def test_matching_looks_at_means_only(gs, seed, n, m, d):
    """It knows no order, and a shift of both changes nothing."""
    real, fake, shift = normal(seed, n, d), normal(seed + 1, m, d), normal(seed + 2, d)
    assert_agree(
        gs,
        lambda gs, x, y, c, order: gs.feature_matching(x, y),
        lambda gs, x, y, c, order: gs.feature_matching(x[order] + c, y + c),
        real, fake, shift, np.random.Generator(np.random.Philox(seed)).permutation(n),
    )  # fmt: skip


@law("gan.minibatch_discrimination")
@given(SEEDS, st.integers(1, 5), st.integers(1, 3))
def test_copies_count_fully_and_strangers_not_at_all(gs, seed, n, b):
    """So many copies of a sample give n, or n - 1 without itself; far from all others it is 1, or 0."""
    kernel = gs.array(1 + np.abs(normal(seed, 2, b, 3)))
    same = gs.array(np.broadcast_to(normal(seed + 1, 1, 2), (n, 2)).copy())
    far = gs.array(np.arange(n)[:, None] * np.full((1, 2), 1024.0))
    for include_self in (True, False):
        copies = gs.numpy(gs.minibatch_discrimination(same, kernel, include_self=include_self))
        assert np.array_equal(copies, np.full((n, b), n - 1 + include_self))
        strangers = gs.numpy(gs.minibatch_discrimination(far, kernel, include_self=include_self))
        assert np.array_equal(strangers, np.full((n, b), float(include_self)))


@law("gan.minibatch_discrimination")
@given(SEEDS, st.integers(2, 5))
def test_a_batch_in_another_order_gives_the_same_in_that_order(gs, seed, n):
    order = np.random.Generator(np.random.Philox(seed)).permutation(n)
    features, kernel = normal(seed, n, 3), normal(seed + 1, 3, 2, 2, scale=0.5)
    assert_agree(
        gs,
        lambda gs, x, t, o: gs.minibatch_discrimination(x[o], t),
        lambda gs, x, t, o: gs.minibatch_discrimination(x, t)[o],
        features, kernel, order,
    )  # fmt: skip


@law("gan.historical_averaging")
@given(SEEDS, st.integers(1, 6), st.integers(1, 3))
def test_the_running_mean_is_the_mean_of_all_that_came_before(gs, seed, t, d):
    """So the penalty is the squared distance from it; at a constant history it is 0, exactly."""
    history = normal(seed, t + 1, d)

    def running(gs: Any, history: Any) -> Any:
        state = None
        for i in range(t):
            _, state = gs.historical_averaging({"w": history[i]}, state)
        return gs.historical_averaging({"w": history[t]}, state)[0]

    assert_agree(gs, running, lambda gs, h: ((h[t] - h[:t].mean(0)) ** 2).sum(), history)
    constant = gs.array(history[:1])
    penalty, state = gs.historical_averaging(constant)
    assert float(penalty) == float(gs.historical_averaging(constant, state)[0]) == 0


@law("gan.historical_averaging")
@given(st.sampled_from((0.25, 0.5)), st.sampled_from((0.125, 0.25)))
def test_history_stops_the_circles_of_x_y(gs, strength, lr):
    """In the game of x y each step alone goes outwards; pulled towards their means the players come to rest at 0.

    Without: x^2 + y^2 grows by 1 + lr^2 a step, exactly. With: it is less after 200 steps than it was.
    """
    if gs.precision.unit > 2**-12:
        pytest.skip("8 bits round a small step away")

    def play(strength: float) -> float:
        at, state = gs.array(np.array([1.0, 1.0])), None
        turn = gs.array(np.array([[0.0, -1.0], [1.0, 0.0]]))  # x goes down x y, y goes up
        for _ in range(200):
            pull = gs.value_and_grad(lambda w, s=state: gs.historical_averaging(w, s)[0])(at)[1]
            state = gs.historical_averaging(at, state)[1]
            at = gs.gradient_descent(at, at @ turn + strength * pull, lr=lr)
        return float((at**2).sum())

    assert play(0.0) == pytest.approx(2 * (1 + lr**2) ** 200, rel=1000 * gs.precision.unit)
    assert play(strength) < 2


# Another distance


@law("gan.wasserstein_distance")
@given(SEEDS, SIZES, SIZES)
def test_the_distance_is_a_distance(gs, seed, n, m):
    """0 from itself, exactly; the same both ways; never more than by way of a third."""
    x, y, z = normal(seed, n), normal(seed + 1, m), normal(seed + 2, 4)
    assert float(gs.wasserstein_distance(gs.array(x), gs.array(x[::-1].copy()))) == 0
    assert_agree(
        gs,
        lambda gs, x, y: gs.wasserstein_distance(x, y),
        lambda gs, x, y: gs.wasserstein_distance(y, x),
        x, y,
    )  # fmt: skip
    assert_at_most(
        gs,
        lambda gs, x, y, z: gs.wasserstein_distance(x, y),
        lambda gs, x, y, z: gs.wasserstein_distance(x, z) + gs.wasserstein_distance(z, y),
        x, y, z,
    )  # fmt: skip


@law("gan.wasserstein_distance")
@given(SEEDS, SIZES)
def test_equal_numbers_are_matched_in_order(gs, seed, n):
    """The smallest goes to the smallest, and so on."""
    x, y = np.sort(normal(seed, n)), np.sort(normal(seed + 1, n))
    assert_agree(
        gs,
        lambda gs, x, y, order: gs.wasserstein_distance(x[order], y),
        lambda gs, x, y, order: abs(x - y).mean(),
        x, y, np.random.Generator(np.random.Philox(seed)).permutation(n),
    )  # fmt: skip


@law("gan.wasserstein_distance")
@given(SEEDS, SIZES, st.sampled_from((-3.0, -0.5, 0.25, 7.0)))
def test_a_shift_costs_its_length_and_a_scale_scales(gs, seed, n, c):
    x, y = normal(seed, n), normal(seed + 1, n + 1)
    assert_agree(
        gs, lambda gs, x: gs.wasserstein_distance(x, x + c), lambda gs, x: 0 * x.mean() + abs(c), np.rint(8 * x) / 8
    )
    assert_agree(
        gs,
        lambda gs, x, y: gs.wasserstein_distance(c * x, c * y),
        lambda gs, x, y: abs(c) * gs.wasserstein_distance(x, y),
        x, y,
    )  # fmt: skip


@law("gan.wasserstein_distance")
@given(SEEDS, st.lists(st.integers(0, 3), min_size=2, max_size=4).filter(any), SIZES)
def test_weights_are_copies(gs, seed, copies, m):
    """A point that is there c times weighs c times as much as one that is there once."""
    x, y = normal(seed, len(copies)), normal(seed + 1, m)
    weights = PRECISION.get().round(np.array(copies) / sum(copies))
    if not math.isclose(weights.sum(), 1, rel_tol=gs.precision.unit):
        return
    uniform = PRECISION.get().round(np.full(m, 1 / m))
    repeated = np.repeat(x, copies)
    room = 16 * gs.precision.unit * (len(copies) + m + sum(copies)) * (np.abs(x).max() + np.abs(y).max())
    expected = float(gs.wasserstein_distance(gs.array(repeated), gs.array(y)))
    for other in (None, gs.array(uniform)):
        found = float(gs.wasserstein_distance(gs.array(x), gs.array(y), gs.array(weights), other))
        assert abs(found - expected) <= room


@law("gan.kantorovich_rubinstein", "gan.critic_loss")
@given(SEEDS, SIZES, SIZES, st.lists(st.tuples(st.integers(-16, 16), st.sampled_from((-1, 1))), min_size=1, max_size=6))
def test_every_1_lipschitz_critic_bounds_the_distance_from_below(gs, seed, n, m, cones):
    """The mean of some +|x - t| and -|x - t| has no slope above 1: minus its loss is at most W."""

    def critic(x: Any) -> Any:
        return sum(sign * abs(x - t / 4) for t, sign in cones) / len(cones)

    assert_at_most(
        gs,
        lambda gs, x, y: -gs.critic_loss(critic(x), critic(y)),
        lambda gs, x, y: gs.wasserstein_distance(x, y),
        normal(seed, n), normal(seed + 1, m),
    )  # fmt: skip


@law("gan.kantorovich_rubinstein", "gan.critic_loss")
@given(SEEDS, st.integers(1, 6), st.integers(1, 6))
def test_the_best_critic_reaches_the_distance(gs, seed, n, m):
    """It climbs where more of the data lies to the right, and falls where less does: -L_D = W."""
    x, y = np.rint(8 * normal(seed, n)) / 8, np.rint(8 * normal(seed + 1, m)) / 8
    places = np.unique(np.concatenate([x, y]))
    more = (x[:, None] > places[:-1]).mean(0) - (y[:, None] > places[:-1]).mean(0)
    heights = np.concatenate([[0.0], np.cumsum(np.sign(more) * np.diff(places))])
    assert_agree(
        gs,
        lambda gs, f, g, x, y: -gs.critic_loss(f, g),
        lambda gs, f, g, x, y: gs.wasserstein_distance(x, y),
        heights[np.searchsorted(places, x)], heights[np.searchsorted(places, y)], x, y,
    )  # fmt: skip


@law("gan.jsd_versus_wasserstein", "gan.wasserstein_distance")
@given(st.sampled_from((-4.0, -0.5, -0.125, 0.125, 1.0, 3.0)))
def test_the_divergence_does_not_see_how_far_apart_two_points_are(gs, theta):
    """JSD is ln 2 for every theta but 0, where it is 0; W is |theta|, with slope -1 or +1."""
    zero = gs.array(np.zeros(1))
    value, slope = gs.value_and_grad(lambda t: gs.wasserstein_distance(zero, t))(gs.array(np.array([theta])))
    assert float(value) == abs(theta)
    assert float(slope[0]) == np.sign(theta)
    # what a perfect discriminator's game is worth, for the same two points
    apart = gs.value_function(gs.array(np.ones(1)), gs.array(np.zeros(1)))
    assert (float(apart) + math.log(4)) / 2 == pytest.approx(math.log(2), abs=2**-50)
    together = gs.value_function(gs.array(np.full(1, 0.5)), gs.array(np.full(1, 0.5)))
    assert (float(together) + math.log(4)) / 2 == pytest.approx(0, abs=4 * gs.precision.unit)


@law("gan.critic_loss", "gan.critic_generator_loss")
@given(SEEDS, SIZES, SIZES, st.sampled_from((-2.0, 0.5, 3.0)))
def test_a_critic_s_loss_knows_no_zero_and_has_no_bound(gs, seed, n, m, a):
    """The loss of f + c is that of f, and of a f a times that: only a bound on the slope makes it a distance."""
    x, y = normal(seed, n), normal(seed + 1, m)
    loss = lambda gs, x, y: gs.critic_loss(x, y)  # noqa: E731
    assert_agree(gs, lambda gs, x, y: gs.critic_loss(x + a, y + a), loss, x, y)
    assert_agree(gs, lambda gs, x, y: gs.critic_loss(a * x, a * y), lambda gs, x, y: a * loss(gs, x, y), x, y)
    assert_agree(gs, loss, lambda gs, x, y: gs.critic_generator_loss(x) - gs.critic_generator_loss(y), x, y)


@law("gan.critic_loss", "gan.gradient_penalty")
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_critic_with_a_sigmoid_is_warned_of(gs, shape):
    """Where gradients are recorded it can be seen. One without is left in peace."""
    x = gs.array(np.ones(shape))
    flat = gs.array(np.ones(3))
    with pytest.warns(UserWarning, match="sigmoid"):
        gs.value_and_grad(lambda w: gs.critic_loss(gs.sigmoid(w * x).reshape(-1), gs.sigmoid(w * x).reshape(-1)))(
            gs.array(np.array(2.0))
        )
    with pytest.warns(UserWarning, match="sigmoid"):
        gs.gradient_penalty(lambda w, x: gs.sigmoid(w * x).reshape(-1), gs.array(np.array(2.0)), x, x, flat)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gs.value_and_grad(lambda w: gs.critic_loss(w * x, w * gs.sigmoid(x)))(gs.array(np.array(2.0)))
        gs.gradient_penalty(lambda w, x: w * gs.tanh(x), gs.array(np.array(2.0)), x, x, flat)


# How steep a critic is


@law("gan.lipschitz_constant")
@given(SEEDS, SIZES, SIZES)
def test_no_difference_is_stretched_by_more(gs, seed, o, i):
    """|Wx| <= K |x| for every x; the samples' lower bound is at most K."""
    w, x = normal(seed, o, i), normal(seed + 1, 5, i)
    assert_at_most(
        gs,
        lambda gs, w, x: gs.lipschitz_lower_bound(x, x @ w.T),
        lambda gs, w, x: gs.lipschitz_constant(w),
        w, x,
    )  # fmt: skip


@law("gan.lipschitz_constant")
@given(SEEDS, SIZES, SIZES, SIZES)
def test_a_composition_has_at_most_the_product(gs, seed, a, b, c):
    assert_at_most(
        gs,
        lambda gs, v, w: gs.lipschitz_constant(v @ w),
        lambda gs, v, w: gs.lipschitz_constant(v) * gs.lipschitz_constant(w),
        normal(seed, a, b), normal(seed + 1, b, c),
    )  # fmt: skip


@law("gan.lipschitz_constant", "gan.lipschitz_lower_bound")
@given(SEEDS, st.sampled_from(("relu", "tanh", "leaky_relu")))
def test_a_network_stays_below_the_product_of_its_layers(gs, seed, activation):
    """ReLU, tanh and leaky ReLU stretch nothing: |s(x) - s(y)| <= |x - y|."""
    v, w, x = normal(seed, 3, 4), normal(seed + 1, 4, 2), normal(seed + 2, 6, 2)
    s = activation
    assert_at_most(
        gs,
        lambda gs, v, w, x: gs.lipschitz_lower_bound(x, getattr(gs, s)(x @ w.T) @ v.T),
        lambda gs, v, w, x: gs.lipschitz_constant(v) * gs.lipschitz_constant(w),
        v, w, x,
    )  # fmt: skip
    assert_at_most(gs, lambda gs, x: gs.lipschitz_lower_bound(x, getattr(gs, s)(x)), lambda gs, x: 0 * x[0, 0] + 1, x)


@law("gan.lipschitz_constant")
@given(SEEDS, SIZES, st.sampled_from((2.0**-60, 2.0**60)))
def test_the_constant_scales_with_the_matrix(gs, seed, n, c):
    """Also where squares of its elements are no numbers of the format any more; a matrix of zeros has 0."""
    w = normal(seed, n, 3)
    assert_agree(gs, lambda gs, w: gs.lipschitz_constant(c * w) / c, lambda gs, w: gs.lipschitz_constant(w), w)
    assert float(gs.lipschitz_constant(gs.array(np.zeros((n, 3))))) == 0


@law("gan.weight_clipping")
@given(inputs("weight_clipping"))
def test_clipped_parameters_stay_clipped(gs, case):
    """All are in [-c, c]; clipping again changes nothing, nor does a c above all of them."""
    once = gs.weight_clipping(*convert(case.arguments, gs), **case.options)
    again = gs.weight_clipping(once, **case.options)
    wide = gs.weight_clipping(once, c=2 * case.options["c"])

    def flat(tree: Any) -> list[np.ndarray]:
        parts = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else [tree]
        return [gs.numpy(x) for x in parts]

    c = float(gs.numpy(gs.array(np.array(case.options["c"]))))
    for x, y, z in zip(flat(once), flat(again), flat(wide), strict=True):
        assert (np.abs(x) <= c).all()
        assert np.array_equal(x, y)
        assert np.array_equal(x, z)


@law("gan.weight_clipping", "gan.lipschitz_constant")
@given(SEEDS, SIZES, SIZES, st.sampled_from((0.25, 2.0)))
def test_clipping_bounds_the_slope(gs, seed, o, i, c):
    """By c times the root of the number of elements: a bound that nothing else is known of."""
    assert_at_most(
        gs,
        lambda gs, w: gs.lipschitz_constant(gs.weight_clipping(w, c=c)),
        lambda gs, w: 0 * w[0, 0] + c * math.sqrt(o * i),
        normal(seed, o, i, scale=4),
    )


@law("gan.weight_clipping")
@given(st.integers(1, 8))
def test_small_clips_make_gradients_vanish_with_depth(gs, depth):
    """Through layers of one unit, each clipped to c, a slope of c^depth comes back."""
    c = 0.25
    weights = gs.weight_clipping([gs.array(np.ones(())) for _ in range(depth)], c=c)

    def chain(x: Any) -> Any:
        for w in weights:
            x = w * x
        return x

    assert float(gs.value_and_grad(chain)(gs.array(np.array(1.0)))[1]) == c**depth


@law("gan.gradient_penalty")
@given(SEEDS, SIZES, st.sampled_from(((0.6, 0.8), (3.0, 4.0), (0.0, 0.0))), st.booleans())
def test_a_linear_critic_pays_for_its_slope_wherever_the_samples_are(gs, seed, n, w, one_sided):
    """10 (|w| - 1)^2: nothing for length 1; a slope below 1 costs nothing on one side only."""
    length = math.hypot(*w)
    excess = max(length - 1, 0) if one_sided else length - 1
    x, y = normal(seed, n, 2), normal(seed + 1, n, 2)
    uniform = np.random.Generator(np.random.Philox(seed)).integers(0, 8, n) / 8
    if gs.precision.unit > 2**-12:
        w, excess = (w, excess) if length != 1 else ((1.0, 0.0), 0.0)
    found = gs.gradient_penalty(
        lambda w, x: x @ w, gs.array(np.array(w)), gs.array(x), gs.array(y), gs.array(uniform), one_sided=one_sided
    )
    # each element of w, its length and the excess are rounded once or twice
    assert float(found) == pytest.approx(10 * excess**2, rel=64 * gs.precision.unit, abs=64 * gs.precision.unit)


@law("gan.gradient_penalty")
@given(inputs("gradient_penalty"))
def test_the_penalty_looks_between_a_datum_and_a_sample(gs, case):
    """At epsilon = 1 at the datum, at 0 at the sample: the other may be anything."""
    _, params, real, fake, uniform = case.arguments
    ones, zeros = np.ones_like(uniform), np.zeros_like(uniform)

    def penalty(gs: Any, *arguments: Any) -> Any:
        return gs.gradient_penalty(make_critic(gs), *arguments, **case.options)

    for at, others in ((ones, (real, -fake)), (zeros, (-real, fake))):
        assert_agree(
            gs,
            lambda gs, p, x, y, v, w, u: penalty(gs, p, x, y, u),
            lambda gs, p, x, y, v, w, u: penalty(gs, p, v, w, u),
            params, real, fake, *others, at,
        )  # fmt: skip


@law("gan.gradient_penalty")
@given(SEEDS, st.integers(1, 4))
def test_the_penalty_pulls_a_steep_critic_down_and_a_flat_one_up(gs, seed, n):
    """For f = w x in one dimension: d/dw 10 (|w| - 1)^2 = 20 (|w| - 1) sign(w)."""
    x, y, u = (gs.array(v) for v in (normal(seed, n), normal(seed + 1, n), np.full(n, 0.5)))
    for w, expected in ((3.0, 40.0), (-3.0, -40.0), (0.5, -10.0), (1.0, 0.0)):
        slope = gs.value_and_grad(lambda w: gs.gradient_penalty(lambda w, x: w * x, w, x, y, u))(gs.array(np.array(w)))
        assert float(slope[1]) == expected


@law("gan.jsd_versus_wasserstein")
def test_distances_of_overlapping_steps_shrink_while_the_divergence_stays(gs):
    """Two blocks of four places pushed towards each other: W falls with every place, JSD only once they meet."""
    block = np.arange(4.0)
    found = []
    for shift in (8, 6, 4, 2, 0):
        x, y = gs.array(block), gs.array(block + shift)
        counts = [np.bincount((b).astype(int), minlength=12).tolist() for b in (block, block + shift)]
        found.append((float(gs.wasserstein_distance(x, y)), divergence(*counts)))
    assert [w for w, _ in found] == [8, 6, 4, 2, 0]
    assert [round(j, 9) for _, j in found[:3]] == [round(math.log(2), 9)] * 3
    assert all(a[1] > b[1] for a, b in itertools.pairwise(found[2:]))


# Models


def state(gs: Any, seed: int, config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers that fit a configuration."""
    return fitting(gs.precision, config, seed)


def only_float64(gs: Any) -> None:
    if gs.precision.name != "float64":
        pytest.skip("a deep composition is judged in float64")


@law("gan.dcgan")
def test_dcgan_is_that_of_the_paper():
    """64 x 64 pixels by four doublings from 4 x 4; neither pooling nor fully connected layers; published counts."""
    g, d = DCGANGenerator(), DCGANDiscriminator()
    sizes = [row.output for row in g.table((100,)) if row.layer.startswith("ConvTranspose2d")]
    assert sizes == [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32), (3, 64, 64)]
    assert [row.output for row in d.table((3, 64, 64)) if row.layer.startswith("Conv2d")][::-1][1:] == [
        (512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32),
    ]  # fmt: skip
    layers = [row.layer for row in (*g.table((100,)), *d.table((3, 64, 64)))]
    assert not any("Pool" in layer or layer.startswith("Linear") for layer in layers)
    assert (parameter_count(g), parameter_count(d)) == (3_576_704, 2_765_568)


@law("gan.dcgan")
@pytest.mark.parametrize("size", [8, 16, 64])
def test_dcgan_normalizes_neither_the_output_nor_the_input(size):
    """The guideline "batch normalization in both" leaves out the generator's last layer and the discriminator's first.

    And with a penalty on the slope, which is a sample's own, the discriminator has none at all.
    """
    g = [row.layer for row in DCGANGenerator(size=size).table((100,))]
    d = [row.layer for row in DCGANDiscriminator(size=size).table((3, size, size))]
    assert [layer.partition("(")[0] for layer in g[-2:]] == ["ConvTranspose2d", "tanh"]
    assert [layer.partition("(")[0] for layer in d[:2]] == ["Conv2d", "LeakyReLU"]
    assert sum("BatchNorm" in layer for layer in d) == sum("BatchNorm" in layer for layer in g) - 1
    assert DCGANDiscriminator(size=size, norm=False).buffers() == {}


@law("gan.dcgan")
@given(SEEDS, st.sampled_from((-0.75, 0.0, 0.5)), st.sampled_from((-0.5, 0.25)), st.integers(2, 4))
def test_a_normalized_output_forgets_how_bright_the_images_are(gs, seed, brightness, beta, n):
    """The counterexample: whatever the batch, its mean before tanh is beta."""
    x = normal(seed, n, 2, 2, 2, scale=0.25) + brightness
    x[..., 0, 0] += 1  # some spread
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.batch_norm(x, gamma, beta).y.mean((0, 2, 3)),
        lambda gs, x, gamma, beta: 1 * beta,
        PRECISION.get().round(x), np.ones(2), np.full(2, beta),
    )  # fmt: skip


@law("gan.dcgan", "gan.puzzle_gan")
@given(SEEDS)
def test_images_lie_between_minus_1_and_1(gs, seed):
    config = DCGANGenerator(size=8, channels=1, width=2, z=3)
    params, buffers = ({k: gs.array(v) for k, v in table.items()} for table in state(gs, seed, config))
    image = gs.numpy(gs.dcgan(config, params, buffers, gs.array(normal(seed, 2, 3, scale=4))))
    assert image.shape == (2, 1, 8, 8)
    assert np.abs(image).max() <= 1


@law("gan.dcgan")
@given(inputs("dcgan"))
def test_a_player_is_its_tree_of_layers(gs, case):
    """As `forward` runs it, to the last bit."""
    config, *arguments = convert(case.arguments, gs)
    assert np.array_equal(gs.numpy(gs.dcgan(config, *arguments)), gs.numpy(gs.forward(config, *arguments)))


@law("gan.conditional_input")
@given(inputs("conditional_input"))
def test_a_condition_is_the_same_at_all_places(gs, case):
    """The first channels are x, exactly, and each further one is constant."""
    x, y = case.arguments
    joined = gs.numpy(gs.conditional_input(gs.array(x), gs.array(y))).astype(np.float64)
    assert np.array_equal(joined[:, : x.shape[1]], x)
    maps = joined[:, x.shape[1] :]
    assert np.array_equal(maps, np.broadcast_to(y.reshape(*y.shape, *(1,) * (x.ndim - 2)), maps.shape))


@law("gan.conditional_gan")
@given(SEEDS, st.integers(1, 3), st.integers(1, 4))
def test_a_class_is_a_bias_of_its_own_in_the_first_layer(gs, seed, n, k):
    """W [z; e_c] + b = W_z z + (b + W_c): with a class as 0 and 1, its column of the weight is added to the bias."""
    only_float64(gs)
    config = DenseGenerator(k, 3, (1, 2, 2), (4,))
    plain = DenseGenerator(0, 3, (1, 2, 2), (4,))
    params, _ = state(gs, seed, config)
    z, c = normal(seed, n, 3), seed % k
    first, bias = params["model.0.weight"], params["model.0.bias"]
    own = params | {"model.0.weight": np.ascontiguousarray(first[:, :3]), "model.0.bias": bias + first[:, 3 + c]}
    assert_agree(
        gs,
        lambda gs, p, q, z, y: gs.conditional_gan(config, p, {}, z, y),
        lambda gs, p, q, z, y: gs.forward(plain, q, {}, z),
        params, own, z, np.eye(k)[np.full(n, c)],
    )  # fmt: skip


@law("gan.conditional_gan")
@given(SEEDS, st.integers(1, 3))
def test_a_condition_without_weight_is_ignored(gs, seed, n):
    """Where its columns are 0 the network is a plain GAN's, whatever the condition."""
    only_float64(gs)
    config, plain = (DenseDiscriminator(k, (1, 2, 2), (3,)) for k in (2, 0))
    params, _ = state(gs, seed, config)
    rest = params | {"model.0.weight": np.ascontiguousarray(params["model.0.weight"][:, :4])}
    deaf = params | {"model.0.weight": params["model.0.weight"] * (np.arange(6) < 4)}
    assert_agree(
        gs,
        lambda gs, p, q, x, y: gs.conditional_gan(config, p, {}, x, y),
        lambda gs, p, q, x, y: gs.forward(plain, q, {}, x),
        deaf, rest, normal(seed, n, 1, 2, 2), normal(seed + 1, n, 2),
    )  # fmt: skip


@law("gan.conditional_training")
@given(SEEDS)
def test_training_without_normalization_is_use(gs, seed):
    """To the last bit, and nothing is carried on; with normalization the batch moves what is."""
    config = DenseGenerator(2, 3, (1, 2, 2), (4,))
    params, _ = state(gs, seed, config)
    z, y = normal(seed, 3, 3), normal(seed + 1, 3, 2)
    params, z, y = convert((params, z, y), gs)
    said = gs.conditional_training(config, params, {}, {}, z, y)
    assert np.array_equal(gs.numpy(said.output), gs.numpy(gs.conditional_gan(config, params, {}, z, y)))
    assert (said.auxiliary, said.buffers) == ((), {})
    config = TextGenerator(2, 2, 8, 1, 2, 3)
    params, buffers = convert(state(gs, seed, config), gs)
    moved = gs.conditional_training(config, params, buffers, {}, z, y).buffers
    name = "main.1.num_batches_tracked"
    assert int(moved[name]) == int(buffers[name]) + 1


@law("gan.infogan")
@given(SEEDS, st.integers(1, 2))
def test_without_weights_the_code_is_free_to_be_ignored(gs, seed, n):
    """Where the first layer does not look at the code, the image is that of another code."""
    config = InfoGANGenerator(3, 1, 8, 1, 2, 4, noise=2)
    params, buffers = state(gs, seed, config)
    deaf = params | {"tconv1.weight": params["tconv1.weight"] * (np.arange(6) < 2)[:, None, None, None]}
    noise = normal(seed, n, 2)
    inputs_ = [np.concatenate([noise, normal(seed + i, n, 4)], 1) for i in (1, 2)]
    deaf, buffers = convert((deaf, buffers), gs)
    one, other = (gs.numpy(gs.infogan(config, deaf, buffers, gs.array(x))) for x in inputs_)
    assert np.array_equal(one, other)


@law("gan.infogan")
def test_discriminator_and_reader_share_all_but_their_last_layers():
    config = InfoGANDiscriminator()
    names = {name.partition(".")[0] for name in config.parameters()}
    assert names == {"discriminator", "netD", "netQ"}
    assert config.output((5, 1, 28, 28)) == (5, 1 + 10 + 2 * 2)
    own = sum(math.prod(s) for name, s in config.parameters().items() if not name.startswith("discriminator"))
    assert own < parameter_count(config) / 40


@law("gan.mutual_information_bound", "gan.infogan")
@given(st.lists(st.lists(st.integers(1, 4), min_size=3, max_size=3), min_size=2, max_size=4))
def test_the_true_posterior_reaches_the_mutual_information(gs, counts):
    """Every code equally often, image j of code i `counts[i][j]` times: with Q = p(c | x) the bound is I(c; x)."""
    least = math.lcm(*(sum(row) for row in counts))
    table = np.array([[least // sum(row) * times for times in row] for row in counts])  # rows with equal sums
    joint = table / table.sum()
    information = (joint * np.log(joint / joint.sum(0) / joint.sum(1, keepdims=True))).sum()
    i, j = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    logits = PRECISION.get().round(np.log(joint / joint.sum(0)).T[j])
    assert_agree(
        gs,
        lambda gs, q: gs.mutual_information_bound(q, gs.array(i)),
        lambda gs, q: 0 * q.sum() + float(information),
        logits,
    )
    assert_at_most(gs, lambda gs, q: gs.mutual_information_bound(q, gs.array(i)), lambda gs, q: float(information),
                   normal(len(i), *logits.shape))  # fmt: skip


@law("gan.mutual_information_bound")
@given(inputs("mutual_information_bound"))
def test_nobody_reads_more_than_there_is(gs, case):
    """At most log k; 0 for a reader that says the same of every code."""
    logits, code = case.arguments
    k = logits.shape[1]
    assert_at_most(
        gs,
        lambda gs, q: gs.mutual_information_bound(q, gs.array(code)),
        lambda gs, q: 0 * q.sum() + math.log(k),
        np.clip(logits, -64, 64),
    )
    assert_agree(
        gs, lambda gs, q: gs.mutual_information_bound(q, gs.array(code)), lambda gs, q: 0.0, np.zeros(logits.shape)
    )


@law("gan.infogan_loss", "gan.infogan")
@given(inputs("infogan_loss"))
def test_weight_0_is_a_plain_gan(gs, case):
    """And the loss is linear in the weight: at 2 it is twice as far from there as at 1."""
    logit, codes, code = case.arguments
    at = lambda gs, s, q, weight: gs.infogan_loss(s, q, gs.array(code), weight=weight)  # noqa: E731
    assert_agree(
        gs, lambda gs, s, q: at(gs, s, q, 0.0), lambda gs, s, q: gs.non_saturating_generator_loss(s), logit, codes
    )
    assert_agree(
        gs,
        lambda gs, s, q: at(gs, s, q, 2.0) + at(gs, s, q, 0.0),
        lambda gs, s, q: 2 * at(gs, s, q, 1.0),
        logit, codes,
    )  # fmt: skip


@law("gan.cycle_consistency_loss")
@given(inputs("cycle_consistency_loss"))
def test_cycles_that_close_cost_nothing_and_domains_are_alike(gs, case):
    """Exactly 0 if everything comes back; never negative; the same with the domains exchanged."""
    x, x_cycled, y, y_cycled = (gs.array(a) for a in case.arguments)
    assert float(gs.cycle_consistency_loss(x, x, y, y)) == 0
    cost = float(gs.cycle_consistency_loss(x, x_cycled, y, y_cycled))
    assert cost >= 0
    assert cost == float(gs.cycle_consistency_loss(y, y_cycled, x, x_cycled))
    same = np.array_equal(gs.numpy(x), gs.numpy(x_cycled)) and np.array_equal(gs.numpy(y), gs.numpy(y_cycled))
    assert same or cost > 0 or np.isnan(cost)


def translators_of(gs: Any, config: CycleGAN, params: Any) -> dict[str, Callable[[Any], Any]]:
    """G, F, D_X and D_Y as functions of an image."""

    def network(name: str) -> Callable[[Any], Any]:
        part = config.discriminator if name.startswith("D") else config.generator
        own = {key.partition(".")[2]: array for key, array in params.items() if key.startswith(f"{name}.")}
        return lambda image: gs.forward(part, own, {}, image)

    return {name: network(name) for name in ("G", "F", "D_X", "D_Y")}


@law("gan.cyclegan")
@given(inputs("cyclegan"))
def test_cyclegan_is_two_gans_and_a_way_back(gs, case):
    """Written out with the four networks and the losses of the chapter."""
    only_float64(gs)
    config, options = case.arguments[0], case.options
    weight, logs = options["weight"], options["adversarial"] == "log"

    def by_hand(gs, params, x, y):
        G, F, D_X, D_Y = translators_of(gs, config, params).values()
        fake_y, fake_x = G(x), F(y)
        cycle = gs.cycle_consistency_loss(x, F(fake_y), y, G(fake_x))
        if logs:
            fooled = gs.non_saturating_generator_loss(D_Y(fake_y)) + gs.non_saturating_generator_loss(D_X(fake_x))
            told = gs.discriminator_loss(D_Y(y), D_Y(fake_y)) + gs.discriminator_loss(D_X(x), D_X(fake_x))
        else:
            fooled = ((D_Y(fake_y) - 1) ** 2).mean() + ((D_X(fake_x) - 1) ** 2).mean()
            real = ((D_Y(y) - 1) ** 2).mean() + ((D_X(x) - 1) ** 2).mean()
            told = (real + (D_Y(fake_y) ** 2).mean() + (D_X(fake_x) ** 2).mean()) / 2
        return [fooled + weight * cycle, told]

    assert_agree(gs, lambda gs, *a: list(gs.cyclegan(config, *a, **options)), by_hand, *case.arguments[1:])


@law("gan.cyclegan")
@given(inputs("cyclegan"))
def test_the_domains_of_a_cyclegan_are_alike(gs, case):
    """With G for F, D_X for D_Y and x for y both losses are what they were. It has no pairs to confuse."""
    only_float64(gs)
    config, params, x, y = case.arguments
    other = {"G": "F", "F": "G", "D_X": "D_Y", "D_Y": "D_X"}
    swapped = {f"{other[name.partition('.')[0]]}.{name.partition('.')[2]}": array for name, array in params.items()}
    assert {name.partition(".")[0] for name in params} == {"G", "F", "D_X", "D_Y"}
    assert_agree(
        gs,
        lambda gs, p, q, x, y: list(gs.cyclegan(config, p, x, y, **case.options)),
        lambda gs, p, q, x, y: list(gs.cyclegan(config, q, y, x, **case.options)),
        params, swapped, x, y,
    )  # fmt: skip


@law("gan.cyclegan")
def test_translators_have_the_published_sizes():
    assert parameter_count(CycleGAN()) == 2 * (11_378_179 + 2_764_737)
    assert CycleGAN().discriminator.output((1, 3, 256, 256)) == (1, 1, 30, 30)
    assert parameter_count(StarGAN().generator) == 8_430_528
    assert parameter_count(StarGAN().discriminator) == 44_762_048


@law("gan.stargan")
@given(inputs("stargan"))
def test_stargan_is_one_generator_for_every_domain(gs, case):
    """Written out with the two networks and the losses of the chapter."""
    only_float64(gs)
    config, params, x, domain, target = case.arguments
    k, weights = config.domains, case.options

    def by_hand(gs, params, x):
        g, d = (
            {name[2:]: array for name, array in params.items() if name.startswith(player)} for player in ("G.", "D.")
        )
        c, back_c = (gs.array(np.eye(k)[label]) for label in (target, domain))
        fake = gs.conditional_gan(config.generator, g, {}, x, c)
        back = gs.conditional_gan(config.generator, g, {}, fake, back_c)
        real, said = (gs.forward(config.discriminator, d, {}, image) for image in (x, fake))
        named = gs.softmax_cross_entropy(said[:, -k:], gs.array(target))
        returned = gs.cycle_consistency_loss(x, back, x, x)
        score, fooled = gs.critic_loss(real[:, :-k], said[:, :-k]), gs.critic_generator_loss(said[:, :-k])
        return [
            fooled + weights["class_weight"] * named + weights["cycle_weight"] * returned,
            score + weights["class_weight"] * gs.softmax_cross_entropy(real[:, -k:], gs.array(domain)),
        ]

    assert_agree(
        gs,
        lambda gs, p, x: list(gs.stargan(config, p, x, gs.array(domain), gs.array(target), **weights)),
        by_hand, params, x,
    )  # fmt: skip


@law("gan.translators", "gan.stargan")
@given(st.integers(2, 60))
def test_every_ordered_pair_of_domains_needs_a_generator_but_for_stargan(k):
    pairs = list(itertools.permutations(range(k), 2))
    assert translators(k) == {"CycleGAN": len(pairs), "StarGAN": 1}
    names = {name.partition(".")[0] for name in StarGAN(k).parameters()}
    assert names == {"G", "D"}


@law("gan.fade_in", "gan.progressive_gan")
@given(inputs("fade_in"))
def test_fading_goes_from_the_small_image_to_the_large_one(gs, case):
    """Exactly, at both ends."""
    low, high, _ = case.arguments
    start, end = (
        gs.numpy(gs.fade_in(gs.array(low), gs.array(high), gs.array(np.array(alpha)))) for alpha in (0.0, 1.0)
    )
    finite = np.isfinite(high) & np.isfinite(low).repeat(2, 2).repeat(2, 3)
    assert np.array_equal(start[finite], low.repeat(2, 2).repeat(2, 3)[finite])
    assert np.array_equal(end[finite], high[finite])


@law("gan.fade_in")
@given(inputs("fade_in"))
def test_half_way_is_the_mean(gs, case):
    """Linear in alpha."""
    low, high, _ = case.arguments
    assert_agree(
        gs,
        lambda gs, low, high: gs.fade_in(low, high, gs.array(np.array(0.5))),
        lambda gs, low, high: (
            gs.fade_in(low, high, gs.array(np.array(0.25))) + gs.fade_in(low, high, gs.array(np.array(0.75)))
        )
        / 2,
        low, high,
    )  # fmt: skip


GROWN = {"widths": (3, 2, 2), "channels": 2}


@law("gan.progressive_gan")
@given(SEEDS, st.integers(1, 2))
def test_a_new_stage_starts_as_the_old_one_and_ends_as_itself(gs, seed, stage):
    """Alpha = 0 is the smaller image doubled, alpha = 1 the stage that is not faded; by the same parameters."""
    only_float64(gs)
    fading, before, after = (
        ProgressiveGenerator(i, fades, **GROWN, z=3) for i, fades in ((stage, True), (stage - 1, False), (stage, False))
    )
    params, _ = state(gs, seed, fading)
    z = normal(seed, 2, 3)
    older, newer = ({name: params[name] for name in config.parameters()} for config in (before, after))
    alpha = [{"alpha": np.array(a)} for a in (0.0, 1.0)]
    assert_agree(
        gs,
        lambda gs, p, q, r, z: [gs.progressive_gan(fading, p, given_alpha(gs, a), z) for a in alpha],
        lambda gs, p, q, r, z: [
            doubled(gs, gs.progressive_gan(before, q, {}, z)),
            gs.progressive_gan(after, r, {}, z),
        ],
        params, older, newer, z,
    )  # fmt: skip


def given_alpha(gs: Any, table: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: gs.array(array) for name, array in table.items()}


def doubled(gs: Any, image: Any) -> Any:
    """Each pixel as four of them, by the formula that fades, at its start."""
    n, c, h, w = image.shape
    return gs.fade_in(image, gs.array(np.zeros((n, c, 2 * h, 2 * w))), gs.array(np.array(0.0)))


@law("gan.progressive_gan")
@given(SEEDS, st.integers(1, 2))
def test_the_critic_starts_by_looking_at_the_halved_image(gs, seed, stage):
    only_float64(gs)
    fading, before = (ProgressiveDiscriminator(i, fades, **GROWN) for i, fades in ((stage, True), (stage - 1, False)))
    params, _ = state(gs, seed, fading)
    older = {name: params[name] for name in before.parameters()}
    assert_agree(
        gs,
        lambda gs, p, q, x: gs.progressive_gan(fading, p, given_alpha(gs, {"alpha": np.array(0.0)}), x),
        lambda gs, p, q, x: gs.progressive_gan(before, q, {}, gs.avg_pool2d(x, kernel=2)),
        params, older, normal(seed, 2, 2, fading.size, fading.size),
    )  # fmt: skip


@law("gan.progressive_gan")
def test_progressive_growing_is_that_of_the_paper():
    """From 4 to 1024 pixels; 23.1 million parameters for each player; a stage adds to those of the one before."""
    assert [ProgressiveGenerator(i).size for i in range(9)] == [4 * 2**i for i in range(9)]
    for kind in (ProgressiveGenerator, ProgressiveDiscriminator):
        assert round(parameter_count(kind()) / 1e6, 1) == 23.1
        for stage in range(1, 9):
            now = kind(stage, True).parameters()
            for other in (kind(stage - 1), kind(stage)):
                assert other.parameters().items() <= now.items()
    with pytest.raises(DomainError, match=r"stage is 0, expected an int in \[1, 8\]"):
        ProgressiveGenerator(0, True)


@law("gan.text_to_image")
@given(inputs("text_to_image"))
def test_text_to_image_is_a_conditional_dcgan(gs, case):
    """To the last bit; and without weights for the sentence it does not matter which."""
    config, params, buffers, x, text = case.arguments
    ours, theirs = (
        gs.numpy(f(config, *convert((params, buffers, x, text), gs))) for f in (gs.text_to_image, gs.conditional_gan)
    )
    assert np.array_equal(ours, theirs)
    deaf = params | {name: 0 * params[name] for name in ("projection.0.weight",)}
    one, other = (
        gs.numpy(gs.text_to_image(config, *convert((deaf, buffers, x, t), gs))) for t in (text, text[::-1] + 1)
    )
    assert np.array_equal(one, other)


@law("gan.matching_aware_loss")
@given(inputs("matching_aware_loss"))
def test_wrong_sentences_and_samples_weigh_as_much_together_as_true_images(gs, case):
    """It is the mean of two plain losses: against wrong sentences, and against samples; log 4 for who knows nothing."""
    real, mismatched, fake = case.arguments
    assert_agree(
        gs,
        lambda gs, r, f: gs.matching_aware_loss(r, f, f),
        lambda gs, r, f: gs.discriminator_loss(r, f),
        real, fake,
    )  # fmt: skip
    zeros = [np.zeros(a.shape) for a in case.arguments]
    assert_agree(gs, lambda gs, *a: gs.matching_aware_loss(*a), lambda gs, *a: math.log(4), *zeros)
    assert_agree(
        gs,
        lambda gs, r, m, f: gs.matching_aware_loss(r, m, f),
        lambda gs, r, m, f: (gs.discriminator_loss(r, m) + gs.discriminator_loss(r, f)) / 2,
        real, mismatched, fake,
    )  # fmt: skip


@law("gan.jigsaw", "gan.puzzle_gan")
@given(inputs("jigsaw"))
def test_the_inverse_order_puts_a_puzzle_together(gs, case):
    """Exactly, and no pixel is lost on the way."""
    x, order = case.arguments
    puzzle = gs.jigsaw(gs.array(x), gs.array(order), **case.options)
    restored = gs.numpy(gs.jigsaw(puzzle, gs.array(np.argsort(order, 1)), **case.options))
    assert np.array_equal(restored, x)
    assert np.array_equal(np.sort(gs.numpy(puzzle), axis=None), np.sort(x, axis=None))
    as_it_was = np.broadcast_to(np.arange(order.shape[1]), order.shape)
    assert np.array_equal(gs.numpy(gs.jigsaw(gs.array(x), gs.array(as_it_was), **case.options)), x)


@law("gan.puzzle_gan")
@given(SEEDS)
def test_every_restored_pixel_has_seen_every_part(gs, seed):
    """Through one place: a change in one corner is seen in the opposite one."""
    only_float64(gs)
    config = PuzzleGAN(16, 1, 2, bottleneck=6)
    params, buffers = state(gs, seed, config)
    x = normal(seed, 1, 1, 16, 16)
    corner = np.zeros_like(x)
    corner[..., 0, 0] = 1
    params, buffers = convert((params, buffers), gs)
    one, other = (gs.numpy(gs.puzzle_gan(config, params, buffers, gs.array(image))) for image in (x, x + corner))
    narrowest = min(row.output[1:] for row in config.table((1, 16, 16)))
    changed = one != other
    assert narrowest == (1, 1)
    assert changed[..., 8:, 8:].any() or not changed.any()  # not at all, if a layer's units are all shut


@law("gan.restoration_loss")
@given(inputs("restoration_loss"))
def test_weights_1_and_0_are_the_two_losses(gs, case):
    restored, x, logit = case.arguments
    assert_agree(
        gs,
        lambda gs, r, x, s: [gs.restoration_loss(r, x, s, weight=w) for w in (1.0, 0.0)],
        lambda gs, r, x, s: [gs.mse(r, x), gs.non_saturating_generator_loss(s)],
        restored, x, logit,
    )  # fmt: skip
