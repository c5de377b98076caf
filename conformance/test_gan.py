"""Laws of adversarial networks: what the game minimises, how it goes wrong, and what a distance does about it."""

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most, convert
from gongsik.conformance.cases.gan import affine_game, games, make_critic
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.gan import Game, Players

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
