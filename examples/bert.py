"""Train a small BERT on the project's own Korean lecture pages: to say what is hidden, and which sentence follows.

    python examples/bert.py --backend torch --run runs/bert --json docs/bert.json

Words are cut by WordPiece. Twenty sentences out of every two hundred are kept for the test. All draws (parameters,
batches, pairs, what is hidden) come from `gongsik.Draws`; with --run the same command goes on where it
was stopped.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import generative
import numpy as np
from corpus import sentences
from gpt import optimize, start

import gongsik
from gongsik.spec.architectures.bert import Bert, BertPretraining

SIGNS = PAD, UNKNOWN, FIRST, END, HIDDEN = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BLOCK = 20
"""Sentences in one of the blocks into which the text is cut; every tenth is for the test."""
OFTEN = 40
"""Beginnings and ends of words that are seen so often are pieces; so is every syllable."""
LENGTH, BATCH = 48, 16
WIDTH, HEADS, LAYERS = 128, 4, 3
ASKED = (
    ("손실 함수를 줄인다", 1),
    ("활성화 함수의 기울기가 작다", 3),
    ("학습률이 크면 발산한다", 2),
    ("가중치를 갱신한다", 1),
)
"""Sentences, and which of their pieces is hidden."""


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run."""

    steps: int = 1000


class Batch(NamedTuple):
    """Pairs of sentences as BERT reads them: [n t], and [n] whether the second one does not follow the first."""

    ids: np.ndarray
    segments: np.ndarray
    real: np.ndarray
    label: np.ndarray


def split(text: list[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences for training and for the test."""
    blocks = [text[i : i + BLOCK] for i in range(0, len(text), BLOCK)]
    training = [sentence for i, block in enumerate(blocks) if i % 10 for sentence in block]
    return training, [sentence for block in blocks[::10] for sentence in block]


def pieces(text: list[list[str]]) -> dict[str, int]:
    """The vocabulary: five signs, every syllable at the beginning and inside of words, frequent beginnings and ends."""
    seen: Counter[str] = Counter()
    for word in (word for sentence in text for word in sentence):
        seen.update(word[:i] for i in range(2, len(word) + 1))
        seen.update(f"##{word[i:]}" for i in range(1, len(word) - 1))
    syllables = sorted({letter for sentence in text for word in sentence for letter in word})
    frequent = [piece for piece, number in seen.most_common() if number >= OFTEN]
    every = [*SIGNS, *syllables, *(f"##{letter}" for letter in syllables), *frequent]
    return {piece: i for i, piece in enumerate(dict.fromkeys(every))}


def cut(bk: Any, words: list[str], vocab: dict[str, int]) -> list[int]:
    """Numbers of the pieces of a sentence."""
    return bk.to_numpy(bk.wordpiece(tuple(words), vocab).piece).tolist()


def together(
    pairs: list[tuple[list[int], list[int]]], vocab: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Ids, segments and which of them are real, of pairs of sentences, each cut off at half of the length."""
    ids, segments = np.full((2, len(pairs), LENGTH), vocab[PAD])
    for row, (first, second) in enumerate(pairs):
        half = LENGTH // 2
        first = [vocab[FIRST], *first[: half - 2], vocab[END]]
        second = [*second[: half - 1], vocab[END]] if second else []
        ids[row, : len(first) + len(second)] = first + second
        segments[row, len(first) : len(first) + len(second)] = 1
    return ids, segments, ids != vocab[PAD]


def pairs(bk: Any, text: list[list[int]], rows: np.ndarray, vocab: dict[str, int], seed: int, step: int) -> Batch:
    """Sentences of these numbers, each with the next one or, half of the time, another."""
    draws, n = gongsik.Draws(seed), len(text) - 1
    uniform = bk.asarray(draws.uniform("bert: follows", n, counter=step))
    other = bk.asarray(draws.integers("bert: other", n, n, counter=step))
    second, label = (bk.to_numpy(x) for x in bk.next_sentence_pairs(uniform, other))
    read = together([(text[i], text[second[i]]) for i in rows], vocab)
    return Batch(*read, label[rows])


def hide(bk: Any, batch: Batch, vocab: dict[str, int], seed: int, step: int) -> tuple[Any, Any]:
    """What BERT gets to read, and which pieces it has to say."""
    draws, shape = gongsik.Draws(seed), batch.ids.shape
    pick, way = (bk.asarray(draws.uniform(f"bert: {name}", shape, counter=step)) for name in ("pick", "way"))
    other = bk.asarray(draws.integers("bert: another", shape, len(vocab), counter=step))
    allowed = bk.asarray(batch.ids >= len(SIGNS))
    return bk.mask_tokens(bk.asarray(batch.ids), pick, way, other, allowed, mask_id=vocab[HIDDEN])


def shares(
    bk: Any, config: BertPretraining, params: Any, text: list[list[int]], vocab: dict[str, int], usual: int
) -> dict[str, float]:
    """How many hidden pieces and pairs are said rightly, and how many pieces if one always said the usual one."""
    batch = pairs(bk, text, np.arange(len(text) - 1), vocab, 1, 0)
    masked, chosen = hide(bk, batch, vocab, 1, 0)
    tokens, follows = bk.bert_pretraining(config, params, masked, bk.asarray(batch.segments), bk.asarray(batch.real))
    asked = bk.to_numpy(chosen)
    scores, truth = bk.to_numpy(tokens)[asked], batch.ids[asked]
    place = (scores > scores[np.arange(len(truth)), truth][:, None]).sum(-1)
    return {
        "hidden pieces, first guess": float((place == 0).mean()),
        "hidden pieces, among five guesses": float((place < 5).mean()),
        "hidden pieces, always the most frequent one": float((truth == usual).mean()),
        "following sentences": float((bk.to_numpy(follows).argmax(-1) == batch.label).mean()),
    }


def guesses(
    bk: Any, config: BertPretraining, params: Any, sentence: str, hidden: int, vocab: dict[str, int]
) -> dict[str, Any]:  # fmt: skip
    """A sentence by its pieces, of which one is hidden, and the five likeliest ones for it."""
    names, pieces = list(vocab), cut(bk, sentence.split(), vocab)
    truth, pieces[hidden] = names[pieces[hidden]], vocab[HIDDEN]
    ids, segments, real = together([(pieces, [])], vocab)
    tokens = bk.bert_pretraining(config, params, *map(bk.asarray, (ids, segments, real))).tokens
    scores = bk.to_numpy(tokens)[ids == vocab[HIDDEN]][0]
    likeliest = [names[i] for i in np.argsort(-scores) if names[i] not in SIGNS][:5]
    return {"pieces": [names[i] for i in pieces], "hidden": truth, "guesses": likeliest}


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train, measure and guess."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    words, others = split(sentences())
    vocab = pieces(words)
    text, test = ([cut(bk, sentence, vocab) for sentence in part] for part in (words, others))
    bert = Bert(len(vocab), WIDTH, HEADS, 4 * WIDTH, LAYERS, LENGTH, dropout=0.0, attention_dropout=0.0)
    config = BertPretraining(bert)

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        rows = generative.batch(options.seed, i, len(text) - 1, BATCH)
        batch = pairs(bk, text, rows, vocab, options.seed, i)
        masked, chosen = hide(bk, batch, vocab, options.seed, i)
        ids, segments, real, label = map(bk.asarray, batch)

        def loss(params: Any) -> Any:
            tokens, follows = bk.bert_pretraining(config, params, masked, segments, real)
            return bk.masked_language_model(tokens, ids, chosen) + bk.softmax_cross_entropy(follows, label)

        tree, value = optimize(bk, tree, loss, i, options, rate=5e-4)
        return tree, {"loss": value}

    first = {"params": start(bk, config, options.seed), "state": None}
    trained = generative.train(bk, options, first, step, folder, name="BERT")
    params, losses = trained.tree["params"], trained.history["loss"]
    usual = Counter(piece for sentence in text for piece in sentence).most_common(1)[0][0]
    return {
        "measured": {
            "pieces": len(vocab),
            "parameters": sum(int(np.prod(shape)) for shape in config.parameters().values()),
            "training loss": float(np.mean(losses[-100:])),
            **shares(bk, config, params, test, vocab, usual),
        },
        "losses": np.array(losses)[: len(losses) // 20 * 20].reshape(-1, 20).mean(1).round(4).tolist(),
        "guesses": [guesses(bk, config, params, *asked, vocab) for asked in ASKED],
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run)


if __name__ == "__main__":
    sys.exit(main())
