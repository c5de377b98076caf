"""Figures of the chapter on activation functions."""

import numpy as np
from matplotlib.figure import Figure

from gongsik.reference import activation as gs
from gongsik.reference.autodiff import value_and_grad


def _slope(function, x):
    """The derivative of a function of one number, at every number of x."""
    return value_and_grad(lambda x: function(x).sum())(x)[1]


def plot_functions() -> Figure:
    """Six activation functions and their slopes, in one frame each."""
    functions = {
        "계단 함수": gs.step,
        "시그모이드": gs.sigmoid,
        "tanh": gs.tanh,
        "ReLU": gs.relu,
        "Leaky ReLU (기울기 0.1)": lambda x: gs.leaky_relu(x, negative_slope=0.1),
        "ELU": gs.elu,
    }
    x = np.linspace(-4, 4, 801)
    figure = Figure(figsize=(6.6, 4.6))
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    for i, (ax, (name, function)) in enumerate(zip(axes.flat, functions.items(), strict=True)):
        ax.plot(x, function(x), color=f"C{i}", label="값")
        ax.plot(x, _slope(function, x), color=f"C{i}", linestyle=":", label="기울기")
        ax.set_title(name)
        ax.set(xticks=(-3, 0, 3), ylim=(-1.5, 3))
        ax.legend(loc="upper left", fontsize=8.5)
    return figure


def plot_depth() -> Figure:
    """What is left of a gradient behind many layers: products of slopes at inputs drawn from a normal distribution."""
    depth = np.arange(1, 31)
    z = np.random.default_rng(0).standard_normal((2000, len(depth)))
    figure = Figure(figsize=(6.6, 3.8))
    ax = figure.subplots()
    for i, (name, function) in enumerate((("시그모이드", gs.sigmoid), ("tanh", gs.tanh))):
        products = _slope(function, z).cumprod(axis=1)
        low, middle, high = np.quantile(products, (0.1, 0.5, 0.9), axis=0)
        ax.fill_between(depth, low, high, color=f"C{i}", alpha=0.18, linewidth=0)
        ax.plot(depth, middle, color=f"C{i}", label=name)
    ax.plot(depth, 0.25**depth, color="C0", linestyle=":", label="시그모이드의 상한 $4^{-L}$")
    ax.plot(depth, _slope(gs.relu, np.abs(z[0])).cumprod(), color="C2", label="ReLU, 켜진 길")
    ax.set(xlabel="층의 수 $L$", ylabel="기울기의 곱", yscale="log", ylim=(None, 1e3))
    ax.legend()
    return figure


def plot_temperature() -> Figure:
    """Probabilities that a softmax gives to four scores, as the temperature goes from cold to hot."""
    scores = np.array([3.0, 2.0, 1.0, 0.0])
    temperature = np.logspace(-1.5, 2, 141)
    figure = Figure(figsize=(6.6, 3.4))
    ax = figure.subplots()
    for score, p in zip(scores, gs.softmax(scores / temperature[:, None]).T, strict=True):
        ax.semilogx(temperature, p, label=f"점수 {score:g}")
    ax.axvline(1, color="C5", linewidth=1, linestyle=":")
    ax.set(xlabel="온도 $T$", ylabel="확률", ylim=(-0.03, 1.03))
    ax.legend()
    return figure
