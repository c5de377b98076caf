"""Figures of the chapter on networks."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import activation, network
from gongsik.reference.autodiff import Visit, trace
from gongsik.spec.network import MLP, Activation

DRAWS = Draws(0)
SYMBOLS = {"add": "+", "subtract": "−", "multiply": "×", "square": "$u^2$"}


# The graph of a loss, with all gradients


def penalised_loss(p: dict[str, Any]) -> Any:
    """Squared error of a line at one point, and a penalty: the weight is used twice."""
    residual = p["w"] * p["x"] + p["b"] - 4
    return np.square(residual) + 0.25 * np.square(p["w"])


def plot_graph() -> Figure:
    """The recorded graph of a loss: values, and at every edge upstream times local = downstream."""
    visits = trace(penalised_loss)({"w": 2.0, "x": 3.0, "b": -1.0})
    places = _places(visits, rows={"w": 0.0, "x": 1.4, "b": 1.8})
    received: dict[int, list[float]] = {}
    figure = Figure(figsize=(9, 4.2))
    ax = figure.subplots()
    for visit in reversed(visits):
        x, y = places[visit.node.number]
        for edge, local, downstream in zip(visit.node.edges, visit.local, visit.downstream, strict=True):
            received.setdefault(edge.operand.number, []).append(downstream)
            start = places[edge.operand.number]
            arrow = {"arrowstyle": "-|>", "shrinkA": 17, "shrinkB": 19, "color": "C5"}
            ax.annotate("", (x, y), start, arrowprops=arrow)
            ax.text(
                (start[0] + x) / 2, (start[1] + y) / 2 + 0.05,
                rf"$\leftarrow {visit.upstream:g} \times {local:g} = {downstream:g}$",
                color="C1", fontsize=9.5, ha="center", va="bottom", rotation_mode="anchor",
                rotation=np.degrees(np.arctan2(y - start[1], x - start[0])), transform_rotates_text=True,
            )  # fmt: skip
        _draw_node(ax, visit, (x, y), received.get(visit.node.number, []))
    legend = (("노드 위: 값", "C5"), ("노드 아래: 상류 기울기", "C1"), (r"$\leftarrow$ 상류 × 지역 = 하류", "C1"))
    for line, (text, color) in enumerate(legend):
        ax.text(3.4, 0.15 - 0.22 * line, text, va="center", color=color)
    ax.set(xlim=(-0.3, 5.3), ylim=(-0.5, 2.2))
    ax.axis("off")
    return figure


def _draw_node(ax: Axes, visit: Visit, place: tuple[float, float], received: list[float]) -> None:
    """A node with its value above and its gradient below: where it is used twice, the sum of what came back."""
    x, y = place
    constants = "".join(f"{constant:g}" for constant in visit.node.constants)
    is_input = visit.node.operation == "input"
    label = f"${visit.node.name}$" if is_input else SYMBOLS[visit.node.operation] + constants
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "none", "edgecolor": "C0" if is_input else "C5"}
    total = " + ".join(f"{g:g}" for g in received) + " = " if len(received) > 1 else ""
    ax.text(x, y, label, ha="center", va="center", fontsize=12, bbox=frame)
    ax.text(x, y + 0.2, f"{visit.node.value:g}".replace("-", "−"), ha="center", va="bottom")
    ax.text(x, y - 0.2, f"{total}{visit.upstream:g}", ha="center", va="top", color="C1")


def _places(visits: list[Visit], rows: dict[str, float]) -> dict[int, tuple[float, float]]:
    """Column and row of every node: an operation stands to the right of its operands, an input just before its use."""
    column: dict[int, float] = {}
    row: dict[int, float] = {}
    for visit in visits:
        operands = [edge.operand.number for edge in visit.node.edges]
        column[visit.node.number] = 1 + max((column[i] for i in operands), default=-1)
        row[visit.node.number] = float(np.mean([row[i] for i in operands])) if operands else rows[visit.node.name]
    for visit in visits:
        if not visit.node.edges:
            number = visit.node.number
            users = [v for v in visits if number in [edge.operand.number for edge in v.node.edges]]
            column[number] = min(column[user.node.number] for user in users) - 1
    return {number: (column[number], row[number]) for number in column}


# Depth


def plot_vanishing() -> Figure:
    """Size of the deltas, layer by layer, in nets of twenty layers: from the output, on the right, to the input."""
    depth, width, samples = 20, 64, 16
    figure = Figure()
    ax = figure.subplots()
    names: tuple[tuple[Activation, str], ...] = (("relu", "ReLU"), ("tanh", "tanh"), ("sigmoid", "시그모이드"))
    for name, label in names:
        config = MLP((width,) * (depth + 1), name)
        initial = network.he_init if name == "relu" else network.xavier_init
        params = {
            key: initial(DRAWS.normal(key, shape)) if len(shape) == 2 else np.zeros(shape)
            for key, shape in config.parameters().items()
        }
        squares = np.zeros(depth)
        for i in range(samples):  # one sample at a time: then the gradient by a bias is the delta of its layer
            x, upstream = DRAWS.normal("x", width, counter=i), DRAWS.normal("upstream", width, counter=i)
            grads = network.backpropagation(config, params, x, upstream)
            squares += [np.square(grads[f"{layer}.bias"]).mean() / samples for layer in config.layers]
        ax.semilogy(np.arange(1, depth + 1), np.sqrt(squares), marker="o", markersize=3.5, label=label)
    ax.set_xlabel("층 (왼쪽이 입력, 오른쪽이 출력)")
    ax.set_ylabel(r"$\delta$의 크기 (제곱평균제곱근)")
    ax.set_xticks([1, 5, 10, 15, 20])
    ax.legend()
    return figure


# XOR


def plot_xor() -> Figure:
    """One perceptron cuts the plane once; two of them, and one on top, cut out the strip with the two ones."""
    first, second = np.meshgrid(np.linspace(-0.5, 1.5, 401), np.linspace(-0.5, 1.5, 401))
    plane = np.stack([first, second], -1)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    total = corners.sum(-1)
    hidden = np.stack([activation.step(total - 0.5), activation.step(total - 1.5)], -1)
    panels = (
        ("퍼셉트론 하나 (OR)", network.perceptron(plane, np.ones(2), np.array(-0.5)), corners, "x"),
        ("두 층", network.xor_mlp(plane), corners, "x"),
        ("은닉층이 보는 세계", network.perceptron(plane, np.array([1.0, -1.0]), np.array(-0.5)), hidden, "h"),
    )
    figure = Figure(figsize=(8.4, 3.0))
    for ax, (title, decision, points, letter) in zip(figure.subplots(1, 3), panels, strict=True):
        ax.contourf(first, second, decision, levels=[0.5, 1.5], colors=["C0"], alpha=0.3)
        for (u, v), xor in zip(points, network.xor_mlp(corners), strict=True):
            ax.plot(u, v, "o", markersize=9, color="C1", fillstyle="full" if xor else "none")
        ax.set(
            title=title, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$", aspect="equal", xticks=[0, 1], yticks=[0, 1]
        )
        ax.grid(visible=False)
    return figure


# Universal approximation


def plot_approximation() -> Figure:
    """A wave, by staircases of 6 and 24 steps and by 6 and 12 lines."""
    x = np.linspace(-2, 2, 1601)

    def wave(t: np.ndarray) -> np.ndarray:
        return np.sin(2 * t) + 0.4 * t

    panels = (
        ("계단 함수의 합", [(f"계단 {n}개", network.staircase(wave, -2.0, 2.0, n)) for n in (6, 24)]),
        ("ReLU의 합", [(f"선분 {n}개", network.interpolant(wave, np.linspace(-2, 2, n + 1))) for n in (6, 12)]),
    )
    figure = Figure(figsize=(8.4, 3.3))
    for ax, (title, nets) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        ax.plot(x, wave(x), color="C5", linewidth=4, alpha=0.5, label="$g$")
        for label, (config, params) in nets:
            ax.plot(x, network.mlp(config, params, x[:, None])[:, 0], linewidth=1.3, label=label)
        ax.set(title=title, xlabel="$x$")
        ax.legend()
    return figure


# Initialisation


WIDTH = 128


@functools.cache
def _normal(layer: int) -> np.ndarray:
    return DRAWS.normal("weights", (WIDTH, WIDTH), counter=layer)


def _layers(name: Activation, initial: Callable[[np.ndarray], np.ndarray], depth: int) -> list[np.ndarray]:
    """Activations of every layer, for 64 inputs."""
    found = [DRAWS.normal("inputs", (64, WIDTH))]
    for layer in range(depth):
        weight = initial(_normal(layer))
        found.append(network.perceptron_layer(found[-1], weight, np.zeros(WIDTH), activation=name))
    return found[1:]


def plot_initialisation() -> Figure:
    """Size of the activations through thirty layers, for several rules of initialisation."""
    rules = {
        "작은 난수 (0.01)": network.normal_init,
        "제이비어": network.xavier_init,
        "허": network.he_init,
        "허의 두 배": lambda normal: 2 * network.he_init(normal),
    }
    titles: tuple[tuple[Activation, str], ...] = (("tanh", "tanh"), ("relu", "ReLU"))
    figure = Figure(figsize=(8.4, 3.4))
    for ax, (name, title) in zip(figure.subplots(1, 2, sharey=True), titles, strict=True):
        for label, rule in rules.items():
            sizes = [np.sqrt(np.square(a).mean()) for a in _layers(name, rule, 30)]
            ax.semilogy(np.arange(1, 31), sizes, label=label)
        ax.set(title=title, xlabel="층", ylim=(1e-12, 1e12))
    figure.axes[0].set_ylabel("활성값의 크기 (제곱평균제곱근)")
    figure.axes[0].legend()
    return figure


def plot_saturation() -> Figure:
    """How tanh activations are distributed in layers 1, 5 and 10: shrunk to a point, spread, or pressed to the ends."""
    panels = (
        ("너무 작게 (0.01)", network.normal_init),
        ("제이비어", network.xavier_init),
        ("너무 크게 (1)", lambda normal: network.normal_init(normal, std=1.0)),
    )
    figure = Figure(figsize=(8.4, 2.9))
    for ax, (title, rule) in zip(figure.subplots(1, 3), panels, strict=True):
        layers = _layers("tanh", rule, 10)
        for layer in (1, 5, 10):
            values = layers[layer - 1].ravel()
            ax.hist(values, bins=60, range=(-1, 1), density=True, histtype="step", label=f"{layer}층")
        ax.set(title=title, yticks=[], ylim=(0, 6), xlabel="활성값")
        ax.grid(visible=False)
    figure.axes[0].legend()
    return figure
