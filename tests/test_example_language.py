"""The programs of the chapter on language models: dates in words, and words of the lecture pages."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import gongsik

DIGITS = {sign: i for i, sign in enumerate("영일이삼사오육칠팔구")}
UNITS = {"십": 10, "백": 100, "천": 1000}


@pytest.fixture
def example(monkeypatch):
    """A program of `examples/` as a module, which shows no bar."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    monkeypatch.setattr(importlib.import_module("generative").console, "quiet", True)
    return importlib.import_module


def as_number(words: str) -> int:
    """The number that is read so, added up from the left: the other way round."""
    total, below, digit = 0, 0, 0
    for sign in words.replace(" ", ""):
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in UNITS:
            below, digit = below + UNITS[sign] * max(digit, 1), 0
        else:
            total, below, digit = (below + digit or 1) * 10_000, 0, 0
    return total + below + digit


def test_numbers_are_read_as_they_are_understood(example):
    dates = example("dates")
    numbers = [*range(1200), *range(9_990, 10_120), *(10**k + d for k in range(1, 8) for d in (-1, 0, 1)), 99_999_999]
    for number in numbers:
        assert as_number(dates.in_words(number)) == number
    assert [dates.in_words(n) for n in (10_000, 110_000, 11_110_000)] == ["만", "십일만", "천백십일만"]


def test_what_is_tested_was_never_learned(example):
    training, test = example("dates").data(0)
    assert len(training.texts) == 20_000
    assert len(test.texts) == 1000
    assert not set(training.texts) & set(test.texts)
    for pairs in (training, test):
        for words, digits in pairs.texts[:50] + pairs.texts[-50:]:
            if "-" not in digits:
                assert as_number(words) == int(digits)
                continue
            year, month, day = words.replace("유월", "육월").replace("시월", "십월").split()
            read = [as_number(part[:-1]) for part in (year, month, day)]
            assert read == list(map(int, digits.split("-")))


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_dates_run_and_go_on(example, backend, tmp_path):
    """The same command over a finished run learns nothing more and measures the same."""
    dates, file = example("dates"), tmp_path / "dates.json"
    arguments = ["--backend", backend, "--steps", "2", "--size", "8", "--batch", "4", "--run", str(tmp_path / "run")]
    found = []
    for _ in range(2):
        assert dates.main([*arguments, "--json", str(file)]) == 0
        found.append(json.loads(file.read_text(encoding="utf-8")))
    assert found[0] == found[1]
    assert set(found[0]["accuracy"]) == {"attention", "context"}
    assert np.shape(found[0]["map"]["weights"]) == (len(found[0]["map"]["digits"]), len(dates.EXAMPLE))


def test_the_map_is_where_the_decoder_looks(example):
    """The same weights as the decoder uses: what it writes follows from them."""
    dates, bk = example("dates"), gongsik.backend("reference", dtype="float64")
    config = dates.Seq2Seq(len(dates.SOURCE), len(dates.TARGET), 24, 8, attention=True)
    params = dates.initial_params(bk, config, 0)
    digits, weights = dates.looks(bk, config, params, dates.EXAMPLE)
    assert digits == dates.write(bk, config, params, dates.numbered([(dates.EXAMPLE, "")]))[0]
    pairs = dates.numbered([(dates.EXAMPLE, "")])
    states, h = bk.seq2seq_encoder(config, params, pairs.source, pairs.source_lengths)
    signs = np.array([[dates.TARGET[sign] for sign in "^" + digits[:-1]]])
    logits = bk.seq2seq_decoder(config, params, signs, h, states).logits[0]
    output = [bk.seq2seq_decoder(config, params, signs[:, : i + 1], h, states).h[0] for i in range(len(digits))]
    mixed = bk.attentional_hidden_state(
        weights @ states[0], np.array(output), params["decoder.attention.weight"], params["decoder.attention.bias"]
    )
    again = bk.linear(mixed, params["decoder.linear.weight"], params["decoder.linear.bias"])
    assert "".join(list(dates.TARGET)[i] for i in again.argmax(-1)) == digits
    assert np.array_equal(again.argmax(-1), logits.argmax(-1))


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_words_run_and_go_on(example, backend, tmp_path):
    words, file = example("words"), tmp_path / "words.json"
    arguments = ["--backend", backend, "--steps", "2", "--words", "40", "--run", str(tmp_path / "run")]
    found = []
    for _ in range(2):
        assert words.main([*arguments, "--json", str(file)]) == 0
        found.append(json.loads(file.read_text(encoding="utf-8")))
    assert found[0] == found[1]
    assert found[0]["perplexity"]["3"]["training"] < found[0]["perplexity"]["1"]["training"]
    with pytest.raises(SystemExit):
        words.main(["--words", "5"])
