"""Training in practice, in NumPy."""

import math

import numpy as np

from gongsik.reference.arrays import ADAPTER, asarray, implements
from gongsik.reference.autodiff import value_and_grad
from gongsik.reference.optimizer import gradient_descent
from gongsik.reference.special import erfc
from gongsik.spec import DtypeError, ShapeError
from gongsik.spec import training as spec
from gongsik.spec.optimizer import count_samples
from gongsik.spec.tree import map_leaves

__all__ = [
    "batch_update", "bayesian_optimization", "data_loader", "expected_improvement", "gaussian_process", "grid_search",
    "hit_probability", "mini_batch_update", "mini_batches", "neural_architecture_reward", "random_search", "sharpness",
    "stochastic_update", "supervised_learning_framework", "tensor_dataset", "to_tensor", "transfer_learning",
]  # fmt: skip


# Epochs and batches


@implements(spec.to_tensor)
def to_tensor(data, /, *, dtype="float32"):
    try:
        array = asarray(data)
    except ValueError as error:
        raise ShapeError(f"to_tensor: the lists in data differ in length: {error}") from error
    if array.dtype.kind not in "biuf" or (dtype == "int64" and array.dtype.kind == "f" and array.size):
        raise DtypeError(f"to_tensor: data has dtype {array.dtype}, which does not become {dtype}")
    return array.astype(dtype)


@implements(spec.tensor_dataset)
def tensor_dataset(arrays, index, /):
    check_order("tensor_dataset", arrays, index)
    return tuple(x[index] for x in arrays)


def check_order(name, data, order):
    spec.check_order(name, ADAPTER, order, count_samples(name, data))


@implements(spec.mini_batches)
def mini_batches(data, order, /, *, batch_size=32, drop_last=False, start=0):
    iterations = spec.iterations_per_epoch(len(order), batch_size, drop_last=drop_last)
    check_order("mini_batches", data, order)
    batches = [order[j * batch_size : (j + 1) * batch_size] for j in range(start, iterations)]
    return [tuple(x[batch] for x in data) for batch in batches]


@implements(spec.data_loader)
def data_loader(dataset, orders, /, *, step=0, batch_size=64, drop_last=False):
    iterations = spec.iterations_per_epoch(orders.shape[1], batch_size, drop_last=drop_last)
    e, j = divmod(step, iterations)
    batch = orders[e][j * batch_size : (j + 1) * batch_size]
    check_order("data_loader", dataset, batch)
    return tuple(x[batch] for x in dataset)


# Updates


def nothing(done, value):
    """What happens after a step if nobody asks."""


@implements(spec.stochastic_update)
def stochastic_update(loss, params, data, orders, /, *, lr=1e-2, start=0, on_step=None):
    return mini_batch_update(loss, params, data, orders, lr=lr, batch_size=1, start=start, on_step=on_step)


@implements(spec.batch_update)
def batch_update(loss, params, data, /, *, lr=1e-2, epochs=1, on_step=None):
    count_samples("batch_update", data)
    losses = []
    for _ in range(epochs):
        value, grads = value_and_grad(loss)(params, *data)
        params = gradient_descent(params, grads, lr=lr)
        losses.append(value)
        (on_step or nothing)(len(losses), value)
    return spec.Fitted(params, np.stack(losses))


@implements(spec.mini_batch_update)
def mini_batch_update(loss, params, data, orders, /, *, lr=1e-2, batch_size=32, drop_last=False, start=0, on_step=None):
    check_order("mini_batch_update", data, orders)
    iterations = spec.iterations_per_epoch(orders.shape[1], batch_size, drop_last=drop_last)
    losses = []
    for step in range(start, len(orders) * iterations):
        batch = data_loader(data, orders, step=step, batch_size=batch_size, drop_last=drop_last)
        value, grads = value_and_grad(loss)(params, *batch)
        params = gradient_descent(params, grads, lr=lr)
        losses.append(value)
        (on_step or nothing)(step + 1, value)
    return spec.Fitted(params, np.stack(losses))


@implements(spec.sharpness)
def sharpness(loss, params, data, uniform, /, *, eps=1e-3, box="relative", steps=10, step_size=0.5):
    half_width = map_leaves(lambda w: eps * (np.abs(w) + 1) if box == "relative" else np.full_like(w, eps), params)
    d = map_leaves(lambda u, r: (2 * u - 1) * r, uniform, half_width)

    def moved(d):
        return map_leaves(lambda w, d: w + d, params, d)

    lowest = loss(params, *data)
    highest = lowest
    for _ in range(steps):
        value, slope = value_and_grad(loss)(moved(d), *data)
        highest = np.maximum(highest, value)
        d = map_leaves(lambda d, g, r: np.clip(d + step_size * r * np.sign(g), -r, r), d, slope, half_width)
    highest = np.maximum(highest, loss(moved(d), *data))
    return 100 * (highest - lowest) / (1 + lowest)


# Hyperparameters


@implements(spec.grid_search)
def grid_search(objective, grid, history=None, /, *, on_step=None):
    sizes = spec.check_grid(grid)
    at = np.indices(sizes).reshape(len(sizes), -1).T  # [points, hyperparameters], the last fastest
    points = {name: values[at[:, i]] for i, (name, values) in enumerate(grid.items())}
    return try_points("grid_search", objective, points, at, history, on_step)


@implements(spec.random_search)
def random_search(objective, space, uniform, history=None, /, *, on_step=None):
    spec.check_space("random_search", space, uniform)
    return try_points("random_search", objective, points_of(space, uniform), uniform, history, on_step)


def points_of(space, uniform):
    return {name: quantile(uniform[..., i]) for i, (name, quantile) in enumerate(space.items())}


def try_points(name, objective, points, at, history, on_step):
    done = spec.check_history(name, history, len(at))
    values = [] if history is None else list(history.values)
    for t in range(done, len(at)):
        values.append(objective({key: x[t] for key, x in points.items()}))
        (on_step or nothing)(t + 1, values[-1])
    return best_of(points, np.stack(values), at)


def best_of(points, values, at):
    i = np.argmin(np.where(np.isnan(values), np.inf, values))
    return spec.Search({key: x[i] for key, x in points.items()}, values[i], points, values, at)


@implements(spec.hit_probability)
def hit_probability(q, /, *, n):
    with np.errstate(divide="ignore"):  # at q = 1
        return -np.expm1(n * np.log1p(-q))


@implements(spec.gaussian_process)
def gaussian_process(x, y, query, /, *, length=1.0, noise=1e-6):
    def kernel(a, b):
        return np.exp(-((a[:, None, :] - b[None, :, :]) ** 2).sum(-1) / (2 * length**2))

    k = kernel(x, query)  # [n, m]
    weights = np.linalg.solve(kernel(x, x) + noise * np.eye(len(x), dtype=x.dtype), k)
    return y @ weights, np.sqrt(np.maximum(1 - (k * weights).sum(0), 0))


@implements(spec.expected_improvement)
def expected_improvement(mean, std, best, /):
    gain = best - mean
    z = gain / np.where(std > 0, std, 1)
    expected = gain * erfc(-z / math.sqrt(2)) / 2 + std * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return np.where(std > 0, expected, np.maximum(gain, 0))


@implements(spec.bayesian_optimization)
def bayesian_optimization(
    objective, space, uniform, history=None, /, *, initial=3, length=0.25, noise=1e-4, on_step=None
):
    spec.check_space("bayesian_optimization", space, uniform)
    done = spec.check_history("bayesian_optimization", history, len(uniform))
    at = [] if history is None else list(history.at)
    values = [] if history is None else list(history.values)
    for t in range(done, len(uniform)):
        candidates, i = uniform[t], 0  # [m, k]
        if t >= initial:
            y = standard_scores(np.stack(values).astype(candidates.dtype))
            mean, std = gaussian_process(np.stack(at), y, candidates, length=length, noise=noise)
            i = np.argmax(expected_improvement(mean, std, y.min()))
        at.append(candidates[i])
        values.append(objective(points_of(space, candidates[i])))
        (on_step or nothing)(t + 1, values[-1])
    at = np.stack(at)
    return best_of(points_of(space, at), np.stack(values), at)


def standard_scores(y):
    """Values of mean 0 and variance 1, the worst for those that are not finite; 0 where all are equal."""
    finite = np.isfinite(y)
    y = np.where(finite, y, np.where(finite, y, -np.inf).max())
    std = np.sqrt(np.var(y))
    return (y - y.mean()) / np.where(std > 0, std, 1)


@implements(spec.neural_architecture_reward)
def neural_architecture_reward(accuracy, latency, /, *, target, w=-0.07):
    return accuracy * (latency / target) ** w


# From one task to another, and the whole


@implements(spec.transfer_learning)
def transfer_learning(features, loss, backbone, head, data, /, *, freeze=True, lr=0.1, epochs=100, on_step=None):
    count_samples("transfer_learning", data)
    x, *targets = data
    options = {"lr": lr, "epochs": epochs, "on_step": on_step}
    if freeze:
        head, losses = batch_update(loss, head, (features(backbone, x), *targets), **options)
        return spec.Transferred(backbone, head, losses)

    def loss_of_both(params, x, *targets):
        return loss(params["head"], features(params["backbone"], x), *targets)

    params, losses = batch_update(loss_of_both, {"backbone": backbone, "head": head}, data, **options)
    return spec.Transferred(params["backbone"], params["head"], losses)


@implements(spec.supervised_learning_framework)
def supervised_learning_framework(
    model, objective, params, data, unseen, orders, /, *, lr=1e-2, batch_size=32, on_step=None
):
    for part in (data, unseen):
        count_samples("supervised_learning_framework", part)

    def loss(params, x, y):
        return objective(model(params, x), y)

    params, losses = mini_batch_update(loss, params, data, orders, lr=lr, batch_size=batch_size, on_step=on_step)
    return spec.Report(params, losses, loss(params, *data), loss(params, *unseen))
