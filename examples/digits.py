"""Train a multi-layer perceptron on real handwritten digits, with either backend.

    python examples/digits.py --backend torch --optimizer adam --run runs/torch
    python examples/digits.py --backend reference --evaluate runs/torch/model.safetensors
    python examples/digits.py --compare
    torchrun --standalone --nproc-per-node 2 -- examples/digits.py --backend torch --run runs/two

The data are scikit-learn's 1,797 images of 8 by 8 pixels. Every number that is drawn comes from `gongsik.Draws`, so
both backends start from the same parameters and see the same batches. After every epoch all that is needed to go on is
written in one file: killed at any moment and started again, a run ends with the numbers of one that was never killed.
Under torchrun the processes share every batch (`digits_parallel.py`), and the first of them writes. Another network
(`digits_lenet.py`) is trained by the same text.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import gongsik
from gongsik import checkpoint
from gongsik.spec.network import MLP

RATES = {
    "gradient_descent": 0.2, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.03, "adadelta": 1.0, "rmsprop": 1e-3,
    "adam": 3e-3, "adamax": 5e-3, "adamw": 3e-3, "nadam": 3e-3, "radam": 3e-3,
}  # fmt: skip
"""Optimizers, with a learning rate that suits these data; Adadelta has none."""
SCHEDULES = ("cosine", "linear", "none")
BATCH = 32
TEST = 360
"""Images, out of 1,797, that are kept for the test."""

console = Console(highlight=False)


class Digits(NamedTuple):
    """Images as rows of 64 numbers from 0 to 1, and their labels."""

    x: np.ndarray
    y: np.ndarray


class Network(NamedTuple):
    """What is trained.

    Attributes
    ----------
    name : str
        Of the program.
    config : Any
        The configuration, which knows the parameters.
    forward : callable
        ``forward(bk, params, x)``: logits of a batch of images, rows of 64 numbers.
    rates : dict
        A learning rate for each optimizer.
    """

    name: str
    config: Any
    forward: Callable[[Any, Any, Any], Any]
    rates: dict[str, float]


CONFIG = MLP((64, 64, 10))
PERCEPTRON = Network("digits.py", CONFIG, lambda bk, params, x: bk.mlp(CONFIG, params, x), RATES)


def load_digits() -> tuple[Digits, Digits]:
    """Training and test images; the split is always the same."""
    from sklearn.datasets import load_digits as load

    x, y = load(return_X_y=True)
    order = gongsik.Draws(0).permutation("digits: split", len(y))
    digits = Digits(x[order] / 16, y[order].astype(np.int64))
    return Digits(*(part[TEST:] for part in digits)), Digits(*(part[:TEST] for part in digits))


@dataclass(frozen=True)
class Options:
    """What decides the numbers of a run: two runs with equal options are equal."""

    backend: str = "torch"
    device: str = "cpu"
    dtype: str = "float32"
    optimizer: str = "adam"
    schedule: str = "cosine"
    epochs: int = 20
    seed: int = 0


class Progressed(NamedTuple):
    """Where a run stands after an epoch: arrays of the backend, and what was measured so far."""

    params: dict[str, Any]
    state: Any
    losses: list[float]
    accuracies: list[float]


def loss_function(bk: Any, network: Network = PERCEPTRON) -> Any:
    """The loss of a batch as a function of the parameters: the same text for every backend."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return bk.softmax_cross_entropy(network.forward(bk, params, x), y)

    return loss


def update(bk: Any, name: str, params: Any, grads: Any, state: Any, lr: float) -> tuple[Any, Any]:
    """One step of an optimizer; `gradient_descent` has no state, `adadelta` no learning rate."""
    if name == "gradient_descent":
        return bk.gradient_descent(params, grads, lr=lr), None
    if name == "adadelta":
        return bk.adadelta(params, grads, state)
    return getattr(bk, name)(params, grads, state, lr=lr)


def initial_params(bk: Any, seed: int, network: Network = PERCEPTRON) -> dict[str, Any]:
    """He's initialization for the weights, 0 for the biases."""
    draws = gongsik.Draws(seed)

    def weight(name: str, shape: tuple[int, ...]) -> Any:
        rows = draws.normal(name, (shape[0], math.prod(shape[1:])))  # an output's weights are one row
        return bk.he_init(bk.asarray(rows)).reshape(shape)

    return {
        name: weight(name, shape) if len(shape) > 1 else bk.asarray(np.zeros(shape))
        for name, shape in network.config.parameters().items()
    }


def learning_rates(bk: Any, options: Options, steps: int, network: Network = PERCEPTRON) -> list[float]:
    """The learning rate of every step of a run."""
    base = network.rates[options.optimizer]
    if options.schedule == "none":
        return [base] * steps
    decay = bk.cosine_decay if options.schedule == "cosine" else bk.linear_decay
    return bk.to_numpy(decay(bk.asarray(np.arange(steps)), base_lr=base, total_steps=steps)).tolist()


def batches(seed: int, epoch: int, n: int) -> Iterator[np.ndarray]:
    """Indices of the batches of an epoch: a function of seed and epoch only. What fills no batch is left out."""
    order = gongsik.Draws(seed).permutation("digits: order", n, counter=epoch)
    for start in range(0, n - BATCH + 1, BATCH):
        yield order[start : start + BATCH]


def accuracy(bk: Any, params: Any, digits: Digits, network: Network = PERCEPTRON) -> float:
    """Share of the images whose largest logit is that of their label."""
    logits = bk.to_numpy(network.forward(bk, params, bk.asarray(digits.x)))
    return float((logits.argmax(-1) == digits.y).mean())


def train(
    options: Options, folder: Path | None = None, team: Any = None, *, network: Network = PERCEPTRON
) -> Progressed:
    """Train, from the last complete checkpoint of `folder` if there is one, alone or as one of a team of processes.

    Raises
    ------
    gongsik.BackendError
        If there is no such backend.
    gongsik.checkpoint.CheckpointError
        If `folder` holds a run with other options, or a file that is no checkpoint.
    """
    bk = gongsik.backend(options.backend, device=options.device, dtype=options.dtype)
    images, test = load_digits()
    per_epoch = len(images.y) // BATCH
    rates = learning_rates(bk, options, options.epochs * per_epoch, network)
    run = Progressed(initial_params(bk, options.seed, network), None, [], [])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        run = resume(bk, options, folder / "state.safetensors", network) or run
    x, y = bk.asarray(images.x), bk.asarray(images.y)
    value_and_grad = bk.value_and_grad(loss_function(bk, network))
    if team:
        import digits_parallel

        digits_parallel.check_start(len(run.losses))
        value_and_grad = digits_parallel.value_and_grad(bk, network.config, team, next(iter(run.params.values())))
    with progress_bar() as progress:
        done = len(run.losses)
        task = progress.add_task(f"{options.backend}, {options.optimizer}", total=len(rates), completed=done, says="")
        for epoch in range(done // per_epoch, options.epochs):
            params, state, losses = run.params, run.state, list(run.losses)
            for index in batches(options.seed, epoch, len(images.y)):
                loss, grads = value_and_grad(params, x[index], y[index])
                params, state = update(bk, options.optimizer, params, grads, state, rates[len(losses)])
                losses.append(float(loss))
                progress.advance(task)
            run = Progressed(params, state, losses, [*run.accuracies, accuracy(bk, params, test, network)])
            progress.update(task, says=f"loss {np.mean(losses[-per_epoch:]):.4f}, test {run.accuracies[-1]:.1%}")
            if folder and (team is None or team.rank == 0):
                save(bk, options, run, folder, network)
    return run


def progress_bar() -> Progress:
    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*parts, TextColumn("{task.fields[says]}"), console=console)


# Checkpoints: one file to go on from, one with the parameters alone, for any program


def save(bk: Any, options: Options, run: Progressed, folder: Path, network: Network = PERCEPTRON) -> None:
    """Write both files, each at once and whole: first the parameters, then the state that says they are there."""
    arrays = flatten({"params": run.params, "state": run.state})
    history = {"losses": np.array(run.losses), "accuracies": np.array(run.accuracies)}
    model = {name: bk.to_numpy(array) for name, array in run.params.items()}
    checkpoint.save(folder / "model.safetensors", model, {"config": json.dumps(settings(network.config))})
    everything = {name: bk.to_numpy(array) for name, array in arrays.items()} | history
    checkpoint.save(folder / "state.safetensors", everything, {"options": json.dumps(asdict(options))})


def resume(bk: Any, options: Options, path: Path, network: Network = PERCEPTRON) -> Progressed | None:
    """What `save` wrote; None if there is nothing yet."""
    if not path.exists():
        return None
    arrays, metadata = checkpoint.load(path)
    theirs = json.loads(metadata.get("options", "{}"))
    other = [f"{key}={theirs.get(key)!r}" for key, value in asdict(options).items() if theirs.get(key) != value]
    if other:
        raise checkpoint.CheckpointError(f"{path} is of a run with {', '.join(other)}: choose another --run")
    zeros = {name: bk.asarray(np.zeros(shape)) for name, shape in network.config.parameters().items()}
    _, state = update(bk, options.optimizer, zeros, zeros, None, 0.0)  # for its form only
    losses, accuracies = arrays.pop("losses").tolist(), arrays.pop("accuracies").tolist()
    made = {name: bk.asarray(array, dtype=str(array.dtype)) for name, array in arrays.items()}
    found = rebuild({"params": zeros, "state": state}, made)
    return Progressed(found["params"], found["state"], losses, accuracies)


def settings(config: Any) -> dict[str, Any]:
    """What a configuration was made with."""
    parts = {part.name: getattr(config, part.name) for part in fields(config) if part.init}
    return {name: settings(part) if is_dataclass(part) else part for name, part in parts.items()}


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Arrays of nested dicts and named tuples, by their path."""
    if tree is None:
        return {}
    if isinstance(tree, tuple):
        tree = tree._asdict()  # pyright: ignore[reportAttributeAccessIssue]
    if not isinstance(tree, dict):
        return {prefix[:-1]: tree}
    return {path: array for name, part in tree.items() for path, array in flatten(part, f"{prefix}{name}/").items()}


def rebuild(tree: Any, arrays: dict[str, Any], prefix: str = "") -> Any:
    """The tree with the arrays of these paths."""
    if tree is None:
        return None
    if isinstance(tree, tuple):
        parts = rebuild(tree._asdict(), arrays, prefix)  # pyright: ignore[reportAttributeAccessIssue]
        return type(tree)(**parts)
    if not isinstance(tree, dict):
        return arrays[prefix[:-1]]
    return {name: rebuild(part, arrays, f"{prefix}{name}/") for name, part in tree.items()}


def plot(run: Progressed, title: str, path: Path) -> None:
    """Loss of every step and test accuracy after every epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    left.semilogy(np.arange(1, len(run.losses) + 1), run.losses, linewidth=0.8, color="tab:blue")
    left.set(xlabel="step", title=title)
    left.set_ylabel("training loss", color="tab:blue")
    right = left.twinx()
    epochs = np.arange(1, len(run.accuracies) + 1)
    right.plot(epochs * len(run.losses) / len(epochs), run.accuracies, "o-", markersize=3, color="tab:orange")
    right.set_ylabel("test accuracy", color="tab:orange")
    figure.savefig(path, dpi=150)


def evaluate(options: Options, path: Path, network: Network = PERCEPTRON) -> float:
    """Test accuracy of a checkpoint, whichever backend wrote it."""
    bk = gongsik.backend(options.backend, device=options.device, dtype=options.dtype)
    arrays = checkpoint.load(path, network.config.parameters()).params
    params = {name: bk.asarray(array) for name, array in arrays.items()}
    return accuracy(bk, params, load_digits()[1], network)


def main(
    arguments: list[str] | None = None, network: Network = PERCEPTRON, defaults: Options = Options(), about: str = ""
) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog=network.name, description=(about or __doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", default=defaults.backend, help="reference, torch or a module (%(default)s)")
    parser.add_argument("--device", default=defaults.device, help="where the backend computes (%(default)s)")
    parser.add_argument("--dtype", default=defaults.dtype, choices=("float32", "float64"), help="(%(default)s)")
    parser.add_argument("--optimizer", default=defaults.optimizer, choices=tuple(RATES), help="(%(default)s)")
    parser.add_argument("--schedule", default=defaults.schedule, choices=SCHEDULES, help="(%(default)s)")
    parser.add_argument("--epochs", default=defaults.epochs, type=int, help="(%(default)s)")
    parser.add_argument("--seed", default=defaults.seed, type=int, help="(%(default)s)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="for checkpoints and the plot; a run there goes on")
    parser.add_argument("--evaluate", type=Path, metavar="FILE", help="do not train: test this checkpoint")
    parser.add_argument("--compare", action="store_true", help="train both backends and hold them against each other")
    given = parser.parse_args(arguments)
    if given.epochs < 1 or given.seed < 0:
        parser.error("--epochs must be at least 1, --seed at least 0")
    options = Options(**{name: getattr(given, name) for name in asdict(defaults)})
    team = None
    if "LOCAL_RANK" in os.environ:  # torchrun has started this process
        if network is not PERCEPTRON:
            parser.error(f"under torchrun there is training of {PERCEPTRON.name} only")
        if options.backend != "torch" or given.evaluate or given.compare:
            parser.error("under torchrun there is training with --backend torch only")
        import digits_parallel

        team = digits_parallel.join(options.device)
        console.quiet = team.rank > 0
        if team.size > BATCH:
            parser.error(f"{team.size} processes cannot share batches of {BATCH}")
    try:
        if given.evaluate:
            console.print(f"{options.backend}: test accuracy {evaluate(options, given.evaluate, network):.2%}")
        elif given.compare:
            from digits_compare import compare

            return compare(options, given.run, network)
        else:
            run = train(options, given.run, team, network=network)
            console.print(f"{options.backend}: test accuracy {run.accuracies[-1]:.2%}, loss {run.losses[-1]:.6f}")
            if given.run and not console.quiet:
                plot(run, f"{options.backend}, {options.optimizer}, {options.schedule}", given.run / "curves.png")
                console.print(f"checkpoint and plot are in {given.run}")
    except (gongsik.BackendError, checkpoint.CheckpointError, FileNotFoundError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print("stopped" + (": the same command goes on from the last epoch" if given.run else ""))
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
