"""Figures of the chapter on semantic segmentation."""

import json
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from sklearn.datasets import load_digits

from gongsik.reference import convolution, segmentation
from gongsik.spec.segmentation import UNet

MEASURED = Path(__file__).resolve().parents[1] / "segmentation.json"
COLOURS = ListedColormap(
    ["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#2f4b7c", "w"]
)
"""Of the digits from 0 to 9, and of the background."""


def _picture(rows: list[str]) -> np.ndarray:
    return np.array([[int(x, 16) for x in row] for row in rows])


def _bare(ax: Axes, title: str = "") -> None:
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])


def plot_results() -> Figure:
    """Held-out scenes: the image, the truth, what the U-Net says and what the FCN says."""
    shown = json.loads(MEASURED.read_text(encoding="utf-8"))["shown"]
    figure = Figure(figsize=(8, 8))
    titles = {"image": "사진", "truth": "정답", "unet": "U-Net", "fcn": "FCN"}
    grid = figure.subplots(len(shown["image"]), len(titles))
    for i, row in enumerate(grid):
        for ax, (name, title) in zip(row, titles.items(), strict=True):
            options = {"cmap": "gray_r"} if name == "image" else {"cmap": COLOURS, "vmin": 0, "vmax": 10}
            ax.imshow(_picture(shown[name][i]), interpolation="nearest", **options)
            _bare(ax, title if i == 0 else "")
    return figure


def plot_heat_map() -> Figure:
    """A template of a digit, a canvas on which it stands, and the map of its scores."""
    images, labels = load_digits(return_X_y=True)
    three = images[np.flatnonzero(labels == 3)[0]].reshape(8, 8) / 16
    others = [images[np.flatnonzero(labels == k)[0]].reshape(8, 8) / 16 for k in (0, 7)]
    canvas = np.zeros((24, 32))
    for digit, (i, j) in zip((three, *others), ((13, 20), (2, 4), (14, 3)), strict=True):
        canvas[i : i + 8, j : j + 8] = digit
    weight = three - three.mean()
    kernel = segmentation.convolutionalize(weight.reshape(1, 64), kernel=8)
    scores = convolution.conv2d(canvas[None, None], kernel)[0, 0]
    figure = Figure(figsize=(9, 3))
    for ax, image, title in zip(
        figure.subplots(1, 3, width_ratios=(1, 4, 3)), (weight, canvas, scores),
        ("완전 연결층의 가중치", "사진", "점수의 지도"), strict=True,
    ):  # fmt: skip
        ax.imshow(image, cmap="gray_r" if image is not scores else "viridis", interpolation="nearest")
        _bare(ax, title)
    i, j = np.unravel_index(scores.argmax(), scores.shape)
    figure.axes[2].add_patch(Rectangle((float(j) - 0.5, float(i) - 0.5), 1, 1, fill=False, color="red"))
    return figure


def plot_upsampling() -> Figure:
    """Sixteen pixels, enlarged four times in three ways."""
    digit = load_digits(return_X_y=True)[0][5].reshape(1, 1, 8, 8)[..., 1:7, 1:7] / 16
    nearest = digit.repeat(4, 2).repeat(4, 3)
    ways = {
        "원래": digit, "가까운 화소": nearest, "전치 합성곱": segmentation.bilinear_upsample(digit, factor=4),
        "크기 조절": segmentation.resize(digit, size=24),
    }  # fmt: skip
    figure = Figure(figsize=(9, 2.6))
    for ax, (title, image) in zip(figure.subplots(1, 4), ways.items(), strict=True):
        ax.imshow(image[0, 0], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        _bare(ax, title)
    return figure


def plot_unet() -> Figure:
    """The maps of the U-Net as bars: as high as the maps, as wide as the logarithm of their channels."""
    rows = {row.name: row.output for row in UNet().table((1, 572, 572))}
    figure = Figure(figsize=(9, 4.8))
    ax = figure.subplots()
    depth = UNet().depth
    levels = [*range(1, depth + 1), depth + 1]

    def bar(x: float, level: int, shape: tuple[int, ...], colour: str) -> None:
        height, width = shape[1] / 572 * 0.8, 0.1 * np.log2(shape[0])
        ax.add_patch(Rectangle((x, -level - height / 2), width, height, color=colour, alpha=0.75))
        ax.text(x + width / 2, -level - height / 2 - 0.05, f"{shape[0]}", ha="center", va="top", fontsize=7.5)
        ax.text(x + width / 2, -level + height / 2 + 0.02, f"{shape[1]}²", ha="center", va="bottom", fontsize=7.5)

    for level in levels:
        name = f"encoder{level}" if level <= depth else "bottom"
        bar(1.6 * level, level, rows[f"{name}.2"], "C0")
        if level <= depth:
            right = 1.6 * (2 * depth + 2 - level)
            bar(right, level, rows[f"decoder{level}.2"], "C1")
            ax.add_patch(FancyArrowPatch((1.6 * level + 1.1, -level), (right - 0.1, -level), arrowstyle="->",
                                         mutation_scale=10, color="C5", linestyle=":"))  # fmt: skip
            for start, end in (((1.6 * level + 0.5, -level - 0.55), (1.6 * level + 1.5, -level - 0.85)),
                               ((right - 1.1, -level - 0.85), (right - 0.1, -level - 0.55))):  # fmt: skip
                ax.add_patch(FancyArrowPatch(start, end, arrowstyle="->", mutation_scale=10, color="C3"))
    bar(1.6 * (2 * depth + 2), 1, rows["head"], "C2")
    ax.set(xlim=(1, 1.6 * (2 * depth + 2) + 1), ylim=(-depth - 1.7, -0.3))
    ax.axis("off")
    return figure


def plot_losses() -> Figure:
    """The mean loss of every epoch, of both networks."""
    losses = json.loads(MEASURED.read_text(encoding="utf-8"))["losses"]
    figure = Figure(figsize=(6, 3))
    ax = figure.subplots()
    for name, title in (("unet", "U-Net"), ("fcn", "FCN")):
        ax.semilogy(np.arange(1, len(losses[name]) + 1), losses[name], label=title)
    ax.set(xlabel="에폭", ylabel="픽셀 교차 엔트로피")
    ax.legend()
    return figure
