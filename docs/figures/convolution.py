"""Figures of the chapter on convolution."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

from gongsik.reference import activation
from gongsik.reference import convolution as gs
from gongsik.reference.autodiff import value_and_grad
from gongsik.spec.convolution import SHARPEN

GREY = np.array([[0.299, 0.587, 0.114]])
BLUR = np.full(7, 1 / 7)
EDGE = np.array([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]])


def photograph(name: str, rows: slice, columns: slice) -> np.ndarray:
    """A part of a photograph of scikit-learn's, grey, from 0 to 1: [1, h, w]."""
    colours = np.moveaxis(load_sample_image(name)[rows, columns] / 255, -1, 0)
    return gs.pointwise_conv2d(colours, GREY)


def _show(ax: Axes, image: np.ndarray, title: str, **options: float) -> None:
    ax.imshow(image, cmap="gray", interpolation="nearest", **options)  # pyright: ignore[reportArgumentType]
    ax.set_title(title)
    ax.axis("off")


def plot_mixing() -> Figure:
    """A box, an averaging bump that slides along it, and what comes out."""
    s = np.linspace(-2, 4, 601)

    def box(s: np.ndarray) -> np.ndarray:
        return activation.step(s) * activation.step(2 - s)

    def bump(s: np.ndarray) -> np.ndarray:
        return activation.relu(1 - np.abs(2 * s)) * 2  # of area 1

    figure = Figure(figsize=(9, 3))
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot(s, box(s), label=r"$f(\tau)$")
    for t, style in ((-0.2, ":"), (1.0, "-"), (2.2, "--")):
        left.plot(s, bump(t - s), color="C1", linestyle=style, label=rf"$g({t:g} - \tau)$")
    left.set(xlabel=r"$\tau$", ylim=(-0.1, 2.6))
    left.legend(fontsize=8.5)
    mixed = gs.continuous_convolution(box, bump, s, lower=-1.0, upper=3.0, steps=800)
    right.plot(s, box(s), color="C5", linestyle=":", label=r"$f$")
    right.plot(s, mixed, color="C2", label=r"$f * g$")
    right.set(xlabel="$t$")
    right.legend(fontsize=8.5)
    return figure


def plot_filters() -> Figure:
    """One photograph and what three kernels make of it."""
    image = photograph("china.jpg", slice(90, 290), slice(220, 420))
    sharpen, edge = np.array(SHARPEN, float)[None, None], EDGE[None, None]
    figure = Figure(figsize=(9, 2.6))
    axes = figure.subplots(1, 4)
    _show(axes[0], image[0], "원본", vmin=0, vmax=1)
    blurred = gs.spatially_separable_conv2d(image, BLUR, BLUR, padding="same")
    _show(axes[1], blurred[0], "흐리게 (7×7 평균)", vmin=0, vmax=1)
    _show(axes[2], gs.conv2d(image, sharpen, padding=1)[0], "날카롭게", vmin=0, vmax=1)
    _show(axes[3], np.abs(gs.conv2d(image, edge)[0]), "윤곽", vmin=0, vmax=1)
    return figure


def plot_sobel() -> Figure:
    """Two feature maps of one photograph: edges that stand and edges that lie."""
    image = photograph("flower.jpg", slice(60, 300), slice(200, 500))
    smooth, slope = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    figure = Figure(figsize=(9, 2.8))
    axes = figure.subplots(1, 3)
    _show(axes[0], image[0], "원본", vmin=0, vmax=1)
    for ax, title, column, row in ((axes[1], "가로 기울기", smooth, slope), (axes[2], "세로 기울기", slope, smooth)):
        _show(ax, gs.spatially_separable_conv2d(image, column, row)[0], title, vmin=-1, vmax=1)
    return figure


def _grid(ax: Axes, h: int, w: int, *, top: float = 0, left: float = 0, **options: object) -> None:
    for i in range(h):
        for j in range(w):
            ax.add_patch(
                Rectangle((left + j, top + i), 1, 1, **{"fill": False, "edgecolor": "C5", "linewidth": 0.8, **options})
            )  # type: ignore[arg-type]


def plot_stride() -> Figure:
    """Where a 3x3 kernel stands on a 5x5 image: stride 1, stride 2, and stride 2 with a margin of zeros."""
    figure = Figure(figsize=(9, 3.3))
    settings = ((1, 0, "스트라이드 1: 3×3"), (2, 0, "스트라이드 2: 2×2"), (2, 1, "스트라이드 2, 패딩 1: 3×3"))
    for ax, (stride, padding, title) in zip(figure.subplots(1, 3), settings, strict=True):
        _grid(ax, 5 + 2 * padding, 5 + 2 * padding, top=-padding, left=-padding, linestyle=":")
        _grid(ax, 5, 5, linewidth=1.2)
        size = (5 + 2 * padding - 3) // stride + 1
        for i in range(size):
            for j in range(size):
                x, y = j * stride - padding, i * stride - padding
                ax.plot(x + 1.5, y + 1.5, "o", color="C1", markersize=7)
        for x, color in ((-padding, "C0"), (stride - padding, "C2")):
            ax.add_patch(Rectangle((x + 0.06, -padding + 0.06), 2.88, 2.88, fill=False, edgecolor=color, linewidth=2.4))
        ax.set(xlim=(-1.3, 6.3), ylim=(6.3, -1.3), aspect="equal", title=title)
        ax.axis("off")
    return figure


def plot_matrix() -> Figure:
    """The matrix of a 3x3 kernel on a 5x5 image: nine numbers, each on a diagonal of its own."""
    matrix = gs.convolution_matrix(np.arange(1.0, 10.0).reshape(3, 3), (5, 5))
    figure = Figure(figsize=(8, 3.2))
    ax = figure.subplots()
    colours = ListedColormap(
        ["#0b5cad", "#4c8fd0", "#9cc3ea", "#c2410c", "#e27a4c", "#f3b596", "#0f7b56", "#4cae8a", "#a3dcc5"]
    )
    ax.imshow(np.ma.masked_equal(matrix, 0), cmap=colours, interpolation="nearest")
    for (i, j), value in np.ndenumerate(matrix):
        if value:
            ax.text(j, i, f"$w_{value:.0f}$", ha="center", va="center", fontsize=7.5, color="#1a1c1e")
    ax.grid(visible=False)
    ax.set(xlabel="입력의 화소 (25개)", ylabel="출력의 자리 (9개)", xticks=range(0, 25, 5), yticks=range(0, 9, 3))
    return figure


def plot_transposed() -> Figure:
    """Four pixels leave a copy of the kernel each, two pixels apart; how often every output is written to."""
    x = np.arange(1.0, 5.0).reshape(1, 2, 2)
    kernel = np.ones((1, 1, 3, 3))
    figure = Figure(figsize=(9, 3.2))
    axes = figure.subplots(1, 3)
    for ax, image, title in (
        (axes[0], x[0], "입력 2×2"),
        (axes[1], np.pad(gs.insert_zeros(x, 2), [(0, 0), (2, 2), (2, 2)])[0], "사이와 둘레에 0"),
        (axes[2], gs.conv_transpose2d(x, kernel, stride=2)[0], "출력 5×5"),
    ):
        h = len(image)
        shift = (7 - h) / 2
        for (i, j), value in np.ndenumerate(image):
            place = (j + shift, i + shift)
            ax.add_patch(Rectangle(place, 1, 1, facecolor="C0", alpha=float(value) / 14, edgecolor="none"))
            ax.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor="C5", linewidth=0.8))
            ax.text(j + shift + 0.5, i + shift + 0.5, f"{value:g}", ha="center", va="center", fontsize=9)
        ax.set(xlim=(-0.2, 7.2), ylim=(7.2, -0.2), aspect="equal", title=title)
        ax.axis("off")
    axes[1].add_patch(Rectangle((0.06, 0.06), 2.88, 2.88, fill=False, edgecolor="C1", linewidth=2.4))
    axes[2].add_patch(Rectangle((1.06, 1.06), 0.88, 0.88, fill=False, edgecolor="C1", linewidth=2.4))
    return figure


def plot_receptive_field() -> Figure:
    """By how many ways each pixel reaches the output in the middle: three layers of 3x3, plain and dilated."""
    figure = Figure(figsize=(9, 3.4))
    settings = (((1,), "1층: 3"), ((1, 1, 1), "3층: 7"), ((1, 2, 4), "3층, 팽창 1·2·4: 15"))
    for ax, (dilations, title) in zip(figure.subplots(1, 3), settings, strict=True):

        def centre(x: np.ndarray, dilations: tuple[int, ...] = dilations) -> np.ndarray:
            for dilation in dilations:
                x = gs.conv2d(x, np.ones((1, 1, 3, 3)), dilation=dilation, padding=dilation)
            return x[0, 8, 8]

        _, gradient = value_and_grad(centre)(np.zeros((1, 17, 17)))
        ways = np.ma.masked_equal(gradient[0], 0)
        ax.imshow(ways, cmap="viridis_r", interpolation="nearest")
        _grid(ax, 17, 17, top=-0.5, left=-0.5, linewidth=0.4)
        ax.plot(8, 8, "o", color="C1", markersize=5)
        ax.set(xlim=(-0.5, 16.5), ylim=(16.5, -0.5), aspect="equal", title=title)
        ax.axis("off")
    return figure


def plot_shuffle() -> Figure:
    """Nine channels in three groups, between two grouped layers: straight through, and shuffled."""
    figure = Figure(figsize=(8, 2.9))
    channels = np.arange(9.0).reshape(9, 1, 1)
    for ax, title, groups in zip(figure.subplots(1, 2), ("섞지 않으면", "섞으면"), (1, 3), strict=True):
        came_from = gs.channel_shuffle(channels, groups=groups)[:, 0, 0]
        for i in range(9):
            source = int(came_from[i])
            ax.plot((source, i), (0, 1), color=f"C{source // 3}", linewidth=1.6)
            for place, row, colour in ((i, 0, i // 3), (i, 1, source // 3)):
                ax.plot(place, row, "s", color=f"C{colour}", markersize=11)
        for group in range(3):
            for row in (-0.28, 1.1):
                ax.add_patch(Rectangle((3 * group - 0.45, row), 2.9, 0.18, facecolor="C5", alpha=0.25))
        ax.text(-0.8, -0.19, "1층", ha="right", va="center", fontsize=9)
        ax.text(-0.8, 1.19, "2층", ha="right", va="center", fontsize=9)
        ax.set(xlim=(-1.8, 8.8), ylim=(1.5, -0.5), title=title)
        ax.axis("off")
    return figure
