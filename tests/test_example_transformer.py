"""GPT, BERT and ViT on real data, run as a user runs them for a few steps, and what the page shows of them."""

import functools
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[1]
PROGRAMS = ("gpt", "bert", "vit")
STEPS = 2


def example(name: str, *arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of an example."""
    command = [sys.executable, ROOT / "examples" / f"{name}.py", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture(scope="module", params=PROGRAMS)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    code, out, err = example(request.param, "--steps", STEPS, "--run", folder, "--json", folder / "found.json")
    assert code == 0, err
    return request.param, folder, json.loads((folder / "found.json").read_text(encoding="utf-8")), out


def test_a_few_steps_train_and_measure(trained):
    name, folder, found, out = trained
    assert (folder / "state.safetensors").exists()
    assert found["options"]["steps"] == STEPS
    assert all(key in out for key in found["measured"])
    committed = json.loads((ROOT / "docs" / f"{name}.json").read_text(encoding="utf-8"))
    assert committed.keys() == found.keys()
    assert committed["measured"].keys() == found["measured"].keys()


def test_a_finished_run_trains_nothing(trained, tmp_path):
    """The same command over it says the same and leaves the checkpoint as it is."""
    name, folder, found, _ = trained
    state = (folder / "state.safetensors").read_bytes()
    code, _, err = example(name, "--steps", STEPS, "--run", folder, "--json", tmp_path / "again.json")
    assert code == 0, err
    assert (folder / "state.safetensors").read_bytes() == state
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == found


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_run_that_was_stopped_ends_as_one_that_was_not(name, monkeypatch, tmp_path):
    """Stopped before its second step, and started again: the same arrays, to the last bit."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    module, loop = importlib.import_module(name), importlib.import_module("generative")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    options = ["--steps", str(STEPS), "--run"]
    assert module.main([*options, str(whole)]) == 0
    optimize = module.optimize

    def interrupted(bk, tree, loss, step, *rest, **more):
        if step == 1:
            raise KeyboardInterrupt
        return optimize(bk, tree, loss, step, *rest, **more)

    monkeypatch.setattr(loop, "train", functools.partial(loop.train, every=1))
    monkeypatch.setattr(module, "optimize", interrupted)
    assert module.main([*options, str(stopped)]) == 130
    monkeypatch.setattr(module, "optimize", optimize)
    assert module.main([*options, str(stopped)]) == 0
    first, second = (load_file(folder / "state.safetensors") for folder in (whole, stopped))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)


def test_what_the_page_shows_was_learned():
    """The committed numbers: far better than without learning."""
    gpt, bert, vit = (json.loads((ROOT / "docs" / f"{name}.json").read_text())["measured"] for name in PROGRAMS)
    assert gpt["test perplexity"] < gpt["perplexity without context"] / 3
    assert bert["hidden pieces, first guess"] > bert["hidden pieces, always the most frequent one"]
    assert vit["test accuracy"] > 0.95
