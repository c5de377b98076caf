"""Checkpoints: whole or not at all, readable by others, and one clear error for what is not a checkpoint."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from gongsik import checkpoint
from gongsik.checkpoint import CheckpointError

PARAMS = {
    "0.weight": np.arange(6.0).reshape(2, 3),
    "0.bias": np.array([1.5, np.nan], np.float32),
    "steps": np.array(3),
}
SHAPES = {name: array.shape for name, array in PARAMS.items()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_what_is_saved_is_loaded(path):
    checkpoint.save(path, PARAMS, {"epoch": "3"})
    params, metadata = checkpoint.load(path, SHAPES)
    assert metadata == {"epoch": "3"}
    assert params.keys() == PARAMS.keys()
    for name, array in PARAMS.items():
        np.testing.assert_array_equal(params[name], array)
        assert params[name].dtype == array.dtype
    assert os.listdir(path.parent) == [path.name]


def test_views_and_empty_arrays_are_saved_as_their_values(path):
    params = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "broadcast": np.broadcast_to(1.0, (3, 2)),
        "none": np.zeros((0, 4)),
    }
    checkpoint.save(path, params)
    for name, array in checkpoint.load(path).params.items():
        np.testing.assert_array_equal(array, params[name])


def test_other_programs_read_it_and_are_read(path):
    checkpoint.save(path, PARAMS)
    assert torch.equal(
        safetensors.torch.load_file(path)["0.weight"], torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    )
    safetensors.torch.save_file({"w": torch.ones(2, 2)}, path)
    np.testing.assert_array_equal(checkpoint.load(path, {"w": (2, 2)}).params["w"], np.ones((2, 2), np.float32))


def test_every_truncation_is_an_error(path):
    checkpoint.save(path, PARAMS, {"epoch": "3"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
            checkpoint.load(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100), b"\xff" * 100, bytes(100), b"\x02" + bytes(7) + b"[]"],
)
def test_foreign_file_is_an_error(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a complete safetensors file"):
        checkpoint.load(path)


def test_missing_file_is_the_usual_error(path):
    with pytest.raises(FileNotFoundError):
        checkpoint.load(path)


def test_all_differences_are_named_at_once(path):
    checkpoint.save(path, PARAMS)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path, {"0.weight": (3, 2), "1.weight": (4,), "1.bias": (4,), "steps": ()})
    message = str(caught.value)
    assert "no 1.weight, 1.bias" in message
    assert "no place for 0.bias" in message
    assert "0.weight has shape (2, 3), expected (3, 2)" in message
    assert "steps" not in message


@pytest.mark.parametrize(
    ("params", "metadata"),
    [
        ({"w": [1.0]}, {}),
        ({"w": np.array(["a"])}, {}),
        ({"w": np.array([None])}, {}),
        ({"w": np.ones(2)}, {"epoch": 3}),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(path, params, metadata):
    checkpoint.save(path, PARAMS)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        checkpoint.save(path, params, metadata)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    checkpoint.save(path, PARAMS)
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, {"w": np.ones(3)})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_killed_writer_leaves_a_complete_file(path):
    """A process that only ever saves is killed at several moments: what lies there is always one of its checkpoints."""
    code = f"""
        import numpy as np
        from gongsik import checkpoint
        step = 0
        while True:
            checkpoint.save({str(path)!r}, {{"w": np.full(200_000, float(step))}}, {{"step": str(step)}})
            if step == 0:
                print("ready", flush=True)
            step += 1
    """
    for delay in (0.0, 0.013, 0.037, 0.071):
        writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        params, metadata = checkpoint.load(path, {"w": (200_000,)})
        assert (params["w"] == float(metadata["step"])).all()
