"""Figures of the chapter on language models, of what `examples/words.py` has measured on the lecture pages."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

MEASURED = Path(__file__).resolve().parents[1] / "words.json"


def plot_perplexity() -> Figure:
    """Perplexity of n-gram models on the sentences that were counted, and on others."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))["perplexity"]
    figure = Figure(figsize=(5.4, 3))
    ax = figure.subplots()
    n = list(map(int, measured))
    for name, words, style in (("training", "센 글", "o-"), ("test", "덜어 둔 글", "s--")):
        values = [measured[str(i)][name] for i in n]
        ax.plot(n, values, style, label=words)
        for i, value in zip(n, values, strict=True):
            ax.annotate(f"{value:.0f}", (i, value), xytext=(0, 6), textcoords="offset points", ha="center")
    ax.set(xlabel="$n$", ylabel="퍼플렉시티", xticks=n, ylim=(0, None))
    ax.margins(x=0.12, y=0.15)
    ax.legend()
    return figure


def plot_vectors() -> Figure:
    """Vectors of the most frequent words, seen along the two directions in which they spread most."""
    vectors = json.loads(MEASURED.read_text(encoding="utf-8"))["vectors"]
    x = np.array(list(vectors.values()))
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    x = x - x.mean(0)
    places = x @ np.linalg.svd(x)[2][:2].T
    figure = Figure(figsize=(7, 4.6))
    ax = figure.subplots()
    ax.plot(*places.T, ".", color="C0", markersize=3)
    for word, place in zip(vectors, places, strict=True):
        ax.annotate(word, place, xytext=(2, 2), textcoords="offset points", fontsize=8)
    ax.set(xticks=[], yticks=[], aspect="equal")
    return figure
