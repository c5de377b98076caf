"""Turn Korean dates and numbers in words into digits: an encoder and a decoder, with attention and without.

    python examples/dates.py --backend torch
    python examples/dates.py --run runs/dates --json docs/dates.json

The encoder reads "이천이십육년 십일월 이십일일" syllable by syllable, and the decoder writes "2026-11-21". Half of the
examples are dates from 1900 to 2099, half are whole numbers of 3 to 8 digits. What is tested was never trained
on. Every number that is drawn comes from `gongsik.Draws`.
"""

import calendar
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import generative
import numpy as np

import gongsik
from gongsik.spec.language import Seq2Seq

DIGITS, UNITS, MYRIADS = "영일이삼사오육칠팔구", ("", "십", "백", "천"), ("", "만")
MONTHS = {6: "유", 10: "시"}
"""Months that are not read as their number."""
SOURCE = {sign: i for i, sign in enumerate(" 영일이삼사오육칠팔구십백천만년월유시")}
TARGET = {sign: i for i, sign in enumerate("^$0123456789-")}
"""Signs that are written; the first two are those for the start and for the end."""
LONGEST = 10
EXAMPLE = "이천이십육년 십일월 이십일일"


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run."""

    steps: int = 3000
    size: int = 64
    lr: float = 0.004
    batch: int = 64


class Pairs(NamedTuple):
    """Sentences and what is to be written: texts, and the same as rows of numbers with their lengths."""

    texts: list[tuple[str, str]]
    source: np.ndarray
    source_lengths: np.ndarray
    target: np.ndarray
    target_lengths: np.ndarray


def in_words(n: int) -> str:
    """A whole number below a hundred million as it is read.

    >>> in_words(0), in_words(10), in_words(350_0201), in_words(1_1111)
    ('영', '십', '삼백오십만 이백일', '만 천백십일')
    """
    if n == 0:
        return DIGITS[0]
    parts = []
    for myriad, name in zip((n % 10_000, n // 10_000), MYRIADS, strict=True):
        read = "".join(
            (DIGITS[digit] if digit > 1 or not unit else "") + unit
            for digit, unit in zip(map(int, f"{myriad:04}"), reversed(UNITS), strict=True)
            if digit
        )
        parts += [("" if name and myriad == 1 else read) + name] if myriad else []
    return " ".join(reversed(parts))


def date_in_words(year: int, month: int, day: int) -> str:
    """A date as it is read.

    >>> date_in_words(2026, 6, 3)
    '이천이십육년 유월 삼일'
    """
    return f"{in_words(year)}년 {MONTHS.get(month, in_words(month))}월 {in_words(day)}일"


def examples(seed: int, name: str, n: int) -> list[tuple[str, str]]:
    """As many pairs of words and digits, by turns a date and a number; as many numbers have 3 digits as have 8."""
    draws = gongsik.Draws(seed)
    found = []
    for i, (a, b, c) in enumerate(draws.uniform(f"dates: {name}", (n, 3)).tolist()):
        if i % 2:
            low = 10 ** (2 + int(6 * a))
            number = low + int(b * 9 * low)
            found.append((in_words(number), str(number)))
        else:
            year, month = 1900 + int(200 * a), 1 + int(12 * b)
            day = 1 + int(c * calendar.monthrange(year, month)[1])
            found.append((date_in_words(year, month, day), f"{year}-{month:02}-{day:02}"))
    return found


def numbered(texts: Sequence[tuple[str, str]]) -> Pairs:
    """Texts as rows of numbers; every row to be written ends with the sign for the end, as often as it takes."""
    read = [[SOURCE[sign] for sign in words] for words, _ in texts]
    lengths = np.array([len(row) for row in read])
    source = np.array([row + [0] * (lengths.max() - len(row)) for row in read])
    target = np.array([[TARGET[sign] for sign in digits.ljust(LONGEST + 1, "$")] for _, digits in texts])
    return Pairs(list(texts), source, lengths, target, np.array([len(digits) + 1 for _, digits in texts]))


def data(seed: int) -> tuple[Pairs, Pairs]:
    """20,000 pairs to learn from, and 1,000 to be tested on, of which none is among the first."""
    training = examples(seed, "training", 20_000)
    known = set(training)
    test = [pair for pair in dict.fromkeys(examples(seed, "test", 3000)) if pair not in known]
    dates, numbers = ([pair for pair in test if ("-" in pair[1]) == date][:500] for date in (True, False))
    return numbered(training), numbered(dates + numbers)


def initial_params(bk: Any, config: Seq2Seq, seed: int) -> dict[str, Any]:
    """Embeddings of size 1; everything else evenly up to 1 / sqrt(size), as torch does for recurrent layers."""
    draws, params = gongsik.Draws(seed), {}
    for name, shape in config.parameters().items():
        if "embedding" in name:
            params[name] = draws.normal(name, shape)
        else:
            params[name] = (2 * draws.uniform(name, shape) - 1) / config.hidden_size**0.5
    return {name: bk.asarray(array) for name, array in params.items()}


def reader(bk: Any, config: Seq2Seq, params: Any, source: Any, lengths: Any) -> tuple[Any, Any]:
    """A decoder ``(ids, h) -> Decoded`` for what was read, and the state that it begins with."""
    states, context = bk.seq2seq_encoder(config, params, source, lengths)
    visible = lengths[:, None] > bk.asarray(np.arange(source.shape[1]))
    return lambda ids, h: bk.seq2seq_decoder(config, params, ids, h, states, visible), context


def fit(bk: Any, options: Options, config: Seq2Seq, pairs: Pairs, folder: Path | None) -> generative.Trained:
    """Adam on random batches, its rate falling to 0 along half a cosine; the decoder reads the right digits."""

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        index = generative.batch(options.seed, i, len(pairs.texts), options.batch)
        source, lengths, target, written = (bk.asarray(x[index]) for x in pairs[1:])
        start = bk.asarray(np.full(len(index), TARGET["^"]))

        def loss(params: Any) -> Any:
            decoder, context = reader(bk, config, params, source, lengths)
            return bk.teacher_forcing(lambda h, ids: decoder(ids, h).logits, context, start, target, written)

        value, grads = bk.value_and_grad(loss)(tree["params"])
        lr = float(bk.cosine_decay(bk.asarray(np.array(i)), base_lr=options.lr, total_steps=options.steps))
        params, state = bk.adam(tree["params"], grads, tree["state"], lr=lr)
        return {"params": params, "state": state}, {"loss": value}

    start = {"params": initial_params(bk, config, options.seed), "state": None}
    name = "attention" if config.attention else "context alone"
    return generative.train(bk, options, start, step, folder, name=name)


def write(bk: Any, config: Seq2Seq, params: Any, pairs: Pairs) -> list[str]:
    """What the decoder writes by itself, the likeliest sign after each other."""
    decoder, context = reader(bk, config, params, bk.asarray(pairs.source), bk.asarray(pairs.source_lengths))

    def step(h: Any, word: Any) -> tuple[Any, Any]:
        logits, h = decoder(word[:, None], h)
        return logits[:, 0], h

    start = bk.asarray(np.full(len(pairs.texts), TARGET["^"]))
    said = bk.to_numpy(bk.greedy_decode(step, context, start, eos=TARGET["$"], max_length=LONGEST + 1))
    signs = "".join(TARGET)
    return ["".join(signs[i] for i in row).partition("$")[0] for row in said.tolist()]


def looks(bk: Any, config: Seq2Seq, params: Any, words: str) -> tuple[str, np.ndarray]:
    """What is written for one sentence, and for every sign where the decoder looked: rows that sum to 1."""
    pairs = numbered([(words, "")])
    (digits,) = write(bk, config, params, pairs)
    states, h = bk.seq2seq_encoder(config, params, bk.asarray(pairs.source), bk.asarray(pairs.source_lengths))
    rows = []
    for sign in "^" + digits[:-1]:
        h = bk.seq2seq_decoder(config, params, bk.asarray(np.array([[TARGET[sign]]])), h, states).h
        rows.append(bk.to_numpy(bk.seq2seq_attention(h, states).weights)[0])
    return digits, np.array(rows)


def accuracies(pairs: Pairs, written: list[str]) -> dict[str, float]:
    """The share of sentences of which every sign is right: of dates, and of numbers by how many digits they have."""
    kinds = {"dates": lambda digits: "-" in digits}
    kinds |= {str(n): lambda digits, n=n: digits.isdigit() and len(digits) == n for n in range(3, 9)}
    hits = [(digits, digits == mine) for (_, digits), mine in zip(pairs.texts, written, strict=True)]
    return {name: float(np.mean([hit for digits, hit in hits if kind(digits)])) for name, kind in kinds.items()}


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train with attention and without, and measure both."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    training, test = data(options.seed)
    found: dict[str, Any] = {"measured": {}, "accuracy": {}, "losses": {}}
    for name in ("attention", "context"):
        config = Seq2Seq(len(SOURCE), len(TARGET), 24, options.size, attention=name == "attention")
        trained = fit(bk, options, config, training, folder / name if folder else None)
        params, losses = trained.tree["params"], trained.history["loss"]
        written = write(bk, config, params, test)
        right = [digits == mine for (_, digits), mine in zip(test.texts, written, strict=True)]
        found["measured"][f"{name}, all signs right"] = float(np.mean(right))
        found["accuracy"][name] = accuracies(test, written)
        found["losses"][name] = [float(np.mean(part)) for part in np.array_split(losses, min(60, len(losses)))]
        if config.attention:
            digits, weights = looks(bk, config, params, EXAMPLE)
            found["map"] = {"words": EXAMPLE, "digits": digits, "weights": weights.round(4).tolist()}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run, {"size": 1, "batch": 1})


if __name__ == "__main__":
    sys.exit(main())
