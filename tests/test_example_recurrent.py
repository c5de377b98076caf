"""The LSTM on digits, run as a user runs it, and what the page says about it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def digits_lstm(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/digits_lstm.py`."""
    command = [sys.executable, ROOT / "examples" / "digits_lstm.py", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    return answer.returncode, answer.stdout, answer.stderr


def accuracy(out: str) -> float:
    found = re.search(r"test accuracy ([\d.]+)%", out)
    assert found, out
    return float(found[1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lstm")
    code, out, err = digits_lstm("--run", folder)
    assert code == 0, err
    return folder, accuracy(out)


def test_more_than_97_percent_are_recognized_as_the_page_says(trained):
    folder, found = trained
    page = (ROOT / "docs" / "recurrent.md").read_text(encoding="utf-8")
    assert "examples/digits_lstm.py" in page
    assert found > float(re.search(r"가운데 (\d+)% 넘게 맞힌다", page)[1])  # pyright: ignore[reportOptionalSubscript]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_reference_reads_what_torch_has_written(trained):
    """The same checkpoint recognizes as many digits on either backend."""
    folder, found = trained
    code, out, err = digits_lstm("--backend", "reference", "--evaluate", folder / "model.safetensors")
    assert code == 0, err
    assert accuracy(out) == found


def test_a_run_goes_on_where_it_was_stopped(trained):
    """The same command over a finished run trains nothing and says the same."""
    folder, found = trained
    before = (folder / "model.safetensors").read_bytes()
    code, out, err = digits_lstm("--run", folder)
    assert code == 0, err
    assert accuracy(out) == found
    assert (folder / "model.safetensors").read_bytes() == before


def test_both_backends_train_the_same(tmp_path):
    """One epoch in float64: the same accuracy, and losses that differ in the last places only."""
    losses = []
    for backend in ("reference", "torch"):
        code, out, err = digits_lstm("--backend", backend, "--dtype", "float64", "--epochs", 1)
        assert code == 0, err
        losses.append((accuracy(out), re.search(r"loss ([\d.]+)", out)[1]))  # pyright: ignore[reportOptionalSubscript]
    assert losses[0] == losses[1]
