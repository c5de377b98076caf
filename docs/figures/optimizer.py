"""Figures of the chapter on optimizers: every path in them is walked by the reference's own steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import optimizer as gs

VALLEY = np.array([1.0, 25.0])
"""Curvatures of the valley x**2 / 2 + 25 y**2 / 2 along its two axes."""


def walk(step: Callable[..., Any], start: Any, slope: Callable[[Any], Any], steps: int, **options: Any) -> np.ndarray:
    """Points of an optimizer with a state, `start` included."""
    points, state = [np.asarray(start, dtype=float)], None
    for _ in range(steps):
        point, state = step(points[-1], slope(points[-1]), state, **options)
        points.append(point)
    return np.array(points)


def descend(start: Any, slope: Callable[[Any], Any], rates: np.ndarray) -> np.ndarray:
    """Points of gradient descent with one rate per step, `start` included."""
    points = [np.asarray(start, dtype=float)]
    for lr in rates:
        points.append(gs.gradient_descent(points[-1], slope(points[-1]), lr=lr))
    return np.array(points)


def plot_learning_rates() -> Figure:
    """Gradient descent on a parabola of curvature 1 with a rate from each of the three regimes."""
    regimes = {r"$\eta = 0.3$: 한쪽으로": 0.3, r"$\eta = 1.8$: 넘나들며": 1.8, r"$\eta = 2.1$: 튕겨 나간다": 2.1}
    x = np.linspace(-2.6, 2.6, 201)
    figure = Figure(figsize=(6.6, 2.8))
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    for i, (ax, (title, lr)) in enumerate(zip(axes, regimes.items(), strict=True)):
        points = descend(1.2, lambda x: x, np.full(7, lr))
        ax.plot(x, x**2 / 2, color="C5", linewidth=1)
        ax.plot(points, points**2 / 2, "o-", color=f"C{i}", markersize=4, linewidth=1.2)
        ax.set_title(title)
        ax.set_xlabel("$x$")
    axes[0].set_ylabel("손실 $x^2/2$")
    return figure


def plot_basins() -> Figure:
    """Two starts, one on each side of the hill, end in minima of different height."""

    def value(x: np.ndarray) -> np.ndarray:
        return (x**2 - 1) ** 2 + 0.3 * x

    x = np.linspace(-1.65, 1.6, 201)
    figure = Figure(figsize=(6.6, 3.0))
    ax = figure.subplots()
    ax.plot(x, value(x), color="C5", linewidth=1)
    for i, start in enumerate((-0.1, 0.4)):
        points = descend(start, lambda x: 4 * x * (x**2 - 1) + 0.3, np.full(60, 0.05))
        ax.plot(points, value(points), "o-", color=f"C{i}", markersize=4, linewidth=1, label=f"$x_0 = {start:g}$에서")
    ax.set(xlabel="$x$", ylabel="손실")
    ax.legend(loc="upper center")
    return figure


def plot_minibatch_noise() -> Figure:
    """Gradients of batches scatter around that of all samples; their spread is what the law says."""
    n, repeats = 512, 300
    gradients = Draws(0).normal("gradients", (n, 2)) + np.array([2.0, 1.0])  # one of each sample
    full, spread = gradients.mean(axis=0), np.sqrt(gradients.var(axis=0).sum())

    def batches(size: int) -> np.ndarray:
        picks = [Draws(0).permutation("batch", n, counter=1000 * size + i)[:size] for i in range(repeats)]
        return np.array([gradients[pick].mean(axis=0) for pick in picks])

    figure = Figure(figsize=(6.6, 3.2))
    left, right = figure.subplots(1, 2)
    for i, size in enumerate((1, 8, 64)):
        left.plot(*batches(size).T, ".", color=f"C{(1, 4, 0)[i]}", markersize=4, label=f"$B = {size}$")
    left.plot(*full, "+", color="C3", markersize=12, markeredgewidth=2)
    left.set(xlabel="기울기의 첫 성분", ylabel="둘째 성분", aspect="equal")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handletextpad=0.1, columnspacing=1)

    sizes = 2 ** np.arange(10)
    law = spread * np.sqrt((n - sizes) / (n - 1) / sizes)
    measured = [np.sqrt(((batches(size) - full) ** 2).sum(axis=1).mean()) for size in sizes[:-1]]
    right.loglog(sizes[:-1], law[:-1], color="C0", label="법칙")
    right.loglog(sizes[:-1], measured, "o", color="C1", markersize=5, label="잰 값")
    right.set(xlabel="배치 크기 $B$", ylabel="참 기울기까지의 거리")
    right.legend()
    return figure


def _valley(ax: Axes) -> None:
    x, y = np.meshgrid(np.linspace(-11, 4, 121), np.linspace(-1.5, 1.5, 61))
    levels = np.array([0.5, 2, 6, 14, 28, 50])
    ax.contour(x, y, (VALLEY[0] * x**2 + VALLEY[1] * y**2) / 2, levels, colors="C5", linewidths=0.6, alpha=0.7)
    ax.plot(0, 0, "+", color="C3", markersize=10, markeredgewidth=2)
    ax.set_ylim(-1.5, 1.5)


def plot_trajectories() -> Figure:
    """Gradient descent, momentum and Nesterov in a valley 25 times steeper across than along."""
    start, steps = (-10.0, 1.0), 30
    paths = {
        "경사 하강법": descend(start, lambda w: VALLEY * w, np.full(steps, 0.07)),
        "모멘텀": walk(gs.momentum, start, lambda w: VALLEY * w, steps, lr=0.035, beta=0.75),
        "네스테로프": walk(gs.nesterov, start, lambda w: VALLEY * w, steps, lr=0.035, beta=0.75),
    }
    figure = Figure(figsize=(6.6, 5.0))
    axes = figure.subplots(3, 1, sharex=True, sharey=True)
    for i, (ax, (name, points)) in enumerate(zip(axes, paths.items(), strict=True)):
        _valley(ax)
        ax.plot(*points.T, "o-", color=f"C{i}", markersize=3.5, linewidth=1.2)
        loss = (VALLEY * points[-1] ** 2).sum() / 2
        ax.set_title(f"{name}: {steps}걸음 뒤의 손실 {loss:.2g}", loc="left")
    return figure


def plot_saddle() -> Figure:
    """Gradient descent near the saddle of x**2 - y**2: it stays on the ridge, and falls off it from anywhere else."""
    figure = Figure(figsize=(6.6, 3.2))
    left, right = figure.subplots(1, 2)
    x, y = np.meshgrid(np.linspace(-1.1, 1.1, 81), np.linspace(-1.1, 1.1, 81))
    left.contour(x, y, x**2 - y**2, 14, colors="C5", linewidths=0.6, alpha=0.7)
    starts = (((-1.0, 0.0), "$y_0 = 0$"), ((1.0, 1e-8), "$y_0 = 10^{-8}$"), ((1.0, 1e-2), "$y_0 = 10^{-2}$"))
    for i, (start, label) in enumerate(starts):
        points = descend(start, lambda w: np.array([2.0, -2.0]) * w, np.full(110, 0.1))
        points = points[np.abs(points[:, 1]) < 1.1]
        left.plot(*points.T, "o-", color=f"C{i}", markersize=3, linewidth=1, label=label)
        if points[0, 1]:
            right.semilogy(points[:, 1], color=f"C{i}")
    left.set(xlabel="$x$", ylabel="$y$", aspect="equal")
    right.set(xlabel="걸음", ylabel="등마루에서 벗어난 거리 $|y|$")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def plot_adagrad_rmsprop() -> Figure:
    """Steps of size relative to the rate, when gradients shrink a hundredfold after 100 steps."""
    gradients = np.where(np.arange(400) < 100, 1.0, 0.01)
    figure = Figure(figsize=(6.6, 3.2))
    ax = figure.subplots()
    for i, (name, step, options) in enumerate(
        (("Adagrad", gs.adagrad, {}), (r"RMSProp ($\gamma = 0.9$)", gs.rmsprop, {"gamma": 0.9}))
    ):
        given = iter(gradients)
        points = walk(step, 0.0, lambda w, given=given: np.array(next(given)), len(gradients), lr=1.0, **options)
        ax.semilogy(np.arange(1, len(points)), -np.diff(points), color=f"C{i}", label=name)
    ax.axvline(100, color="C5", linewidth=1, linestyle=":")
    ax.annotate("기울기가 100분의 1로", (100, 2.2), xytext=(108, 2.0))
    ax.set(xlabel="걸음 $t$", ylabel=r"걸음의 크기 ($\eta = 1$)")
    ax.legend()
    return figure


def plot_epsilon() -> Figure:
    """First step of Adagrad and of Adam by the size of the gradient, with epsilon outside the root and inside."""
    sizes = np.logspace(-12, 0, 121)
    start = np.zeros_like(sizes)
    figure = Figure(figsize=(6.6, 3.4))
    ax = figure.subplots()
    lines = (
        ("밖: Adagrad와 Adam이 같다", gs.adam, "outside", "-"),
        ("안: Adagrad", gs.adagrad, "inside", "-"),
        ("안: Adam (보정하지 않은 $v$)", gs.adam, "inside", "--"),
    )
    for i, (label, step, place, style) in enumerate(lines):
        moved, _ = step(start, sizes, lr=1.0, eps=1e-8, eps_place=place)  # pyright: ignore[reportArgumentType]
        ax.loglog(sizes, -moved, style, color=f"C{i}", label=label)
    ax.set(xlabel="기울기의 크기 $|g|$", ylabel=r"첫걸음의 크기 ($\eta = 1$)")
    ax.legend()
    return figure


def plot_bias_correction() -> Figure:
    """Averages of a gradient that is always 1, and the step that they make, with and without correction."""
    t = np.arange(1, 3001)
    ones = np.ones(len(t))
    m, v = (gs.exponential_moving_average(ones, gamma=beta) for beta in (0.9, 0.999))
    corrected = -np.diff(walk(gs.adam, 0.0, lambda w: np.array(1.0), len(t), lr=1.0, eps=0.0))
    figure = Figure(figsize=(6.6, 3.2))
    left, right = figure.subplots(1, 2, sharex=True)
    left.semilogx(t, m, color="C0", label=r"$m_t$ ($\beta_1 = 0.9$)")
    left.semilogx(t, v, color="C1", label=r"$v_t$ ($\beta_2 = 0.999$)")
    left.semilogx(t, ones, color="C2", linestyle="--", label=r"$\hat m_t = \hat v_t$")
    left.set(xlabel="걸음 $t$", title="평균: 참값은 1", ylim=(0, 1.6))
    left.legend(loc="upper left")
    right.semilogx(t, m / np.sqrt(v), color="C1", label="보정 없이")
    right.semilogx(t, corrected, color="C2", linestyle="--", label="보정하면")
    right.set(xlabel="걸음 $t$", title=r"걸음의 크기 ($\eta = 1$)", ylim=(0, 7))
    right.legend()
    return figure


def plot_rates_and_noise() -> Figure:
    """Loss under a noisy gradient for four ways to choose the rate, averaged over 64 runs."""
    steps, runs = 300, 64
    curvature = np.geomspace(0.05, 1.0, 10)
    noise = 0.4 * Draws(1).normal("noise", (steps, runs, 10))
    t = np.arange(steps)
    choices = {
        r"너무 큼 ($\eta = 2.02$)": np.full(steps, 2.02),
        r"큼 ($\eta = 0.8$)": np.full(steps, 0.8),
        r"작음 ($\eta = 0.01$)": np.full(steps, 0.01),
        r"0.8에서 코사인으로 줄임": gs.cosine_decay(t, base_lr=0.8, total_steps=steps),
    }
    figure = Figure(figsize=(6.6, 3.4))
    ax = figure.subplots()
    for i, (label, rates) in enumerate(choices.items()):
        given = iter(noise)
        points = descend(np.full((runs, 10), 2.0), lambda w, given=given: curvature * w + next(given), rates)
        ax.semilogy((curvature * points**2).sum(axis=-1).mean(axis=-1) / 2, color=f"C{(3, 1, 0, 2)[i]}", label=label)
    ax.set(xlabel="걸음", ylabel="손실", ylim=(None, 300))
    ax.legend(fontsize="small", ncols=2, loc="upper right")
    return figure


def plot_schedules() -> Figure:
    """Bare decays, and the same after a warm-up."""
    total, warmup = 1000, 100
    t = np.arange(total + 1)
    bare = {
        "코사인": gs.cosine_decay(t, base_lr=1.0, total_steps=total),
        "선형": gs.linear_decay(t, base_lr=1.0, total_steps=total),
        "역제곱근": gs.inverse_sqrt_decay(np.maximum(t, 1), base_lr=1.0),
    }
    warmed = {
        name: gs.linear_warmup(t, base_lr=1.0, warmup_steps=warmup, decay=decay, total_steps=total)  # pyright: ignore[reportArgumentType]
        for name, decay in (("코사인", "cosine"), ("선형", "linear"), ("역제곱근", "inverse_sqrt"))
    }
    figure = Figure(figsize=(6.6, 3.0))
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, title, curves in zip(axes, ("감쇠만", "웜업 100걸음 뒤에 감쇠"), (bare, warmed), strict=True):
        for name, rates in curves.items():
            ax.plot(t, rates, label=name)
        ax.set(title=title, xlabel="걸음 $t$")
    axes[0].set_ylabel(r"학습률 $\eta_t / \eta_0$")
    axes[0].legend()
    return figure
