"""The GANs of the digits: a few steps of each, and what the page shows of them."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gongsik

ROOT = Path(__file__).parents[1]
KINDS = ("gan", "wgan-gp", "dcgan")


@pytest.fixture
def program(monkeypatch):
    """The module `gan` of the examples; quiet."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    found = importlib.import_module("gan")
    monkeypatch.setattr(importlib.import_module("generative").console, "quiet", True)
    return found


def arrays(bk, tree):
    flatten = importlib.import_module("digits").flatten
    return {name: bk.to_numpy(array) for name, array in flatten({"tree": tree}).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_learn_the_same_from_the_same_draws(program, kind):
    """In float64 the losses of two rounds agree to nine digits."""
    options = program.Options(dtype="float64", steps=2, kind=kind)
    curves = [program.train(replace(options, backend=backend)).history for backend in ("reference", "torch")]
    ours, theirs = ({key: [f"{x:.8e}" for x in values] for key, values in curve.items()} for curve in curves)
    assert ours == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_ends_as_one_that_was_not(program, kind, tmp_path, monkeypatch):
    generative, bk = importlib.import_module("generative"), gongsik.backend("torch", dtype="float32")
    monkeypatch.setattr(generative.train, "__kwdefaults__", {"every": 2, "name": ""})
    options = program.Options(steps=3, kind=kind)
    whole = program.train(options)
    saved = generative.save

    def save_and_stop(*arguments):
        saved(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(generative, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        program.train(options, tmp_path)
    monkeypatch.setattr(generative, "save", saved)
    resumed = program.train(options, tmp_path)
    assert resumed.history == whole.history
    ours, theirs = arrays(bk, resumed.tree), arrays(bk, whole.tree)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_what_is_no_kind_is_said(program, capsys):
    with pytest.raises(SystemExit):
        program.main(["--kind", "vae", "--steps", "1"])
    assert "no kind 'vae'; there are gan, wgan-gp, dcgan" in capsys.readouterr().err


def test_results_are_kept_side_by_side(program, tmp_path):
    """Pictures of the same noise at each mark, and samples with values from 0 to 1."""
    target = tmp_path / "gan.json"
    for kind in ("gan", "dcgan"):
        assert program.main(["--kind", kind, "--steps", "2", "--json", str(target)]) == 0
    kept = json.loads(target.read_text(encoding="utf-8"))
    assert list(kept) == ["gan", "dcgan"]
    assert kept["dcgan"]["options"]["steps"] == 2
    assert len(kept["gan"]["shown"]) == len(program.MARKS)
    assert {len(row) for row in kept["gan"]["samples"]} == {20 * 8}


def test_the_page_shows_runs_that_learned(program):
    """Of the committed results: every kind is nearer to digits than independent pixels, and runs have the defaults."""
    kept = json.loads((ROOT / "docs" / "gan.json").read_text(encoding="utf-8"))
    assert set(kept) == set(KINDS)
    for kind, found in kept.items():
        assert found["options"] == {**program.Options().__dict__, "kind": kind}
        assert found["measured"]["distance"] < found["measured"]["pixels"] < found["measured"]["noise"]
