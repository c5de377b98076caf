"""Say of every pixel of a scene which digit it belongs to: a small U-Net and a small FCN, with either backend.

    python examples/digits_segmentation.py --network unet --run runs/unet
    python examples/digits_segmentation.py --network fcn --run runs/fcn
    python examples/digits_segmentation.py --network unet --backend reference --scenes 64 --epochs 2
    python examples/digits_segmentation.py --json docs/segmentation.json --run runs/segmentation

The scenes are those of `digit_scenes.py`: handwritten digits at random places of a canvas of 48 by 48 pixels, which may
overlap; the digits of the held-out scenes are others than those of the training. After every epoch all that is needed
to go on is written in one file: killed and started again, a run ends with the numbers of one that was never killed.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from digit_scenes import BACKGROUND, Scenes, class_map, scenes
from digits import console, flatten, progress_bar, rebuild
from rich.table import Table

import gongsik
from gongsik import checkpoint
from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.segmentation import FCN, UNet

CLASSES = BACKGROUND + 1
NETWORKS = {
    "unet": UNet(1, CLASSES, width=8, depth=3, padding=1, norm=True),
    "fcn": FCN(CLASSES, ResNet(blocks=(2, 2), width=24, channels=1, bottleneck=False), stride=4),
}
RATE = 3e-3
BATCH = 16
HELD_OUT = 200
"""Scenes on which is measured."""
SHOWN = 4
"""Held-out scenes of which the predictions are kept."""
SIZES = (15, 19)
"""Heights from which on a digit is of middle size, and large."""


@dataclass(frozen=True)
class Options:
    """What decides the numbers of a run: two runs with equal options are equal."""

    network: str = "unet"
    backend: str = "torch"
    dtype: str = "float32"
    scenes: int = 1200
    epochs: int = 20
    seed: int = 0


class Progressed(NamedTuple):
    """Where a run stands after an epoch: arrays of the backend, and the mean loss of every epoch so far."""

    params: dict[str, Any]
    buffers: dict[str, Any]
    state: Any
    losses: list[float]


class Measured(NamedTuple):
    """How well the pixels of the held-out scenes are classified.

    Attributes
    ----------
    accuracy, mean_iou : float
        Of all pixels, over all classes.
    small, middle, large : float
        Share of a digit's pixels that are right, on the average over the digits of a size.
    """

    accuracy: float
    mean_iou: float
    small: float
    middle: float
    large: float


@cache
def held_out() -> Scenes:
    return scenes(HELD_OUT, split="test")


def initial(bk: Any, options: Options) -> tuple[dict[str, Any], dict[str, Any]]:
    """He's initialization for the weights; normalization begins as the identity; 0 for the rest."""
    config, draws = NETWORKS[options.network], gongsik.Draws(options.seed)

    def array(name: str, shape: tuple[int, ...]) -> Any:
        if len(shape) > 1:
            rows = bk.asarray(draws.normal(name, (shape[0], int(np.prod(shape[1:])))))
            return bk.he_init(rows).reshape(shape)
        if name.endswith("num_batches_tracked"):
            return bk.asarray(np.array(0))
        return bk.asarray(np.ones(shape) if name.endswith(("weight", "running_var")) else np.zeros(shape))

    tables = config.parameters(), config.buffers()
    params, buffers = ({name: array(name, shape) for name, shape in table.items()} for table in tables)
    return params, buffers


def batches(options: Options, epoch: int) -> Iterator[np.ndarray]:
    """Indices of the batches of an epoch; what fills no batch is left out."""
    order = gongsik.Draws(options.seed).permutation("segmentation: order", options.scenes, counter=epoch)
    for start in range(0, options.scenes - BATCH + 1, BATCH):
        yield order[start : start + BATCH]


def learning_rate(step: int, steps: int) -> float:
    """Falls along half a cosine, from the first step to the last."""
    return RATE * (1 + float(np.cos(np.pi * step / steps))) / 2


def train(options: Options, folder: Path | None = None) -> Progressed:
    """Train, from the last complete checkpoint of `folder` if there is one.

    Raises
    ------
    gongsik.BackendError
        If there is no such backend.
    gongsik.checkpoint.CheckpointError
        If `folder` holds a run with other options, or a file that is no checkpoint.
    """
    bk, config = gongsik.backend(options.backend, dtype=options.dtype), NETWORKS[options.network]
    draws = gongsik.Draws(options.seed)
    run = Progressed(*initial(bk, options), None, [])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        run = resume(bk, options, folder / "state.safetensors", run) or run
    found = scenes(options.scenes, options.seed)
    x, y = bk.asarray(found.images), bk.asarray(class_map(found))
    per_epoch = options.scenes // BATCH
    with progress_bar() as progress:
        name, total = f"{options.backend}, {options.network}", options.epochs * per_epoch
        task = progress.add_task(name, total=total, completed=len(run.losses) * per_epoch, says="")
        for epoch in range(len(run.losses), options.epochs):
            params, buffers, state, _ = run
            losses = []
            for i, index in enumerate(batches(options, epoch)):
                step = epoch * per_epoch + i
                shapes = config.draws(tuple(x[index].shape))
                uniform = {n: bk.asarray(draws.uniform(n, shape, counter=step)) for n, shape in shapes.items()}
                moved = {}

                def loss(
                    params: Any, x: Any, y: Any, buffers: Any = buffers, uniform: Any = uniform, moved: Any = moved
                ) -> Any:
                    said = bk.forward_training(config, params, buffers, uniform, x)
                    moved.update(said.buffers)
                    return bk.pixel_cross_entropy(said.output, y)

                value, grads = bk.value_and_grad(loss)(params, x[index], y[index])
                params, state = bk.adam(params, grads, state, lr=learning_rate(step, total))
                buffers = moved
                losses.append(float(value))
                progress.advance(task)
            run = Progressed(params, buffers, state, [*run.losses, float(np.mean(losses))])
            progress.update(task, says=f"loss {run.losses[-1]:.4f}")
            if folder:
                save(bk, options, run, folder)
    return run


def save(bk: Any, options: Options, run: Progressed, folder: Path) -> None:
    """Write the network, for any program, and all that it takes to go on; each file at once and whole."""
    arrays = {name: bk.to_numpy(array) for name, array in flatten({**run._asdict(), "losses": None}).items()}
    model = {name: bk.to_numpy(array) for name, array in (run.params | run.buffers).items()}
    checkpoint.save(folder / "model.safetensors", model)
    everything = arrays | {"losses": np.array(run.losses)}
    checkpoint.save(folder / "state.safetensors", everything, {"options": json.dumps(asdict(options))})


def resume(bk: Any, options: Options, path: Path, start: Progressed) -> Progressed | None:
    """What `save` wrote; None if there is nothing yet."""
    if not path.exists():
        return None
    arrays, metadata = checkpoint.load(path)
    theirs = json.loads(metadata.get("options", "{}"))
    other = [f"{key}={theirs.get(key)!r}" for key, value in asdict(options).items() if theirs.get(key) != value]
    if other:
        raise checkpoint.CheckpointError(f"{path} is of a run with {', '.join(other)}: choose another --run")
    losses = arrays.pop("losses").tolist()
    _, state = bk.adam(start.params, start.params, None, lr=0.0)  # for its form only
    made = {name: bk.asarray(array, dtype=str(array.dtype)) for name, array in arrays.items()}
    found = rebuild({"params": start.params, "buffers": start.buffers, "state": state}, made)
    return Progressed(**found, losses=losses)


def predict(options: Options, run: Progressed) -> np.ndarray:
    """The class of every pixel of the held-out scenes: [n size size]."""
    bk, config = gongsik.backend(options.backend, dtype=options.dtype), NETWORKS[options.network]
    forward = getattr(bk, options.network)
    parts = np.array_split(held_out().images, HELD_OUT // 20)
    scores = (forward(config, run.params, run.buffers, bk.asarray(part)) for part in parts)
    return np.concatenate([bk.to_numpy(bk.pixel_classification(part)) for part in scores])


def measure(pred: np.ndarray) -> Measured:
    """Hold a prediction of the held-out scenes against the truth."""
    bk, found = gongsik.backend("reference"), held_out()
    truth = class_map(found)
    right = [
        (box[3] - box[1], (pred[i] == label)[mask].mean())
        for i, scene in enumerate(zip(found.boxes, found.labels, found.masks, strict=True))
        for box, label, mask in zip(*scene, strict=True)
        if mask.any()
    ]
    heights, shares = np.array(right).T
    by_size = [float(shares[np.digitize(heights, SIZES) == i].mean()) for i in range(len(SIZES) + 1)]
    options = {"classes": CLASSES}
    accuracy, mean_iou = (float(f(pred, truth, **options)) for f in (bk.pixel_accuracy, bk.mean_iou))
    return Measured(accuracy, mean_iou, *by_size)


def text(image: np.ndarray) -> list[str]:
    """Small numbers as rows of hexadecimal digits; `picture` reads them."""
    return ["".join(f"{x:x}" for x in row) for row in image.tolist()]


def picture(rows: list[str]) -> np.ndarray:
    return np.array([[int(x, 16) for x in row] for row in rows])


def table(measured: dict[str, Measured]) -> list[tuple[str, ...]]:
    """What was measured, in percent, a row per network; and what calling everything background would be worth."""
    nothing = measure(np.full((HELD_OUT, 48, 48), BACKGROUND))
    return [(name, *(f"{100 * x:.1f} %" for x in row)) for name, row in {"background": nothing, **measured}.items()]


HEAD = ("network", "pixel accuracy", "mean IoU", "small digits", "middle", "large")


def plot(pred: np.ndarray, path: Path) -> None:
    """The first held-out scenes, their truth, and what was predicted."""
    import matplotlib.pyplot as plt

    found, count = held_out(), 8
    figure, axes = plt.subplots(3, count, figsize=(1.5 * count, 4.6), layout="constrained")
    rows = (found.images[:, 0], "gray_r"), (class_map(found), "tab20"), (pred, "tab20")
    for line, (images, colours) in zip(axes, rows, strict=True):
        for ax, image in zip(line, images, strict=False):
            ax.imshow(image, cmap=colours, vmin=0, vmax=1 if colours == "gray_r" else 19, interpolation="nearest")
            ax.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def run_all(options: Options, folder: Path | None, path: Path) -> dict[str, Measured]:
    """Train both networks, and write what was measured and some predictions."""
    found = held_out()
    shown: dict[str, Any] = {"image": [text(np.rint(15 * x[0]).astype(int)) for x in found.images[:SHOWN]]}
    shown["truth"] = [text(x) for x in class_map(found)[:SHOWN]]
    measured, losses = {}, {}
    for network in NETWORKS:
        chosen = Options(**{**asdict(options), "network": network})
        run = train(chosen, folder and folder / network)
        pred = predict(chosen, run)
        measured[network], losses[network] = measure(pred), run.losses
        shown[network] = [text(x) for x in pred[:SHOWN]]
    kept = {
        "options": {name: value for name, value in asdict(options).items() if name != "network"},
        "measured": {name: row._asdict() for name, row in measured.items()},
        "losses": {name: [round(x, 5) for x in row] for name, row in losses.items()},
        "shown": shown,
    }
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return measured


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--network", default=Options.network, choices=tuple(NETWORKS), help="(%(default)s)")
    parser.add_argument("--backend", default=Options.backend, help="reference, torch or a module (%(default)s)")
    parser.add_argument("--dtype", default=Options.dtype, choices=("float32", "float64"), help="(%(default)s)")
    parser.add_argument("--scenes", default=Options.scenes, type=int, help="for training (%(default)s)")
    parser.add_argument("--epochs", default=Options.epochs, type=int, help="(%(default)s)")
    parser.add_argument("--seed", default=Options.seed, type=int, help="(%(default)s)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="for checkpoints and pictures; a run there goes on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="train both networks and write what was measured")
    given = parser.parse_args(arguments)
    if given.scenes < BATCH or given.epochs < 1 or given.seed < 0:
        parser.error(f"--scenes must be at least {BATCH}, --epochs at least 1, --seed at least 0")
    options = Options(**{name: getattr(given, name) for name in asdict(Options())})
    try:
        if given.json:
            measured = run_all(options, given.run, given.json)
        else:
            pred = predict(options, train(options, given.run))
            measured = {options.network: measure(pred)}
            if given.run:
                plot(pred, given.run / "predictions.png")
    except (gongsik.BackendError, checkpoint.CheckpointError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print("stopped" + (": the same command goes on from the last epoch" if given.run else ""))
        return 130
    shown = Table(*HEAD, title=f"{HELD_OUT} held-out scenes")
    for row in table(measured):
        shown.add_row(*row)
    console.print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
