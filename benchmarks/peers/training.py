"""What a user would call instead of training in practice: torch's loaders and optimizers, scikit-learn, SciPy."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, TensorDataset

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.training import Fitted, Report, Search, Transferred

NO_FIT: Any = None
"""The kernel of a process stays as it is: scikit-learn declares otherwise."""


def to_tensor(data: Data) -> Contest:
    numbers = data.normal(*data.of((8, 8), (256, 256), (1024, 1024))).tolist()
    return Contest((numbers,), {"torch.tensor": torch.tensor})


def _samples(data: Data) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Rows with labels, and a random order of them."""
    n, d = data.of((64, 8), (4096, 64), (32768, 256))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(1)).to(data.device)
    return (data.normal(n, d), data.integers(10, n)), order


def tensor_dataset(data: Data) -> Contest:
    samples, order = _samples(data)
    index = order[: len(order) // 4]
    return Contest((samples, index), {"TensorDataset[index]": lambda arrays, index: TensorDataset(*arrays)[index]})


def mini_batches(data: Data) -> Contest:
    """Beside a loop over indices, and beside torch's loader with a sampler of batches, its fastest way."""
    samples, order = _samples(data)
    batches = [list(batch) for batch in BatchSampler(order.tolist(), 32, drop_last=False)]

    def loader(arrays: Any, order: Tensor) -> list[Any]:
        sampler: Any = batches
        return [tuple(batch) for batch in DataLoader(TensorDataset(*arrays), sampler=sampler, batch_size=None)]

    peers = {
        "torch.utils.data.DataLoader": loader,
        "x[index] for index in order.split": lambda arrays, order: [
            tuple(x[index] for x in arrays) for index in order.split(32)
        ],
    }
    return Contest((samples, order), peers)


def data_loader(data: Data) -> Contest:
    samples, order = _samples(data)
    peers = {"x[order[:64]]": lambda arrays, orders: tuple(x[orders[0, :64]] for x in arrays)}
    return Contest((samples, order[None]), peers, note="the order is checked against the number of samples")


def _square(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return ((x @ weight - y) ** 2).mean()


def _regression(data: Data) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
    n, d = data.of((16, 8), (256, 256), (1024, 1024))
    x = data.normal(n, d)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(1)).to(data.device)
    return data.normal(d), (x, x[:, 0] + 1), order[None]


def _loop(weight: Tensor, batches: Any, lr: float) -> Fitted:
    """The loop that everybody writes: torch.optim.SGD over batches."""
    leaf = weight.clone().requires_grad_()
    optimizer, losses = torch.optim.SGD([leaf], lr=lr), []
    for batch in batches:
        optimizer.zero_grad()
        loss = _square(leaf, *batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return Fitted(leaf.detach(), torch.stack(losses))


def _cut(samples: Any, order: Tensor, size: int) -> Any:
    return (tuple(x[index] for x in samples) for index in order[0].split(size))


def stochastic_update(data: Data) -> Contest:
    weight, samples, order = _regression(data)
    order = order[:, :16]
    peer = {"torch.optim.SGD": lambda loss, weight, samples, order: _loop(weight, _cut(samples, order, 1), 1e-4)}
    return Contest((_square, weight, samples, order), peer, {"lr": 1e-4})


def mini_batch_update(data: Data) -> Contest:
    peer = {"torch.optim.SGD": lambda loss, weight, samples, order: _loop(weight, _cut(samples, order, 32), 1e-4)}
    weight, samples, order = _regression(data)
    return Contest((_square, weight, samples, order), peer, {"lr": 1e-4})


def batch_update(data: Data) -> Contest:
    weight, samples, _ = _regression(data)
    peer = {"torch.optim.SGD": lambda loss, weight, samples: _loop(weight, [samples] * 4, 1e-4)}
    return Contest((_square, weight, samples), peer, {"lr": 1e-4, "epochs": 4})


def sharpness(data: Data) -> Contest:
    weight, samples, _ = _regression(data)
    return Contest((_square, weight, samples, data.uniform(len(weight))))


def _valley(point: dict[str, Any]) -> Any:
    return sum((x - 0.25) ** 2 for x in point.values())


def grid_search(data: Data) -> Contest:
    n = data.of(2, 8, 24)
    grid = {"a": data.normal(n), "b": data.uniform(n)}

    def product(objective: Callable[..., Any], grid: dict[str, Tensor]) -> Search:
        at = torch.tensor(list(itertools.product(range(n), repeat=2)))
        points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        values = torch.stack([objective(point) for point in points])
        i = int(values.argmin())
        return Search(points[i], values[i], {k: torch.stack([p[k] for p in points]) for k in grid}, values, at)

    return Contest((_valley, grid), {"itertools.product": product})


SPACE = {"a": lambda u: 2 * u - 1, "b": lambda u: u}


def random_search(data: Data) -> Contest:
    return Contest((_valley, SPACE, data.uniform(data.of(4, 64, 1024), 2)))


def bayesian_optimization(data: Data) -> Contest:
    return Contest((_valley, SPACE, data.uniform(*data.of((5, 16), (15, 256), (30, 4096)), 2)))


def hit_probability(data: Data) -> Contest:
    q = data.uniform(data.of(64, 2**18, 2**22))
    return Contest((q,), {}, {"n": 59}, arrays={"scipy.stats.geom.cdf": lambda q: scipy.stats.geom.cdf(59, q)})


def gaussian_process(data: Data) -> Contest:
    n, m = data.of((8, 16), (64, 1024), (256, 8192))
    x, query = data.uniform(n, 2), data.uniform(m, 2) * 0.999

    def sklearn(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> Any:
        process = GaussianProcessRegressor(RBF(0.3, "fixed"), alpha=0.1, optimizer=NO_FIT)
        return process.fit(x, y).predict(query, return_std=True)

    options = {"length": 0.3, "noise": 0.1}
    return Contest((x, data.normal(n), query), {}, options, arrays={"GaussianProcessRegressor": sklearn})


def expected_improvement(data: Data) -> Contest:
    n = data.of(64, 2**18, 2**22)

    def written_out(mean: Tensor, std: Tensor, best: Tensor) -> Tensor:
        z = (best - mean) / std  # torch.special.ndtr would lose all digits of a small improvement in float32
        share = torch.special.erfc(-z / math.sqrt(2)) / 2
        return (best - mean) * share + std * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    best = torch.tensor(0.0, device=data.device)
    return Contest((data.normal(n), data.uniform(n) + 0.5, best), {"torch.special.erfc": written_out})


def neural_architecture_reward(data: Data) -> Contest:
    n = data.of(64, 2**18, 2**22)

    def written_out(accuracy: Tensor, latency: Tensor) -> Tensor:
        return accuracy * torch.pow(latency / 2.0, -0.07)

    return Contest((data.uniform(n), data.uniform(n) + 0.5), {"accuracy * torch.pow": written_out}, {"target": 2.0})


def transfer_learning(data: Data) -> Contest:
    """Frozen: features once, then torch.optim.SGD on the head."""
    head, (x, y), _ = _regression(data)
    backbone = data.normal(x.shape[1], x.shape[1]) / math.sqrt(x.shape[1])

    def frozen(features: Any, loss: Any, backbone: Tensor, head: Tensor, samples: Any) -> Transferred:
        with torch.no_grad():
            z = features(backbone, samples[0])
        return Transferred(backbone, *_loop(head, [(z, samples[1])] * 4, 1e-4))

    arguments = (lambda backbone, x: (x @ backbone) ** 2, _square, backbone, head, (x, y))
    return Contest(arguments, {"torch.no_grad and torch.optim.SGD": frozen}, {"lr": 1e-4, "epochs": 4})


def supervised_learning_framework(data: Data) -> Contest:
    weight, samples, order = _regression(data)

    def by_hand(model: Any, objective: Any, weight: Tensor, samples: Any, unseen: Any, order: Tensor) -> Report:
        fitted = _loop(weight, _cut(samples, order, 32), 1e-4)
        with torch.no_grad():
            return Report(*fitted, *(_square(fitted.params, *part) for part in (samples, unseen)))

    def objective(predictions: Tensor, y: Tensor) -> Tensor:
        return ((predictions - y) ** 2).mean()

    arguments = (lambda weight, x: x @ weight, objective, weight, samples, samples, order)
    return Contest(arguments, {"torch.optim.SGD": by_hand}, {"lr": 1e-4})
