"""Figures of the chapter on language models, of what `examples/words.py` and `examples/dates.py` have measured."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1]
MEASURED, DATES = DOCS / "words.json", DOCS / "dates.json"


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


def plot_looks() -> Figure:
    """Where the decoder looked while it wrote a date."""
    found = json.loads(DATES.read_text(encoding="utf-8"))["map"]
    words, digits = found["words"], found["digits"]
    figure = Figure(figsize=(6.2, 4.2))
    ax = figure.subplots()
    ax.imshow(np.array(found["weights"]), cmap="Blues", vmin=0, vmax=1)
    ax.set(xticks=range(len(words)), yticks=range(len(digits)), xlabel="읽은 글자", ylabel="쓴 글자")
    ax.set_xticklabels(list(words.replace(" ", "·")))
    ax.set_yticklabels(list(digits))
    ax.tick_params(length=0)
    return figure


def plot_lengths() -> Figure:
    """The share of numbers that come out right, by how many digits they have."""
    found = json.loads(DATES.read_text(encoding="utf-8"))["accuracy"]
    figure = Figure(figsize=(5.4, 3))
    ax = figure.subplots()
    for name, words, style in (("attention", "어텐션", "o-"), ("context", "문맥 벡터 하나", "s--")):
        shares = {int(kind): share for kind, share in found[name].items() if kind.isdigit()}
        ax.plot(list(shares), [100 * share for share in shares.values()], style, label=words)
    ax.set(xlabel="수의 자릿수", ylabel="다 맞힌 비율 (%)", ylim=(0, 105), xticks=list(shares))
    ax.legend(loc="lower left")
    return figure
