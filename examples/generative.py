"""What the programs that train models of images and texts share: a loop that resumes, the digits, a distance to them.

A program says how one step goes, from all the arrays of a run to the next ones; `train` repeats it, shows how far it is
and writes checkpoints. `main` is the command line of such a program. How far samples are from real digits is measured
by `distance_to_digits`.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import digits
import numpy as np
from digits import Digits, console, flatten, progress_bar, rebuild

import gongsik
from gongsik import checkpoint
from gongsik.spec.network import MLP

SIDE = 8
"""Pixels along each side of an image; a row of `images` has SIDE * SIDE of them, from 0 (paper) to 1 (ink)."""
LEVELS = 16
"""Steps from paper to ink in scikit-learn's digits."""
CLASSIFIER = digits.Network(
    "classifier", MLP((64, 32, 10)), lambda bk, params, x: bk.mlp(MLP((64, 32, 10)), params, x), digits.RATES
)
"""The network whose hidden layer says how digits differ."""


@dataclass(frozen=True)
class Options:
    """What decides the numbers of a run: two runs with equal options are equal. A program may add its own."""

    backend: str = "torch"
    dtype: str = "float32"
    steps: int = 2000
    seed: int = 0


class Trained(NamedTuple):
    """Where a run stands: arrays of the backend, in a tree, and what every step has measured, by name."""

    tree: Any
    history: dict[str, list[float]]


Step = Callable[[Any, int], tuple[Any, Mapping[str, Any]]]
"""``step(tree, i)``: the arrays after step i, from those before it, and the numbers that it has measured."""


def images() -> tuple[Digits, Digits]:
    """Training images (1,437) and held-out ones (360) as rows of 64 numbers from 0 to 1, and their labels."""
    return digits.load_digits()


def binary(x: np.ndarray) -> np.ndarray:
    """Images in ink or paper alone, as 0.0 and 1.0: ink is what is at least half dark."""
    return (x >= 0.5).astype(np.float64)


def batch(seed: int, step: int, n: int, size: int) -> np.ndarray:
    """Indices of the batch of a step, of n images; every epoch has its own order, and leaves out what fills no batch.

    Raises
    ------
    ValueError
        If n images fill no batch.
    """
    if n < size:
        raise ValueError(f"{n} images fill no batch of {size}")
    epoch, place = divmod(step, n // size)
    order = gongsik.Draws(seed).permutation("generative: order", n, counter=epoch)
    return order[place * size : (place + 1) * size]


def initial(bk: Any, table: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Any]:
    """Arrays of the names and shapes of a configuration's table, to start from.

    Weights by He's initialization; normalization begins as the identity; everything else is 0.
    """
    draws = gongsik.Draws(seed)

    def array(name: str, shape: tuple[int, ...]) -> Any:
        if len(shape) > 1:
            return bk.he_init(bk.asarray(draws.normal(name, (shape[0], int(np.prod(shape[1:])))))).reshape(shape)
        if name.endswith("num_batches_tracked"):
            return bk.asarray(np.array(0))
        return bk.asarray(np.ones(shape) if name.endswith(("weight", "running_var")) else np.zeros(shape))

    return {name: array(name, shape) for name, shape in table.items()}


def train(
    bk: Any, options: Options, start: Any, step: Step, folder: Path | None = None, *, every: int = 200, name: str = ""
) -> Trained:
    """Repeat a step, from the last complete checkpoint of `folder` if there is one.

    Parameters
    ----------
    bk : backend
        Where the arrays are.
    options : Options
        They decide the run; `options.steps` is its length.
    start : tree
        Arrays in dicts and named tuples before the first step. The state of an optimizer may be None.
    step : callable
        A function of the arrays and the number of the step alone, which draws by that number: then a run that was
        stopped ends with the numbers of one that was not.
    folder : path, optional
        For the checkpoint, one file that is written every so many steps, and at the end.
    every : int
        Steps between checkpoints.
    name : str
        In front of the progress bar.

    Raises
    ------
    gongsik.checkpoint.CheckpointError
        If `folder` holds a run with other options, or a file that is no checkpoint.
    """
    run = Trained(start, {})
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        run = resume(bk, options, folder / "state.safetensors", start, step) or run
    done = len(next(iter(run.history.values()), []))
    tree, history = run.tree, {key: list(values) for key, values in run.history.items()}
    with progress_bar() as progress:
        task = progress.add_task(name or options.backend, total=options.steps, completed=done, says="")
        for i in range(done, options.steps):
            tree, measured = step(tree, i)
            for key, value in measured.items():
                history.setdefault(key, []).append(float(value))
            progress.advance(task)
            if (i + 1) % every == 0 or i + 1 == options.steps:
                means = (f"{key} {np.mean(values[-every:]):.4f}" for key, values in history.items())
                progress.update(task, says=", ".join(means))
                if folder:
                    save(bk, options, Trained(tree, history), folder / "state.safetensors")
    return Trained(tree, history)


def save(bk: Any, options: Options, run: Trained, path: Path) -> None:
    """Write all that it takes to go on, in one file, at once and whole."""
    arrays = {key: bk.to_numpy(array) for key, array in flatten({"tree": run.tree}).items()}
    history = {f"history/{key}": np.array(values) for key, values in run.history.items()}
    checkpoint.save(path, arrays | history, {"options": json.dumps(asdict(options))})


def resume(bk: Any, options: Options, path: Path, start: Any, step: Step) -> Trained | None:
    """What `save` wrote; None if there is nothing yet."""
    if not path.exists():
        return None
    arrays, metadata = checkpoint.load(path)
    theirs = json.loads(metadata.get("options", "{}"))
    other = [f"{key}={theirs.get(key)!r}" for key, value in asdict(options).items() if theirs.get(key) != value]
    if other:
        raise checkpoint.CheckpointError(f"{path} is of a run with {', '.join(other)}: choose another --run")
    history = {key.removeprefix("history/"): x.tolist() for key, x in arrays.items() if key.startswith("history/")}
    form, _ = step(start, 0)  # for its form only: optimizers have a state after the first step
    made = {key: bk.asarray(x, dtype=str(x.dtype)) for key, x in arrays.items() if key.startswith("tree/")}
    return Trained(rebuild({"tree": form}, made)["tree"], history)


def thinned(values: list[float], points: int = 100) -> list[float]:
    """Means of so many equal parts of a curve, for a JSON file; what fills no part at the end is left out."""
    each = max(1, len(values) // points)
    means = np.array(values[: len(values) // each * each]).reshape(-1, each).mean(1)
    return [round(float(x), 4) for x in means]


# Pictures


def grid(x: np.ndarray, columns: int) -> np.ndarray:
    """Images [n 64] side by side in rows, as one picture [rows * 8, columns * 8]; what fills no row is left out."""
    rows = len(x) // columns
    tiles = x[: rows * columns].reshape(rows, columns, SIDE, SIDE)
    return tiles.swapaxes(1, 2).reshape(rows * SIDE, columns * SIDE)


def text(picture: np.ndarray) -> list[str]:
    """A picture with numbers from 0 to 1 as rows of hexadecimal digits, for a JSON file; `from_text` reads them."""
    return ["".join(f"{x:x}" for x in row) for row in np.rint(15 * np.clip(picture, 0, 1)).astype(int).tolist()]


def from_text(rows: list[str]) -> np.ndarray:
    return np.array([[int(x, 16) for x in row] for row in rows]) / 15


# How far samples are from data


@cache
def classifier() -> dict[str, np.ndarray]:
    """Parameters of `CLASSIFIER`: 20 epochs of Adam on the 1,437 training images, seed 0, NumPy in float64."""
    quiet, console.quiet = console.quiet, True
    try:
        return digits.train(digits.Options("reference", dtype="float64"), network=CLASSIFIER).params
    finally:
        console.quiet = quiet


def features(x: np.ndarray) -> np.ndarray:
    """What the 32 hidden units of the classifier say of images [n 64], after their ReLU: [n 32]."""
    params = classifier()
    return np.maximum(x @ params["0.weight"].T + params["0.bias"], 0)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Fréchet distance between the normal distributions that fit two sets of vectors [n d].

    ``|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2))``, with means m and covariances S: their
    2-Wasserstein distance, squared. Dowson & Landau 1982; Heusel et al. 2017.
    """
    means, covariances = ([f(x) for x in (a, b)] for f in (lambda x: x.mean(0), lambda x: np.cov(x, rowvar=False)))
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + sum(np.trace(s) for s in covariances) - 2 * common)


def distance_to_digits(samples: np.ndarray, real: np.ndarray | None = None) -> float:
    """`frechet_distance` between the `features` of samples [n 64] and of the 360 held-out digits.

    It depends on the number of samples: compare equal numbers, say 1,000. `real` replaces the held-out digits, by their
    binary form, for example, where the samples are binary.
    """
    return frechet_distance(features(samples), features(images()[1].x if real is None else real))


def references(n: int = 1000) -> dict[str, float]:
    """Distances that tell how to read others: of real digits (the least to hope for), of independent pixels, of noise.

    "pixels" draws every pixel for itself, from its own values in the training images.
    """
    x, draws = images()[0].x, gongsik.Draws(0)
    rows = draws.permutation("references: digits", len(x))[:n]
    pixels = x[draws.integers("references: pixels", (n, x.shape[1]), len(x)), np.arange(x.shape[1])]
    found = {"digits": x[rows], "pixels": pixels, "noise": draws.uniform("references: noise", (n, x.shape[1]))}
    return {name: distance_to_digits(samples) for name, samples in found.items()}


# The command line


def main(
    arguments: list[str] | None, about: str, defaults: Options, run: Callable[[Any, Path | None], dict[str, Any]],
    least: Mapping[str, int] | None = None, under: Callable[[Any], str] | None = None,
) -> int:  # fmt: skip
    """Run a program from the command line; returns the exit code.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    about : str
        The program's docstring.
    defaults : Options
        Every field becomes an option of the command line.
    run : callable
        ``run(options, folder)`` trains and returns what goes into the JSON file; numbers under "measured" are printed.
    least : mapping of str to int, optional
        The least value of numeric options, besides 1 for steps and 0 for the seed.
    under : callable, optional
        ``under(options)``, by which the JSON file keeps the results beside those of other runs; else it has one.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    choices = {"dtype": ("float32", "float64")}
    for key, default in asdict(defaults).items():
        flag = f"--{key.replace('_', '-')}"
        parser.add_argument(flag, default=default, type=type(default), choices=choices.get(key), help="(%(default)s)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="for checkpoints; a run there goes on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    given = vars(parser.parse_args(arguments))
    for key, low in {"steps": 1, "seed": 0, **(least or {})}.items():
        if given[key] < low:
            parser.error(f"--{key.replace('_', '-')} must be at least {low}")
    options = type(defaults)(**{key: given[key] for key in asdict(defaults)})
    try:
        found = run(options, given["run"])
    except (gongsik.BackendError, checkpoint.CheckpointError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print("stopped" + (": the same command goes on from the last checkpoint" if given["run"] else ""))
        return 130
    for key, value in found.get("measured", {}).items():
        console.print(f"{key}: {value:.4f}" if isinstance(value, float) else f"{key}: {value}")
    if given["json"]:
        kept = {"options": asdict(options), **found}
        if under:
            others = json.loads(given["json"].read_text(encoding="utf-8")) if given["json"].exists() else {}
            kept = {**others, under(options): kept}
        given["json"].write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0
