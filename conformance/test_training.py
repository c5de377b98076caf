"""Laws of training in practice: what the lecture says about batches, updates and searches, as sentences that run."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.optimizer import mean_square
from gongsik.conformance.cases.training import SPACE, bowl, coarse, linear_features, linear_model, square_error
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec import DomainError
from gongsik.spec.training import epoch_arithmetic, iterations_per_epoch

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 40)


def normal(seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, PRECISION.get().name)


def rows(gs: Any, batches: Any) -> list[np.ndarray]:
    """The first array of every batch, as NumPy's."""
    return [gs.numpy(batch[0]) for batch in batches]


@st.composite
def regressions(draw: st.DrawFn, least: int = 1) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, ...], int]:
    """Parameters and data of a linear model, and the number of samples."""
    seed, n, d = draw(SEEDS), draw(st.integers(least, 9)), draw(st.integers(1, 3))
    params = {"w": normal(seed, d), "b": normal(seed + 1)}
    return params, (normal(seed + 2, n, d), normal(seed + 3, n)), n


@st.composite
def orders(draw: st.DrawFn, n: int, epochs: int = 2) -> np.ndarray:
    return np.array([draw(st.permutations(range(n))) for _ in range(epochs)])


# Epochs and batches


@law("training.epoch_arithmetic")
@given(SIZES, SIZES, st.integers(1, 5), st.booleans())
def test_iterations_count_the_batches(gs, n, batch_size, epochs, drop_last):
    """Iterations, the size of the last batch and the updates are those of the batches that are made."""
    found = epoch_arithmetic(n, batch_size, epochs=epochs, drop_last=drop_last)
    x, order = gs.array(np.arange(float(n))), gs.array(np.arange(n))
    batches = rows(gs, gs.mini_batches((x,), order, batch_size=batch_size, drop_last=drop_last))
    assert found.iterations == len(batches)
    assert found.last_batch == (len(batches[-1]) if batches else 0)
    assert found.updates == epochs * len(batches)


@law("training.epoch_arithmetic")
def test_iterations_of_the_notes():
    """N / B rounded up, or down where the last batch is dropped; B = N gives 1, B = 1 gives N."""
    assert (iterations_per_epoch(10, 3), iterations_per_epoch(10, 3, drop_last=True)) == (4, 3)
    assert (iterations_per_epoch(10, 10), iterations_per_epoch(10, 1), iterations_per_epoch(64, 32)) == (1, 10, 2)


@law("training.epoch_arithmetic")
@pytest.mark.parametrize("arguments", [(0, 1), (1, 0)])
def test_epoch_arithmetic_refuses_nothing(arguments):
    with pytest.raises(DomainError, match="expected at least 1"):
        epoch_arithmetic(*arguments)


@law("training.mini_batches")
@given(SIZES, SIZES, SEEDS)
def test_every_sample_comes_once_per_epoch_in_the_order_given(gs, n, batch_size, seed):
    """Joined, the batches are the data in the order given; all but the last are full."""
    order = np.random.Generator(np.random.Philox(seed)).permutation(n)
    x = normal(seed, n)
    batches = rows(gs, gs.mini_batches((gs.array(x),), gs.array(order), batch_size=batch_size))
    assert np.array_equal(np.concatenate(batches), x[order])
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}


@law("training.mini_batches")
@given(inputs("mini_batches"), st.data())
def test_an_epoch_goes_on_where_it_was_left(gs, case, data):
    """Without the first j batches, the batches are the others."""
    arrays, order = (gs.array(x) for x in case.arguments[0]), gs.array(case.arguments[1])
    arrays, options = tuple(arrays), {**case.options, "start": 0}
    whole = rows(gs, gs.mini_batches(arrays, order, **options))
    start = data.draw(st.integers(0, len(whole)))
    rest = rows(gs, gs.mini_batches(arrays, order, **{**options, "start": start}))
    assert len(rest) == len(whole) - start
    assert all(np.array_equal(a, b) for a, b in zip(rest, whole[start:], strict=True))


@law("training.data_loader", "training.mini_batches")
@given(inputs("data_loader"))
def test_a_loader_is_the_batches_of_its_epochs_one_by_one(gs, case):
    """Step t is batch j of epoch e, for (e, j) = divmod(t, iterations); there are no more steps."""
    data, orders = tuple(gs.array(x) for x in case.arguments[0]), case.arguments[1]
    options = {name: x for name, x in case.options.items() if name != "step"}
    expected = [b for order in orders for b in rows(gs, gs.mini_batches(data, gs.array(order), **options))]
    found = [gs.numpy(gs.data_loader(data, gs.array(orders), step=t, **options)[0]) for t in range(len(expected))]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    with pytest.raises(ValueError, match="step"):
        gs.data_loader(data, gs.array(orders), step=len(expected), **options)


@law("training.data_loader")
@given(st.integers(1, 200), st.booleans())
def test_a_loader_has_batches_of_64(gs, n, drop_last):
    """Unless told otherwise, in batches of 64: ceil(n / 64) of them."""
    x, order = gs.array(np.arange(float(n))), gs.array(np.arange(n)[None])
    first = gs.numpy(gs.data_loader((x,), order)[0])
    assert np.array_equal(first, np.arange(min(n, 64)))
    assert iterations_per_epoch(n, 64) == math.ceil(n / 64)


@law("training.tensor_dataset")
@given(st.integers(1, 12), SEEDS)
def test_pairs_stay_together(gs, n, seed):
    """What stood in one row comes out in one row, for one index and for many."""
    x = normal(seed, n, 2)
    y = np.arange(n)
    index = np.random.Generator(np.random.Philox(seed)).integers(0, n, 5)
    first, second = gs.tensor_dataset((gs.array(x), gs.array(y)), gs.array(index))
    assert np.array_equal(gs.numpy(first), x[gs.numpy(second)])
    one, label = gs.tensor_dataset((gs.array(x), gs.array(y)), gs.array(index[:1].reshape(())))
    assert np.array_equal(gs.numpy(one), x[index[0]])
    assert int(label) == index[0]


@law("training.to_tensor")
@given(st.lists(st.integers(-(2**53), 2**53), max_size=5), st.integers(0, 3))
def test_integers_become_int64_without_loss(gs, numbers, more):
    """Values and shape are kept."""
    nested = [numbers] * (more + 1)
    found = gs.numpy(gs.to_tensor(nested, dtype="int64"))
    assert found.dtype == np.int64
    assert found.tolist() == nested


@law("training.to_tensor")
@given(st.lists(st.floats(width=64, allow_nan=False, min_value=-1e30, max_value=1e30), min_size=1, max_size=5))
def test_real_numbers_are_rounded_once_to_float32(gs, numbers):
    found = gs.numpy(gs.to_tensor(numbers))
    assert found.dtype == np.float32
    assert np.array_equal(found, np.array(numbers).astype(np.float32))
    again = gs.numpy(gs.to_tensor(gs.to_tensor(numbers)))
    assert np.array_equal(again, found)


# Updates


@law("training.stochastic_update", "training.mini_batch_update")
@given(st.data())
def test_stochastic_is_mini_batch_of_one(gs, data):
    """Updates: one per sample and epoch; parameters and losses are those of batches of one."""
    params, (x, y), n = data.draw(regressions())
    order = data.draw(orders(n))
    assert_agree(
        gs,
        lambda gs, p, x, y, o: gs.stochastic_update(mean_square, p, (x, y), o, lr=0.125),
        lambda gs, p, x, y, o: gs.mini_batch_update(mean_square, p, (x, y), o, lr=0.125, batch_size=1),
        params, x, y, order,
    )  # fmt: skip
    losses = gs.stochastic_update(
        mean_square, {k: gs.array(v) for k, v in params.items()}, (gs.array(x), gs.array(y)), gs.array(order)
    ).losses
    assert tuple(losses.shape) == (2 * n,)


@law("training.batch_update", "training.mini_batch_update")
@given(st.data())
def test_batch_is_mini_batch_of_all(gs, data):
    """One update per epoch, for a batch size of N or more, whatever the order."""
    params, (x, y), n = data.draw(regressions())
    order, size = data.draw(orders(n)), data.draw(st.integers(n, n + 3))
    assert_agree(
        gs,
        lambda gs, p, x, y, o: gs.batch_update(mean_square, p, (x, y), lr=0.125, epochs=2),
        lambda gs, p, x, y, o: gs.mini_batch_update(mean_square, p, (x, y), o, lr=0.125, batch_size=size),
        params, x, y, order,
    )  # fmt: skip


@law("training.batch_update")
@given(st.data())
def test_the_order_of_the_data_does_not_matter_to_a_batch(gs, data):
    params, (x, y), n = data.draw(regressions())
    (order,) = data.draw(orders(n, 1))

    assert_agree(
        gs,
        lambda gs, p, x, y, o: gs.batch_update(mean_square, p, (x, y), lr=0.125, epochs=2),
        lambda gs, p, x, y, o: gs.batch_update(mean_square, p, (x[o], y[o]), lr=0.125, epochs=2),
        params, x, y, order,
    )  # fmt: skip


@law("training.stochastic_update")
def test_the_order_of_the_samples_matters(gs):
    """Of 0 and 10 the later one pulls harder: 2.5 or 5 after one epoch at rate 1/2."""
    half = lambda w, x: ((w - x) ** 2).mean() / 2  # noqa: E731
    data, start = (gs.array(np.array([0.0, 10.0])),), gs.array(np.array(0.0))
    ends = [
        float(gs.stochastic_update(half, start, data, gs.array(np.array([order])), lr=0.5).params)
        for order in ([1, 0], [0, 1])
    ]
    assert ends == [2.5, 5.0]


@law("training.mini_batch_update")
@given(st.data())
def test_a_run_goes_on_from_any_update(gs, data):
    """Left after t updates and taken up with start = t, the losses are the same, bit for bit."""
    params, (x, y), n = data.draw(regressions())
    order, size = gs.array(data.draw(orders(n))), data.draw(st.integers(1, n))
    total = 2 * iterations_per_epoch(n, size)
    start = data.draw(st.integers(1, total)) if total > 1 else 1
    samples, at = (gs.array(x), gs.array(y)), {name: gs.array(v) for name, v in params.items()}
    seen: list[tuple[int, float]] = []
    whole = gs.mini_batch_update(
        mean_square,
        at,
        samples,
        order,
        lr=0.125,
        batch_size=size,
        on_step=lambda t, loss: seen.append((t, float(loss))),
    )
    assert [t for t, _ in seen] == list(range(1, total + 1))
    assert [loss for _, loss in seen] == [float(loss) for loss in whole.losses]
    losses, done = [], 0
    for step in range(total):  # by hand: the loader, the gradient, the step
        if step == start:
            break
        batch = gs.data_loader(samples, order, step=step, batch_size=size)
        loss, grads = gs.value_and_grad(mean_square)(at, *batch)
        at, done = gs.gradient_descent(at, grads, lr=0.125), done + 1
        losses.append(float(loss))
    if done < total:
        rest = gs.mini_batch_update(mean_square, at, samples, order, lr=0.125, batch_size=size, start=done)
        losses += [float(loss) for loss in rest.losses]
        at = rest.params
    assert np.array_equal(losses, gs.numpy(whole.losses).astype(np.float64))
    assert all(np.array_equal(gs.numpy(at[name]), gs.numpy(whole.params[name])) for name in at)


@law("training.shard_gradient")
@given(st.data())
def test_the_gradient_of_a_batch_is_the_mean_of_its_shards(gs, data):
    """Each shard weighted by how many samples it has: so workers that share a batch make one gradient."""
    params, (x, y), n = data.draw(regressions(2))
    workers = data.draw(st.integers(2, min(n, 4)))
    assert_agree(
        gs,
        lambda gs, p, x, y: gs.value_and_grad(mean_square)(p, x, y),
        lambda gs, p, x, y: shard_mean(gs, p, x, y, n, workers),
        params, x, y,
    )  # fmt: skip


def shard_mean(gs: Any, params: Any, x: Any, y: Any, n: int, workers: int) -> Any:
    shards = [gs.value_and_grad(mean_square)(params, x[r::workers], y[r::workers]) for r in range(workers)]
    weights = [len(range(r, n, workers)) / n for r in range(workers)]

    def mean(parts):
        return sum(weight * part for weight, part in zip(weights, parts, strict=True))

    return mean([value for value, _ in shards]), {
        name: mean([grads[name] for _, grads in shards]) for name in ("w", "b")
    }


# The shape of a minimum


def parabola(w: Any, curvature: Any) -> Any:
    return (curvature * w * w).sum() / 2


@law("training.sharpness")
@given(SEEDS, st.integers(1, 4), st.sampled_from((0.5, 2.0)))
def test_sharpness_of_a_parabola_is_its_curvature(gs, seed, p, step_size):
    """At the minimum of a parabola the highest corner of the box is found: 50 eps^2 times the sum of curvatures."""
    curvature, start = np.abs(normal(seed, p)) + 0.5, np.full(p, 0.75)
    assert_agree(
        gs,
        lambda gs, w, c, u: gs.sharpness(parabola, w, (c,), u, eps=0.25, step_size=step_size),
        lambda gs, w, c, u: 100 * (c * 0.25**2).sum() / 2,
        np.zeros(p), curvature, start,
    )  # fmt: skip


@law("training.sharpness")
@given(inputs("sharpness"))
def test_a_longer_search_does_not_find_less(gs, case):
    """The result is at least 0 and does not fall with more steps."""
    loss, *arguments = case.arguments
    options = dict(case.options)
    steps = options.pop("steps")

    def found(steps):
        return lambda gs, *arguments: gs.sharpness(loss, *arguments, steps=steps, **options)

    assert_at_most(gs, found(steps), found(steps + 2), *arguments)
    assert_at_most(gs, lambda gs, *arguments: 0.0, found(steps), *arguments)


@law("training.sharpness")
def test_a_shift_costs_more_at_the_sharp_minimum(gs):
    """Two minima of one height: the shift between training and test raises the loss in the ratio of the sharpness."""
    w, shift, start = gs.array(np.zeros(1)), gs.array(np.array([0.5])), gs.array(np.array([0.75]))
    flat, sharp = (gs.array(np.array([c])) for c in (1.0, 16.0))
    ratio = float(gs.sharpness(parabola, w, (sharp,), start, eps=0.5)) / float(
        gs.sharpness(parabola, w, (flat,), start, eps=0.5)
    )
    assert ratio == 16.0
    assert float(parabola(shift, sharp)) / float(parabola(shift, flat)) == ratio


# Hyperparameters


@law("training.grid_search")
@given(inputs("grid_search"))
def test_the_grid_is_tried_point_by_point(gs, case):
    """All combinations, each once; the best is the smallest of all values; a history changes nothing."""
    objective, grid, _ = case.arguments
    grid = {name: gs.array(x) for name, x in grid.items()}
    found = gs.grid_search(objective, grid)
    at, values = gs.numpy(found.at), gs.numpy(found.values)
    assert len({tuple(place) for place in at.tolist()}) == len(values) == math.prod(x.shape[0] for x in grid.values())
    assert float(found.value) == values.min()
    assert float(objective(found.best)) == values.min()
    seen = []
    again = gs.grid_search(objective, grid, found, on_step=lambda done, value: seen.append(done))
    assert seen == []
    assert np.array_equal(gs.numpy(again.values), values)


@law("training.grid_search")
@given(inputs("grid_search"), st.randoms(use_true_random=False))
def test_the_smallest_value_does_not_depend_on_the_order_of_the_grid(gs, case, random):
    _, grid, _ = case.arguments
    shuffled = {name: np.array(random.sample(x.tolist(), len(x))) for name, x in grid.items()}
    first, second = (gs.grid_search(bowl, {name: gs.array(x) for name, x in g.items()}) for g in (grid, shuffled))
    assert float(first.value) == float(second.value)


@law("training.random_search")
@given(inputs("random_search"))
def test_the_best_so_far_does_not_rise(gs, case):
    """With every more draw the best value falls or stays; the same draws give the same search."""
    objective, space, uniform, _ = case.arguments
    best = [float(gs.random_search(objective, space, gs.array(uniform[: n + 1])).value) for n in range(len(uniform))]
    assert all(b <= a for a, b in itertools.pairwise(best))


@law("training.random_search", "training.bayesian_optimization", "training.grid_search")
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(gs):
    """Stopped in the middle of its third point; what was found so far is the history, and ends the same."""
    space = {"x": SPACE["width"], "y": SPACE["depth"]}
    uniform = np.random.Generator(np.random.Philox(5)).integers(0, 64, (6, 5, 2)) / 64
    grid = {"x": gs.array(uniform[:2, 0, 0]), "y": gs.array(uniform[:3, 0, 1])}
    searches = [
        lambda objective, history: gs.grid_search(objective, grid, history),
        lambda objective, history: gs.random_search(objective, space, gs.array(uniform[:, 0]), history),
        lambda objective, history: gs.bayesian_optimization(objective, space, gs.array(uniform), history),
    ]
    for search in searches:
        tried: list[Any] = []

        def objective(point, tried=tried):
            tried.append(point)
            return bowl(point)

        whole = search(objective, None)
        done = whole._replace(
            values=whole.values[:2], at=whole.at[:2], points={k: x[:2] for k, x in whole.points.items()}
        )
        tried.clear()
        rest = search(objective, done)
        assert len(tried) == len(whole.values) - 2
        assert np.array_equal(gs.numpy(rest.values), gs.numpy(whole.values))
        assert float(rest.value) == float(whole.value)


@law("training.grid_search", "training.random_search")
def test_a_run_that_failed_is_not_the_best(gs):
    """NaN is the worst value."""

    def objective(point):
        return float("nan") if float(point["x"]) == 0 else float(point["x"])

    found = gs.grid_search(objective, {"x": gs.array(np.array([0.0, 2.0, 1.0]))})
    assert np.isnan(gs.numpy(found.values)[0])
    assert float(found.value) == 1.0


@law("training.hit_probability", "training.random_search")
@given(inputs("hit_probability"), st.integers(1, 6))
def test_missing_twice_multiplies(gs, case, more):
    """1 - P(n + m) = (1 - P(n)) (1 - P(m)); one draw hits with probability q."""
    (q,) = case.arguments
    n = case.options["n"]
    assert_agree(gs, lambda gs, q: gs.hit_probability(q, n=1), lambda gs, q: q, q)
    assert_agree(
        gs,
        lambda gs, q: 1 - gs.hit_probability(q, n=n + more),
        lambda gs, q: (1 - gs.hit_probability(q, n=n)) * (1 - gs.hit_probability(q, n=more)),
        q,
    )


@law("training.hit_probability")
def test_sixty_draws_find_the_best_twentieth(gs):
    """59 is the least n for which one of the best 5 % is drawn with probability 95 %: 0.9515."""
    q, digits = gs.array(np.array(0.05)), known_digits(gs)
    assert round(float(gs.hit_probability(q, n=59)), digits) == round(0.9515, digits)
    assert digits == 2 or float(gs.hit_probability(q, n=58)) < 0.95


def known_digits(gs: Any) -> int:
    """How many decimals of a number below 1 a precision has."""
    return min(4, int(-math.log10(gs.precision.unit)))


@law("training.expected_improvement", "training.bayesian_optimization")
@given(inputs("expected_improvement"))
def test_expected_improvement_is_not_negative_and_at_least_that_of_the_mean(gs, case):
    """E[max(0, g)] >= max(0, E[g]); where nothing is uncertain they are equal."""
    mean, std, best = case.arguments
    assert_at_most(gs, lambda gs, m, s, b: abs(b - m) / 2 + (b - m) / 2, gs_improvement, mean, std, best)
    assert_agree(gs, lambda gs, m, s, b: abs(b - m) / 2 + (b - m) / 2,
                 lambda gs, m, s, b: gs.expected_improvement(m, s * 0, b), mean, std, best)  # fmt: skip


def gs_improvement(gs: Any, mean: Any, std: Any, best: Any) -> Any:
    return gs.expected_improvement(mean, std, best)


@law("training.expected_improvement")
@given(SEEDS)
def test_expected_improvement_looks_from_both_sides(gs, seed):
    """E[max(0, g)] - E[max(0, -g)] = E[g]: mirrored at the best value, the difference is the mean improvement."""
    mean, std, best = normal(seed, 5), np.abs(normal(seed + 1, 5)), normal(seed + 2)
    assert_agree(
        gs,
        lambda gs, m, s, b: gs.expected_improvement(m, s, b) - gs.expected_improvement(-m, s, -b),
        lambda gs, m, s, b: b - m,
        mean, std, best,
    )  # fmt: skip


@law("training.gaussian_process", "training.bayesian_optimization")
@given(inputs("gaussian_process"), st.sampled_from((0.125, 2.0)))
def test_one_observation_is_remembered_as_far_as_the_kernel_reaches(gs, case, noise):
    """One point: mean k y / (1 + noise) and variance 1 - k^2 / (1 + noise), at the point itself with k = 1."""
    x, y, query = case.arguments

    assert_agree(
        gs,
        lambda gs, x, y: gs.gaussian_process(x[:1], y[:1], x[:1], noise=noise),
        lambda gs, x, y: (y[:1] / (1 + noise), y[:1] * 0 + math.sqrt(noise / (1 + noise))),
        x, y,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, y, q: gs.gaussian_process(x[:1], y[:1], q, noise=noise)[1] ** 2,
        lambda gs, x, y, q: 1 - gs.gaussian_process(x[:1], y[:1] * 0 + 1, q, noise=noise)[0] ** 2 * (1 + noise),
        x, y, query,
    )  # fmt: skip


@law("training.gaussian_process", "training.bayesian_optimization")
@given(inputs("gaussian_process"))
def test_with_less_noise_the_mean_comes_closer_to_the_data(gs, case):
    """The gap at the data is noise K^-1 y: it vanishes with the noise. And no observation makes less certain."""
    x, y, query = case.arguments

    def gap(noise):
        return lambda gs, x, y: ((gs.gaussian_process(x, y, x, noise=noise)[0] - y) ** 2).sum()

    assert_at_most(gs, gap(2.0**-10), gap(2.0**-4), x, y)

    def std(n):
        return lambda gs, x, y, q: gs.gaussian_process(x[:n], y[:n], q, noise=0.125)[1]

    assert_at_most(gs, std(len(x)), std(1), x, y, query)


@law("training.bayesian_optimization")
@given(inputs("bayesian_optimization"))
def test_every_point_is_a_candidate_of_its_step(gs, case):
    """The first ones are the first candidates; with one candidate per step it is random search."""
    objective, space, uniform, _ = case.arguments
    found = gs.bayesian_optimization(objective, space, gs.array(uniform), **case.options)
    at, first = gs.numpy(found.at), case.options["initial"]
    assert np.array_equal(at[:first], uniform[:first, 0])
    assert all((place == candidates).all(-1).any() for place, candidates in zip(at, uniform, strict=True))
    one = gs.bayesian_optimization(objective, space, gs.array(uniform[:, :1]), **case.options)
    random = gs.random_search(objective, space, gs.array(uniform[:, 0]))
    assert np.array_equal(gs.numpy(one.values), gs.numpy(random.values))


@law("training.bayesian_optimization")
@given(st.data())
def test_the_tried_point_promises_most(gs, data):
    """Step after step, no other candidate has a larger expected improvement."""
    uniform = data.draw(coarse(PRECISION.get(), 5, 6, 1))
    found = gs.bayesian_optimization(bowl, {"x": SPACE["width"]}, gs.array(uniform), initial=2, noise=0.125)
    at, values = (gs.numpy(x).astype(np.float64) for x in (found.at, found.values))

    def promise(gs, x, y, candidates):
        scores = (y - y.mean()) / ((y - y.mean()) ** 2).mean() ** 0.5
        mean, std = gs.gaussian_process(x, scores, candidates, length=0.25, noise=0.125)
        return gs.expected_improvement(mean, std, scores.min())

    for t in range(2, 5):
        if len(set(values[:t])) > 1:
            assert_at_most(
                gs,
                lambda gs, x, y, candidates, tried: promise(gs, x, y, candidates),
                lambda gs, x, y, candidates, tried: promise(gs, x, y, tried),
                at[:t], values[:t], uniform[t], np.repeat(at[t : t + 1], 6, axis=0),
            )  # fmt: skip


@law("training.neural_architecture_reward")
@given(inputs("neural_architecture_reward"))
def test_reward_at_the_target_is_the_accuracy(gs, case):
    """At latency T it is the accuracy; twice the latency costs the factor 2^w, for every accuracy."""
    accuracy, latency = case.arguments
    target, w = 2.0, case.options["w"]
    assert_agree(
        gs, lambda gs, a, t: gs.neural_architecture_reward(a, t * 0 + target, target=target, w=w), lambda gs, a, t: a,
        accuracy, latency,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, a, t: gs.neural_architecture_reward(a, 2 * t, target=target, w=w),
        lambda gs, a, t: 2.0**w * gs.neural_architecture_reward(a, t, target=target, w=w),
        accuracy, latency,
    )  # fmt: skip


@law("training.neural_architecture_reward")
def test_twice_the_latency_costs_five_percent(gs):
    reward = gs.neural_architecture_reward(gs.array(np.ones(2)), gs.array(np.array([80.0, 160.0])), target=80.0)
    assert gs.numpy(reward).astype(np.float64).round(known_digits(gs)).tolist() == [
        1.0,
        round(0.9526, known_digits(gs)),
    ]


# From one task to another, and the whole


@law("training.transfer_learning")
@given(inputs("transfer_learning"))
def test_a_frozen_backbone_is_not_touched(gs, case):
    """Frozen, it stays bit for bit, and the head is that of training on the features; unfrozen, it moves."""
    features, loss, backbone, head, (x, y) = case.arguments
    options = {name: case.options[name] for name in ("lr", "epochs")}
    at = {name: gs.array(v) for name, v in head.items()}
    data = gs.array(x), gs.array(y)
    frozen = gs.transfer_learning(features, loss, gs.array(backbone), at, data, **options)
    assert np.array_equal(gs.numpy(frozen.backbone).astype(np.float64), backbone)
    on_features = gs.batch_update(loss, at, (features(gs.array(backbone), data[0]), data[1]), **options)
    assert all(np.array_equal(gs.numpy(frozen.head[k]), gs.numpy(on_features.params[k])) for k in at)


@law("training.transfer_learning")
def test_fine_tuning_moves_the_backbone(gs):
    """One update by hand: both gradients at once."""
    backbone, head = np.array([[2.0]]), {"w": np.array([1.0]), "b": np.array(0.0)}
    x, y = np.array([[1.0]]), np.array([4.0])
    tuned = gs.transfer_learning(
        linear_features, mean_square, gs.array(backbone), {k: gs.array(v) for k, v in head.items()},
        (gs.array(x), gs.array(y)), freeze=False, lr=0.25, epochs=1,
    )  # fmt: skip
    # prediction 2, error -2: d/dw = -4 * 2, d/db = -4, d/dbackbone = -4 * 1
    assert (float(tuned.backbone[0, 0]), float(tuned.head["w"][0]), float(tuned.head["b"])) == (3.0, 3.0, 1.0)


@law("training.transfer_learning")
@given(st.data())
def test_a_linear_head_is_a_convex_problem(gs, data):
    """On the line between two heads the loss lies below the chord, for any frozen backbone."""
    head, (x, y), _ = data.draw(regressions())
    seed = data.draw(SEEDS)
    other = {"w": normal(seed, *head["w"].shape), "b": normal(seed + 1)}
    backbone = normal(seed + 2, x.shape[1], x.shape[1])

    def of(head):
        return lambda gs, x, y, f, a, b: mean_square(head(a, b), linear_features(f, x), y)

    middle = of(lambda a, b: {name: (a[name] + b[name]) / 2 for name in a})
    assert_at_most(
        gs, middle,
        lambda gs, *rest: (of(lambda a, b: a)(gs, *rest) + of(lambda a, b: b)(gs, *rest)) / 2,
        x, y, backbone, head, other,
    )  # fmt: skip


@law("training.supervised_learning_framework")
@given(inputs("supervised_learning_framework"), SEEDS)
def test_unseen_data_do_not_change_the_fit(gs, case, seed):
    """Other data to measure on: the same parameters and losses, bit for bit."""
    model, objective, params, data, unseen, order = case.arguments
    at, data = {k: gs.array(v) for k, v in params.items()}, tuple(map(gs.array, data))
    others = tuple(gs.array(normal(seed + i, *x.shape)) for i, x in enumerate(unseen))
    first, second = (
        gs.supervised_learning_framework(model, objective, at, data, new, gs.array(order), **case.options)
        for new in (tuple(map(gs.array, unseen)), others)
    )
    assert np.array_equal(gs.numpy(first.losses), gs.numpy(second.losses), equal_nan=True)
    assert all(np.array_equal(gs.numpy(first.params[k]), gs.numpy(second.params[k]), equal_nan=True) for k in at)


@law("training.supervised_learning_framework")
@given(inputs("supervised_learning_framework"))
def test_the_objective_can_be_swapped_alone(gs, case):
    """Another objective with the same model and data: twice the objective at half the rate is the same fit."""
    model, objective, *rest = case.arguments
    options = {"lr": case.options["lr"], "batch_size": case.options["batch_size"]}
    half = {**options, "lr": options["lr"] / 2}
    assert_agree(
        gs,
        lambda gs, *rest: gs.supervised_learning_framework(model, objective, *rest, **options).params,
        lambda gs, *rest: gs.supervised_learning_framework(model, twice(objective), *rest, **half).params,
        *rest,
    )


def twice(objective: Any) -> Any:
    return lambda predictions, y: 2 * objective(predictions, y)


@law("training.supervised_learning_framework")
def test_the_report_measures_what_was_fitted(gs):
    """Both measurements are the objective of the model at the fitted parameters."""
    params = {"w": np.array([0.0]), "b": np.array(0.0)}
    x, y = np.array([[1.0], [2.0]]), np.array([1.0, 3.0])
    data, unseen = (gs.array(x), gs.array(y)), (gs.array(x[:1]), gs.array(y[1:]))
    report = gs.supervised_learning_framework(
        linear_model, square_error, {k: gs.array(v) for k, v in params.items()}, data, unseen,
        gs.array(np.array([[0, 1]] * 3)), lr=0.125,
    )  # fmt: skip
    for value, (x, y) in ((report.train_loss, data), (report.test_loss, unseen)):
        assert float(value) == float(square_error(linear_model(report.params, x), y))
