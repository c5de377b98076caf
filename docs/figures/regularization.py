"""Figures of the chapter on regularization."""

import functools
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import loss, optimizer
from gongsik.reference import regularization as gs
from gongsik.reference.autodiff import value_and_grad

DRAWS = Draws(0)
MEASURED = Path(__file__).resolve().parents[1] / "regularizers.json"
KOREAN = {
    "none": "없음", "L2 penalty": "L2 벌점", "weight decay": "가중치 감소", "L1 penalty": "L1 벌점",
    "early stopping": "조기 종료", "dropout": "드롭아웃", "input noise": "입력 잡음", "label smoothing": "라벨 스무딩",
    "mixup": "믹스업", "shift by a pixel": "한 화소씩 이동",
}  # fmt: skip


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's digits in an order of ours: images [n, 8, 8] from 0 to 1, and labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = DRAWS.permutation("digits", len(y))
    return (x[order] / 16).reshape(-1, 8, 8), y[order]


@functools.cache
def photographs() -> np.ndarray:
    """Two photographs, a temple and a flower, every fourth pixel: [2, 3, 96, 96] from 0 to 1."""
    from sklearn.datasets import load_sample_image

    cut = {"china.jpg": (20, 130), "flower.jpg": (20, 160)}
    images = [load_sample_image(name)[top : top + 384 : 4, left : left + 384 : 4] for name, (top, left) in cut.items()]
    return np.moveaxis(np.stack(images) / 255, -1, 1)


def show(ax, image, title="") -> None:
    """An image of one or three channels."""
    gray = len(image) == 1
    ax.imshow(np.clip(image[0] if gray else np.moveaxis(image, 0, -1), 0, 1), cmap="gray" if gray else None,
              vmin=0, vmax=1, interpolation="nearest")  # fmt: skip
    ax.set_title(title, fontsize=9)
    ax.axis("off")


def plot_weights() -> Figure:
    """Ten weights of a linear model of real data, as the strength of each penalty grows."""
    from sklearn.datasets import load_diabetes

    x, y = map(np.asarray, load_diabetes(return_X_y=True))
    x, y = x / x.std(0), (y - y.mean()) / y.std()
    n, d = x.shape
    smoothness = np.linalg.eigvalsh(x.T @ x / n)[-1]

    def lasso(strength, w):
        for _ in range(1000):  # a step down the slope of the loss, then the proximal map of the penalty
            w = optimizer.gradient_descent(w, x.T @ (x @ w - y) / n, lr=1 / smoothness)
            w = np.sign(w) * np.maximum(np.abs(w) - strength / smoothness, 0)
        return w

    strengths, w = np.logspace(-3, 1, 61), np.zeros(d)
    paths = {"L2": [], "L1": []}
    for strength in strengths:
        paths["L2"].append(np.linalg.solve(x.T @ x / n + strength * np.eye(d), x.T @ y / n))
        w = lasso(strength, w)
        paths["L1"].append(w)
    figure = Figure(figsize=(6.6, 3.2))
    for ax, (name, path) in zip(figure.subplots(1, 2, sharey=True), paths.items(), strict=True):
        ax.semilogx(strengths, np.array(path), linewidth=1.4)
        ax.axhline(0, color="C5", linewidth=0.8)
        ax.set(title=f"{name} 벌점", xlabel="세기")
    figure.axes[0].set_ylabel("가중치")
    return figure


def plot_stopping() -> Figure:
    """Losses of a linear classifier on 60 digits, 12 of them labelled wrongly: where the validation loss turns."""
    x, y = digits()
    x = x.reshape(len(x), 64)
    wrong = np.where(np.arange(60) < 12, (y[:60] + 1) % 10, y[:60])
    train, validation = (x[:60], wrong), (x[60:660], y[60:660])
    slope = value_and_grad(lambda w, x, y: loss.softmax_cross_entropy(x @ w, y))
    watched = np.unique(np.logspace(0, 3, 80).astype(int))
    w, curves, state = np.zeros((64, 10)), [], None
    for step in range(1, 1001):
        fit, grad = slope(w, *train)
        w = optimizer.gradient_descent(w, grad, lr=1.0)
        if step in watched:
            curves.append((fit, loss.softmax_cross_entropy(validation[0] @ w, validation[1])))
            state = gs.early_stopping(curves[-1][1], state, patience=None)[1]
    fits, others = np.array(curves).T
    assert state is not None
    best = int(state.best_step) - 1
    figure = Figure(figsize=(6.6, 3.2))
    ax = figure.subplots()
    ax.semilogx(watched, fits, label="훈련 손실")
    ax.plot(watched, others, label="검증 손실")
    ax.plot(watched, others - fits, ":", color="C5", label="차이")
    ax.plot(watched[best], others[best], "o", color="C1")
    ax.axvline(watched[best], color="C1", linewidth=0.8)
    ax.set(xlabel="걸음", ylabel="손실", ylim=(-0.1, 2.4))
    ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    ax.legend(loc="upper right")
    return figure


def plot_photographs() -> Figure:
    """One photograph in eight forms, all of the same thing."""
    x = photographs()[1:]
    one = np.array([1])
    forms = {
        "원본": x,
        "좌우 반전": gs.horizontal_flip(x),
        "상하 반전": gs.vertical_flip(x),
        "90° 회전": gs.rotate(x),
        "이동 (12, -16)": gs.translate(x, shift=(12, -16)),
        "잘라내기 72 × 72": gs.random_crop(x, 4 * one, 18 * one, size=72),
        "흑백": gs.to_grayscale(x),
        "색상 변화": gs.color_jitter(x, np.array([[1.0, 0.8]]), brightness=0.2, contrast=0.6),
        "입력 잡음 σ = 0.1": gs.input_noise(x, DRAWS.normal("noise", x.shape), std=0.1),
        "컷아웃 40 × 40": gs.cutout(x, 40 * one, 60 * one, size=40),
    }
    figure = Figure(figsize=(6.6, 3.1))
    for ax, (title, image) in zip(figure.subplots(2, 5).flat, forms.items(), strict=True):
        show(ax, image[0], title)
    return figure


def plot_digits() -> Figure:
    """A written 6 turned by half, beside a written 9; and a 2 that a mirror takes from the alphabet of digits."""
    x, y = digits()
    six, nine, two = (x[y == label][i][None] for label, i in ((6, 0), (9, 0), (2, 1)))
    forms = {
        "6": six, "6을 180° 회전": gs.rotate(six, quarter_turns=2), "9": nine, "2": two,
        "2를 좌우 반전": gs.horizontal_flip(two), "6을 한 화소 이동": gs.translate(six, shift=(0, 1)),
    }  # fmt: skip
    figure = Figure(figsize=(6.6, 1.5))
    for ax, (title, image) in zip(figure.subplots(1, 6), forms.items(), strict=True):
        show(ax, image, title)
    return figure


def plot_mixing() -> Figure:
    """Two photographs, and what mixup and CutMix make of them and of their labels."""
    x, y, partner = photographs(), np.eye(2), np.array([1, 0])
    place = np.array([48, 48])
    pictures = {"절": (x, y), "꽃": (x[::-1], y[::-1])}
    for lam in (0.7, 0.4):
        pictures[f"믹스업 λ = {lam}"] = gs.mixup(x, y, np.full(2, lam), partner)
    pictures["컷믹스"] = gs.cutmix(x, y, place - 10, place + 16, partner, size=(48, 40))
    figure = Figure(figsize=(6.6, 1.9))
    for ax, (title, (image, target)) in zip(figure.subplots(1, 5), pictures.items(), strict=True):
        show(ax, image[0], f"{title}\n({target[0, 0]:.2f}, {target[0, 1]:.2f})")
    return figure


def plot_dropout() -> Figure:
    """The sum of 50 units under dropout, over many masks: what the next layer sees, and its mean."""
    h = np.abs(DRAWS.normal("units", 50))
    figure = Figure(figsize=(6.6, 3.0))
    for ax, (title, rule) in zip(
        figure.subplots(1, 2, sharey=True),
        {"드롭아웃": gs.dropout, "역 드롭아웃": gs.inverted_dropout}.items(),
        strict=True,
    ):
        sums = [
            rule(h, DRAWS.uniform("mask", 50, counter=mask), p=0.5).sum() for mask in range(2000)
        ]  # fmt: skip
        ax.hist(sums, bins=30, color="C0")
        ax.axvline(np.mean(sums), color="C1", label="평균")
        ax.axvline(h.sum(), color="C5", linestyle=":", label="아무것도 버리지 않은 합")
        ax.set(title=title, xlabel="노드 50개의 합")
    figure.axes[0].set_ylabel("마스크의 수")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def plot_gap() -> Figure:
    """Training and test loss of every method that `examples/regularizers.py` has measured."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))["measured"]
    figure = Figure(figsize=(6.6, 3.6))
    ax = figure.subplots()
    bare = np.mean(measured["none"], axis=0)[3]
    ax.axvline(bare, color="C5", linestyle=":", linewidth=1)
    for i, runs in enumerate(measured.values()):
        _, _, train, test, _ = np.mean(runs, axis=0)
        ax.plot([train, test], [i, i], color="C5", linewidth=1)
        ax.plot(train, i, "o", color="C0", label="훈련 손실" if i == 0 else None)
        ax.plot(test, i, "o", color="C1", label="시험 손실" if i == 0 else None)
    ax.set(xlabel="손실", yticks=range(len(measured)), yticklabels=[KOREAN[name] for name in measured])
    ax.invert_yaxis()
    ax.legend()
    return figure
