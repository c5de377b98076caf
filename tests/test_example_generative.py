"""What the programs of the generative models share: batches, a loop that resumes, pictures, the distance to data."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

import gongsik
from gongsik import checkpoint


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    module = importlib.import_module("generative")
    monkeypatch.setattr(module.console, "quiet", True)
    return module


def test_every_epoch_has_every_image_once_in_its_own_order(shared):
    epochs = [np.concatenate([shared.batch(3, 5 * e + i, 22, 4) for i in range(5)]) for e in range(3)]
    for order in epochs:
        assert len(set(order.tolist())) == 20
    assert not np.array_equal(epochs[0], epochs[1])
    with pytest.raises(ValueError, match="3 images fill no batch of 4"):
        shared.batch(3, 0, 3, 4)


def test_pictures_survive_the_text(shared):
    x = shared.images()[0].x[:7]
    picture = shared.grid(x, 3)
    assert picture.shape == (16, 24)
    assert np.array_equal(picture[8:, 16:], x[5].reshape(8, 8))
    assert np.abs(shared.from_text(shared.text(picture)) - picture).max() <= 0.5 / 15
    assert set(np.unique(shared.binary(x))) == {0.0, 1.0}


def test_frechet_distance_is_that_of_the_matrix_square_root(shared):
    """With SciPy's square root of the product of both covariances, which takes another way."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(80, 4)), rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + 1
    s, t = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.trace(scipy.linalg.sqrtm(s @ t)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * root
    assert f"{shared.frechet_distance(a, b):.9e}" == f"{expected:.9e}"
    assert shared.frechet_distance(a, b + 5) > shared.frechet_distance(a, b) > shared.frechet_distance(a, a[::-1])


def test_distance_tells_digits_from_pixels_and_pixels_from_noise(shared):
    found = shared.references(300)
    assert found["digits"] < found["pixels"] / 5 < found["noise"] / 5


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_a_stopped_run_ends_as_one_that_was_not(shared, backend, tmp_path, monkeypatch):
    """Two networks with an optimizer each and running numbers beside them: the whole tree comes back."""
    bk, options = gongsik.backend(backend, dtype="float32"), shared.Options(backend, steps=5)
    start = {"a": shared.initial(bk, {"w": (3, 2), "b": (3,)}, 0), "state": None, "seen": bk.asarray(np.array(0))}

    def step(tree, i):
        draw = bk.asarray(gongsik.Draws(0).normal("x", (2,), counter=i))

        def loss(params):
            return bk.mse(bk.linear(draw, params["w"], params["b"]), bk.asarray(np.ones(3)))

        value, grads = bk.value_and_grad(loss)(tree["a"])
        params, state = bk.adam(tree["a"], grads, tree["state"])
        return {"a": params, "state": state, "seen": tree["seen"] + 1}, {"loss": value}

    whole = shared.train(bk, options, start, step)
    saved = shared.save

    def save_and_stop(*arguments):
        saved(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(shared, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        shared.train(bk, options, start, step, tmp_path, every=2)
    monkeypatch.setattr(shared, "save", saved)
    assert len(checkpoint.load(tmp_path / "state.safetensors").params["history/loss"]) == 2
    again = shared.train(bk, options, start, step, tmp_path, every=2)
    assert again.history == whole.history
    ours, theirs = ({k: bk.to_numpy(x) for k, x in shared.flatten({"t": t}).items()} for t in (again.tree, whole.tree))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert ours["t/seen"] == 5
    with pytest.raises(checkpoint.CheckpointError, match="is of a run with steps=5"):
        shared.train(bk, shared.Options(backend, steps=6), start, step, tmp_path)


def test_program_refuses_what_it_cannot_run(shared, capsys):
    def never(options, folder):
        raise AssertionError

    for arguments, says in (
        (["--steps", "0"], "--steps must be at least 1"),
        (["--dtype", "int8"], "invalid choice"),
    ):
        with pytest.raises(SystemExit):
            shared.main(arguments, "Train something.\n\nMore.", shared.Options(), never)
        assert says in capsys.readouterr().err
