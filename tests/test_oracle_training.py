"""Training in practice against torch's loaders and optimizers, scikit-learn and SciPy."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.model_selection import ParameterGrid, ParameterSampler
from torch.utils.data import DataLoader, TensorDataset

from gongsik import Draws, reference
from gongsik.conformance.agreement import Exact, compare
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.reference.special import erfc
from gongsik.spec.training import iterations_per_epoch

EXACT = Exact(PRECISIONS["float64"])
DRAWS = Draws(11)
NO_FIT: Any = None
"""The kernel of a process stays as it is: scikit-learn declares otherwise."""


def agree(theirs: Any, ours: Bounded) -> None:
    verdict = compare(theirs, ours)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def mean_square(params: Any, x: Any, y: Any) -> Any:
    return ((x @ params["w"] + params["b"] - y) ** 2).mean()


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (12, 4), (5, 5), (5, 1), (150, 64)])
def test_batches_are_those_of_torchs_loader(n, batch_size, drop_last):
    """The same order in torch's DataLoader: the same batches, and as many."""
    x, y = DRAWS.normal("x", (n, 3)), np.arange(n)
    order = DRAWS.permutation("order", n)
    dataset = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = DataLoader(dataset, batch_size=batch_size, sampler=order.tolist(), drop_last=drop_last)  # pyright: ignore[reportArgumentType]
    ours = reference.mini_batches((x, y), order, batch_size=batch_size, drop_last=drop_last)
    assert len(loader) == len(ours) == iterations_per_epoch(n, batch_size, drop_last=drop_last)
    for step, (theirs, batch) in enumerate(zip(loader, ours, strict=True)):
        one = reference.data_loader((x, y), order[None], step=step, batch_size=batch_size, drop_last=drop_last)
        for a, b, c in zip(theirs, batch, one, strict=True):
            assert np.array_equal(a.numpy(), b)
            assert np.array_equal(b, c)


def test_a_data_set_is_torchs():
    x, y = DRAWS.normal("x", (7, 2)), np.arange(7)
    theirs = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    for i in range(7):
        for a, b in zip(theirs[i], reference.tensor_dataset((x, y), np.array(i)), strict=True):
            assert np.array_equal(a.numpy(), b)


@pytest.mark.parametrize(("kind", "dtype"), [(torch.FloatTensor, "float32"), (torch.LongTensor, "int64")])
def test_conversion_is_that_of_torch(kind, dtype):
    data = [[3, 1, 4], [1, 5, 9]]
    ours = reference.to_tensor(data, dtype=dtype)
    assert np.array_equal(kind(data).numpy(), ours)
    assert kind(data).numpy().dtype == ours.dtype


@pytest.mark.parametrize("batch_size", [1, 4, 11])
def test_updates_are_those_of_torchs_loop(batch_size):
    """Two epochs of torch.optim.SGD over a DataLoader lie within the bound of our loop."""
    x, y = DRAWS.normal("x", (11, 3)), DRAWS.normal("y", (11,))
    start = {"w": DRAWS.normal("w", (3,)), "b": DRAWS.normal("b")}
    orders = np.stack([DRAWS.permutation("order", 11, counter=e) for e in range(2)])
    params = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    optimizer, losses = torch.optim.SGD(params.values(), lr=0.05), []
    dataset = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    for order in orders:
        for batch in DataLoader(dataset, batch_size=batch_size, sampler=order.tolist()):  # pyright: ignore[reportArgumentType]
            optimizer.zero_grad()
            loss = mean_square(params, *batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    at = {name: EXACT.array(np.asarray(value)) for name, value in start.items()}
    data = EXACT.array(x), EXACT.array(y)
    fitted = reference.mini_batch_update(mean_square, at, data, orders, lr=0.05, batch_size=batch_size)
    agree(np.array(losses), fitted.losses)
    for name, value in params.items():
        agree(value.detach().numpy(), fitted.params[name])
    if batch_size == 11:
        agree(np.array(losses), reference.batch_update(mean_square, at, data, lr=0.05, epochs=2).losses)


def test_sharpness_is_the_maximum_of_scipy():
    """On a convex loss over a few corners: SciPy tries them all (an integer program by brute force)."""
    hessian = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.5], [0.5, -0.5, 2.0]])

    def loss(w, hessian):
        return (w * (hessian @ w)).sum() / 2

    eps = 0.25
    corners: Any = scipy.optimize.brute(lambda s: -loss(eps * np.array(s), hessian), [slice(-1, 2, 2)] * 3, finish=None)
    highest = loss(eps * corners, hessian)
    uniform = EXACT.array((corners * 0.4 + 1) / 2)  # on the side of the highest corner
    found = reference.sharpness(loss, EXACT.array(np.zeros(3)), (EXACT.array(hessian),), uniform, eps=eps)
    agree(np.array(100 * highest), found)


def test_the_grid_is_scikit_learns():
    """The same points in the same order."""
    grid = {"a": [0.5, 1.0], "b": [1.0, 2.0, 4.0], "c": [3.0]}
    found = reference.grid_search(lambda point: point["a"], {name: np.array(x) for name, x in grid.items()})
    points = [{name: float(x[t]) for name, x in found.points.items()} for t in range(6)]
    assert points == list(ParameterGrid(grid))


def test_random_points_have_the_distributions_of_scipy():
    """A quantile function of SciPy in the space: the points are its own draws; scikit-learn's pass the same test."""
    uniform, n = DRAWS.uniform("points", (400, 2)), 400
    width, rate = scipy.stats.randint(1, 9), scipy.stats.loguniform(1e-4, 1e-1)
    space = {"width": width.ppf, "rate": lambda u: 1e-4 * 1000**u}
    found = reference.random_search(lambda point: point["rate"], space, uniform)
    agree(rate.ppf(uniform[:, 1]), 1e-4 * np.exp(EXACT.array(uniform[:, 1]) * np.log(EXACT.array(np.array(1000.0)))))
    theirs = ParameterSampler({"width": width, "rate": rate}, n, random_state=3)
    rates = [point["rate"] for point in theirs]
    # one false alarm in 10,000
    assert scipy.stats.kstest(found.points["rate"], rate.cdf).pvalue > 1e-4
    both: Any = scipy.stats.ks_2samp(found.points["rate"], rates)
    assert both.pvalue > 1e-4
    assert set(found.points["width"]) == set(range(1, 9))


def test_hit_probability_is_a_geometric_distribution():
    q = np.array([0.01, 0.05, 0.5])
    agree(scipy.stats.geom.cdf(59, q), reference.hit_probability(EXACT.array(q), n=59))


@pytest.mark.parametrize("noise", [1e-2, 0.25])
def test_the_process_is_scikit_learns(noise):
    x, query = DRAWS.uniform("x", (9, 2)) * 4, DRAWS.uniform("query", (20, 2)) * 4
    y = np.sin(x[:, 0]) + x[:, 1]
    theirs = GaussianProcessRegressor(RBF(0.7, "fixed"), alpha=noise, optimizer=NO_FIT).fit(x, y)
    mean, std = theirs.predict(query, return_std=True)
    found = reference.gaussian_process(*map(EXACT.array, (x, y, query)), length=0.7, noise=noise)
    agree(mean, found[0])
    agree(std, found[1])
    # the same noise as a part of the kernel, which is what the fit would learn
    kernel = RBF(0.7, "fixed") + WhiteKernel(noise, "fixed")
    agree(GaussianProcessRegressor(kernel, alpha=0.0, optimizer=NO_FIT).fit(x, y).predict(query), found[0])


def test_expected_improvement_is_scipys_integral_and_the_mean_of_draws():
    mean, std, best = DRAWS.normal("mean", (6,)), np.abs(DRAWS.normal("std", (6,))) + 0.5, np.array(0.25)
    ours = reference.expected_improvement(*map(EXACT.array, (mean, std, best)))
    z = (best - mean) / std
    agree((best - mean) * scipy.stats.norm.cdf(z) + std * scipy.stats.norm.pdf(z), ours)
    draws = np.maximum(0, best - mean - std * DRAWS.normal("draws", (200_000, 1)))
    error = draws.std(0) / np.sqrt(len(draws))
    # in units of its standard error; outside 5 once in a million
    assert (np.abs(draws.mean(0) - ours.value) < 5 * error).all()


def test_the_complementary_error_function_is_scipys():
    # further to the right SciPy itself loses digits: a hundred units of the last place at 24
    x = np.concatenate([np.linspace(-6, 4, 641), [np.inf, -np.inf, np.nan]])
    agree(scipy.special.erfc(x), erfc(EXACT.array(x)))
    slope = reference.value_and_grad(lambda x: erfc(x).sum())(x[:641])[1]
    agree(slope, -2 / np.sqrt(np.pi) * np.exp(-(EXACT.array(x[:641]) ** 2)))


def test_bayesian_optimization_needs_fewer_points_than_random_search():
    """On Branin's function, whose minimum is 0.397887."""

    def branin(point):
        x, y = point["x"], point["y"]
        bend = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
        return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10

    space = {"x": lambda u: 15 * u - 5, "y": lambda u: 15 * u}
    ends = []
    for seed in range(30):
        uniform = Draws(seed).uniform("candidates", (20, 64, 2))
        chosen = reference.bayesian_optimization(branin, space, uniform).value
        ends.append((chosen, reference.random_search(branin, space, uniform[:, 0]).value))
    better = sum(a < b for a, b in ends)
    assert scipy.stats.binomtest(better, 30, 0.5, "greater").pvalue < 1e-3, ends
    assert min(a for a, _ in ends) >= 0.397887
