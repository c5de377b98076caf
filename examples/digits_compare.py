"""`digits.py --compare`: the two backends against each other, step by step and left to themselves.

Step by step: at every step of PyTorch's run both backends get the same parameters, the same batch and the same state,
and compute loss, gradients and update. PyTorch's must lie within the error bound that the reference derives for its own
text. Left to themselves, two runs in floating point drift apart, however right both are: that is shown beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from digits import (
    BATCH,
    PERCEPTRON,
    Network,
    Options,
    Progressed,
    batches,
    console,
    initial_params,
    learning_rates,
    load_digits,
    loss_function,
    progress_bar,
    train,
    update,
)

import gongsik
from gongsik.conformance.agreement import Exact, K, Target, Verdict, evaluate, judge
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec.tree import map_leaves


@dataclass(frozen=True)
class Step:
    """One step: the backend's loss, how far it is off and may be, and the verdicts."""

    loss: float
    error: float
    allowed: float
    gradients: Verdict
    update: Verdict


def steps(options: Options, network: Network = PERCEPTRON) -> Iterator[Step]:
    """Every step of the backend's run, beside what the reference makes of the same numbers."""
    bk = gongsik.backend(options.backend, device=options.device, dtype=options.dtype)
    precision = PRECISIONS[options.dtype]
    target, exact = Target(bk, precision, options.device), Exact(precision)
    images = load_digits()[0]

    def loss_and_gradients(gs: Any, params: Any, x: Any, y: Any) -> Any:
        return gs.value_and_grad(loss_function(gs, network))(params, x, y)

    x = images.x.astype(options.dtype).astype(np.float64)
    rates = iter(learning_rates(bk, options, options.epochs * (len(x) // BATCH), network))
    # What both get is NumPy's float64; its values are the backend's own, so nothing is rounded on the way.
    params, state = to_float64(bk, initial_params(bk, options.seed, network)), None
    for epoch in range(options.epochs):
        for index in batches(options.seed, epoch, len(x)):
            case = Case((params, x[index], images.y[index]))
            loss, grads = evaluate(loss_and_gradients, target, case)
            expected_loss, expected_grads = evaluate(loss_and_gradients, exact, case)
            slopes = judge(grads, expected_grads, target) & judge(loss, expected_loss, target)

            case = Case((options.optimizer, params, to_float64(bk, grads), state, next(rates)))
            after = evaluate(update, target, case)
            moved = judge(without_none(after), without_none(evaluate(update, exact, case)), target)
            allowed = K * float(expected_loss.error)
            yield Step(float(loss), abs(float(loss) - float(expected_loss.value)), allowed, slopes, moved)
            params, state = to_float64(bk, after)


def without_none(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part for part in parts if part is not None)


def to_float64(bk: Any, tree: Any) -> Any:
    """Arrays of the backend as NumPy's, real numbers in float64."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(to_float64(bk, part) for part in tree))
    if tree is None or isinstance(tree, tuple):
        return tree and tuple(to_float64(bk, part) for part in tree)

    def convert(x: Any) -> np.ndarray:
        array = bk.to_numpy(x)
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    return map_leaves(convert, tree)


def compare(options: Options, folder: Path | None, network: Network = PERCEPTRON) -> int:
    """Run both comparisons, print and plot them; returns 1 if a step lies outside its bound."""
    found: list[Step] = []
    total = options.epochs * (len(load_digits()[0].y) // BATCH)
    with progress_bar() as progress:
        task = progress.add_task("step by step", total=total, says="")
        for step in steps(options, network):
            found.append(step)
            progress.update(task, advance=1, says=f"loss {step.loss:.4f}")
    outside = [i for i, s in enumerate(found) if not (s.error <= s.allowed and s.gradients.agreed and s.update.agreed)]
    silent = sum(not (s.gradients.conclusive and s.update.conclusive) for s in found)
    bits = max(max(s.gradients.bits_lost, s.update.bits_lost) for s in found)
    console.print(
        f"step by step: {len(found) - len(outside)} of {len(found)} steps agree in loss, gradients and update, "
        f"{silent} inconclusive, {bits:.1f} bits lost at most"
    )
    for i in outside[:3]:
        console.print(f"  step {i + 1}: {found[i].gradients.message or found[i].update.message}", markup=False)

    free = train(options, network=network), train(replace(options, backend="reference"), network=network)
    drift = np.abs(np.subtract(free[0].losses, free[1].losses))
    ends = " and ".join(f"{run.accuracies[-1]:.2%}" for run in free)
    console.print(f"left to themselves: losses at most {drift.max():.1e} apart, test accuracy {ends}")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        plot(options, found, free, folder / "compare.png")
        console.print(f"plot is {folder / 'compare.png'}")
    return 1 if outside else 0


def plot(options: Options, found: list[Step], free: tuple[Progressed, Progressed], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    at = np.arange(1, len(found) + 1)
    for run, name, style in zip(free, (options.backend, "reference"), ("-", "--"), strict=True):
        above.semilogy(at, run.losses, style, linewidth=1, label=name)
    above.set(ylabel="training loss", title=f"{options.optimizer}, {options.dtype}")
    above.legend()
    tiny = np.finfo(options.dtype).tiny
    below.semilogy(at, [step.allowed for step in found], linewidth=1, label="error bound")
    below.semilogy(at, [max(step.error, tiny) for step in found], ".", markersize=2, label="same parameters")
    drift = np.abs(np.subtract(free[0].losses, free[1].losses))
    below.semilogy(at, np.maximum(drift, tiny), linewidth=0.6, label="left to themselves")
    below.set(xlabel="step", ylabel="difference of the losses")
    below.set_ylim(bottom=min(step.allowed for step in found) * 1e-4)
    below.legend()
    figure.savefig(path, dpi=150)
