"""Figures of the chapter on architectures."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gongsik import Draws
from gongsik.reference import activation, convolution
from gongsik.reference.autodiff import value_and_grad
from gongsik.spec.cnn import (
    DPN,
    VGG,
    AlexNet,
    DenseNet,
    GoogLeNet,
    MnasNet,
    MobileNet,
    MobileNetV2,
    NetworkInNetwork,
    ResNet,
    SENet,
    ShuffleNet,
    alexnet_memory,
    alexnet_parameter_table,
)
from gongsik.spec.model import parameter_count

PHOTOGRAPH = (3, 224, 224)
NETWORKS = {
    "AlexNet": AlexNet(towers=2), "VGG-16": VGG(16), "VGG-19": VGG(19), "NiN": NetworkInNetwork(),
    "GoogLeNet": GoogLeNet(auxiliary=False), "ResNet-18": ResNet(18), "ResNet-50": ResNet(50),
    "ResNet-152": ResNet(152), "DenseNet-121": DenseNet(121), "DPN-92": DPN(92), "SE-ResNet-50": SENet(50),
    "MobileNet": MobileNet(), "MobileNetV2": MobileNetV2(), "ShuffleNet": ShuffleNet(3), "MnasNet": MnasNet(),
}  # fmt: skip
PLACES = {"SE-ResNet-50": (6, -12), "MobileNetV2": (6, -13), "GoogLeNet": (-56, 3), "VGG-16": (6, -10)}
"""Where names stand that would be in the way of others, from their points."""


def plot_costs() -> Figure:
    """Parameters and multiply-adds of every architecture; the larger the point, the deeper."""
    figure = Figure(figsize=(6.6, 4.6))
    ax = figure.subplots()
    for i, (name, config) in enumerate(NETWORKS.items()):
        sample = (3, 227, 227) if name == "AlexNet" else PHOTOGRAPH
        parameters, cost = parameter_count(config), sum(row.multiply_adds for row in config.table(sample))
        ax.scatter(parameters / 1e6, cost / 1e9, s=4 * config.network.depth() ** 0.8, color=f"C{i % 5}", alpha=0.8)
        place = PLACES.get(name, (6, 5))
        ax.annotate(name, (parameters / 1e6, cost / 1e9), place, textcoords="offset points", fontsize=8.5)
    ax.set(xscale="log", yscale="log", xlabel="파라미터 (백만 개)", ylabel="사진 한 장의 곱셈·덧셈 (십억 번)")
    ax.set(xlim=(1.4, 330))
    return figure


def plot_alexnet() -> Figure:
    """Where the weights of AlexNet are, and where its activations."""
    weights, values = alexnet_parameter_table(), alexnet_memory(bytes_per_value=1)
    figure = Figure(figsize=(9, 3.4))
    for ax, counts, title in zip(
        figure.subplots(1, 2), (weights, values), ("가중치 (백만 개)", "활성값 (천 개)"), strict=True
    ):
        scale = 1e6 if counts is weights else 1e3
        colours = ["C1" if name.startswith("fc") else "C0" for name in counts]
        ax.barh(list(counts), [n / scale for n in counts.values()], color=colours)
        ax.invert_yaxis()
        ax.set_title(title)
        ax.grid(visible=False, axis="y")
    return figure


def _gradients(residual: bool, layers: int = 50, c: int = 8, size: int = 8) -> list[float]:
    """Norms of the gradients at each of so many layers of 3x3, from the first to the last, in random directions."""
    draws = Draws(0)
    spread = np.sqrt(1 / (9 * c))  # keeps the variance of a linear layer; ReLU takes half of it
    weights = [spread * draws.normal(f"layer {i}", (c, c, 3, 3)) for i in range(layers)]
    x, g = draws.normal("x", (1, c, size, size)), draws.normal("g", (1, c, size, size))

    def loss(taps: list[Any]) -> Any:
        y = x
        for tap, weight in zip(taps, weights, strict=True):
            seen = y + tap  # a tap of zeros, whose gradient is that of what passes here
            body = activation.relu(convolution.conv2d(seen, weight, padding=1))
            y = seen + 0.1 * body if residual else body  # as blocks are that have learned little
        return (y * g).sum()

    _, slopes = value_and_grad(loss)([np.zeros_like(x) for _ in weights])
    return [float(np.linalg.norm(slope)) for slope in slopes]


def plot_gradients() -> Figure:
    """What arrives of a gradient at each of 50 layers."""
    figure = Figure()
    ax = figure.subplots()
    at = np.arange(1, 51)
    ax.semilogy(at, _gradients(residual=True), label="잔차: $x + F(x)$")
    ax.semilogy(at, _gradients(residual=False), label="그냥 쌓은 것: $F(x)$", linestyle="--")
    ax.set(xlabel="층 (왼쪽이 입력)", ylabel="기울기의 크기")
    ax.legend()
    return figure


def _trained() -> tuple[Any, Any, dict[str, np.ndarray], np.ndarray]:
    """The example's LeNet-5 after two epochs, and one held-out image of every digit."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    try:
        import digits  # pyright: ignore[reportMissingImports]
        import digits_lenet  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.pop(0)
    digits.console.quiet = True
    run = digits.train(digits.Options(epochs=2), network=digits_lenet.LENET)
    params = {name: array.detach().numpy().astype(np.float64) for name, array in run.params.items()}
    test = digits.load_digits()[1]
    first = [int(np.argmax(test.y == k)) for k in (3, 8)]
    return digits_lenet, digits_lenet.CONFIG, params, test.x[first]


def plot_lenet_maps() -> Figure:
    """What the first and the second convolution of a trained LeNet-5 make of two digits."""
    from gongsik import reference
    from gongsik.spec.layers import Sequential, Single

    example, config, params, rows = _trained()
    x = example.enlarge(reference, rows)
    figure = Figure(figsize=(9, 1.9))
    axes = figure.subplots(2, 15, gridspec_kw={"width_ratios": [1.6, *[1] * 14]})
    maps = []
    for cut in (2, 5):  # after the first and the second activation
        part = Single(Sequential(config.network.layers[:cut]))
        maps.append(reference.forward(part, {name: params[name] for name in part.parameters()}, {}, x))
    for i, line in enumerate(axes):
        pictures = [x[i, 0], *maps[0][i], *maps[1][i, :8]]
        for ax, picture in zip(line, pictures, strict=True):
            ax.imshow(picture, cmap="gray", interpolation="nearest")
            ax.axis("off")
    for column, title in ((0, "입력"), (1, "C1"), (7, "C3 (앞의 여덟)")):
        axes[0, column].set_title(title, fontsize=9, loc="left")
    return figure
