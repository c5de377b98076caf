"""The examples, run as a user runs them: training on real digits, and the backend of a third party."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gongsik import checkpoint

EXAMPLES = Path(__file__).parents[1] / "examples"
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "COLUMNS": "200"}


def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, EXAMPLES / "digits.py", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT | variables)


def digits(*arguments: object, **variables: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `python examples/digits.py`."""
    process = start(*arguments, **variables)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run of each backend, as README shows them."""
    folder = tmp_path_factory.mktemp("runs")
    for backend in ("reference", "torch"):
        code, out, err = digits("--backend", backend, "--run", folder / backend)
        assert code == 0, err
        assert f"checkpoint and plot are in {folder / backend}" in out.replace("\n", "")
    return folder


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_at_least_96_percent_of_the_digits_are_recognized(trained, backend):
    state = checkpoint.load(trained / backend / "state.safetensors").params
    assert state["accuracies"][-1] >= 0.96
    assert state["losses"].shape == (20 * 44,)
    assert (trained / backend / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_other_backend_loads_the_checkpoint(trained):
    for writer, reader in (("torch", "reference"), ("reference", "torch")):
        expected = checkpoint.load(trained / writer / "state.safetensors").params["accuracies"][-1]
        code, out, _ = digits("--backend", reader, "--evaluate", trained / writer / "model.safetensors")
        assert code == 0
        assert out.strip() == f"{reader}: test accuracy {expected:.2%}"


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_plain_torch_loads_the_checkpoint(trained, backend):
    """Names and shapes are those of torch.nn.Sequential; the predictions are those of torch's own modules."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        from digits import load_digits
    finally:
        sys.path.remove(str(EXAMPLES))
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    model.load_state_dict(load_file(trained / backend / "model.safetensors"), strict=True)
    test = load_digits()[1]
    with torch.no_grad():
        found = model(torch.from_numpy(test.x).float()).argmax(-1).numpy()
    expected = checkpoint.load(trained / backend / "state.safetensors").params["accuracies"][-1]
    assert (found == test.y).mean() == expected


def test_finished_run_is_not_trained_again(trained):
    before = (trained / "reference" / "state.safetensors").read_bytes()
    code, out, _ = digits("--backend", "reference", "--run", trained / "reference")
    assert code == 0
    assert "test accuracy" in out
    assert (trained / "reference" / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("backend", "optimizer", "kills"),
    [("reference", "nadam", (0.0, 0.004, 0.011, 0.023, 0.05)), ("torch", "adam", (0.017,))],
)
def test_killed_run_goes_on_and_ends_with_the_same_numbers(tmp_path, backend, optimizer, kills):
    """Killed before the first checkpoint, then a moment after each new one: at last it ends the same, bit for bit."""
    arguments = ("--backend", backend, "--optimizer", optimizer, "--epochs", 40, "--seed", 3, "--run")
    assert digits(*arguments, tmp_path / "whole")[0] == 0
    state = tmp_path / "killed" / "state.safetensors"
    kill_when(start(*arguments, tmp_path / "killed"), lambda: True)
    steps = [0]
    for delay in kills:
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = start(*arguments, tmp_path / "killed")
        kill_when(process, lambda before=before: state.exists() and state.stat().st_mtime_ns != before, delay)
        steps.append(len(checkpoint.load(state).params["losses"]))
    assert steps == sorted(set(steps)), "every start went on from where the last one was killed"
    assert steps[-1] < 40 * 44, "the last kill came before the end"
    assert digits(*arguments, tmp_path / "killed")[0] == 0
    for name in ("state.safetensors", "model.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not [path for path in state.parent.iterdir() if path.name.endswith(".tmp")]


def kill_when(process: subprocess.Popen[str], condition, delay: float = 0.0) -> None:
    """Kill a process, which must still be running, a moment after a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_run_with_other_options_is_refused(trained):
    code, _, err = digits("--backend", "reference", "--optimizer", "adamw", "--seed", 5, "--run", trained / "reference")
    assert code == 2
    assert "is of a run with optimizer='adam', seed=0: choose another --run" in err


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, None])
def test_broken_checkpoint_is_one_clear_error(trained, tmp_path, content):
    whole = (trained / "reference" / "state.safetensors").read_bytes()
    (tmp_path / "state.safetensors").write_bytes(whole[: len(whole) // 2] if content is None else content)
    code, _, err = digits("--backend", "reference", "--run", tmp_path)
    assert code == 2
    assert err.strip().splitlines()[-1].startswith("digits.py: error: ")
    assert "is not a complete safetensors file" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--backend", "numpyy"), "no backend 'numpyy'"),
        (("--device", "cuda:99"), "makes no arrays of device='cuda:99'"),
        (("--optimizer", "sgdd"), "invalid choice: 'sgdd'"),
        (("--epochs", 0), "--epochs must be at least 1"),
        (("--evaluate", "nothing.safetensors"), "nothing.safetensors"),
    ],
)
def test_bad_argument_is_one_clear_error(arguments, message):
    code, _, err = digits(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_compare_finds_the_backends_in_agreement(tmp_path):
    code, out, err = digits("--compare", "--epochs", 1, "--run", tmp_path)
    assert code == 0, err
    assert "44 of 44 steps agree in loss, gradients and update, 0 inconclusive" in out
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_compare_finds_an_error_that_no_loss_curve_shows(tmp_path):
    """Adam with its epsilon inside the root trains as well."""
    (tmp_path / "inside.py").write_text(
        textwrap.dedent("""
        from functools import partial
        from gongsik.torch_impl import *
        from gongsik.torch_impl import adam as right, asarray, to_numpy, value_and_grad
        adam = partial(right, eps_place="inside")
        """)
    )
    code, out, err = digits("--compare", "--backend", "inside", "--epochs", 1, PYTHONPATH=str(tmp_path))
    assert code == 1, err
    assert "0 of 44 steps agree" in out


# A backend of a third party


def test_backend_of_a_third_party_is_judged_for_what_it_has(tmp_path):
    """From an empty folder, by the name of the module: ten formulas are judged, the others are listed as skipped."""
    command = [
        sys.executable, "-m", "pytest", "--pyargs", "gongsik.conformance", "--backend", "jax_backend", "-rs", "-q",
        "-k", "relu or hinge", "--dtype", "float64", "--examples", "3", "-p", "no:cacheprovider",
    ]  # fmt: skip
    answer = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": str(EXAMPLES)}
    )
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert "jax_backend has no leaky_relu" in answer.stdout
    assert "jax_backend has no relu" not in answer.stdout
    assert "jax_backend has no hinge_loss" not in answer.stdout


def test_backend_of_a_third_party_imports_nothing_of_ours():
    code = """
        import sys
        sys.modules["gongsik"] = None
        import jax_backend
        print(sorted(name for name in vars(jax_backend) if not name.startswith("_")))
    """
    environment = ENVIRONMENT | {"PYTHONPATH": str(EXAMPLES)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd="/", env=environment)


def test_backend_of_a_third_party_swaps_in(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.syspath_prepend(EXAMPLES)
    import gongsik

    ours, theirs = gongsik.backend("reference"), gongsik.backend("jax_backend")
    assert len(theirs.implemented()) == 10
    logits, labels = np.array([[1.0, 2.0, 0.5]]), np.array([1])

    def slope(bk):
        return bk.value_and_grad(bk.softmax_cross_entropy)(bk.asarray(logits), bk.asarray(labels))

    for our, their in zip(slope(ours), slope(theirs), strict=True):
        np.testing.assert_array_max_ulp(ours.to_numpy(our), theirs.to_numpy(their), maxulp=8)
