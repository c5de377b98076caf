"""Figures of the chapter on autoencoders."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from gongsik.reference.activation import sigmoid
from gongsik.reference.autoencoder import latent_interpolation

MEASURED = Path(__file__).resolve().parents[1] / "autoencoder.json"


def _kept() -> dict[str, Any]:
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def _picture(rows: list[str]) -> np.ndarray:
    return np.array([[int(x, 16) for x in row] for row in rows])


def _show(ax: Axes, picture: np.ndarray, title: str = "", side: int = 8) -> None:
    """Tiles side by side, with thin lines between them."""
    ax.imshow(picture, cmap="gray_r", interpolation="nearest")
    for at in range(side, picture.shape[1], side):
        ax.axvline(at - 0.5, color="white", linewidth=0.5)
    for at in range(side, picture.shape[0], side):
        ax.axhline(at - 0.5, color="white", linewidth=0.5)
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])


def _digits() -> np.ndarray:
    return load_digits(return_X_y=True)[0] / 16


def plot_components() -> Figure:
    """Digits, and what 2, 8 and 24 principal components leave of them."""
    x = _digits()
    mean = x.mean(0)
    axes = np.linalg.svd(x - mean, full_matrices=False)[2]
    rows = {"원본": x[:10]}
    for k in (2, 8, 24):
        rows[f"코드 {k}개"] = mean + (x[:10] - mean) @ axes[:k].T @ axes[:k]
    figure = Figure(figsize=(7, 3.2))
    for ax, (title, images) in zip(figure.subplots(len(rows), 1), rows.items(), strict=True):
        _show(ax, np.concatenate(images.reshape(-1, 8, 8), 1).clip(0, 1))
        ax.set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def plot_shrinkage() -> Figure:
    """By how much the best linear denoiser multiplies a component, by its variance."""
    v = np.linspace(0, 4, 200)
    figure = Figure(figsize=(6, 3))
    ax = figure.subplots()
    for std in (0.25, 0.5, 1.0, 2.0):
        ax.plot(v, v / (v + std**2), label=f"잡음의 표준편차 {std:g}")
    ax.set(xlabel="성분의 분산", ylabel="곱하는 수", ylim=(0, 1.05))
    ax.legend()
    return figure


def plot_holes() -> Figure:
    """Codes as points and as clouds: between points nothing is known."""
    rng = np.random.default_rng(3)
    means = np.array([[-2.5, 1.5], [2.0, 2.2], [2.4, -1.6], [-1.2, -2.2]])
    figure = Figure(figsize=(8, 3.6))
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for i, mean in enumerate(means):
        codes = mean + 0.25 * rng.standard_normal((6, 2))
        left.plot(*codes.T, "o", color=f"C{i}", markersize=4)
        draws = mean / 1.6 + 0.8 * rng.standard_normal((150, 2))
        right.plot(*draws.T, ".", color=f"C{i}", markersize=3)
    left.plot(0, 0, "x", color="C5", markersize=10)
    left.annotate("여기를 풀면?", (0, 0), (0.5, 0.4))
    left.set_title("점: 빈 곳은 배운 적이 없다")
    right.set_title("구름: 서로 닿고, 원점에 모인다")
    for ax in (left, right):
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
    return figure


def plot_sandwich() -> Figure:
    """Log evidence, its bound and the gap, as the mean of q moves: one number x = 1 from p(x|z) = N(z, 1)."""
    mu = np.linspace(-1.5, 2.5, 200)
    evidence = -(np.log(2 * np.pi * 2) + 1 / 2) / 2
    figure = Figure(figsize=(7, 3.4))
    ax = figure.subplots()
    for var, style in ((0.5, "-"), (1.0, "--")):
        term = -(np.log(2 * np.pi) + (1 - mu) ** 2 + var) / 2
        cost = (var + mu**2 - np.log(var) - 1) / 2
        ax.plot(mu, term - cost, style, color="C0", label=f"ELBO, $\\sigma^2 = {var:g}$")
    ax.axhline(evidence, color="C1", label="$\\ln p(x)$")
    ax.annotate("", (1.5, evidence), (1.5, -(np.log(2 * np.pi) + 0.25 + 0.5) / 2 - (0.5 + 2.25 - np.log(0.5) - 1) / 2),
                arrowprops={"arrowstyle": "<->", "color": "C2"})  # fmt: skip
    ax.text(1.58, evidence - 0.65, "$D_{KL}(q \\Vert p(z \\mid x))$", color="C2")
    ax.set(xlabel="$q$의 평균 $\\mu$", ylim=(-5, -1))
    ax.legend(loc="lower center")
    return figure


def plot_reparameterization() -> Figure:
    """The same draws, moved and stretched: where every point goes if mu and sigma change a little."""
    eps = np.array([-1.6, -0.9, -0.4, 0.1, 0.5, 1.0, 1.8])
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    for ax, (mu, sigma), title in (
        (left, (2.0, 0.5), "$\\mu$를 1에서 2로: 모두 같은 만큼"),
        (right, (1.0, 1.2), "$\\sigma$를 0.5에서 1.2로: $\\epsilon$만큼"),
    ):
        before, after = 1 + 0.5 * eps, mu + sigma * eps
        ax.plot(before, 0 * eps + 1, "o", color="C0")
        ax.plot(after, 0 * eps, "o", color="C1")
        for a, b in zip(before, after, strict=True):
            ax.annotate("", (b, 0.05), (a, 0.95), arrowprops={"arrowstyle": "->", "color": "C2", "linewidth": 0.8})
        ax.set(yticks=[0, 1], yticklabels=["뒤", "앞"], ylim=(-0.3, 1.3), xlim=(-1.5, 4), xlabel="$z$")
        ax.set_title(title, fontsize=10)
    return figure


def plot_map() -> Figure:
    """The codes of held-out digits, and what the decoder makes of codes on a grid."""
    found = _kept()["vae 2"]["shown"]
    figure = Figure(figsize=(9, 4.4))
    left, right = figure.subplots(1, 2)
    codes, labels = np.array(found["codes"]), np.array(found["labels"])
    for digit in range(10):
        left.scatter(*codes[labels == digit].T, s=8, color=f"C{digit % 6}", alpha=0.4)
        left.text(*np.median(codes[labels == digit], 0), str(digit), fontsize=13, weight="bold", ha="center")
    left.set(xlabel="$\\mu_1$", ylabel="$\\mu_2$", aspect="equal", xlim=(-3.6, 3.6), ylim=(-3.6, 3.6))
    left.set_title("시험 숫자의 코드", fontsize=9)
    _show(right, _picture(found["map"]), "코드의 격자를 풀면")
    return figure


def plot_samples() -> Figure:
    """Samples of both models, beside real digits."""
    kept = _kept()
    real = np.concatenate([np.concatenate(row.reshape(-1, 8, 8), 1) for row in _digits()[:60].reshape(3, 20, 64)])
    rows = {
        "진짜": real,
        "VAE, 코드 2개": _picture(kept["vae 2"]["shown"]["samples"]),
        "VAE, 코드 8개": _picture(kept["vae 8"]["shown"]["samples"]),
        "AAE, 고리": _picture(kept["aae ring"]["shown"]["samples"]),
    }
    figure = Figure(figsize=(7.5, 5.2))
    for ax, (title, picture) in zip(figure.subplots(len(rows), 1), rows.items(), strict=True):
        _show(ax, picture)
        ax.set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def plot_restored() -> Figure:
    """Held-out digits above what 2 and 8 numbers leave of them."""
    kept = _kept()
    two, eight = (_picture(kept[run]["shown"]["restored"]) for run in ("vae 2", "vae 8"))
    figure = Figure(figsize=(7, 2.6))
    rows = {"원본": two[:8], "코드 2개": two[8:], "코드 8개": eight[8:]}
    for ax, (title, picture) in zip(figure.subplots(len(rows), 1), rows.items(), strict=True):
        _show(ax, picture)
        ax.set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def plot_ways() -> Figure:
    """Ways between two held-out digits, through the code."""
    figure = Figure(figsize=(6, 2.6))
    _show(figure.subplots(), _picture(_kept()["vae 8"]["shown"]["ways"]))
    return figure


def plot_arc() -> Figure:
    """The line and the arc between two codes of one length, and how long codes on them are in 100 dimensions."""
    figure = Figure(figsize=(8, 3.2))
    left, right = figure.subplots(1, 2)
    a, b = np.array([1.0, 0.15]), np.array([-0.3, 0.96])
    for spherical, name in ((False, "직선"), (True, "호")):
        walk = latent_interpolation(a, b, steps=9, spherical=spherical)
        left.plot(*walk.T, "o-", markersize=4, label=name)
    left.plot(0, 0, "+", color="C5")
    left.set(aspect="equal", xlim=(-0.6, 1.2), ylim=(-0.1, 1.2))
    left.legend()
    a, b = np.random.default_rng(0).standard_normal((2, 400, 100))
    for spherical, name in ((False, "직선"), (True, "호")):
        walk = latent_interpolation(a, b, steps=21, spherical=spherical)
        right.plot(np.linspace(0, 1, 21), np.sqrt((walk**2).sum(-1)).mean(1), label=name)
    right.axhspan(*(np.quantile(np.sqrt((a**2).sum(-1)), q) for q in (0.05, 0.95)), alpha=0.15, color="C2")
    right.set(xlabel="$\\alpha$", ylabel="길이", ylim=(6, 12))
    right.set_title("표준 정규 분포의 코드, 100차원", fontsize=9)
    return figure


def plot_adversary() -> Figure:
    """Codes of the adversarial autoencoder on its ring, and what lies around it."""
    kept = _kept()["aae ring"]["shown"]
    figure = Figure(figsize=(8, 4.2))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    codes, labels = np.array(kept["codes"]), np.array(kept["labels"])
    angle = np.linspace(0, 2 * np.pi, 200)
    left.plot(2 * np.cos(angle), 2 * np.sin(angle), color="C5", linewidth=0.8)
    for digit in range(10):
        left.scatter(*codes[labels == digit].T, s=8, color=f"C{digit % 6}", alpha=0.4)
        left.text(*np.median(codes[labels == digit], 0), str(digit), fontsize=13, weight="bold", ha="center")
    left.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xlabel="$z_1$", ylabel="$z_2$")
    left.set_title("시험 숫자의 코드와 고리", fontsize=9)
    images = np.split(_picture(kept["around"]), 20, 1)
    for i, image in enumerate(images):
        x, y = 2.3 * np.cos(2 * np.pi * i / 20), 2.3 * np.sin(2 * np.pi * i / 20)
        right.imshow(image, cmap="gray_r", extent=(x - 0.33, x + 0.33, y - 0.33, y + 0.33), vmin=0, vmax=15)
    right.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[])
    right.set_title("고리를 따라 풀면", fontsize=9)
    return figure


def plot_discriminator() -> Figure:
    """What the discriminator's two losses are by its logit."""
    s = np.linspace(-6, 6, 200)
    figure = Figure(figsize=(6, 3))
    ax = figure.subplots()
    ax.plot(s, -np.log(sigmoid(s)), label="$-\\ln D$: 포화하지 않는다")
    ax.plot(s, np.log(sigmoid(-s)), label="$\\ln(1 - D)$: 들킨 코드에서 평평하다")
    ax.set(xlabel="판별자의 로짓", ylim=(-6.5, 6.5))
    ax.legend()
    return figure
