"""Figures of the chapter on autoregressive generative models."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import autoregressive as gs
from gongsik.reference.autodiff import value_and_grad
from gongsik.reference.convolution import conv2d
from gongsik.spec.autoregressive import DiagonalBiLSTM, RowLSTM, nade_parameter_count

DRAWS = Draws(0)
MEASURED = Path(__file__).resolve().parents[1] / "autoregressive.json"


@cache
def measured() -> dict[str, Any]:
    """What `examples/nade.py` has written."""
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def picture(name: str) -> np.ndarray:
    """Rows of hexadecimal digits as images of 8 by 8 pixels from 0 to 1, side by side with a gap of NaN."""
    x = np.array([[int(digit, 16) for digit in row] for row in measured()[name]]) / 15
    for axis, size in enumerate(x.shape):
        x = np.insert(x, range(8, size, 8), np.nan, axis)
    return x


def bare(ax: Any, title: str = "") -> None:
    ax.set(xticks=[], yticks=[], title=title)


def plot_parameters() -> Figure:
    """What a model of d binary pixels has to learn: a table, a network per pixel, NADE, and independent pixels."""
    h, d = 500, np.arange(1, 785)
    figure = Figure(figsize=(8, 3.8))
    ax = figure.subplots()
    few = d[:40]
    ax.semilogy(few, 2.0**few - 1, label="표, $2^d - 1$")
    ax.semilogy(d, [nade_parameter_count(n, h, shared=False) for n in d.tolist()], "--", label="조건부마다 따로")
    ax.semilogy(d, [nade_parameter_count(n, h) for n in d.tolist()], "-.", label="NADE")
    ax.semilogy(d, d, ":", label="서로 독립, $d$")
    ax.set(xlabel="화소의 수 $d$", ylabel="파라미터의 수", title="은닉 유닛 500개")
    ax.legend(loc="center right")
    return figure


def plot_samples() -> Figure:
    """Binary digits that were held out, and samples of NADE."""
    figure = Figure(figsize=(8, 3.8))
    for ax, (name, title) in zip(
        figure.subplots(1, 2), (("real", "남겨 둔 숫자"), ("samples", "NADE가 뽑은 것")), strict=True
    ):
        ax.imshow(1 - picture(name), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        bare(ax, title)
    return figure


def plot_curve() -> Figure:
    """Mean log-probability of the batches, against that of simple models on held-out images."""
    found, steps = measured()["measured"], measured()["options"]["steps"]
    curve = -np.array(measured()["curve"])
    figure = Figure(figsize=(8, 3.8))
    ax = figure.subplots()
    ax.plot(np.linspace(0, steps, len(curve)), curve, color="C0", label="NADE, 배치")
    lines = (("held-out images", "NADE, 남겨 둔 이미지", "C0", "--"), ("independent pixels", "독립 화소", "C1", ":"),
             ("independent pixels, given the digit", "숫자마다 독립 화소", "C2", "-."))  # fmt: skip
    for name, label, colour, style in lines:
        ax.axhline(found[name], color=colour, linestyle=style, label=label)
    ax.set(xlabel="걸음", ylabel="이미지의 평균 로그 확률 (nat)", ylim=(-32, None))
    ax.legend(loc="lower right")
    return figure


def plot_masks() -> Figure:
    """Masks of 5 by 5 pixels of either type, and what colours see of their own pixel."""
    figure = Figure(figsize=(8, 4.6))
    top, bottom = figure.subplots(2, 2)
    for column, kind in enumerate(("A", "B")):
        mask = gs.context_mask(np.ones((1, 1, 5, 5)), kind=kind)[0, 0]
        top[column].imshow(mask, cmap="Blues", vmin=0, vmax=1.6)
        for (u, v), value in np.ndenumerate(mask):
            top[column].text(v, u, f"{value:.0f}", ha="center", va="center", color="black")
        bare(top[column], f"마스크 {kind}")
        centre = gs.context_mask(np.ones((3, 3, 1, 1)), kind=kind, channels=3)[:, :, 0, 0]
        bottom[column].imshow(centre, cmap="Blues", vmin=0, vmax=1.6)
        for (o, i), value in np.ndenumerate(centre):
            bottom[column].text(i, o, f"{value:.0f}", ha="center", va="center", color="black")
        bottom[column].set(xticks=range(3), yticks=range(3), xticklabels="RGB", yticklabels="RGB",
                           xlabel="가운데에서 읽는 색", ylabel="만드는 색")  # fmt: skip
    return figure


def context(run: Any, side: int, at: tuple[int, int]) -> np.ndarray:
    """Where the image has any influence on the output at a pixel: where a gradient is not 0."""
    x = DRAWS.normal("image", (1, 1, side, side))
    _, slope = value_and_grad(lambda x: run(x)[0, :, at[0], at[1]].sum())(x)
    return slope[0, 0] != 0


def stack(x: Any) -> Any:
    """Four masked convolutions of 3 by 3 pixels, the first of type A."""
    for layer in range(4):
        kernel = DRAWS.normal(f"kernel {layer}", (2, 1 if layer == 0 else 2, 3, 3))
        x = conv2d(x, gs.context_mask(kernel, kind="A" if layer == 0 else "B"), padding=1)
    return x


def params_of(config: Any) -> dict[str, np.ndarray]:
    return {name: DRAWS.normal(name, shape) for name, shape in config.parameters().items()}


def plot_contexts() -> Figure:
    """What a pixel's output depends on, found by gradients: a stack of masked convolutions, and both LSTM layers."""
    side, at = 9, (5, 4)
    rows, diagonals = RowLSTM(1, 2), DiagonalBiLSTM(1, 2)
    networks = (
        ("마스크 합성곱 네 층", stack),
        ("Row LSTM", lambda x: gs.row_lstm(rows, params_of(rows), x)),
        ("Diagonal BiLSTM", lambda x: gs.diagonal_bilstm(diagonals, params_of(diagonals), x)),
    )
    figure = Figure(figsize=(9, 3.4))
    for ax, (title, run) in zip(figure.subplots(1, 3), networks, strict=True):
        seen = context(run, side, at)
        ax.imshow(seen, cmap="Blues", vmin=0, vmax=1.6)
        ax.plot(at[1], at[0], "s", color="tab:red", markersize=11)
        ax.set(xticks=np.arange(-0.5, side), yticks=np.arange(-0.5, side), xticklabels=[], yticklabels=[], title=title)
        ax.grid(color="gray", linewidth=0.5)
        ax.tick_params(length=0)
    return figure


def plot_skew() -> Figure:
    """An image of 3 by 4 pixels, and the same skewed: pixels of one colour are computed in one step."""
    h, w = 3, 4
    step = np.add.outer(np.arange(h), np.arange(w)) + 1.0
    figure = Figure(figsize=(8, 3))
    for ax, (image, name, title) in zip(
        figure.subplots(1, 2, width_ratios=(w, w + h - 1)),
        ((step, np.arange(h * w).reshape(h, w) + 1.0, "이미지"),
         (gs.skew(step), gs.skew(np.arange(h * w).reshape(h, w) + 1.0), "비스듬히 민 것")), strict=True,
    ):  # fmt: skip
        ax.imshow(np.where(image == 0, np.nan, image), cmap="viridis", vmin=-6, vmax=h + w - 1)
        for (r, c), value in np.ndenumerate(name):
            ax.text(c, r, f"{value:.0f}" if value else "0", ha="center", va="center",
                    color="black" if value else "gray")  # fmt: skip
        bare(ax, title)
    return figure
