"""The comparison of regularizers, run as a user runs it, and the page that shows what it has measured."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def regularizers(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/regularizers.py`."""
    command = [sys.executable, ROOT / "examples" / "regularizers.py", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("regularizers")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A short run of each backend, from the same seed."""
    folder = tmp_path_factory.mktemp("regularizers")
    found = {}
    for backend in ("reference", "torch"):
        file = folder / f"{backend}.json"
        code, out, err = regularizers(
            "--backend", backend, "--runs", 1, "--epochs", 4, "--json", file, "--plot", folder / f"{backend}.png"
        )
        assert code == 0, err
        assert "label smoothing" in out
        assert (folder / f"{backend}.png").read_bytes().startswith(b"\x89PNG")
        found[backend] = json.loads(file.read_text(encoding="utf-8"))["measured"]
    return found


def test_both_backends_measure_the_same(measured, example):
    """In float64 no digit of the table differs."""
    tables = [example.rows(load(example, runs)) for runs in measured.values()]
    assert tables[0] == tables[1]
    assert [row[0] for row in tables[0]] == list(example.METHODS)


def load(example, measured):
    return {name: [example.Measured(*run) for run in runs] for name, runs in measured.items()}


def test_every_regularizer_does_something_and_weight_decay_is_the_l2_penalty(measured, example):
    table = {row[0]: row[1:] for row in example.rows(load(example, measured["torch"]))}
    assert table["weight decay"] == table["L2 penalty"]
    found = {name: tuple(run) for name, (run,) in measured["torch"].items()}
    del found["weight decay"], found["early stopping"]  # which has nothing to stop in so few epochs
    assert len(set(found.values())) == len(found)
    assert found["none"][2] == min(run[2] for run in found.values()), "without a regularizer the training loss is least"


def test_page_shows_what_was_measured(example):
    """The table of the page has the numbers of the file, in its order."""
    _, found = example.load(ROOT / "docs" / "regularizers.json")
    lines = (ROOT / "docs" / "regularization.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    table = [row[1:] for row in cells if len(row) == len(example.HEAD) and row[1].endswith("%")]
    assert table == [list(row[1:]) for row in example.rows(found)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--backend", "numpyy"), "no backend 'numpyy'"), (("--runs", 0), "--epochs and --runs must be at least 1")],
)
def test_bad_argument_is_one_clear_error(arguments, message):
    code, _, err = regularizers(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
