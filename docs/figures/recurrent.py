"""Figures of the chapter on recurrent networks."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gongsik.reference import recurrent as gs
from gongsik.reference.autodiff import value_and_grad
from gongsik.spec.recurrent import LSTM, RNN

STEPS = 40


def plot_powers() -> Figure:
    """How long W^n is, for three spectral radii: a turn that also shrinks, keeps or stretches."""
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    figure = Figure(figsize=(9, 3.4))
    left, right = figure.subplots(1, 2)
    for radius, style in ((0.9, "-"), (1.0, "--"), (1.1, "-.")):
        powers = [np.linalg.matrix_power(radius * turn, n) for n in range(STEPS + 1)]
        left.plot(*np.array([p[:, 0] for p in powers]).T, marker=".", linestyle=style, label=rf"$\rho = {radius}$")
        right.semilogy([np.linalg.norm(p, 2) for p in powers], linestyle=style, label=rf"$\rho = {radius}$")
    left.set(aspect="equal", xlim=(-4, 4), ylim=(-4, 4), title=r"$W^n$의 첫째 열")
    right.set(xlabel="$n$", title=r"$\Vert W^n \Vert$")
    right.legend()
    return figure


def gradient_norms(network: Any, config: Any, params: Any, x: np.ndarray) -> np.ndarray:
    """Length of the gradient of the last output by the input of every step."""
    _, slope = value_and_grad(lambda x: network(config, params, x).output[:, -1].sum())(x)
    return np.linalg.norm(slope[0], axis=-1)


def plot_gradients() -> Figure:
    """What the last output still feels of every input: plain networks and LSTMs, with random weights."""
    rng, k = np.random.default_rng(0), 16
    x = 0.5 * rng.standard_normal((1, STEPS, 4))
    figure = Figure(figsize=(8, 3.8))
    ax = figure.subplots()
    for radius in (0.5, 0.9):
        params = {name: np.zeros(shape) for name, shape in RNN(4, k).parameters().items()}
        orthogonal = np.linalg.qr(rng.standard_normal((k, k)))[0]
        params |= {"weight_ih_l0": 0.1 * rng.standard_normal((k, 4)), "weight_hh_l0": radius * orthogonal}
        norms = gradient_norms(gs.rnn, RNN(4, k), params, x)
        ax.semilogy(norms, label=rf"RNN, $\rho(W) = {radius}$")
    for bias, style in ((0.0, "--"), (5.0, "-.")):
        params = {name: 0.1 * rng.standard_normal(shape) for name, shape in LSTM(4, k).parameters().items()}
        params["bias_ih_l0"] = np.concatenate([np.zeros(k), np.full(k, bias), np.zeros(2 * k)])
        norms = gradient_norms(gs.lstm, LSTM(4, k), params, x)
        ax.semilogy(norms, linestyle=style, label=rf"LSTM, $b_f = {bias:g}$")
    ax.set(xlabel="입력의 시점 $t$ (출력은 맨 오른쪽)", ylabel=r"$\Vert \partial y_T / \partial x_t \Vert$")
    ax.legend(loc="lower right")
    return figure


def plot_gates() -> Figure:
    """An LSTM of one unit, set by hand: the first input says "write", the second "erase", the third is what is written.

    Gates and cell over 24 steps.
    """
    x = np.zeros((1, 24, 3))
    x[0, 4, 0], x[0, 4, 2] = 1, 1.5
    x[0, 9, 2] = -1.5  # comes while the input gate is closed
    x[0, 16, 1] = 1
    weight = np.array([[10.0, 0, 0], [0, -10.0, 0], [0, 0, 1.0], [0, 0, 0]])  # rows: i, f, candidate, o
    recurrent, bias, none = np.zeros((4, 1)), np.array([-5.0, 5.0, 0.0, 2.0]), np.zeros(4)
    h, c = np.zeros((1, 1)), np.zeros((1, 1))
    seen: dict[str, list[float]] = {"i": [], "f": [], "c": [], "h": []}
    for t in range(x.shape[1]):
        i, _ = gs.lstm_input_gate(x[:, t], h, weight[[0, 2]], recurrent[:2], bias[[0, 2]])
        f = gs.lstm_forget_gate(x[:, t], h, weight[[1]], recurrent[:1], bias[[1]])
        h, c = gs.lstm_cell(x[:, t], h, c, weight, recurrent, bias, none)
        for name, value in (("i", i), ("f", f), ("c", c), ("h", h)):
            seen[name].append(value.item())
    figure = Figure(figsize=(8, 5))
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    steps = np.arange(x.shape[1])
    for j, (name, shift) in enumerate((("쓰라", -0.25), ("지우라", 0), ("값", 0.25))):
        top.bar(steps + shift, x[0, :, j], width=0.3, color=f"C{j}", label=name)
    top.set(ylabel="입력")
    top.legend(ncols=3, fontsize=8.5)
    for name, style in (("i", "-"), ("f", "--")):
        middle.step(steps, seen[name], where="mid", linestyle=style, label=f"${name}_t$")
    middle.set(ylabel="게이트", ylim=(-0.05, 1.05))
    middle.legend(ncols=2, fontsize=8.5, loc="center right")
    for name, style in (("c", "-"), ("h", "--")):
        bottom.step(steps, seen[name], where="mid", linestyle=style, label=f"${name}_t$")
    bottom.set(xlabel="시점 $t$", ylabel="상태")
    bottom.legend(ncols=2, fontsize=8.5)
    return figure
