"""Figures of the chapter on pooling."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

from gongsik import Draws
from gongsik.reference import pooling as gs


def _photograph() -> np.ndarray:
    """A grey square of the flower of scikit-learn's sample pictures, [1 1 384 384], from 0 to 1."""
    flower = load_sample_image("flower.jpg")[20:404, 120:504].astype(float) / 255
    return (flower @ np.array([0.299, 0.587, 0.114]))[None, None]


def plot_photograph() -> Figure:
    """One photograph, and what is left of it behind windows of 16 by 16 pixels."""
    x = _photograph()
    uniform = Draws(0).uniform("windows", (1, 1, 24, 24))
    pictures = {
        "원래 사진 (384×384)": x,
        "최대값": gs.max_pool2d(x, kernel=16),
        "평균값": gs.avg_pool2d(x, kernel=16),
        "확률적 (학습)": gs.stochastic_pool2d(x, uniform, kernel=16),
        "확률적 (추론)": gs.stochastic_pool2d_inference(x, kernel=16),
    }
    figure = Figure(figsize=(6.6, 1.9))
    for ax, (name, picture) in zip(figure.subplots(1, 5), pictures.items(), strict=True):
        ax.imshow(picture[0, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name, fontsize=8)
        ax.set(xticks=(), yticks=())
        ax.grid(visible=False)
    return figure


def plot_shift() -> Figure:
    """How much the output changes when the photograph moves: with the largest, the mean, or one pixel of a window."""
    x = _photograph()
    edges = np.abs(np.diff(x, axis=3))[..., :376]  # what a filter for vertical edges sees
    edges = edges[:, :, :376]
    pools = {
        "한 화소만 고르기": lambda x: x[:, :, ::8, ::8],
        "평균값": lambda x: gs.avg_pool2d(x, kernel=8),
        "최대값": lambda x: gs.max_pool2d(x, kernel=8),
    }
    shifts = np.arange(9)
    figure = Figure(figsize=(6.6, 3.4))
    ax = figure.subplots()
    for i, (name, pool) in enumerate(pools.items()):
        still = pool(edges[..., 16:-16])
        size = np.linalg.norm(still - still.mean())
        moved = [np.linalg.norm(pool(edges[..., 16 + s : edges.shape[3] - 16 + s]) - still) / size for s in shifts]
        ax.plot(shifts, moved, "o-", color=f"C{(5, 0, 1)[i]}", markersize=4, label=name)
    ax.axvline(8, color="C5", linewidth=1, linestyle=":")
    ax.set(xlabel="옮긴 화소 수 (창은 8×8)", ylabel="출력이 변한 정도", ylim=(0, None))
    ax.legend()
    return figure
