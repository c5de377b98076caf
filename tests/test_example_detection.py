"""The detectors of digits, run as a user runs them, and the page that shows what was measured."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[1]
PUBLISHED = json.loads((ROOT / "docs" / "detections.json").read_text(encoding="utf-8"))
RUNS = {"yolo_few": "YOLO v1", "yolo": "YOLO v1", "faster": "Faster R-CNN"}
TINY: dict[str, Any] = {"scenes": 32, "held_out": 4, "epochs": 2}


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("digits_detection")


def detection(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/digits_detection.py`."""
    command = [sys.executable, ROOT / "examples" / "digits_detection.py", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    return answer.returncode, answer.stdout, answer.stderr


@pytest.mark.parametrize("model", ["yolo", "faster"])
def test_a_stopped_run_ends_as_one_that_was_not_stopped(example, model, tmp_path, monkeypatch):
    """Two epochs, the second after a restart from the files; in both cases the same results."""
    options = example.Options(model=model, **TINY)
    whole = example.train(options, tmp_path / "whole")
    saved = example.checkpoint.save

    def save_and_stop(*arguments):
        saved(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(example.checkpoint, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            example.train(options, tmp_path / "stopped")
    assert example.train(options, tmp_path / "stopped") == whole
    assert whole["losses"][1] < whole["losses"][0]
    assert (tmp_path / "whole" / "detections.png").exists()


def test_another_run_is_not_continued(example, tmp_path):
    example.train(example.Options(**TINY), tmp_path)
    with pytest.raises(example.checkpoint.CheckpointError, match="choose another --run"):
        example.train(example.Options(**TINY | {"seed": 1}), tmp_path)


def test_measure_is_1_for_the_truth_and_less_for_what_is_beside_it(example):
    """The truth of twelve scenes as detections; boxes that are moved by half their width; other labels."""
    truth = example.scenes(12, split="test")
    found = [
        example.Found(
            torch.tensor(boxes[labels >= 0], dtype=torch.float32), torch.ones(sum(labels >= 0)),
            torch.tensor(labels[labels >= 0]),
        )
        for boxes, labels in zip(truth.boxes, truth.labels, strict=True)
    ]  # fmt: skip
    assert example.measure(found, truth) == 1
    moved = [f._replace(boxes=f.boxes + (f.boxes[:, 2:] - f.boxes[:, :2]).mul(0.5).repeat(1, 2)) for f in found]
    assert example.measure(moved, truth) < 0.5
    assert example.measure([f._replace(labels=(f.labels + 1) % 10) for f in found], truth) < 0.5


def test_command_writes_what_the_page_reads(tmp_path):
    file = tmp_path / "kept.json"
    file.write_text('{"suppression": 1}', encoding="utf-8")
    tiny = [x for name, value in TINY.items() for x in (f"--{name.replace('_', '-')}", value)]
    code, out, err = detection("--model", "yolo", "--run", tmp_path / "tiny", "--json", file, *tiny)
    assert code == 0, err
    assert "mAP at IoU 0.5: 0." in out
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["suppression"] == 1
    assert kept["tiny"] == json.loads((tmp_path / "tiny" / "results.json").read_text(encoding="utf-8"))
    assert all(kept["tiny"].keys() == PUBLISHED[run].keys() for run in RUNS)


def test_page_shows_what_was_measured():
    """The rows of the page's table are the numbers of the file."""
    page = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")
    for run, name in RUNS.items():
        kept = PUBLISHED[run]
        options = kept["options"]
        row = name, options["scenes"], options["epochs"], f"{kept['map50']:.2f}", f"{kept['map75']:.2f}"
        assert f"| {' | '.join(map(str, row))} |" in page
        assert f"--scenes {options['scenes']} --epochs {options['epochs']} --held-out 300 --run runs/{run}" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "ssd"), "invalid choice: 'ssd'"),
        (("--epochs", 0), "--epochs and --held-out must be at least 1"),
        (("--scenes", 15), "--scenes at least 16"),
    ],
)
def test_bad_argument_is_one_clear_error(arguments, message, tmp_path):
    code, _, err = detection("--run", tmp_path, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
