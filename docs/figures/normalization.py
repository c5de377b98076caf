"""Figures of the chapter on normalization."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from gongsik.reference import normalization as gs
from gongsik.reference.activation import relu
from gongsik.reference.autodiff import value_and_grad
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.reference.network import linear

DEPTH, WIDTH, STEPS = 6, 32, 120


def plot_axes() -> Figure:
    """Which values are averaged together: samples down, channels across, one colour per mean."""
    n, c = 4, 6
    sample, channel = np.mgrid[:n, :c]
    shared = {
        "배치 (BN)": channel,
        "층 (LN)": sample,
        "인스턴스 (IN)": sample * c + channel,
        "그룹 (GN, 그룹 2개)": sample * 2 + channel // 3,
    }
    figure = Figure(figsize=(6.6, 1.9))
    for ax, (name, together) in zip(figure.subplots(1, 4), shared.items(), strict=True):
        # far apart in the map, so that neighbours differ
        ax.imshow(together * 7 % (together.max() + 1), cmap="viridis", aspect="auto")
        ax.set_xticks(np.arange(c + 1) - 0.5, labels=[])
        ax.set_yticks(np.arange(n + 1) - 0.5, labels=[])
        ax.grid(color="white", linewidth=1.5)
        ax.tick_params(length=0)
        ax.set_title(name, fontsize=9)
        ax.set_xlabel("채널", fontsize=8)
    figure.axes[0].set_ylabel("표본", fontsize=8)
    return figure


def _initial(scale: float) -> dict[str, np.ndarray]:
    """Weights that are too small: what comes in is made smaller by every layer."""
    rng = np.random.default_rng(0)
    sizes = [64, *[WIDTH] * (DEPTH - 1), 10]
    params = {}
    for l, (n_in, n_out) in enumerate(pairwise(sizes)):  # noqa: E741
        params[f"w{l}"] = scale * rng.standard_normal((n_out, n_in)) / np.sqrt(n_in)
        params[f"g{l}"], params[f"b{l}"] = np.ones(n_out), np.zeros(n_out)
    return params


def _hidden(params, x, normalized):
    """What the layers hand on before their activation, one after the other."""
    for l in range(DEPTH):  # noqa: E741
        x = linear(x, params[f"w{l}"])
        if normalized and l < DEPTH - 1:
            x = gs.batch_norm(x, params[f"g{l}"], params[f"b{l}"]).y
        elif not normalized:
            x = x + params[f"b{l}"]
        yield x
        x = relu(x)


def _train(normalized: bool) -> tuple[list[float], dict[str, np.ndarray]]:
    x, y = load_digits(return_X_y=True)
    x, rng, params, losses = x / 16, np.random.default_rng(1), _initial(0.5), []

    def loss(params, x, y):
        *_, logits = _hidden(params, x, normalized)
        return softmax_cross_entropy(logits, y)

    for _ in range(STEPS):
        batch = rng.integers(0, len(x), 128)
        value, grads = value_and_grad(loss)(params, x[batch], y[batch])
        params = {name: p - 0.3 * grads[name] for name, p in params.items()}
        losses.append(float(value))
    return losses, params


def plot_digits() -> Figure:
    """Six layers with small weights on handwritten digits, with and without batch norm: their values, the loss."""
    x = load_digits(return_X_y=True)[0][:256] / 16
    figure = Figure(figsize=(6.6, 3.2))
    left, right = figure.subplots(1, 2)
    for i, (name, normalized) in enumerate((("그대로", False), ("배치 정규화", True))):
        spread = [float(h.std()) for h in _hidden(_initial(0.5), x, normalized)]
        left.semilogy(range(1, DEPTH), spread[:-1], "o-", color=f"C{(1, 0)[i]}", label=name)
        losses, _ = _train(normalized)
        right.plot(losses, color=f"C{(1, 0)[i]}")
    right.axhline(np.log(10), color="C5", linestyle=":", linewidth=1)
    left.set(title="학습 전, 층의 출력", xlabel="층", ylabel="표준편차", xticks=range(1, DEPTH))
    right.set(title="학습", xlabel="걸음", ylabel="손실", ylim=(0, None))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def plot_histograms() -> Figure:
    """The values of a hidden layer of the trained networks, for all digits."""
    x = load_digits(return_X_y=True)[0] / 16
    figure = Figure(figsize=(6.6, 2.8))
    for ax, (name, normalized) in zip(figure.subplots(1, 2), (("그대로", False), ("배치 정규화", True)), strict=True):
        _, params = _train(normalized)
        third = list(_hidden(params, x, normalized))[2]
        ax.hist(third.ravel(), bins=60, color=f"C{int(not normalized)}", density=True)
        ax.set(title=name, xlabel="셋째 층의 값 (활성화 앞)", yticks=())
    return figure


def plot_small_batch() -> Figure:
    """How far the statistics of a batch are from those of all data, by the size of the batch."""
    rng = np.random.default_rng(0)
    sizes = 2 ** np.arange(1, 9)
    figure = Figure(figsize=(6.6, 3.0))
    ax = figure.subplots()
    off = []
    for m in sizes:
        mean, var = gs.batch_statistics(rng.standard_normal((int(m), 2000)))
        off.append((np.sqrt((mean**2).mean()), np.sqrt(((var - 1) ** 2).mean())))
    for i, name in enumerate(("평균", "분산")):
        ax.loglog(sizes, [o[i] for o in off], "o-", base=2, color=f"C{i}", label=name)
    ax.loglog(sizes, sizes**-0.5, color="C5", linestyle=":", base=2, label="$1/\\sqrt{m}$")
    ax.set(xlabel="배치의 크기 $m$", ylabel="참값에서 벗어난 정도")
    ax.legend()
    return figure
