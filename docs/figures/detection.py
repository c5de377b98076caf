"""Figures of the chapter on object detection; what was measured once is in docs/detections.json."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from skimage.data import astronaut
from skimage.segmentation import felzenszwalb

from gongsik import Draws
from gongsik import reference as gs

MEASURED = Path(__file__).resolve().parents[1] / "detections.json"
SHOWN = 0.3
"""Score above which a detection is drawn."""
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")


def _measured() -> dict[str, Any]:
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def _box(ax: Axes, box: Any, **style: Any) -> None:
    x1, y1, x2, y2 = box
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, **({"fill": False, "linewidth": 1.2} | style)))


def plot_iou() -> Figure:
    """Three pairs of boxes with what they share and what they cover."""
    figure = Figure(figsize=(6.6, 1.9))
    first = np.array([[0.0, 0, 4, 4]])
    for ax, shift in zip(figure.subplots(1, 3), (0.5, 2.0, 3.0), strict=True):
        second = first + shift
        _box(ax, first[0], fill=True, alpha=0.3, color="tab:blue")
        _box(ax, second[0], fill=True, alpha=0.3, color="tab:orange")
        ax.set(xlim=(-0.5, 8), ylim=(8, -0.5), xticks=(), yticks=(), aspect="equal")
        ax.set_title(f"IoU {gs.iou(first, second)[0, 0]:.2f}", fontsize=9)
        ax.grid(visible=False)
    return figure


def plot_suppression() -> Figure:
    """Forty boxes around three things, and those that stay."""
    draws = Draws(1)
    things = np.array([[10.0, 12, 34, 40], [40, 8, 60, 52], [28, 44, 52, 62]])
    boxes = things[draws.integers("thing", 40, 3)] + 2.5 * draws.normal("noise", (40, 4))
    scores = gs.iou(boxes, things).max(1) * (0.8 + 0.2 * draws.uniform("score", 40))
    kept = gs.non_max_suppression(boxes, scores, threshold=0.4)
    figure = Figure(figsize=(6.6, 2.6))
    for ax, shown, title in zip(
        figure.subplots(1, 2), (kept | True, kept), ("억제 전 40개", f"억제 후 {kept.sum()}개"), strict=True
    ):
        for box, score in zip(boxes[shown], scores[shown], strict=True):
            _box(ax, box, edgecolor="tab:red", alpha=float(np.clip(score, 0.2, 1)))
        ax.set(xlim=(0, 70), ylim=(70, 0), xticks=(), yticks=(), title=title)
        ax.grid(visible=False)
    return figure


def plot_time() -> Figure:
    """How the time of non-maximum suppression grows with the boxes."""
    measured = _measured()["suppression"]
    figure = Figure(figsize=(6.6, 2.6))
    ax = figure.subplots()
    for name, label in (
        ("gongsik", "이 책의 PyTorch 구현"),
        ("onnxruntime", "onnxruntime"),
        ("loop", "상자마다 도는 NumPy"),
    ):
        ax.loglog(measured["boxes"], measured[name], "o-", markersize=3, label=label)
    ax.set(xlabel="상자 수", ylabel="시간 (밀리초)")
    ax.legend(fontsize=8)
    return figure


def plot_curve() -> Figure:
    """Precision against recall of ten answers, and the curve that never rises."""
    correct = np.array([1, 1, 0, 1, 0, 0, 1, 1, 0, 0], bool)
    recall = np.r_[0, np.cumsum(correct) / 6]
    precision = np.r_[1, np.cumsum(correct) / np.arange(1, 11)]
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    figure = Figure(figsize=(6.6, 2.3))
    ax = figure.subplots()
    ax.plot(recall, precision, "o-", markersize=3, label="순위마다 잰 정밀도")
    ax.fill_between(recall, envelope, step="pre", alpha=0.25, color="tab:orange", label="줄지 않게 고른 곡선 아래 넓이")
    ax.set(xlabel="재현율", ylabel="정밀도", ylim=(0, 1.05))
    ax.legend(fontsize=8)
    return figure


def plot_selective_search() -> Figure:
    """A photograph, its first regions, and boxes that the grouping makes of them."""
    photo = astronaut()[::4, ::4] / 255
    labels = felzenszwalb(photo, scale=100, sigma=0.5, min_size=40)
    n = int(labels.max()) + 1
    boxes = gs.selective_search(photo.transpose(2, 0, 1), labels, regions=n)
    figure = Figure(figsize=(6.6, 2.3))
    axes = figure.subplots(1, 3)
    for ax, picture, title in zip(
        axes, (photo, labels, photo), ("사진", f"처음 영역 {n}개", f"묶어서 나온 상자 {n - 1}개"), strict=True
    ):
        ax.imshow(picture, cmap="tab20" if picture is labels else None)
        ax.set(xticks=(), yticks=())
        ax.set_title(title, fontsize=9)
        ax.grid(visible=False)
    for i, box in enumerate(boxes[n:] - 0.5):
        _box(axes[2], box, edgecolor=COLOURS[i % 5], linewidth=0.8)
    return figure


def plot_pools() -> Figure:
    """A region on a map whose edges lie between pixels: the cells of RoI pooling and the points of RoI align."""
    figure = Figure(figsize=(6.6, 2.6))
    x1, y1, x2, y2 = 1.3, 2.2, 6.6, 5.9
    for ax, title in zip(
        figure.subplots(1, 2), ("RoI 풀링: 화소로 반올림한다", "RoI 정렬: 점 사이를 보간한다"), strict=True
    ):
        ax.set(xlim=(0, 8), ylim=(8, 0), xticks=range(9), yticks=range(9), aspect="equal")
        ax.set_title(title, fontsize=9)
        ax.tick_params(labelbottom=False, labelleft=False, length=0)
        _box(ax, (x1, y1, x2, y2), edgecolor="black", linestyle="--")
        if "풀링" in title:
            left, top, right, bottom = (int(np.floor(v + 0.5)) for v in (x1, y1, x2, y2))
            for i in range(2):
                for j in range(2):
                    h, w = bottom - top + 1, right - left + 1
                    cell = left + j * w // 2, top + i * h // 2, left - (-(j + 1) * w // 2), top - (-(i + 1) * h // 2)
                    _box(ax, cell, fill=True, alpha=0.3, color=COLOURS[2 * i + j])
        else:
            u, v = (low + (np.arange(4) + 0.5) * (high - low) / 4 for low, high in ((x1, x2), (y1, y2)))
            ax.plot(*(g.ravel() for g in np.meshgrid(u, v)), "o", markersize=3, color="tab:red")
            ax.plot([(x1 + x2) / 2] * 2, [y1, y2], "k--", linewidth=0.8)
            ax.plot([x1, x2], [(y1 + y2) / 2] * 2, "k--", linewidth=0.8)
    return figure


def plot_anchors() -> Figure:
    """The nine anchors of one place."""
    anchors = gs.anchor_boxes(np.zeros((38, 50)))[(19 * 50 + 25) * 9 :][:9]
    figure = Figure(figsize=(6.6, 2.6))
    ax = figure.subplots()
    for i, anchor in enumerate(anchors):
        _box(ax, anchor, edgecolor=COLOURS[i // 3])
    _box(ax, (0, 0, 800, 608), edgecolor="black")
    ax.set(xlim=(-20, 820), ylim=(640, -40), xticks=(), yticks=(), aspect="equal")
    ax.grid(visible=False)
    return figure


def plot_found() -> Figure:
    """What the two trained detectors say of six held-out scenes."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    try:
        import digit_scenes  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.pop(0)
    images = digit_scenes.scenes(6, split="test").images[:, 0]
    figure = Figure(figsize=(6.6, 2.7))
    for row, (model, name) in zip(figure.subplots(2, 6), (("yolo", "YOLO"), ("faster", "Faster R-CNN")), strict=True):
        for ax, image, found in zip(row, images, _measured()[model]["found"], strict=False):
            ax.imshow(image, cmap="gray_r", extent=(0, 48, 48, 0))
            ax.set(xticks=(), yticks=())
            ax.grid(visible=False)
            for box, score, label in zip(found["boxes"], found["scores"], found["labels"], strict=True):
                if score > SHOWN:
                    _box(ax, box, edgecolor="tab:red")
                    ax.text(box[0], box[1] - 1, f"{label:.0f}", color="tab:red", fontsize=7)
        row[0].set_ylabel(name, fontsize=8)
    return figure
