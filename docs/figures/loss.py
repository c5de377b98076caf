"""Figures of the chapter on loss functions."""

import numpy as np
from matplotlib.figure import Figure

from gongsik.reference import loss as gs
from gongsik.reference.activation import softmax
from gongsik.reference.autodiff import value_and_grad


def _each(loss, pred, target, **options):
    """A loss of every element by itself: the same function, called on one sample at a time."""
    pred, target = np.broadcast_arrays(pred, target)
    return np.array([loss(p, t, **options) for p, t in zip(pred[:, None], target[:, None], strict=True)])


def plot_outlier() -> Figure:
    """One wild value among ten: what it does to the best constant and to the best line."""
    figure = Figure(figsize=(6.6, 3.6))
    left, right = figure.subplots(1, 2)

    values = np.array([1.0, 2.0, 3.0, 4.0, 20.0])
    constants = np.linspace(0, 10, 201)
    for i, (name, loss, best) in enumerate((("MSE", gs.mse, values.mean()), ("MAE", gs.mae, np.median(values)))):
        curve = np.array([loss(np.full_like(values, c), values) for c in constants])
        curve, lowest = curve / curve.min(), loss(np.full_like(values, best), values) / curve.min()
        left.plot(constants, curve, color=f"C{i}", label=name)
        left.plot(best, lowest, "o", color=f"C{i}")
    left.plot(values[:-1], np.full(4, 0.93), "|", color="C5", markersize=10)
    left.set(title="상수 하나로 맞힐 때", xlabel="예측 $c$", ylabel="손실 / 가장 작은 손실", ylim=(0.88, 2.2))

    x = np.arange(10.0)
    y = 0.5 * x + 1 + 0.3 * np.sin(5 * x)
    y[8] = 14.0
    design = np.stack([x, np.ones(10)], axis=1)
    least_squares = np.linalg.lstsq(design, y, rcond=None)[0]
    # A line that minimises the absolute errors can always be laid through two of the points.
    pairs = [(i, j) for i in range(10) for j in range(i)]
    lines = [np.linalg.solve(design[[i, j]], y[[i, j]]) for i, j in pairs]
    least_absolute = min(lines, key=lambda line: gs.mae(design @ line, y))
    right.plot(x, y, "o", color="C5", markersize=4)
    right.plot(x, design @ least_squares, color="C0")
    right.plot(x, design @ least_absolute, color="C1")
    right.set(title="직선으로 맞힐 때", xlabel="$x$", ylabel="$y$")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def plot_noise() -> Figure:
    """Two densities of noise, and minus their logarithms: a parabola and an angle."""
    error = np.linspace(-4, 4, 401)
    nll = {
        "정규 분포": _each(gs.gaussian_nll, error, 0.0),
        "라플라스 분포": np.log(2) + _each(gs.mae, error, 0.0),
    }
    figure = Figure(figsize=(6.6, 3.2))
    left, right = figure.subplots(1, 2, sharex=True)
    for name, curve in nll.items():
        left.plot(error, np.exp(-curve), label=name)
        right.plot(error, curve)
    left.set(title="밀도", xlabel="오차 $y - \\hat y$")
    right.set(title="$-\\log$ 밀도", xlabel="오차 $y - \\hat y$")
    left.legend(fontsize=9)
    return figure


def plot_surprise() -> Figure:
    """The price of a probability: of the event that happened, and around a target that is itself a probability."""
    p = np.linspace(0.002, 0.998, 499)
    figure = Figure(figsize=(6.6, 3.6))
    left, right = figure.subplots(1, 2, sharex=True)
    left.plot(p, _each(gs.binary_cross_entropy, p, 1.0), label="$-\\log p$")
    left.plot(p, _each(gs.mse, p, 1.0), label="$(1 - p)^2$")
    left.set(title="일어난 사건", xlabel="예측 확률 $p$", ylabel="손실", ylim=(0, 5))
    left.legend()

    for i, target in enumerate((0.5, 0.8)):
        right.plot(p, _each(gs.binary_cross_entropy, p, target), color=f"C{i + 2}", label=f"목표 {target}")
        around = target + np.array([-0.15, 0, 0.15])
        right.plot(around, _each(gs.binary_cross_entropy, around, target), "o", color=f"C{i + 2}", markersize=4)
    right.set(title="목표가 확률일 때 (BCE)", xlabel="예측 확률 $p$", ylim=(0.4, 1.6))
    right.legend(loc="upper center")
    return figure


def _unshifted(z, label):
    """The cross entropy of a softmax as the formula has it, with no care for overflow."""
    return np.log(np.exp(z).sum()) - z[0, label[0]]


def _through_probability(z, label):
    return gs.cross_entropy(softmax(z), np.eye(z.shape[-1], dtype=z.dtype)[label])


def plot_logits() -> Figure:
    """Loss and slope of one badly wrong row in float32, as its logit grows: three ways to write the same formula."""
    sizes = np.logspace(0, 4, 161, dtype=np.float32)
    label = np.array([1])
    ways = {
        "빼지 않은 지수": (_unshifted, "--"),
        "확률을 거쳐서": (_through_probability, "-"),
        "로짓에서 바로": (gs.softmax_cross_entropy, ":"),
    }
    figure = Figure(figsize=(6.6, 3.8))
    left, right = figure.subplots(1, 2, sharex=True)
    for i, (name, (loss, dashes)) in enumerate(ways.items()):
        with np.errstate(over="ignore", invalid="ignore"):
            rows = [np.array([[size, 0, 0]], dtype=np.float32) for size in sizes]
            values, slopes = zip(*(value_and_grad(lambda z, f=loss: f(z, label))(row) for row in rows), strict=True)
        values, slopes = np.array(values), np.array([slope[0, 0] for slope in slopes])
        style = {"color": f"C{(1, 5, 0)[i]}", "linestyle": dashes, "linewidth": (5, 2, 2.6)[i], "label": name}
        left.loglog(sizes[np.isfinite(values)], values[np.isfinite(values)], **style)
        right.semilogx(sizes[np.isfinite(slopes)], slopes[np.isfinite(slopes)], **style)
    left.set(title="손실", xlabel="틀린 클래스의 로짓")
    right.set(title="그 로짓의 기울기", xlabel="틀린 클래스의 로짓", ylim=(-0.1, 1.1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def plot_margins() -> Figure:
    """Four losses of the margin: the count of mistakes, and three that have a slope."""
    margin = np.linspace(-2.5, 3, 551)
    losses = {
        "0-1 손실": (_each(gs.zero_one_loss, margin, 1.0), "C5"),
        "힌지": (_each(gs.hinge_loss, margin, 1.0), "C0"),
        "로지스틱 / ln 2": (_each(gs.logistic_loss, margin, 1.0) / np.log(2), "C2"),
        "지수": (_each(gs.exponential_loss, margin, 1.0), "C1"),
    }
    figure = Figure(figsize=(6.6, 3.8))
    ax = figure.subplots()
    for name, (curve, color) in losses.items():
        ax.plot(margin, curve, color=color, label=name)
    ax.axvspan(-2.5, 0, color="C5", alpha=0.12, linewidth=0)
    ax.text(-2.4, 0.25, "틀린 예측")
    ax.set(xlabel="마진 $m = y\\,\\hat y$", ylabel="손실", ylim=(-0.1, 5), xlim=(-2.5, 3))
    ax.legend(loc="upper right")
    return figure
