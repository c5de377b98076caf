"""Train one network on few digits, with and without each regularizer, and measure what it does to the gap.

    python examples/regularizers.py --backend torch
    python examples/regularizers.py --backend reference --runs 1 --epochs 20
    python examples/regularizers.py --json docs/regularizers.json

A network with 9,000 weights learns 200 of scikit-learn's digits; 200 others are for early stopping, the remaining 1,397
for the test. Every method sees the same images, starts from the same weights and takes the same batches; each is run on
several splits, all of which come from one seed. Regularizers act in training only: all numbers are of the bare network.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from digits import Digits, console, load_digits, progress_bar
from rich.table import Table

import gongsik
from gongsik.spec.network import MLP

CONFIG = MLP((64, 128, 10))
BATCH = 20
RATE = 0.5
TRAIN, VALIDATION = 200, 200


@dataclass(frozen=True)
class Regularizer:
    """What is done to a training; a strength of 0 leaves it away."""

    l2: float = 0.0
    l1: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0
    input_noise: float = 0.0
    label_smoothing: float = 0.0
    mixup: bool = False
    shift: int = 0
    patience: int | None = None


METHODS = {
    "none": Regularizer(),
    "L2 penalty": Regularizer(l2=3e-3),
    "weight decay": Regularizer(weight_decay=3e-3),
    "L1 penalty": Regularizer(l1=3e-4),
    "early stopping": Regularizer(patience=10),
    "dropout": Regularizer(dropout=0.5),
    "input noise": Regularizer(input_noise=0.2),
    "label smoothing": Regularizer(label_smoothing=0.1),
    "mixup": Regularizer(mixup=True),
    "shift by a pixel": Regularizer(shift=1),
}


class Measured(NamedTuple):
    """How a trained network does: accuracies and losses on what it was trained on and on the test images."""

    train_accuracy: float
    test_accuracy: float
    train_loss: float
    test_loss: float
    epochs: float


@dataclass(frozen=True)
class Options:
    """What decides the numbers."""

    backend: str = "torch"
    epochs: int = 100
    runs: int = 5
    seed: int = 0


def split(seed: int, run: int) -> tuple[Digits, Digits, Digits]:
    """Training, validation and test images of a run."""
    x, y = (np.concatenate(parts) for parts in zip(*load_digits(), strict=True))
    order = gongsik.Draws(seed).permutation("regularizers: split", len(y), counter=run)
    cuts = np.split(order, [TRAIN, TRAIN + VALIDATION])
    train, validation, test = (Digits(x[part], y[part]) for part in cuts)
    return train, validation, test


def logits(bk: Any, params: Any, x: Any, drop: Callable[[Any], Any] = lambda h: h) -> Any:
    """One hidden layer, whose units may be dropped."""
    h = drop(bk.relu(bk.linear(x, params["0.weight"], params["0.bias"])))
    return bk.linear(h, params["2.weight"], params["2.bias"])


def objective(bk: Any, method: Regularizer) -> Any:
    """What training makes small, as a function of the parameters: the loss of a batch and the penalties."""

    def of(params: Any, x: Any, target: Any, uniform: Any) -> Any:
        def drop(h: Any) -> Any:
            return bk.inverted_dropout(h, uniform, p=method.dropout) if method.dropout else h

        loss = bk.cross_entropy(bk.softmax(logits(bk, params, x, drop)), target)
        weights = [w for name, w in params.items() if name.endswith("weight")]
        if method.l2:
            loss = bk.regularized_objective(loss, bk.l2_penalty(weights), strength=method.l2)
        if method.l1:
            loss = bk.regularized_objective(loss, bk.l1_penalty(weights), strength=method.l1)
        return loss

    return of


def batch(bk: Any, method: Regularizer, images: Digits, index: np.ndarray, draws: gongsik.Draws, step: int) -> Any:
    """The images and targets of a step, changed as the method wants it, and the draws for dropout."""
    n = len(index)
    x, target = bk.asarray(images.x[index]), bk.asarray(np.eye(10)[images.y[index]])
    if method.shift:
        side = 8 + 2 * method.shift
        padded = np.pad(images.x[index].reshape(n, 8, 8), [(0, 0), *2 * [(method.shift,) * 2]])
        corners = draws.integers("shift", (2, n), side - 8 + 1, counter=step)
        x = bk.random_crop(bk.asarray(padded), *map(bk.asarray, corners), size=8).reshape(n, 64)
    if method.input_noise:
        x = bk.input_noise(x, bk.asarray(draws.normal("noise", x.shape, counter=step)), std=method.input_noise)
    if method.label_smoothing:
        target = bk.label_smoothing(target, eps=method.label_smoothing)
    if method.mixup:  # a uniform share is Beta(1, 1)
        lam = np.full(n, draws.uniform("share", counter=step))
        partner = draws.permutation("partner", n, counter=step)
        x, target = bk.mixup(x, target, bk.asarray(lam), bk.asarray(partner))
    uniform = bk.asarray(draws.uniform("dropout", (n, CONFIG.sizes[1]), counter=step)) if method.dropout else None
    return x, target, uniform


def loss_and_accuracy(bk: Any, params: Any, images: Digits) -> tuple[float, float]:
    z, y = logits(bk, params, bk.asarray(images.x)), images.y
    loss = bk.softmax_cross_entropy(z, bk.asarray(y))
    return float(loss), float((bk.to_numpy(z).argmax(-1) == y).mean())


def decayed(bk: Any, params: Any, grads: Any, method: Regularizer) -> Any:
    """One step of gradient descent. Weights decay, biases do not, just as penalties are of weights only."""
    new = {}
    for name, w in params.items():
        decay = method.weight_decay if name.endswith("weight") else 0.0
        new[name] = bk.weight_decay(w, grads[name], lr=RATE, weight_decay=decay)
    return new


def train(bk: Any, method: Regularizer, options: Options, run: int, advance: Callable[[], Any]) -> Measured:
    """Train on one split and measure."""
    images, validation, test = split(options.seed, run)
    draws = gongsik.Draws(options.seed * 1000 + run)
    params = {
        name: bk.he_init(bk.asarray(draws.normal(name, shape))) if len(shape) == 2 else bk.asarray(np.zeros(shape))
        for name, shape in CONFIG.parameters().items()
    }
    value_and_grad, step, state, best = bk.value_and_grad(objective(bk, method)), 0, None, params
    epoch = 0
    for epoch in range(1, options.epochs + 1):
        order = draws.permutation("order", TRAIN, counter=epoch)
        for index in np.split(order, TRAIN // BATCH):
            _, grads = value_and_grad(params, *batch(bk, method, images, index, draws, step))
            params, step = decayed(bk, params, grads, method), step + 1
        advance()
        if method.patience:
            loss = np.array(loss_and_accuracy(bk, params, validation)[0])
            stop, state = bk.early_stopping(bk.asarray(loss), state, patience=method.patience)
            best = params if int(state.best_step) == epoch else best
            if bool(stop):
                break
    params = best if method.patience else params
    (train_loss, train_accuracy), (test_loss, test_accuracy) = (
        loss_and_accuracy(bk, params, part) for part in (images, test)
    )
    return Measured(train_accuracy, test_accuracy, train_loss, test_loss, epoch)


def compare(options: Options) -> dict[str, list[Measured]]:
    """Every method on every split."""
    bk = gongsik.backend(options.backend, dtype="float64")
    found: dict[str, list[Measured]] = {}
    with progress_bar() as progress:
        for name, method in METHODS.items():
            task = progress.add_task(name, total=options.runs * options.epochs, says="")
            found[name] = []
            for run in range(options.runs):
                found[name].append(train(bk, method, options, run, lambda task=task: progress.advance(task)))
                progress.update(task, completed=(run + 1) * options.epochs, says=f"test {mean(found[name])[1]:.1%}")
    return found


def mean(measured: list[Measured]) -> Measured:
    return Measured(*np.mean(measured, axis=0).tolist())


def gained(found: dict[str, list[Measured]], name: str) -> tuple[float, float]:
    """How much better the test accuracy is than without a regularizer, and the standard error of that mean.

    Run by run, because runs of one split have more in common than runs of different ones.
    """
    pairs = zip(found[name], found["none"], strict=True)
    differences = np.array([ours.test_accuracy - bare.test_accuracy for ours, bare in pairs])
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else float("nan")
    return float(differences.mean()), float(error)


HEAD = ("", "training", "test", "training loss", "test loss", "gap", "change of the test")


def rows(found: dict[str, list[Measured]]) -> list[tuple[str, ...]]:
    """The table, as text: means over the runs, and changes against no regularizer in percentage points."""
    table = []
    for name, measured in found.items():
        m, (gain, error) = mean(measured), gained(found, name)
        change = "" if name == "none" else f"{100 * gain:+.1f} ± {100 * error:.1f}"
        accuracies, losses = (
            (m.train_accuracy, m.test_accuracy),
            (m.train_loss, m.test_loss, m.test_loss - m.train_loss),
        )
        table.append((name, *(f"{100 * x:.1f} %" for x in accuracies), *(f"{x:.3f}" for x in losses), change))
    return table


def load(path: Path) -> tuple[dict[str, Any], dict[str, list[Measured]]]:
    """Options and measurements that `main` wrote."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["options"], {name: [Measured(*run) for run in runs] for name, runs in kept["measured"].items()}


def plot(found: dict[str, list[Measured]], path: Path) -> None:
    """Training and test loss of every method, as the ends of a bar."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.subplots()
    for i, measured in enumerate(found.values()):
        m = mean(measured)
        ax.plot([m.train_loss, m.test_loss], [i, i], color="tab:gray")
        ax.plot(m.train_loss, i, "o", color="tab:blue", label="training" if i == 0 else None)
        ax.plot(m.test_loss, i, "o", color="tab:orange", label="test" if i == 0 else None)
    ax.set(xlabel="loss", yticks=range(len(found)), yticklabels=list(found), title="The gap, by regularizer")
    ax.invert_yaxis()
    ax.legend()
    figure.savefig(path, dpi=150)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    defaults = Options()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", default=defaults.backend, help="reference, torch or a module (%(default)s)")
    parser.add_argument("--epochs", default=defaults.epochs, type=int, help="(%(default)s)")
    parser.add_argument("--runs", default=defaults.runs, type=int, help="splits of the data (%(default)s)")
    parser.add_argument("--seed", default=defaults.seed, type=int, help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the gaps")
    given = parser.parse_args(arguments)
    if given.epochs < 1 or given.runs < 1 or given.seed < 0:
        parser.error("--epochs and --runs must be at least 1, --seed at least 0")
    options = Options(**{name: getattr(given, name) for name in asdict(defaults)})
    try:
        found = compare(options)
    except gongsik.BackendError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    table = Table(*HEAD)
    for row in rows(found):
        table.add_row(*row)
    console.print(table)
    if given.json:
        kept = {"options": asdict(options), "measured": found}
        given.json.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if given.plot:
        plot(found, given.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
