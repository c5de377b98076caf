"""Inputs for training in practice: losses over data, orders of samples, and searches whose choices are clear."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.agreement import K
from gongsik.conformance.bounded import Bounded, Precision
from gongsik.conformance.cases.optimizer import SEEDS, mean_square, problems
from gongsik.conformance.strategies import Case, make
from gongsik.reference import training as reference
from gongsik.spec import training as spec

RATES = st.sampled_from((0.0, 0.5, 0.125, 0.01))
SIZES = st.integers(1, 5)


def to_tensor(precision: Precision) -> SearchStrategy[Case]:
    """Nested lists: of integers for either dtype, of real numbers for float32."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = tuple(draw(st.lists(SIZES, max_size=3)))
        if draw(st.booleans()):
            numbers = np.random.Generator(np.random.Philox(draw(SEEDS))).integers(-(2**40), 2**40, shape)
            return Case((numbers.tolist(),), {"dtype": draw(st.sampled_from(("float32", "int64")))})
        return Case((make(draw(SEEDS), draw(st.sampled_from(("normal", "spread"))), shape, "float64").tolist(),))

    return cases()


@st.composite
def datasets(draw: st.DrawFn, precision: Precision) -> tuple[tuple[np.ndarray, ...], int]:
    """Rows, numbers and labels of 1 to 9 samples, and the number of samples."""
    seed, n, d = draw(SEEDS), draw(st.integers(1, 9)), draw(SIZES)
    parts = make(seed, "normal", (n, d), precision.name), make(seed + 1, "spread", (n,), precision.name), np.arange(n)
    return parts[: draw(st.integers(1, 3))], n


def permutations(n: int) -> SearchStrategy[np.ndarray]:
    """An order of n samples; now and then a part of one, as a worker gets it."""
    return st.tuples(st.permutations(range(n)), st.integers(1, n), st.booleans()).map(
        lambda drawn: np.array(drawn[0][: drawn[1]] if drawn[2] else drawn[0])
    )


@st.composite
def orders(draw: st.DrawFn, n: int) -> np.ndarray:
    """The orders of one to three epochs."""
    rows = [draw(permutations(n))]
    while len(rows) < 3 and draw(st.booleans()):
        rows.append(np.array(draw(st.permutations(rows[0].tolist()))))
    return np.stack(rows)


def tensor_dataset(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        arrays, n = draw(datasets(precision))
        shape = draw(st.sampled_from(((), (1,), (4,), (2, 3), (0,))))
        return Case((arrays, np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, n, shape)))

    return cases()


@st.composite
def _batching(draw: st.DrawFn, m: int, epochs: int) -> tuple[dict[str, Any], int]:
    """Batch size and `drop_last`, so that there is a batch, and a step of the run."""
    options = {"batch_size": draw(st.integers(1, m + 1)), "drop_last": draw(st.booleans())}
    if options["batch_size"] > m:
        options["drop_last"] = False
    total = epochs * spec.iterations_per_epoch(m, options["batch_size"], drop_last=options["drop_last"])
    return options, draw(st.integers(0, total - 1))


def mini_batches(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        data, n = draw(datasets(precision))
        order = draw(permutations(n))
        options, start = draw(_batching(len(order), 1))
        return Case((data, order), {**options, "start": draw(st.sampled_from((0, start)))})

    return cases()


def data_loader(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        data, n = draw(datasets(precision))
        rows = draw(orders(n))
        options, step = draw(_batching(rows.shape[1], len(rows)))
        return Case((data, rows), {**options, "step": step})

    return cases()


def stochastic_update(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, n = draw(problems(precision))
        rows = draw(orders(n))
        start = draw(st.sampled_from((0, draw(st.integers(0, rows.size - 1)))))
        return Case((mean_square, params, data, rows), {"lr": draw(RATES), "start": start})

    return cases()


def batch_update(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, _ = draw(problems(precision))
        return Case((mean_square, params, data), {"lr": draw(RATES), "epochs": draw(st.integers(1, 4))})

    return cases()


def mini_batch_update(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, n = draw(problems(precision))
        rows = draw(orders(n))
        options, start = draw(_batching(rows.shape[1], len(rows)))
        start = draw(st.sampled_from((0, start)))
        return Case((mean_square, params, data, rows), {**options, "lr": draw(RATES), "start": start})

    return cases()


def sharpness(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, _ = draw(problems(precision))
        rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
        uniform = {name: np.asarray(rng.integers(0, 256, x.shape) / 256) for name, x in params.items()}
        sizes = (1e-3, 0.1, 1.0) if precision.unit < 2.0**-12 else (1.0, 4.0)  # of a smaller one 8 bits see nothing
        options = {
            "eps": draw(st.sampled_from(sizes)), "box": draw(st.sampled_from(("relative", "absolute"))),
            "steps": draw(st.integers(0, 4)), "step_size": draw(st.sampled_from((0.5, 0.125, 2.0))),
        }  # fmt: skip
        return Case((mean_square, params, data, uniform), options)

    return cases()


def bowl(point: dict[str, Any]) -> Any:
    """An objective with different slopes, which is exact at the points that are tried: rounding decides nothing."""
    return sum((i + 1) * abs(x - 0.25) for i, x in enumerate(point.values()))


SPACE = {"width": lambda u: 4 * u - 2, "depth": lambda u: 1 - u, "rate": lambda u: u / 4}


@st.composite
def coarse(draw: st.DrawFn, precision: Precision, *shape: int) -> np.ndarray:
    """Draws from [0, 1) of so few digits that `bowl` is exact."""
    rng, n = np.random.Generator(np.random.Philox(draw(SEEDS))), 64 if precision.unit < 2.0**-12 else 8
    return rng.integers(0, n, shape) / n


@st.composite
def beginnings(draw: st.DrawFn, found: spec.Search) -> spec.Search | None:
    """The first points of a search as its history, or none."""
    if draw(st.booleans()):
        return None
    done = draw(st.integers(1, len(found.values)))
    points = {name: x[:done] for name, x in found.points.items()}
    return spec.Search(found.best, found.value, points, found.values[:done], found.at[:done])


def grid_search(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        names = list(SPACE)[: draw(st.integers(1, 3))]
        grid = {name: draw(coarse(precision, draw(st.integers(1, 4)))) for name in names}
        return Case((bowl, grid, draw(beginnings(reference.grid_search(bowl, grid)))))

    return cases()


def random_search(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        space = dict(list(SPACE.items())[: draw(st.integers(1, 3))])
        uniform = draw(coarse(precision, draw(st.integers(1, 9)), len(space)))
        return Case((bowl, space, uniform, draw(beginnings(reference.random_search(bowl, space, uniform)))))

    return cases()


def gaussian_process(precision: Precision) -> SearchStrategy[Case]:
    """Points at least half a unit apart, with noise: the system can be solved in float32, too."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        seed, k = draw(SEEDS), draw(st.integers(1, 3))
        places = st.lists(st.integers(-6, 6), min_size=k, max_size=k).map(tuple)
        x = np.array(draw(st.lists(places, min_size=1, max_size=7, unique=True))) / 2
        y = make(seed, draw(st.sampled_from(("normal", "ties", "offset"))), (len(x),), precision.name)
        query = make(seed + 1, "normal", (draw(SIZES), k), precision.name)
        options = {
            "length": draw(st.sampled_from((0.25, 0.5, 1.0))), "noise": draw(st.sampled_from((0.01, 0.125, 1.0)))
        }  # fmt: skip
        return Case((x, y, query), options)

    return cases()


def bayesian_optimization(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        space = dict(list(SPACE.items())[: draw(st.integers(1, 2))])
        uniform = draw(coarse(precision, draw(st.integers(1, 7)), draw(st.integers(1, 6)), len(space)))
        options = {
            "initial": draw(st.integers(1, 3)), "length": draw(st.sampled_from((0.25, 0.125))),
            "noise": draw(st.sampled_from((0.01, 0.125))),
        }  # fmt: skip
        uniform = uniform[: clear_steps(space, uniform, options, precision)]
        found = reference.bayesian_optimization(bowl, space, uniform, **options)
        return Case((bowl, space, uniform, draw(beginnings(found))), options)

    return cases()


def clear_steps(space: Any, uniform: np.ndarray, options: dict[str, Any], precision: Precision) -> int:
    """Steps until the first one whose choice rounding could turn over."""
    found = reference.bayesian_optimization(bowl, space, uniform, **options)
    of_process = {name: options[name] for name in ("length", "noise")}
    for t in range(options["initial"], len(uniform)):
        at, values, candidates = (Bounded(x, None, precision) for x in (found.at[:t], found.values[:t], uniform[t]))
        y = reference.standard_scores(values)
        mean, std = reference.gaussian_process(at, y, candidates, **of_process)
        promise = reference.expected_improvement(mean, std, y.min())
        best = int(promise.value.argmax())
        rivals = np.delete(promise.value + K * promise.error, best)
        if not (rivals < promise.value[best] - K * promise.error[best]).all():
            return t
    return len(uniform)


def linear_features(backbone: Any, x: Any) -> Any:
    return x @ backbone


def transfer_learning(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        head, (z, y), n = draw(problems(precision))
        seed, d = draw(SEEDS), draw(SIZES)
        backbone = make(seed, "normal", (d, z.shape[1]), precision.name)
        x = make(seed + 1, "normal", (n, d), precision.name)
        options = {"freeze": draw(st.booleans()), "lr": draw(RATES), "epochs": draw(st.integers(1, 3))}
        return Case((linear_features, mean_square, backbone, head, (x, y)), options)

    return cases()


def linear_model(params: Any, x: Any) -> Any:
    return x @ params["w"] + params["b"]


def square_error(predictions: Any, y: Any) -> Any:
    return ((predictions - y) ** 2).mean()


def supervised_learning_framework(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        params, data, n = draw(problems(precision))
        seed, more = draw(SEEDS), draw(st.integers(1, 4))
        shapes = (more, data[0].shape[1]), (more,)
        unseen = tuple(make(seed + i, "normal", shape, precision.name) for i, shape in enumerate(shapes))
        arguments = (linear_model, square_error, params, data, unseen, draw(orders(n)))
        return Case(arguments, {"lr": draw(RATES), "batch_size": draw(st.integers(1, n + 1))})

    return cases()
