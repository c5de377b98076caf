"""Count and embed the words of the project's own lecture pages: n-grams, word2vec and GloVe.

    python examples/words.py --backend torch
    python examples/words.py --run runs/words --json docs/words.json

Every ninth sentence is kept for the test of the n-gram models. Word vectors are learned from all of them, by skip-gram
with negative sampling and by GloVe. Every number that is drawn comes from `gongsik.Draws`. With --run the vectors are
written from time to time, and the same command goes on from there.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from corpus import sentences, vocabulary

import gongsik

N_GRAMS = (1, 2, 3)
SMOOTHING = 0.01
WINDOW, DIMENSION, NEGATIVE, BATCH = 4, 24, 5, 512


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run."""

    words: int = 500


def numbered(text: list[list[str]], vocab: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Sentences as rows of one array, with two signs for the start before them and one for the end; their lengths."""
    rows = [[0, 0, *(vocab.get(word, 2) for word in sentence), 1] for sentence in text]
    lengths = np.array([len(row) for row in rows])
    return np.array([row + [1] * (lengths.max() - len(row)) for row in rows]), lengths


def perplexities(bk: Any, text: list[list[str]], vocab: dict[str, int]) -> dict[str, dict[str, float]]:
    """How many sides the die has that is as hard to guess as a word: of the training text, and of other sentences."""
    held_out, v = text[::9], len(vocab)
    training = [sentence for i, sentence in enumerate(text) if i % 9]
    seq, lengths = numbered(training, vocab)
    found: dict[str, dict[str, float]] = {}
    for n in N_GRAMS:
        gram, count = (bk.to_numpy(x) for x in bk.n_gram_counts(bk.asarray(seq), bk.asarray(lengths), n=n, vocab=v))
        gram, count = bk.asarray(gram[count > 0]), bk.asarray(count[count > 0] * 1.0)
        found[str(n)] = {}
        for name, part in (("training", training), ("test", held_out)):
            rows, ends = numbered(part, vocab)
            words = rows[:, 3 - n :]  # every model predicts the same words: those after the two signs
            log_p = bk.n_gram_model(gram, count, bk.asarray(words), vocab=v, alpha=SMOOTHING)
            real = np.arange(2, rows.shape[1]) < ends[:, None]
            found[str(n)][name] = float(np.exp(-bk.to_numpy(log_p)[real].mean()))
    return found


def pairs(text: list[list[str]], vocab: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Every known word with every known one within the window."""
    found = []
    for sentence in text:
        ids = [vocab[word] for word in sentence if word in vocab]
        for i, word in enumerate(ids):
            found += [(word, other) for j, other in enumerate(ids) if 0 < abs(i - j) <= WINDOW]
    centers, contexts = zip(*found, strict=True)
    return np.array(centers), np.array(contexts)


def fit(
    bk: Any, name: str, params: dict[str, np.ndarray], batch_loss: Callable[[Any, int], Any], options: Options,
    folder: Path | None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Adam on the batches of all steps, from the last checkpoint of the folder if there is one."""

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        loss, grads = bk.value_and_grad(lambda params: batch_loss(params, i))(tree["params"])
        params, state = bk.adam(tree["params"], grads, tree["state"], lr=0.01)
        return {"params": params, "state": state}, {"loss": loss}

    start = {"params": {key: bk.asarray(array) for key, array in params.items()}, "state": None}
    found = generative.train(bk, options, start, step, folder / name if folder else None, name=name)
    return {key: bk.to_numpy(array) for key, array in found.tree["params"].items()}


def word2vec(
    bk: Any, text: list[list[str]], vocab: dict[str, int], options: Options, folder: Path | None
) -> np.ndarray:
    """Vectors by skip-gram with negative sampling."""
    centers, contexts = pairs(text, vocab)
    draws, v = gongsik.Draws(options.seed), len(vocab)
    share = np.bincount(contexts, minlength=v) ** 0.75
    below = np.cumsum(share / share.sum())

    def loss(params: Any, step: int) -> Any:
        index = draws.integers("pairs", (BATCH,), len(centers), counter=step)
        drawn = np.searchsorted(below, draws.uniform("noise", (BATCH, NEGATIVE), counter=step)).clip(max=v - 1)
        chosen = map(bk.asarray, (centers[index], contexts[index], drawn))
        return bk.negative_sampling_loss(*chosen, params["v"], params["u"])

    start = {name: draws.normal(name, (v, DIMENSION)) / DIMENSION for name in ("v", "u")}
    return fit(bk, "word2vec", start, loss, options, folder)["v"]


def glove(bk: Any, text: list[list[str]], vocab: dict[str, int], options: Options, folder: Path | None) -> np.ndarray:
    """Vectors by GloVe: the sum of both kinds."""
    known = [[vocab[word] for word in sentence if word in vocab] for sentence in text]
    lengths = np.array([len(row) for row in known if row])
    seq = np.array([row + [0] * (lengths.max() - len(row)) for row in known if row])
    weight = bk.asarray(1 / np.arange(1, WINDOW + 1))
    x = bk.to_numpy(bk.cooccurrence_matrix(bk.asarray(seq), weight, bk.asarray(lengths), vocab=len(vocab)))
    row, column = np.nonzero(x)
    draws, v = gongsik.Draws(options.seed), len(vocab)
    met = x[row, column]

    def loss(params: Any, step: int) -> Any:
        index = draws.integers("places", (4 * BATCH,), len(row), counter=step)
        chosen = map(bk.asarray, (row[index], column[index], met[index]))
        return bk.glove(*(params[name] for name in ("w", "w~", "b", "b~")), *chosen, x_max=10.0) / (4 * BATCH)

    start = {name: draws.normal(name, (v, DIMENSION)) / DIMENSION for name in ("w", "w~")}
    start |= {name: np.zeros(v) for name in ("b", "b~")}
    found = fit(bk, "GloVe", start, loss, options, folder)
    return found["w"] + found["w~"]


def neighbours(vectors: np.ndarray, vocab: dict[str, int], word: str, number: int = 4) -> list[str]:
    """Words whose vectors point most nearly the same way."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    names = list(vocab)
    order = np.argsort(-(unit @ unit[vocab[word]]))
    return [names[i] for i in order if i > 2 and names[i] != word][:number]


ASKED = ("손실", "학습률", "가중치를", "입력", "확률", "크기가", "함수", "기울기를")


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Count and learn, and say which words are near each other."""
    bk, text = gongsik.backend(options.backend, dtype=options.dtype), sentences()
    vocab = vocabulary(text, options.words)
    found: dict[str, Any] = {"measured": {}, "perplexity": perplexities(bk, text, vocab)}
    for n, measured in found["perplexity"].items():
        found["measured"] |= {f"{n}-grams, perplexity on {part} text": value for part, value in measured.items()}
    vectors = {"word2vec": word2vec(bk, text, vocab, options, folder), "GloVe": glove(bk, text, vocab, options, folder)}
    asked = [word for word in ASKED if word in vocab]
    found["neighbours"] = {kind: {word: neighbours(x, vocab, word) for word in asked} for kind, x in vectors.items()}
    for kind, table in found["neighbours"].items():
        found["measured"] |= {f"{kind}, {word}": ", ".join(near) for word, near in table.items()}
    most = list(vocab)[3:60]
    found["vectors"] = {word: vectors["GloVe"][vocab[word]].round(4).tolist() for word in most}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(dtype="float64"), run, {"words": 10})


if __name__ == "__main__":
    sys.exit(main())
