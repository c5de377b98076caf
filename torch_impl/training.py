"""Training in practice, in PyTorch: samples are gathered on their device, and no step waits for it."""

import math

import numpy as np
import torch
from torch import Tensor

from gongsik.spec import DtypeError, ShapeError
from gongsik.spec import training as spec
from gongsik.spec.optimizer import count_samples
from gongsik.spec.tree import map_leaves
from gongsik.torch_impl.arrays import ADAPTER, implements, value_and_grad
from gongsik.torch_impl.optimizer import gradient_descent

__all__ = [
    "batch_update", "bayesian_optimization", "data_loader", "expected_improvement", "gaussian_process", "grid_search",
    "hit_probability", "mini_batch_update", "mini_batches", "neural_architecture_reward", "random_search", "sharpness",
    "stochastic_update", "supervised_learning_framework", "tensor_dataset", "to_tensor", "transfer_learning",
]  # fmt: skip


# Epochs and batches


@implements(spec.to_tensor)
def to_tensor(data, /, *, dtype="float32"):
    if not isinstance(data, Tensor):
        try:
            data = torch.as_tensor(np.asarray(data))  # nested lists go faster through NumPy
        except ValueError as error:
            raise ShapeError(f"to_tensor: the lists in data differ in length: {error}") from error
        except TypeError as error:
            raise DtypeError(f"to_tensor: data holds no numbers: {error}") from error
    if data.is_complex() or (dtype == "int64" and data.is_floating_point() and data.numel()):
        raise DtypeError(f"to_tensor: data has dtype {data.dtype}, which does not become {dtype}")
    return data.to(getattr(torch, dtype))


@implements(spec.tensor_dataset)
def tensor_dataset(arrays, index, /):
    check_order("tensor_dataset", arrays, index)
    return tuple(x.index_select(0, index.reshape(-1)).reshape(index.shape + x.shape[1:]) for x in arrays)


def check_order(name, data, order):
    spec.check_order(name, ADAPTER, order, count_samples(name, data))


@implements(spec.mini_batches)
def mini_batches(data, order, /, *, batch_size=32, drop_last=False, start=0):
    check_order("mini_batches", data, order)
    iterations = spec.iterations_per_epoch(len(order), batch_size, drop_last=drop_last)
    if start == iterations:
        return []
    # one gather per array; the batches are views of it
    order = order[start * batch_size : iterations * batch_size]
    return list(zip(*(x.index_select(0, order).split(batch_size) for x in data), strict=True))


@implements(spec.data_loader)
def data_loader(dataset, orders, /, *, step=0, batch_size=64, drop_last=False):
    iterations = spec.iterations_per_epoch(orders.shape[1], batch_size, drop_last=drop_last)
    e, j = divmod(step, iterations)
    batch = orders[e, j * batch_size : (j + 1) * batch_size]
    check_order("data_loader", dataset, batch)
    return tuple(x.index_select(0, batch) for x in dataset)


# Updates


@implements(spec.stochastic_update)
def stochastic_update(loss, params, data, orders, /, *, lr=1e-2, start=0, on_step=None):
    return mini_batch_update(loss, params, data, orders, lr=lr, batch_size=1, start=start, on_step=on_step)


@implements(spec.batch_update)
def batch_update(loss, params, data, /, *, lr=1e-2, epochs=1, on_step=None):
    count_samples("batch_update", data)
    slope, losses = value_and_grad(loss), []
    for _ in range(epochs):
        value, grads = slope(params, *data)
        params = gradient_descent(params, grads, lr=lr)
        losses.append(value)
        if on_step is not None:
            on_step(len(losses), value)
    return spec.Fitted(params, torch.stack(losses))


@implements(spec.mini_batch_update)
def mini_batch_update(loss, params, data, orders, /, *, lr=1e-2, batch_size=32, drop_last=False, start=0, on_step=None):
    check_order("mini_batch_update", data, orders)
    iterations = spec.iterations_per_epoch(orders.shape[1], batch_size, drop_last=drop_last)
    slope, losses = value_and_grad(loss), []
    for step in range(start, len(orders) * iterations):
        e, j = divmod(step, iterations)
        batch = orders[e, j * batch_size : (j + 1) * batch_size]  # checked above, all at once
        value, grads = slope(params, *(x.index_select(0, batch) for x in data))
        params = gradient_descent(params, grads, lr=lr)
        losses.append(value)
        if on_step is not None:
            on_step(step + 1, value)
    return spec.Fitted(params, torch.stack(losses))


@implements(spec.sharpness)
def sharpness(loss, params, data, uniform, /, *, eps=1e-3, box="relative", steps=10, step_size=0.5):
    slope = value_and_grad(loss)
    half_width = map_leaves(lambda w: eps * (w.abs() + 1) if box == "relative" else torch.full_like(w, eps), params)
    d = map_leaves(lambda u, r: (2 * u - 1) * r, uniform, half_width)

    def moved(d):
        return map_leaves(torch.add, params, d)

    lowest = loss(params, *data)
    highest = lowest
    for _ in range(steps):
        value, grads = slope(moved(d), *data)
        highest = torch.maximum(highest, value)
        d = map_leaves(lambda d, g, r: torch.clamp(d + step_size * r * g.sign(), -r, r), d, grads, half_width)
    highest = torch.maximum(highest, loss(moved(d), *data))
    return 100 * (highest - lowest) / (1 + lowest)


# Hyperparameters


@implements(spec.grid_search)
def grid_search(objective, grid, history=None, /, *, on_step=None):
    sizes = spec.check_grid(grid)
    device = next(iter(grid.values())).device
    at = torch.cartesian_prod(*(torch.arange(n, device=device) for n in sizes)).reshape(-1, len(sizes))
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
        values.append(as_value(objective({key: x[t] for key, x in points.items()}), at))
        if on_step is not None:
            on_step(t + 1, values[-1])
    return best_of(points, torch.stack(values), at)


def as_value(value, like):
    """A Python number is in double precision, as in NumPy."""
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64, device=like.device)


def best_of(points, values, at):
    i = torch.where(values.isnan(), math.inf, values).argmin()
    return spec.Search({key: row(x, i) for key, x in points.items()}, row(values, i), points, values, at)


def row(x, i):
    """One row, whose number stays on the device."""
    return x.index_select(0, i.reshape(1))[0]


@implements(spec.hit_probability)
def hit_probability(q, /, *, n):
    return -torch.expm1(n * torch.log1p(-q))


@implements(spec.gaussian_process)
def gaussian_process(x, y, query, /, *, length=1.0, noise=1e-6):
    def kernel(a, b):
        return torch.exp((a[:, None, :] - b[None, :, :]).square().sum(-1) / (-2 * length**2))

    k, wide = kernel(x, query), torch.promote_types(x.dtype, torch.float32)  # [n, m]; LAPACK has no half precision
    # positive definite: half the work of an elimination; `_ex` does not wait for the device to say so
    noise = noise * torch.eye(len(x), dtype=wide, device=x.device)
    factor = torch.linalg.cholesky_ex(kernel(x, x).to(wide) + noise).L
    weights = torch.cholesky_solve(k.to(wide), factor).to(x.dtype)
    return y @ weights, (1 - (k * weights).sum(0)).clamp(min=0).sqrt()


@implements(spec.expected_improvement)
def expected_improvement(mean, std, best, /):
    gain = best - mean
    z = gain / torch.where(std > 0, std, 1)
    expected = gain * torch.special.erfc(-z / math.sqrt(2)) / 2 + std * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return torch.where(std > 0, expected, torch.maximum(gain, torch.zeros_like(gain)))


@implements(spec.bayesian_optimization)
def bayesian_optimization(
    objective, space, uniform, history=None, /, *, initial=3, length=0.25, noise=1e-4, on_step=None
):
    spec.check_space("bayesian_optimization", space, uniform)
    done = spec.check_history("bayesian_optimization", history, len(uniform))
    at = [] if history is None else list(history.at)
    values = [] if history is None else list(history.values)
    for t in range(done, len(uniform)):
        chosen = uniform[t, 0]
        if t >= initial:
            y = standard_scores(torch.stack(values).to(uniform.dtype))
            mean, std = gaussian_process(torch.stack(at), y, uniform[t], length=length, noise=noise)
            chosen = row(uniform[t], expected_improvement(mean, std, y.min()).argmax())
        at.append(chosen)
        values.append(as_value(objective(points_of(space, chosen)), uniform))
        if on_step is not None:
            on_step(t + 1, values[-1])
    at = torch.stack(at)
    return best_of(points_of(space, at), torch.stack(values), at)


def standard_scores(y):
    """Values of mean 0 and variance 1, the worst for those that are not finite; 0 where all are equal."""
    finite = y.isfinite()
    y = torch.where(finite, y, torch.where(finite, y, -math.inf).max())
    std = y.std(correction=0)
    return (y - y.mean()) / torch.where(std > 0, std, 1)


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
        with torch.no_grad():  # nothing goes back into the backbone
            z = features(backbone, x)
        head, losses = batch_update(loss, head, (z, *targets), **options)
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
    with torch.no_grad():
        return spec.Report(params, losses, loss(params, *data), loss(params, *unseen))
