"""Figures of the chapter on activation functions."""

import numpy as np
from matplotlib.figure import Figure

from gongsik.reference import activation as gs


def plot_functions() -> Figure:
    """Values of six activation functions in one frame each."""
    functions = {
        "계단 함수": gs.step,
        "시그모이드": gs.sigmoid,
        "tanh": gs.tanh,
        "ReLU": gs.relu,
        "Leaky ReLU (기울기 0.1)": lambda x: gs.leaky_relu(x, negative_slope=0.1),
        "ELU": gs.elu,
    }
    x = np.linspace(-4, 4, 401)
    figure = Figure(figsize=(6.6, 4.2))
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    for i, (ax, (name, function)) in enumerate(zip(axes.flat, functions.items(), strict=True)):
        ax.plot(x, function(x), color=f"C{i}")
        ax.set_title(name)
        ax.set_ylim(-1.5, 3)
    return figure


def plot_slopes() -> Figure:
    """Slopes of the sigmoid, tanh and ReLU: the first two vanish on both sides."""
    x = np.linspace(-6, 6, 601)
    sigmoid, tanh = gs.sigmoid(x), gs.tanh(x)
    figure = Figure()
    ax = figure.subplots()
    ax.plot(x, sigmoid * (1 - sigmoid), label=r"시그모이드: $\sigma'(x) \leq 1/4$")
    ax.plot(x, 1 - tanh**2, label=r"tanh: $\tanh'(x) \leq 1$")
    ax.plot(x, np.where(x > 0, 1.0, 0.0), label="ReLU: 0 또는 1")
    ax.set_xlabel("$x$")
    ax.set_ylabel("기울기")
    ax.legend()
    return figure
