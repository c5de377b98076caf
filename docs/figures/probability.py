"""Figures of the chapter on probability models."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_iris

from gongsik import reference as gs
from gongsik.spec.probability import (
    Mixture,
    independent_parameters,
    joint_table_parameters,
    markov_parameters,
)

GRID = np.linspace(-8, 8, 401)
TWO_HILLS = Mixture(np.array([0.6, 0.4]), np.array([-2.5, 3.0]), np.array([0.8, 1.0]))


def petal_lengths() -> np.ndarray:
    """Lengths of the petals of 150 irises, in cm."""
    return load_iris(return_X_y=True)[0][:, 2]


def fitted(x: np.ndarray, k: int, steps: int = 60) -> tuple[Mixture, list[float]]:
    """A mixture of k components, started evenly over the data, and the log-likelihood before each step."""
    mixture = Mixture(np.full(k, 1 / k), np.linspace(x.min(), x.max(), k), np.full(k, x.std() / k))
    seen = []
    for _ in range(steps):
        seen.append(float(gs.log_likelihood(gs.gaussian_mixture(x, *mixture))))
        mixture = gs.expectation_maximization(x, *mixture)
    return mixture, seen


def plot_parameters() -> Figure:
    """How many numbers a distribution over n binary pixels needs, by what is assumed of it."""
    n = range(1, 101)
    figure = Figure(figsize=(6.6, 3.2))
    ax = figure.subplots()
    curves = {
        "결합 표 $2^n - 1$": (joint_table_parameters, "-"),
        "마르코프 $2n - 1$": (markov_parameters, "-"),
        "독립 $n$": (independent_parameters, "--"),
    }
    for i, (name, (count, dashes)) in enumerate(curves.items()):
        ax.semilogy(n, [float(count(m)) for m in n], dashes, color=f"C{i}", label=name)
    ax.set(xlabel="이진 픽셀의 수 $n$", ylabel="파라미터의 수")
    ax.legend(loc="center right")
    return figure


def plot_coin() -> Figure:
    """Entropy of a coin in bits, and the divergence of a fair coin from a guess, both ways."""
    p = np.linspace(0, 1, 201)
    coins = np.stack([1 - p, p], axis=-1)
    fair = np.full_like(coins, 0.5)
    figure = Figure(figsize=(6.6, 3.0))
    left, right = figure.subplots(1, 2)
    left.plot(p, gs.entropy(coins) / np.log(2))
    left.set(title="동전의 엔트로피", xlabel="앞면이 나올 확률 $p$", ylabel="비트")
    right.plot(p[1:-1], gs.kl_divergence(fair, coins)[1:-1], label="$D_{KL}(f \\Vert p)$")
    right.plot(p, gs.kl_divergence(coins, fair), "--", label="$D_{KL}(p \\Vert f)$")
    right.plot(p, gs.js_divergence(coins, fair), ":", label="$\\mathrm{JSD}$")
    right.set(title="공정한 동전 $f$와의 차이", xlabel="앞면이 나올 확률 $p$", ylim=(0, 1.6))
    right.legend(fontsize=9)
    return figure


def best_normals() -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and deviation of the normal distribution nearest to two hills, by KL forwards and by KL backwards.

    The distributions are rows of probabilities of the places of a grid; backwards the search is over all normal
    distributions with a mean and a deviation of a grid of their own.
    """
    target = row(gs.gaussian_mixture(GRID, *TWO_HILLS))
    mean = float(target @ GRID)
    forward = mean, float(np.sqrt(target @ (GRID - mean) ** 2))
    choices = [(m, s) for m in np.linspace(-4, 4, 81) for s in np.linspace(0.5, 4, 36)]
    models = np.array([row(gs.normal(GRID, np.array(m), np.array(s))) for m, s in choices])
    backward = choices[int(np.argmin(gs.kl_divergence(models, np.broadcast_to(target, models.shape))))]
    return forward, backward


def row(log_density: np.ndarray) -> np.ndarray:
    """Probabilities of the places of the grid."""
    return gs.softmax(log_density)


def plot_directions() -> Figure:
    """A single normal distribution fitted to two hills: forwards it covers both, backwards it chooses one."""
    figure = Figure(figsize=(6.6, 2.8))
    axes = figure.subplots(1, 2, sharey=True)
    titles = "$D_{KL}(p \\Vert q)$: 넓게 덮는다", "$D_{KL}(q \\Vert p)$: 하나를 고른다"
    density = np.exp(gs.gaussian_mixture(GRID, *TWO_HILLS))
    for ax, title, (mean, std) in zip(axes, titles, best_normals(), strict=True):
        ax.fill_between(GRID, density, color="C5", alpha=0.25, linewidth=0, label="$p$")
        ax.plot(GRID, np.exp(gs.normal(GRID, np.array(mean), np.array(std))), color="C1", label="$q$")
        ax.set(title=title, xlabel="$x$")
    axes[0].set(ylabel="밀도")
    axes[0].legend()
    return figure


def plot_distance() -> Figure:
    """Two boxes moved apart, step by step: the divergences do not grow with the gap between them."""
    places, width = 41, 8
    box = np.zeros(places)
    box[:width] = 1 / width
    moved = np.array([np.roll(box, shift) for shift in range(places - width)])
    still = np.broadcast_to(box, moved.shape).copy()
    figure = Figure(figsize=(6.6, 2.8))
    ax = figure.subplots()
    jsd = gs.js_divergence(still, moved)
    ax.plot(jsd, label="$\\mathrm{JSD}$")
    ax.plot(np.sqrt(jsd), "--", label="$\\sqrt{\\mathrm{JSD}}$")
    ax.axhline(np.log(2), color="C5", linewidth=0.8, linestyle=":")
    ax.axvspan(width, places - width - 1, color="C5", alpha=0.12, linewidth=0)
    ax.text(width + 1, 0.2, "겹치지 않는다: 기울기가 0이고 KL은 무한대")
    ax.set(xlabel="옮긴 거리", xlim=(0, places - width - 1))
    ax.legend(loc="center right")
    return figure


def plot_petals() -> Figure:
    """Density of the petal lengths of 150 irises by one normal distribution and by mixtures; and how EM climbs."""
    x = petal_lengths()
    line = np.linspace(0, 8, 401)
    figure = Figure(figsize=(6.6, 3.4))
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    left.hist(x, bins=24, density=True, color="C5", alpha=0.35)
    one = gs.maximum_likelihood(x)
    left.plot(line, np.exp(gs.normal(line, *one)), "--", color="C0", label="정규 분포 하나")
    for k in (2, 3):
        mixture, seen = fitted(x, k)
        left.plot(line, np.exp(gs.gaussian_mixture(line, *mixture)), color=f"C{k - 1}", label=f"혼합, {k}개")
        right.plot(seen[:30], color=f"C{k - 1}")
    right.axhline(float(gs.log_likelihood(gs.normal(x, *one))), color="C0", linestyle="--")
    left.set(title="붓꽃 150송이의 꽃잎 길이", xlabel="cm", ylabel="밀도")
    left.legend(fontsize=9)
    right.set(title="EM의 로그우도", xlabel="걸음")
    return figure


def plot_posterior() -> Figure:
    """Two classes with densities of their own, and the posterior that follows: of one spread, and of two."""
    line = np.linspace(-5, 7, 401)
    figure = Figure(figsize=(6.6, 3.4))
    axes = figure.subplots(2, 2, sharex=True, sharey="row")
    mean, prior = np.array([-0.5, 2.0]), np.array([0.5, 0.5])
    for column, std in zip(axes.T, ([1.2, 1.2], [0.7, 2.0]), strict=True):
        log_density = gs.normal(np.repeat(line[:, None], 2, axis=1), mean, np.array(std))
        column[0].plot(line, np.exp(log_density))
        column[1].plot(line, gs.posterior(log_density, prior)[:, 1], color="C2")
        column[1].set(xlabel="$x$")
    axes[0, 0].set(title="퍼진 정도가 같다", ylabel="$p(x \\mid y)$")
    axes[0, 1].set(title="퍼진 정도가 다르다")
    axes[1, 0].set(ylabel="$p(y = 1 \\mid x)$")
    return figure
