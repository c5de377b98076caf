"""LeNet-5 on the digits: a few steps of it, on a few of the images."""

import importlib
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import gongsik
from gongsik import checkpoint

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(monkeypatch):
    """The modules `digits`, `digits_lenet` and `digits_compare`, with 64 images to learn and 32 to test."""
    monkeypatch.syspath_prepend(EXAMPLES)
    digits, lenet, compare = map(importlib.import_module, ("digits", "digits_lenet", "digits_compare"))
    train, test = digits.load_digits()
    few = digits.Digits(train.x[:64], train.y[:64]), digits.Digits(test.x[:32], test.y[:32])
    for module in (digits, compare):
        monkeypatch.setattr(module, "load_digits", lambda: few)
    monkeypatch.setattr(digits.console, "quiet", True)
    return digits, lenet, compare


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_images_are_enlarged_in_the_middle(example, backend):
    digits, lenet, _ = example
    bk = gongsik.backend(backend)
    rows = digits.load_digits()[0].x[:3]
    image = bk.to_numpy(lenet.enlarge(bk, bk.asarray(rows)))
    assert image.shape == (3, 1, 32, 32)
    expected = np.pad(np.kron(rows.reshape(3, 8, 8), np.ones((3, 3))), ((0, 0), (4, 4), (4, 4)))
    assert np.array_equal(image[:, 0], expected.astype(image.dtype))


def test_both_backends_take_the_same_steps(example):
    """Loss, gradients and update of PyTorch lie within the bounds that the reference derives for its own text."""
    digits, lenet, compare = example
    options = digits.Options(epochs=1, dtype="float64")
    for step in itertools.islice(compare.steps(options, lenet.LENET), 1):
        assert step.error <= step.allowed
        assert step.gradients.agreed, step.gradients.message
        assert step.update.agreed, step.update.message
        assert step.gradients.conclusive
        assert step.update.conclusive


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_interrupted_run_goes_on_and_ends_with_the_same_numbers(example, backend, tmp_path, monkeypatch):
    digits, lenet, _ = example
    options = digits.Options(backend, epochs=2)
    whole = digits.train(options, tmp_path / "whole", network=lenet.LENET)
    assert len(whole.losses) == 4
    save = digits.save

    def save_and_stop(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        digits.train(options, tmp_path / "stopped", network=lenet.LENET)
    monkeypatch.setattr(digits, "save", save)
    assert len(checkpoint.load(tmp_path / "stopped" / "state.safetensors").params["losses"]) == 2
    digits.train(options, tmp_path / "stopped", network=lenet.LENET)
    for name in ("state.safetensors", "model.safetensors"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_plain_torch_reads_the_checkpoint(example, tmp_path):
    """The predictions are those of torch's own layers, whichever backend has trained."""
    digits, lenet, _ = example
    digits.train(digits.Options("reference", epochs=1), tmp_path, network=lenet.LENET)
    params = {k: torch.from_numpy(v) for k, v in checkpoint.load(tmp_path / "model.safetensors").params.items()}
    test = digits.load_digits()[1]
    x = torch.from_numpy(lenet.enlarge(gongsik.backend("reference"), test.x)).to(params["c1.weight"].dtype)
    with torch.no_grad():
        for name, pool in (("c1", True), ("c3", True), ("c5", False)):
            x = torch.tanh(torch.conv2d(x, params[f"{name}.weight"], params[f"{name}.bias"]))
            x = torch.nn.functional.avg_pool2d(x, 2) if pool else x
        x = torch.tanh(torch.nn.functional.linear(x.flatten(1), params["f6.weight"], params["f6.bias"]))
        logits = torch.nn.functional.linear(x, params["output.weight"], params["output.bias"])
    found = float((logits.argmax(-1).numpy() == test.y).mean())
    assert found == digits.evaluate(digits.Options("torch"), tmp_path / "model.safetensors", lenet.LENET)


def test_program_says_what_it_takes():
    command = [sys.executable, EXAMPLES / "digits_lenet.py", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage: digits_lenet.py" in answer.stdout
    assert "LeNet-5" in answer.stdout
