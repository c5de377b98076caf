"""Figures of the chapter on training in practice: every run in them is the reference's own."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits

from gongsik import reference as gs
from gongsik.draws import Draws
from gongsik.spec.network import MLP

DRAWS = Draws(4)


def line_error(params: Any, x: Any, y: Any) -> Any:
    """Mean square error of a line."""
    return ((params[0] * x + params[1] - y) ** 2).mean()


def plot_updates() -> Figure:
    """Slope and offset of a line on their way through one to eight epochs, by size of the batch."""
    n, epochs = 64, 8
    x = DRAWS.normal("x", (n,))
    y = 1.5 * x + 0.5 + 0.6 * DRAWS.normal("noise", (n,))
    orders = np.stack([DRAWS.permutation("order", n, counter=e) for e in range(epochs)])
    best = np.polyfit(x, y, 1)
    figure = Figure(figsize=(6.6, 2.7))
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    sizes = {"확률적 ($B = 1$)": (1, 0.06), "미니배치 ($B = 8$)": (8, 0.1), "배치 ($B = 64$)": (64, 0.1)}
    for i, (ax, (title, (size, lr))) in enumerate(zip(axes, sizes.items(), strict=True)):
        path = [np.array([-0.5, -0.5])]
        iterations = n // size
        for step in range(epochs * iterations):
            batch = gs.data_loader((x, y), orders, step=step, batch_size=size)
            path.append(gs.batch_update(line_error, path[-1], batch, lr=lr).params)
        walked = np.array(path)
        ax.plot(walked[:, 0], walked[:, 1], color=f"C{i}", linewidth=0.8)
        ax.plot(walked[::iterations, 0], walked[::iterations, 1], "o", color=f"C{i}", markersize=3)
        ax.plot(*best, "+", color="C3", markersize=11, markeredgewidth=2)
        ax.set(title=title, xlabel="기울기 $a$")
    axes[0].set_ylabel("절편 $b$")
    return figure


def plot_sharpness() -> Figure:
    """Two minima of one height; the loss of the test data is the same curve, shifted."""
    w = np.linspace(-3.4, 3.2, 400)

    def loss(w: Any) -> Any:
        flat, sharp = 0.12 * (w + 1.7) ** 2, 2.2 * (w - 1.6) ** 2
        return -np.log(np.exp(-3 * flat) + np.exp(-3 * sharp)) / 3 + 0.1

    figure = Figure(figsize=(6.6, 2.9))
    ax = figure.subplots()
    ax.plot(w, loss(w), color="C0", label="학습 손실")
    ax.plot(w, loss(w - 0.35), "--", color="C1", label="시험 손실")
    for place, words in ((-1.7, "평탄한 최소점"), (1.6, "뾰족한 최소점")):
        height, shifted = loss(np.array([place, place - 0.35]))
        rise = float(
            gs.sharpness(lambda v: loss(v).sum(), np.array([place]), (), np.array([0.9]), eps=0.3, box="absolute")
        )
        ax.add_patch(Rectangle((place - 0.3, 0), 0.6, 1.55, color="C5", alpha=0.25, linewidth=0))
        ax.plot([place, place], [height, shifted], color="C3", linewidth=2.5)
        ax.annotate(f"{words}\n뾰족함 {rise:.1f}", (place, 1.25), ha="center")
    ax.set(xlabel="$w$", ylabel="손실", ylim=(0, 1.6))
    ax.legend(loc="upper center", bbox_to_anchor=(0.46, 1.0))
    return figure


def plot_grid_and_random() -> Figure:
    """Nine tries each: a grid tries three rates, random points nine."""

    def accuracy(rate: Any) -> Any:
        return np.exp(-(((rate - 0.68) / 0.12) ** 2))

    thirds = (np.arange(3) + 0.5) / 3
    grid = gs.grid_search(lambda point: -accuracy(point["rate"]), {"rate": thirds, "other": thirds})
    space = {"rate": lambda u: u, "other": lambda u: u}
    random = gs.random_search(lambda point: -accuracy(point["rate"]), space, DRAWS.uniform("points", (9, 2), counter=2))
    figure = Figure(figsize=(6.6, 3.1))
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    rate = np.linspace(0, 1, 200)
    for i, (ax, title, found) in enumerate(zip(axes, ("격자 탐색", "무작위 탐색"), (grid, random), strict=True)):
        ax.plot(rate, 1.05 + 0.4 * accuracy(rate), color="C5")
        tried = found.points["rate"]
        ax.plot(tried, found.points["other"], "o", color=f"C{i}")
        ax.vlines(tried, found.points["other"], 1.05 + 0.4 * accuracy(tried), color=f"C{i}", linewidth=0.5)
        ax.set(title=f"{title}: 최고 {-float(found.value):.2f}", xlabel="중요한 하이퍼파라미터")
    axes[0].set_ylabel("상관없는 하이퍼파라미터")
    return figure


def plot_bayesian() -> Figure:
    """What is believed after 3, 5 and 8 points, and where it pays most to look next."""

    def objective(x: Any) -> Any:
        return np.sin(9 * x) + 1.5 * (x - 0.35) ** 2

    u = (np.arange(256) / 256)[:, None]
    uniform = np.stack([np.roll(u, -shift, axis=0) for shift in (30, 150, 235, *[0] * 6)])
    found = gs.bayesian_optimization(lambda point: objective(point["x"]), {"x": lambda u: u}, uniform, length=0.15)
    figure = Figure(figsize=(6.8, 3.6))
    axes = figure.subplots(2, 3, sharex=True, sharey="row", height_ratios=(3, 1))
    for column, n in enumerate((3, 5, 8)):
        above, below = axes[0, column], axes[1, column]
        at, values = found.at[:n], found.values[:n]
        centre, scale = values.mean(), values.std()
        mean, std = gs.gaussian_process(at, (values - centre) / scale, u, length=0.15, noise=1e-4)
        gain = gs.expected_improvement(mean, std, np.asarray((values.min() - centre) / scale))
        mean, std = centre + scale * mean, scale * std
        above.fill_between(u[:, 0], mean - 2 * std, mean + 2 * std, color="C0", alpha=0.2, linewidth=0)
        above.plot(u, mean, color="C0")
        above.plot(u, objective(u), "--", color="C5", linewidth=1)
        above.plot(at, values, "o", color="C3", markersize=4)
        above.set_title(f"점 {n}개")
        below.fill_between(u[:, 0], 0, gain, color="C2", alpha=0.6, linewidth=0)
        below.axvline(found.at[n, 0], color="C2", linewidth=1)
        below.set_xlabel("$u$")
    axes[0, 0].set_ylabel("목적 함수")
    axes[1, 0].set_ylabel("EI")
    return figure


CONFIG = MLP((64, 64, 5))


def features(backbone: Any, x: Any) -> Any:
    """What the hidden layer makes of an image."""
    return gs.relu(gs.linear(x, backbone["0.weight"], backbone["0.bias"]))


def head_loss(head: Any, z: Any, y: Any) -> Any:
    return gs.softmax_cross_entropy(gs.linear(z, head["weight"], head["bias"]), y)


def five_digits() -> tuple[dict[str, Any], dict[str, Any], Any, Any]:
    """A network at its start and after learning the digits 0 to 4; images and labels of 5 to 9."""
    x, y = load_digits(return_X_y=True)
    order = DRAWS.permutation("split", len(y))
    x, y = x[order] / 16, y[order]
    start = {
        name: gs.he_init(DRAWS.normal(name, shape)) if len(shape) == 2 else np.zeros(shape)
        for name, shape in CONFIG.parameters().items()
    }
    old = x[y < 5], y[y < 5]
    orders = np.stack([DRAWS.permutation("order", len(old[1]), counter=e) for e in range(10)])
    learned = gs.mini_batch_update(
        lambda params, x, y: gs.softmax_cross_entropy(gs.mlp(CONFIG, params, x), y), start, old, orders, lr=0.2
    ).params
    return start, learned, x[y >= 5], y[y >= 5] - 5


def plot_transfer() -> Figure:
    """Accuracy on the digits 5 to 9 by how many of them are labelled, with features of four kinds."""
    start, learned, x, y = five_digits()
    counts, test = (25, 100, 400), slice(400, None)
    head = {"weight": np.zeros((5, 64)), "bias": np.zeros(5)}
    kinds = {
        "무작위 특징": (features, start, True), "픽셀 그대로": (lambda _, x: x, start, True),
        "배운 특징, 동결": (features, learned, True), "배운 특징, 미세 조정": (features, learned, False),
    }  # fmt: skip
    figure = Figure(figsize=(6.6, 3.2))
    ax = figure.subplots()
    for i, (name, (extract, backbone, freeze)) in enumerate(kinds.items()):
        accuracies = []
        for n in counts:
            data = x[:n], y[:n]
            found = gs.transfer_learning(extract, head_loss, backbone, head, data, freeze=freeze, lr=0.2, epochs=200)
            logits = gs.linear(extract(found.backbone, x[test]), found.head["weight"], found.head["bias"])
            accuracies.append((logits.argmax(-1) == y[test]).mean())
        ax.plot(counts, np.array(accuracies) * 100, "o-", color=f"C{i}", label=name)
    ax.set(xscale="log", xlabel="정답을 아는 5–9의 수", ylabel="시험 정확도 (%)")
    ax.set_xticks(counts, [str(n) for n in counts])
    ax.minorticks_off()
    ax.legend()
    return figure
