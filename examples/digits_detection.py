"""Find handwritten digits in scenes, by a small YOLO v1 or by a small Faster R-CNN, on PyTorch.

    python examples/digits_detection.py --model yolo --run runs/yolo
    python examples/digits_detection.py --model faster --run runs/faster

Scenes are those of `digit_scenes.py`; no digit of the held-out scenes is in the training scenes. After every epoch the
run is written down: killed at any moment and started again, it goes on. At the end `results.json` has the mean average
precision on the held-out scenes, and what was found in the first of them; `detections.png` shows it. `--json FILE`
writes the results into a file of several runs as well, under the name of the run's folder.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from digit_scenes import Scenes, scenes
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import gongsik
from gongsik import checkpoint
from gongsik import torch_impl as gs
from gongsik.spec.detectors import FasterRCNN, FastRCNN, YOLOv1
from gongsik.spec.layers import Activation, Conv2d, MaxPool2d, nest, sequence
from gongsik.torch_impl.layers import Pass, run

SIZE, CLASSES, BATCH = 48, 10, 16
RELU = Activation("relu")
YOLO = YOLOv1(
    s=6, b=2, c=CLASSES, size=SIZE, hidden=256, channels=1, stride=1,
    widths=(((16, 3),), ((32, 3),), ((64, 3),), ((96, 3), (96, 3)), ((96, 3),)),
)  # fmt: skip
BACKBONE = sequence(
    Conv2d(1, 16, 3, padding=1), RELU, MaxPool2d(2), Conv2d(16, 32, 3, padding=1), RELU, MaxPool2d(2),
    Conv2d(32, 64, 3, padding=1), RELU, Conv2d(64, 64, 3, padding=1), RELU,
)  # fmt: skip
FASTER = FasterRCNN(
    FastRCNN(CLASSES + 1, BACKBONE, stride=4, pool=5, hidden=(128,), aligned=True, channels=1),
    sizes=(10.0, 14.0, 20.0), ratios=(1.0, 1.6), proposals=24, threshold=0.6, hidden=64,
)  # fmt: skip
CONFIGS = {"yolo": YOLO, "faster": FASTER}
LEAST = 0.05
"""Score below which a detection is not counted: it could only come last."""


@dataclass(frozen=True)
class Options:
    """What decides the numbers of a run."""

    model: str = "yolo"
    scenes: int = 4000
    held_out: int = 500
    epochs: int = 20
    lr: float = 1e-3
    seed: int = 0


class Found(NamedTuple):
    """What was detected in one scene."""

    boxes: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor


def initial(config: Any, seed: int) -> dict[str, torch.Tensor]:
    """He's initialization for the weights, 0 for the biases."""
    draws, params = gongsik.Draws(seed), {}
    for name, shape in config.parameters().items():
        fan_in = int(np.prod(shape[1:]))
        values = draws.normal(name, shape) * (2 / fan_in) ** 0.5 if len(shape) > 1 else np.zeros(shape)
        params[name] = torch.tensor(values, dtype=torch.float32)
    return params


# YOLO: the loss of the grid, and what the grid says


def yolo_loss(params: Any, images: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    parts = gs.box_convert(boxes / SIZE, source="xyxy", target="cxcywh")
    target = gs.yolo_target(parts, labels, s=YOLO.s, classes=CLASSES)
    return gs.yolo_loss(gs.yolo_v1(YOLO, params, images), target, b=YOLO.b)


def yolo_found(params: Any, images: torch.Tensor) -> list[Found]:
    boxes, scores = gs.yolo_decode(gs.yolo_v1(YOLO, params, images), b=YOLO.b)
    found = []
    for corners, values in zip((boxes * SIZE).clamp(0, SIZE), scores, strict=True):
        best, kinds = values.max(-1)
        keep = gs.non_max_suppression(corners, best, kinds, threshold=0.4) & (best > LEAST)
        found.append(Found(corners[keep], best[keep], kinds[keep]))
    return found


# Faster R-CNN: both stages at once, on one map


def _part(params: Any, name: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in params.items() if key.startswith(f"{name}.")}


def faster_loss(params: Any, images: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of the proposals, for all anchors, and that of the second stage, on proposals and truths."""
    config, k = FASTER, FASTER.rpn.anchors
    maps = run(BACKBONE, nest(_part(params, "backbone")), images, Pass())
    objectness, deltas = gs.rpn(config.rpn, _part(params, "rpn"), maps)
    anchors = gs.anchor_boxes(maps, stride=config.detector.stride, sizes=config.sizes, ratios=config.ratios)
    objectness = objectness.unflatten(1, (k, 2)).permute(0, 3, 4, 1, 2).flatten(1, 3)
    deltas = deltas.unflatten(1, (k, 4)).permute(0, 3, 4, 1, 2).flatten(1, 3)
    total, regions, kinds, targets, places = torch.zeros(()), [], [], [], []
    for i, (corners, classes) in enumerate(zip(boxes, labels, strict=True)):
        truths, truth_kinds = corners[classes >= 0], classes[classes >= 0]
        matched = gs.match_anchors(anchors, truths, positive=0.6, negative=0.3)
        # As many anchors of the background as of objects, the hardest of them; the others are ignored.
        surprise = (
            (objectness[i, :, 1] - objectness[i, :, 0]).detach().where(matched.negative, torch.tensor(-torch.inf))
        )
        hard = torch.zeros_like(matched.negative).index_fill(0, surprise.topk(16).indices, True)
        sides = matched.positive.long() - (~matched.positive & ~(matched.negative & hard)).long()
        total = total + gs.rpn_loss(objectness[i], deltas[i], sides, gs.box_regression(truths[matched.truth], anchors))
        with torch.no_grad():
            proposed = gs.decode_boxes(deltas[i], anchors, largest=8.0).clamp(0, SIZE)
            sure = objectness[i, :, 1] - objectness[i, :, 0]
            keep = gs.non_max_suppression(proposed, sure, threshold=config.threshold)
            best = sure.where(keep, torch.tensor(-torch.inf)).topk(12).indices
            chosen = torch.cat([proposed[best], truths])
            hit = gs.match_anchors(chosen, truths, positive=0.5, negative=0.5)
        regions.append(chosen)
        kinds.append(torch.where(hit.positive, truth_kinds[hit.truth] + 1, 0))
        targets.append(gs.box_regression(truths[hit.truth], _no_points(chosen)))
        places.append(torch.full((len(chosen),), i))
    chosen, where = torch.cat(regions), torch.cat(places)
    pooled = gs.roi_align(
        maps, chosen, where, output_size=config.detector.pool, spatial_scale=1 / config.detector.stride
    )
    features = run(config.parts()["head"], nest(_part(params, "head")), pooled, Pass())
    logits, refined = (
        features @ params[f"{name}.weight"].T + params[f"{name}.bias"] for name in ("cls_score", "bbox_pred")
    )
    refined = refined.view(len(chosen), CLASSES + 1, 4)
    return total / len(images) + gs.fast_rcnn_loss(logits, refined, torch.cat(kinds), 5 * torch.cat(targets))


def _no_points(boxes: torch.Tensor) -> torch.Tensor:
    """Boxes that are at least one pixel wide and high, against which others can be encoded."""
    return torch.cat([boxes[:, :2], torch.maximum(boxes[:, 2:], boxes[:, :2] + 1)], 1)


def faster_found(params: Any, images: torch.Tensor) -> list[Found]:
    found = []
    for image in images:
        proposals, keep, logits, deltas = gs.faster_rcnn(FASTER, params, image)
        scores = logits.softmax(-1)[:, 1:]  # [p c]
        anchors = _no_points(proposals)[:, None].expand(-1, CLASSES, -1)
        corners = gs.decode_boxes(deltas[:, 1:] / 5, anchors, largest=8.0).clamp(0, SIZE).flatten(0, 1)
        kinds, best = torch.arange(CLASSES).repeat(len(scores)), torch.where(keep[:, None], scores, 0).flatten()
        stays = gs.non_max_suppression(corners, best, kinds, threshold=0.4) & (best > LEAST)
        found.append(Found(corners[stays], best[stays], kinds[stays]))
    return found


MODELS = {"yolo": (yolo_loss, yolo_found), "faster": (faster_loss, faster_found)}


# Training and the measure


def measure(found: list[Found], truth: Scenes, threshold: float = 0.5) -> float:
    """Mean average precision over all scenes."""
    there = torch.tensor(truth.labels >= 0)
    truths, kinds = (torch.tensor(x)[there] for x in (truth.boxes.astype(np.float32), truth.labels))
    where = torch.arange(len(there))[:, None].expand(there.shape)[there]
    images = torch.cat([torch.full((len(f.scores),), i) for i, f in enumerate(found)])
    boxes, scores, labels = (torch.cat(part) for part in zip(*found, strict=True))
    return float(
        gs.mean_average_precision(
            boxes, scores, labels, images, truths, kinds, where, classes=CLASSES, threshold=threshold
        )
    )


@torch.no_grad()
def detect(options: Options, params: Any, images: torch.Tensor) -> list[Found]:
    return [one for batch in images.split(50) for one in MODELS[options.model][1](params, batch)]


def train(options: Options, folder: Path) -> dict[str, Any]:
    """Train, from the last complete epoch in `folder` if there is one; returns what `results.json` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    config, (loss, _) = CONFIGS[options.model], MODELS[options.model]
    params, state, losses = initial(config, options.seed), None, []
    path = folder / "state.safetensors"
    if path.exists():
        arrays, metadata = checkpoint.load(path)
        if json.loads(metadata["options"]) != asdict(options):
            raise checkpoint.CheckpointError(f"{path} is of a run with {metadata['options']}: choose another --run")
        losses = arrays.pop("losses").tolist()
        params = {name: torch.from_numpy(arrays[f"params/{name}"]) for name in params}
        parts = [{name: torch.from_numpy(arrays[f"{part}/{name}"]) for name in params} for part in ("m", "v")]
        state = gs.adam(params, {k: 0 * v for k, v in params.items()}, None)[1]
        state = state._replace(step=torch.from_numpy(arrays["step"]), m=parts[0], v=parts[1])
    made = scenes(options.scenes, options.seed, SIZE)
    images, boxes = (torch.tensor(x, dtype=torch.float32) for x in (made.images, made.boxes))
    labels, per_epoch = torch.tensor(made.labels), options.scenes // BATCH
    rates = gs.cosine_decay(
        torch.arange(options.epochs * per_epoch), base_lr=options.lr, total_steps=options.epochs * per_epoch
    ).tolist()
    value_and_grad = gs.value_and_grad(loss)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[says]}")) as progress:
        task = progress.add_task(options.model, total=len(rates), completed=len(losses), says="")
        for epoch in range(len(losses) // per_epoch, options.epochs):
            order = gongsik.Draws(options.seed).permutation("detection: order", options.scenes, counter=epoch)
            for index in torch.tensor(order[: per_epoch * BATCH]).view(per_epoch, BATCH):
                value, grads = value_and_grad(params, images[index], boxes[index], labels[index])
                params, state = gs.adam(params, grads, state, lr=rates[len(losses)])
                losses.append(float(value))
                progress.advance(task)
            assert state is not None
            arrays = {f"params/{k}": v for k, v in params.items()} | {"step": state.step}
            arrays |= {f"{part}/{k}": v for part in ("m", "v") for k, v in getattr(state, part).items()}
            everything = {k: v.numpy() for k, v in arrays.items()} | {"losses": np.array(losses)}
            checkpoint.save(path, everything, {"options": json.dumps(asdict(options))})
            progress.update(task, says=f"loss {np.mean(losses[-per_epoch:]):.3f}")
    held_out = scenes(options.held_out, options.seed, SIZE, split="test")
    found = detect(options, params, torch.tensor(held_out.images, dtype=torch.float32))
    per = [float(np.mean(losses[i : i + per_epoch])) for i in range(0, len(losses), per_epoch)]
    results = {
        "options": asdict(options), "losses": per, "parameters": sum(p.numel() for p in params.values()),
        "map50": measure(found, held_out), "map75": measure(found, held_out, 0.75),
        "found": [{k: v.double().numpy().round(2).tolist() for k, v in one._asdict().items()} for one in found[:12]],
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps(results) + "\n", encoding="utf-8")
    plot(results, held_out, folder / "detections.png")
    return results


def plot(results: dict[str, Any], truth: Scenes, path: Path) -> None:
    """What was found in the first held-out scenes, above a score of one half."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for ax, image, found in zip(figure.subplots(2, 6).flat, truth.images, results["found"], strict=False):
        ax.imshow(image[0], cmap="gray_r")
        ax.set_axis_off()
        for (x1, y1, x2, y2), score, label in zip(found["boxes"], found["scores"], found["labels"], strict=True):
            if score > 0.5:
                ax.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, color="tab:red"))
                ax.text(x1, y1 - 1, f"{label:.0f}", color="tab:red", fontsize=7)
    figure.savefig(path, dpi=120)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="for checkpoints, results and the plot")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results stand under the names of runs")
    for name, value in asdict(Options()).items():
        choices: dict[str, Any] = {"choices": tuple(MODELS)} if name == "model" else {"type": type(value)}
        parser.add_argument(f"--{name.replace('_', '-')}", default=value, help="(%(default)s)", **choices)
    given = vars(parser.parse_args())
    folder, file = given.pop("run"), given.pop("json")
    if given["epochs"] < 1 or given["scenes"] < BATCH or given["held_out"] < 1:
        parser.error(f"--epochs and --held-out must be at least 1, --scenes at least {BATCH}")
    results = train(Options(**given), folder)
    if file is not None:
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(json.dumps(kept | {folder.name: results}) + "\n", encoding="utf-8")
    print(f"mAP at IoU 0.5: {results['map50']:.3f}, at 0.75: {results['map75']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
