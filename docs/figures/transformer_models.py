"""Figures of GPT and ViT, of what the programs in `examples` and `benchmarks` have measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gongsik.reference import output_sampling, softmax

DOCS = Path(__file__).resolve().parents[1]


def _measured(name: str) -> Any:
    return json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))


def plot_decoding() -> Figure:
    """Milliseconds of one more token, by how many stand before it."""
    measured = _measured("decoding")
    figure = Figure(figsize=(5.6, 3.2))
    ax = figure.subplots()
    for name, words, style in (("without", "처음부터 다시", "s--"), ("with the cache", "캐시로", "o-")):
        ax.plot(measured["lengths"], measured[name], style, markersize=4, label=words)
    ax.set(xlabel="앞에 놓인 토큰의 수", ylabel="토큰 하나 (ms)", ylim=(0, None))
    ax.legend()
    return figure


def plot_temperature() -> Figure:
    """How [0, 1) is shared out among five words at three temperatures, and which word a draw falls on."""
    logits, words = np.array([2.0, 1.2, 0.6, 0.0, -1.0]), ("가", "나", "다", "라", "마")
    figure = Figure(figsize=(6.6, 2.4))
    ax = figure.subplots()
    temperatures, uniform = (2.0, 1.0, 0.4), np.array([0.62])
    for row, temperature in enumerate(temperatures):
        share = softmax(logits / temperature)
        ends = np.cumsum(share)
        chosen = int(output_sampling(logits[None], uniform, temperature=temperature)[0])
        for i, (end, width) in enumerate(zip(ends, share, strict=True)):
            ax.barh(row, width, left=end - width, color=f"C{i}", alpha=1.0 if i == chosen else 0.35, edgecolor="white")
            if width > 0.04:
                ax.text(end - width / 2, row, words[i], ha="center", va="center")
    ax.axvline(uniform[0], color="black", linestyle=":")
    ax.set(yticks=range(3), yticklabels=[f"$\\tau = {t:g}$" for t in temperatures], xlim=(0, 1))
    ax.set(xticks=(0, uniform[0], 1), xticklabels=("0", "$u$", "1"))
    return figure


def plot_looks() -> Figure:
    """Digits as ViT gets them, and how much the token that is asked looks at each of their patches."""
    measured = _measured("vit")
    digits = np.array([[int(x, 16) for x in row] for row in measured["digits"]]).reshape(-1, 8, 8)
    figure = Figure(figsize=(7, 2.2))
    axes = figure.subplots(2, len(digits))
    for column, (digit, looks) in enumerate(zip(digits, measured["looks"], strict=True)):
        axes[0, column].imshow(digit, cmap="gray_r")
        axes[1, column].imshow(looks, cmap="viridis")
        for line in (1.5, 3.5, 5.5):
            axes[0, column].axhline(line, color="C0", linewidth=0.5)
            axes[0, column].axvline(line, color="C0", linewidth=0.5)
        for ax in axes[:, column]:
            ax.set(xticks=[], yticks=[])
    return figure
