"""Training on several processes: as good as on one, and it survives the loss of a worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gongsik
from gongsik import checkpoint
from gongsik.conformance.agreement import Exact, compare
from gongsik.conformance.bounded import PRECISIONS

EXAMPLES = Path(__file__).parents[1] / "examples"
CHOSEN = {"backend": "torch", "dtype": "float64", "optimizer": "gradient_descent", "schedule": "none", "epochs": 40}
SECONDS = 300
"""After so long a run has hung; it takes a twentieth of that."""

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="workers are found in /proc")


def start(folder: Path) -> subprocess.Popen[str]:
    """Train in two processes on this machine; torchrun chooses a free port, and starts both again if one is lost."""
    options = [part for name, value in CHOSEN.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--max-restarts", "1", "--monitor-interval", "0.1", "--"]
    command += [str(EXAMPLES / "digits.py"), *options, "--run", str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> str:
    """What a run that ends well has printed; one that hangs is ended, with its workers."""
    try:
        out, _ = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()  # torchrun ends its workers then
            process.communicate()
    assert process.returncode == 0, out
    return out


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def workers(process: subprocess.Popen[str]) -> list[int]:
    """The processes that torchrun has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        if parent == process.pid:
            found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="module")
def digits():
    sys.path.insert(0, str(EXAMPLES))
    try:
        import digits
    finally:
        sys.path.remove(str(EXAMPLES))
    return digits


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run of two processes that nothing happened to."""
    folder = tmp_path_factory.mktemp("two")
    out = finish(start(folder))
    assert out.count("test accuracy") == 1, "the first process speaks, the other does not"
    return folder


def test_two_processes_end_with_the_numbers_of_one(digits, whole):
    """The same test accuracy after every epoch."""
    alone = digits.train(digits.Options(**CHOSEN))
    together = checkpoint.load(whole / "state.safetensors").params
    assert together["losses"].shape == (40 * 44,)
    assert np.array_equal(together["accuracies"], alone.accuracies)


def test_losses_of_two_processes_lie_within_the_bound_of_one(digits, whole):
    """Every loss of the first steps depends on all gradients before it: the reference says how far it may be off."""
    together = checkpoint.load(whole / "state.safetensors").params["losses"]
    options, exact = digits.Options(**CHOSEN), Exact(PRECISIONS["float64"])
    images = digits.load_digits()[0]
    bk = gongsik.backend("torch", dtype="float64")
    params = {k: exact.array(bk.to_numpy(x)) for k, x in digits.initial_params(bk, options.seed).items()}
    batches = digits.batches(options.seed, 0, len(images.y))
    for step, index in zip(range(5), batches, strict=False):
        loss, grads = exact.value_and_grad(digits.loss_function(exact))(
            params, exact.array(images.x[index]), images.y[index]
        )
        verdict = compare(together[step], loss)
        assert verdict.agreed, f"step {step}: {verdict.message}"
        assert verdict.conclusive
        params = exact.gradient_descent(params, grads, lr=digits.RATES["gradient_descent"])


def test_a_run_survives_the_loss_of_a_worker(whole, tmp_path):
    """Killed after the first checkpoint it wrote, started again by torchrun: the same numbers, bit for bit."""
    process = start(tmp_path)
    wait_for((tmp_path / "state.safetensors").exists, process)
    victim = min(workers(process))
    os.kill(victim, signal.SIGKILL)
    steps = len(checkpoint.load(tmp_path / "state.safetensors").params["losses"])
    assert steps < 40 * 44, "the worker was lost before the end"
    out = finish(process)
    assert f"failed (exitcode: -9) local_rank: 0 (pid: {victim})" in out
    for name in ("state.safetensors", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize("arguments", [["--backend", "reference"], ["--compare"], ["--evaluate", "model.safetensors"]])
def test_under_torchrun_there_is_only_training_with_torch(digits, monkeypatch, capsys, arguments):
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(SystemExit):
        digits.main(arguments)
    assert "under torchrun there is training with --backend torch only" in capsys.readouterr().err
