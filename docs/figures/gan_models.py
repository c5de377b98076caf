"""Figures of the networks in the chapter on adversarial networks: what they made of digits, and how one fades in."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from gongsik import reference as gs

RESULTS = json.loads((Path(__file__).parents[1] / "gan.json").read_text(encoding="utf-8"))
NAMES = {"gan": "GAN", "wgan-gp": "WGAN-GP", "dcgan": "DCGAN"}


def _picture(rows):
    return np.array([[int(x, 16) for x in row] for row in rows]) / 15


def plot_shown() -> Figure:
    """What each generator makes of the same noise, early and late."""
    figure = Figure(figsize=(6.6, 3.4))
    for pane, (kind, name) in zip(figure.subplots(3, 1), NAMES.items(), strict=True):
        found = RESULTS[kind]
        pane.imshow(np.concatenate([_picture(rows) for rows in found["shown"]]), cmap="gray_r", vmin=0, vmax=1)
        pane.set_yticks([8 * i + 3.5 for i in range(len(found["marks"]))], [f"{step}걸음" for step in found["marks"]])
        pane.set_xticks([])
        pane.tick_params(length=0, labelsize=7)
        pane.set_title(f"{name}: 거리 {found['measured']['distance']:.2f}", fontsize=9)
    return figure


def plot_distances() -> Figure:
    """How far the samples are from real digits, beside real digits, independent pixels and noise."""
    measured = RESULTS["gan"]["measured"]
    bars = {"진짜 숫자": measured["digits"]}
    bars |= {name: RESULTS[kind]["measured"]["distance"] for kind, name in NAMES.items()}
    bars |= {"독립 화소": measured["pixels"], "잡음": measured["noise"]}
    figure = Figure(figsize=(6.6, 2.2))
    pane = figure.subplots()
    pane.set(xscale="log", xlabel="프레셰 거리의 제곱", xlim=(0.1, 60))
    pane.bar_label(pane.barh(list(bars), list(bars.values()), color=["C2", "C0", "C0", "C0", "C7", "C7"]), fmt="%.2f")
    pane.invert_yaxis()
    return figure


def plot_fading() -> Figure:
    """A digit of 4 x 4 pixels on its way to 8 x 8."""
    digit = load_digits().data[0].reshape(8, 8) / 16  # pyright: ignore[reportAttributeAccessIssue]
    high = digit[None, None]
    low = gs.avg_pool2d(high, kernel=2)
    figure = Figure(figsize=(6.6, 1.6))
    for pane, alpha in zip(figure.subplots(1, 5), (0.0, 0.25, 0.5, 0.75, 1.0), strict=True):
        pane.imshow(gs.fade_in(low, high, np.array(alpha))[0, 0], cmap="gray_r", vmin=0, vmax=1)
        pane.set(title=rf"$\alpha = {alpha:g}$", xticks=[], yticks=[])
    return figure
