"""The segmentation of scenes of digits, run as a user runs it, and the page that shows what it has measured."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def segmentation(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/digits_segmentation.py`."""
    command = [sys.executable, ROOT / "examples" / "digits_segmentation.py", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("digits_segmentation")


@pytest.mark.parametrize("network", ["unet", "fcn"])
def test_a_stopped_run_ends_as_one_that_was_not_stopped(example, network, tmp_path):
    """Two epochs, the second after a restart from the files; in both cases the same numbers."""
    options = example.Options(network=network, scenes=32, epochs=2)
    whole = example.train(options)
    folder = tmp_path / network
    saved = example.save

    def save_and_stop(bk, options, run, folder):
        saved(bk, options, run, folder)
        raise KeyboardInterrupt

    example.save = save_and_stop
    try:
        with pytest.raises(KeyboardInterrupt):
            example.train(options, folder)
    finally:
        example.save = saved
    again = example.train(options, folder)
    assert again.losses == whole.losses
    for name, array in (whole.params | whole.buffers).items():
        assert (again._asdict()["params"] | again.buffers)[name].equal(array), name
    assert again.losses[1] < again.losses[0]


def test_both_backends_take_the_same_steps(example):
    """In float64 the mean losses of two epochs agree to ten digits."""
    losses = [
        example.train(example.Options(backend=backend, dtype="float64", scenes=16, epochs=2)).losses
        for backend in ("reference", "torch")
    ]
    assert [f"{x:.9e}" for x in losses[0]] == [f"{x:.9e}" for x in losses[1]]


def test_command_writes_what_the_page_reads(tmp_path, example):
    file = tmp_path / "measured.json"
    code, out, err = segmentation("--json", file, "--scenes", 16, "--epochs", 1, "--run", tmp_path)
    assert code == 0, err
    assert "held-out scenes" in out
    kept = json.loads(file.read_text(encoding="utf-8"))
    published = json.loads((ROOT / "docs" / "segmentation.json").read_text(encoding="utf-8"))
    assert kept.keys() == published.keys()
    assert kept["shown"]["truth"] == published["shown"]["truth"]
    assert kept["shown"]["image"] == published["shown"]["image"]
    assert example.picture(published["shown"]["unet"][0]).shape == (48, 48)


def test_page_shows_what_was_measured(example):
    """The table of the page has the numbers of the file, in its order."""
    kept = json.loads((ROOT / "docs" / "segmentation.json").read_text(encoding="utf-8"))
    found = {name: example.Measured(**row) for name, row in kept["measured"].items()}
    assert {name: kept["options"][name] for name in ("scenes", "epochs")} == {
        "scenes": example.Options.scenes, "epochs": example.Options.epochs
    }  # fmt: skip
    lines = (ROOT / "docs" / "segmentation.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    shown = [row[1:] for row in cells if len(row) == len(example.HEAD) and row[1].endswith("%")]
    assert shown == [list(row[1:]) for row in example.table(found)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--backend", "numpyy", "--scenes", 16), "no backend 'numpyy'"),
        (("--scenes", 15), "--scenes must be at least 16"),
        (("--epochs", 0), "--epochs at least 1"),
        (("--network", "vnet"), "invalid choice: 'vnet'"),
    ],
)
def test_bad_argument_is_one_clear_error(arguments, message):
    code, _, err = segmentation(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
