"""NADE on binary digits, run as a user runs it, and the page that shows what it has measured."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from gongsik import checkpoint

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
SMALL = ("--hidden", 4, "--steps", 2)


def nade(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/nade.py`."""
    command = [sys.executable, ROOT / "examples" / "nade.py", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("nade")


def test_both_backends_train_the_same_and_a_run_goes_on(tmp_path):
    """Two steps in float64: the same log-probabilities; and the same again, in two pieces, to the last bit."""
    found = {}
    for backend in ("reference", "torch"):
        file = tmp_path / f"{backend}.json"
        code, out, err = nade(*SMALL, "--backend", backend, "--dtype", "float64", "--json", file, "--run",
                              tmp_path / backend)  # fmt: skip
        assert code == 0, err
        assert "held-out images" in out
        found[backend] = json.loads(file.read_text(encoding="utf-8"))
    first, second = (found[backend]["measured"] for backend in found)
    for name in ("training images", "held-out images"):
        assert round(first[name], 9) == round(second[name], 9)
    assert found["reference"]["samples"] == found["torch"]["samples"]


def test_a_run_in_two_pieces_is_a_run_in_one(example, tmp_path, monkeypatch):
    """Stopped after the second of three steps and started again, to the last bit."""
    options = example.Options(steps=3, hidden=4)
    whole = example.run(options, tmp_path / "whole")
    train, every = example.generative.train, {"every": 1}
    monkeypatch.setattr(example.generative, "train", lambda *a, **k: train(*a, **k, **every))
    steps = iter([None, None])

    def stopping(bk, options, start, step, folder, **more):
        def stopped(tree, i):
            if next(steps, 0) == 0:
                raise KeyboardInterrupt
            return step(tree, i)

        return train(bk, options, start, stopped, folder, **more, **every)

    with monkeypatch.context() as patch:
        patch.setattr(example.generative, "train", stopping)
        with pytest.raises(KeyboardInterrupt):
            example.run(options, tmp_path / "pieces")
    assert len(checkpoint.load(tmp_path / "pieces" / "state.safetensors").params["history/loss"]) == 2
    assert example.run(options, tmp_path / "pieces") == whole


def test_baselines_are_those_of_scikit_learn(example):
    """Naive Bayes with Laplace's prior of 1/2 is the mixture of independent pixels."""
    from sklearn.naive_bayes import BernoulliNB

    train, test = example.generative.images()
    x, held_out = (example.generative.binary(part.x) for part in (train, test))
    found = example.baselines(train, test)
    for name, labels in (
        ("independent pixels", np.zeros(len(x))),
        ("independent pixels, given the digit", train.y),
    ):
        bayes = BernoulliNB(alpha=0.5).fit(x, labels)
        log_p = scipy.special.logsumexp(bayes.predict_joint_log_proba(held_out), axis=1)
        assert round(float(log_p.mean()), 9) == round(found[name], 9)


def test_an_order_is_a_permutation_and_0_is_the_raster_order(example):
    assert np.array_equal(example.pixels(0), np.arange(64))
    assert np.array_equal(np.sort(example.pixels(1)), np.arange(64))
    assert not np.array_equal(example.pixels(1), example.pixels(2))


def test_page_shows_what_was_measured():
    """The numbers of the table are those of the file, and NADE is the best model in it."""
    kept = json.loads((ROOT / "docs" / "autoregressive.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "autoregressive.md").read_text(encoding="utf-8")
    found = kept["measured"]
    shown = [float(x.replace("−", "-")) for x in re.findall(r"^\|.*\| (−\d+\.\d\d) \|$", page, re.MULTILINE)]
    names = ("independent pixels", "independent pixels, given the digit", "held-out images")
    assert shown == [round(found[name], 2) for name in names]
    assert shown == sorted(shown)
    for name in ("distance of the samples", "distance of training images"):
        assert f"은 {found[name]:.2f}" in page
    assert kept["options"]["backend"] == "torch"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--hidden", 0), "--hidden must be at least 1"), (("--backend", "numpyy"), "no backend 'numpyy'")],
)
def test_bad_argument_is_one_clear_error(arguments, message):
    code, _, err = nade(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
