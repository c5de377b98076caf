"""The variational and the adversarial autoencoder of the digits: a few steps of each, and what the page says of it."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gongsik
from gongsik.conformance.agreement import Exact, Target, evaluate, judge
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case

ROOT = Path(__file__).parents[1]


@pytest.fixture
def programs(monkeypatch):
    """The modules `vae` and `aae`, by name; quiet."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    found = {name: importlib.import_module(name) for name in ("vae", "aae")}
    monkeypatch.setattr(importlib.import_module("generative").console, "quiet", True)
    return found


def arrays(bk, tree):
    flatten = importlib.import_module("digits").flatten
    return {name: bk.to_numpy(array) for name, array in flatten({"tree": tree}).items()}


@pytest.mark.parametrize("name", ["vae", "aae"])
def test_both_backends_learn_the_same_from_the_same_draws(programs, name):
    """In float64 the curves of five steps agree to nine digits."""
    options = programs[name].Options(dtype="float64", steps=5)
    curves = [programs[name].train(replace(options, backend=backend)).history for backend in ("reference", "torch")]
    ours, theirs = ({key: [f"{x:.8e}" for x in values] for key, values in curve.items()} for curve in curves)
    assert ours == theirs


def test_a_step_of_the_vae_lies_within_the_bound(programs):
    """Loss and gradients of torch in float32, from the numbers that it starts with, within the reference's bounds."""
    vae, precision = programs["vae"], PRECISIONS["float32"]
    config = vae.model(vae.Options())
    bk = gongsik.backend("torch", dtype="float32")
    initial = importlib.import_module("generative").initial(bk, config.parameters(), 0)
    params = {name: bk.to_numpy(p).astype(np.float64) for name, p in initial.items()}
    x = precision.round(vae.images()[0].x[:16])
    normal = precision.round(gongsik.Draws(0).normal("code", (16, 2)))

    def learn(gs, params, x, normal):
        return gs.value_and_grad(vae.objective(gs, config))(params, x, normal)

    case, target = Case((params, x, normal)), Target(bk, precision)
    verdict = judge(evaluate(learn, target, case), evaluate(learn, Exact(precision), case), target)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


@pytest.mark.parametrize("backend", ["reference", "torch"])
@pytest.mark.parametrize("name", ["vae", "aae"])
def test_a_stopped_run_ends_as_one_that_was_not(programs, name, backend, tmp_path, monkeypatch):
    program, generative = programs[name], importlib.import_module("generative")
    monkeypatch.setattr(generative.train, "__kwdefaults__", {"every": 2, "name": ""})
    options = program.Options(backend, steps=3)
    whole = program.train(options)
    saved = generative.save

    def save_and_stop(*arguments):
        saved(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(generative, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        program.train(options, tmp_path)
    monkeypatch.setattr(generative, "save", saved)
    again = program.train(options, tmp_path)
    assert again.history == whole.history
    bk = gongsik.backend(backend)
    ours, theirs = arrays(bk, again.tree), arrays(bk, whole.tree)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


def test_priors_are_what_they_are_called(programs):
    draw = programs["aae"].draw_prior
    ring, normal = (draw(name, gongsik.Draws(0), 4000, 0) for name in ("ring", "normal"))
    lengths = np.linalg.norm(ring, axis=1)
    assert abs(lengths.mean() - 2) < 4 * 0.2 / np.sqrt(4000)  # a false alarm in 16,000 such tests, here and below
    assert (abs(normal.mean(0)) < 4 / np.sqrt(4000)).all()
    with pytest.raises(ValueError, match="no prior 'cube'; there are ring and normal"):
        draw("cube", gongsik.Draws(0), 1, 0)


def test_independent_pixels_are_scipys_bernoulli(programs):
    """The baseline for images of ink and paper alone, where a likelihood is one: SciPy's log-probabilities."""
    from scipy import stats

    vae, generative = programs["vae"], importlib.import_module("generative")
    train, test = (digits._replace(x=generative.binary(digits.x)) for digits in generative.images())
    half = 1 / (2 * len(train.x))
    expected = stats.bernoulli.logpmf(test.x, np.clip(train.x.mean(0), half, 1 - half)).sum(-1).mean()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vae, "images", lambda: (train, test))
        assert f"{vae.independent_pixels():.9e}" == f"{expected:.9e}"
        assert vae.limit() == 0


@pytest.fixture
def kept():
    return json.loads((ROOT / "docs" / "autoencoder.json").read_text(encoding="utf-8"))


def test_command_writes_what_the_page_reads(programs, kept, tmp_path):
    """Both programs, one file, the results of each beside those of the other."""
    path = tmp_path / "found.json"
    for name, arguments in (("vae", []), ("vae", ["--latent", "8"]), ("aae", [])):
        assert programs[name].main(["--steps", "2", "--json", str(path), *arguments]) == 0
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found.keys() == kept.keys()
    for run, results in found.items():
        for part in ("measured", "shown", "curves", "options"):
            assert results[part].keys() == kept[run][part].keys()
        assert results["shown"]["labels" if "labels" in results["shown"] else "restored"]


def test_published_models_are_better_than_nothing(kept):
    """The bound is above that of independent pixels, and below the limit; more numbers in a code make a better one."""
    for run in ("vae 2", "vae 8"):
        measured = kept[run]["measured"]
        assert measured["independent pixels"] < measured["elbo"] < measured["limit"]
        assert kept[run]["options"]["steps"] == 6000
    assert kept["vae 8"]["measured"]["elbo"] > kept["vae 2"]["measured"]["elbo"]
    assert kept["aae ring"]["measured"]["discriminator"] < 2 * np.log(2) + 0.2


def test_page_shows_what_was_measured(kept):
    """Every row of its table has the numbers of the file."""
    page = (ROOT / "docs" / "autoencoder.md").read_text(encoding="utf-8")
    for run, row in (("vae 2", "VAE, 코드 2개"), ("vae 8", "VAE, 코드 8개")):
        measured = kept[run]["measured"]
        numbers = " | ".join(f"{measured[key]:.2f}" for key in ("elbo", "codes cost", "distance"))
        assert f"| {row} | {numbers} |" in page
    assert f"| 화소마다 따로 | {kept['vae 2']['measured']['independent pixels']:.2f} |" in page
    assert f"| AAE, 고리 | | | {kept['aae ring']['measured']['distance']:.2f} |" in page


@pytest.mark.parametrize("name", ["vae", "aae"])
def test_bad_argument_is_one_clear_error(programs, name, capsys):
    for arguments, says in (
        (["--backend", "numpyy"], "no backend 'numpyy'"),
        (["--steps", "0"], "--steps must be at least 1"),
        *([(["--latent", "0"], "--latent must be at least 1")] if name == "vae" else []),
    ):
        with pytest.raises(SystemExit):
            programs[name].main(arguments)
        assert says in capsys.readouterr().err
