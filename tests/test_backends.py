"""The front door: backends by name, and one clear error for each way in which it can go wrong."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import gongsik
from gongsik.spec import CHAPTERS, formulas
from gongsik.spec.autoencoder import Autoencoder


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module that can be imported by its name for the length of the test."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name: str, source: str) -> None:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        written.append(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


MINIMAL = """
import numpy as np
asarray = np.asarray
to_numpy = np.asarray
def relu(x, /):
    return np.maximum(x, 0)
"""


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_formula_is_one_function_by_either_name(name):
    bk = gongsik.backend(name)
    for id in formulas():
        chapter, function = id.split(".")
        if function != chapter:
            assert getattr(bk, function) is getattr(getattr(bk, chapter), function)


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_chapter_is_called_as_the_model_of_its_name(name):
    bk, config = gongsik.backend(name, dtype="float64"), Autoencoder((3, 2))
    params = {key: bk.asarray(np.ones(shape)) for key, shape in config.parameters().items()}
    by_chapter, by_model = (
        f(config, params, bk.asarray(np.ones((1, 3)))) for f in (bk.autoencoder, bk.autoencoder.autoencoder)
    )
    assert np.array_equal(bk.to_numpy(by_chapter.output), bk.to_numpy(by_model.output))
    with pytest.raises(AttributeError, match="there is no formula 'activation'"):
        bk.activation()
    assert bk.implemented() == tuple(formulas())
    assert all(bk.has(id) for id in formulas())


def test_swap_changes_the_array_type_and_not_the_values():
    x = [-1.0, 0.5, 2.0]
    results = [bk.to_numpy(bk.relu(bk.asarray(x))) for bk in map(gongsik.backend, ("reference", "torch"))]
    assert [type(gongsik.backend(n).asarray(x)).__name__ for n in ("reference", "torch")] == ["ndarray", "Tensor"]
    np.testing.assert_array_equal(*results)


def test_dtype_is_for_real_numbers_only():
    bk = gongsik.backend("torch", dtype="float64")
    assert str(bk.asarray([0.5]).dtype) == "torch.float64"
    assert str(bk.asarray(np.array([0.5], np.float32)).dtype) == "torch.float64"
    assert str(bk.asarray([1, 2]).dtype) == "torch.int64"
    assert str(bk.asarray([True]).dtype) == "torch.bool"
    assert str(bk.asarray([0.5], dtype="float32").dtype) == "torch.float32"


def test_module_of_a_third_party_needs_two_helpers_and_one_formula(write_module):
    write_module("minimal_backend", MINIMAL)
    bk = gongsik.backend("minimal_backend")
    assert bk.implemented() == ("activation.relu",)
    assert not bk.has("activation.elu")
    np.testing.assert_array_equal(bk.activation.relu(bk.asarray([-1.0, 1.0])), [0.0, 1.0])
    with pytest.raises(AttributeError, match=r"'minimal_backend' does not implement activation\.elu$"):
        _ = bk.elu
    with pytest.raises(AttributeError, match=r"'minimal_backend' does not implement activation\.elu$"):
        _ = bk.activation.elu
    with pytest.raises(AttributeError, match="minimal_backend has no value_and_grad"):
        _ = bk.value_and_grad
    assert not hasattr(bk, "value_and_grad")


def test_functions_may_lie_in_a_module_per_chapter(write_module):
    write_module("by_chapter.__init__", "from by_chapter import activation\nasarray = to_numpy = list\n")
    write_module("by_chapter.activation", "def relu(x, /):\n    return [max(v, 0) for v in x]\n")
    bk = gongsik.backend("by_chapter")
    assert bk.implemented() == ("activation.relu",)
    assert bk.relu([-1, 2]) == [0, 2]


def test_function_of_the_module_itself_comes_first(write_module):
    """So a module that takes another backend over can put its own function in the place of one."""
    write_module(
        "taking_over", "from gongsik.reference import *\nfrom gongsik.reference import asarray, to_numpy\nrelu = abs\n"
    )
    bk = gongsik.backend("taking_over")
    assert bk.relu is bk.activation.relu is abs


def test_compile_goes_through_the_module(write_module):
    write_module("compiling", MINIMAL + "def compiled(function, id):\n    return lambda *a: (id, function(*a))\n")
    bk = gongsik.backend("compiling", compile=True)
    id, result = bk.relu(np.array([-1.0, 3.0]))
    assert id == "activation.relu"
    np.testing.assert_array_equal(result, [0.0, 3.0])


def test_donation_is_passed_on_to_the_module(write_module):
    write_module("donating", MINIMAL + "def compiled(function, id, *, donate=False):\n    return lambda *a: donate\n")
    assert gongsik.backend("donating", compile=True, donate=True).relu(0) is True
    assert gongsik.backend("donating", compile=True).relu(0) is False


def test_donation_is_passed_on_to_what_compiles(write_module):
    write_module("donating", MINIMAL + "def compiled(function, id, donate=False):\n    return lambda *a: donate\n")
    assert gongsik.backend("donating", compile=True, donate=True).relu(np.ones(1)) is True
    assert gongsik.backend("donating", compile=True).relu(np.ones(1)) is False


def test_entry_point_registers_a_backend(tmp_path, monkeypatch):
    (tmp_path / "registered.py").write_text(MINIMAL)
    facts = tmp_path / "registered-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: registered\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[gongsik.backends]\nmine = registered\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert gongsik.available()["mine"] == "registered"
    assert gongsik.backend("mine").name == "mine"
    assert gongsik.backend("mine").has("activation.relu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torhc", r"no backend 'torhc' \(did you mean torch\?\): there are reference, torch, and any module"),
        ("no_such.module", r"no backend 'no_such\.module': there are reference, torch"),
        ("", "no backend '': there are reference, torch"),
        ("../evil.py", r"no backend '\.\./evil\.py': there are reference, torch"),
        ("math", "'math' is no backend: module math has no asarray and no to_numpy"),
    ],
)
def test_unknown_name_lists_what_there_is(name, message):
    with pytest.raises(gongsik.BackendError, match=message):
        gongsik.backend(name)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_installed_anywhere", "ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        ("def relu(x:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_module_that_does_not_import_says_why(write_module, source, reason):
    write_module("broken_backend", source)
    with pytest.raises(gongsik.BackendError, match=f"module broken_backend does not import: {reason}") as caught:
        gongsik.backend("broken_backend")
    assert type(caught.value.__cause__).__name__ == reason.split(":")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"device": "cuda"},
            "'reference' makes no arrays of device='cuda': ValueError: the reference computes on the CPU",
        ),
        ({"dtype": "float99"}, "'reference' makes no arrays of dtype='float99': TypeError"),
        ({"donate": True}, "donate=True needs compile=True"),
        ({"compile": True}, r"'reference' cannot compile: module gongsik\.reference has no compiled"),
    ],
)
def test_what_a_backend_cannot_do_fails_at_once(options, message):
    with pytest.raises(gongsik.BackendError, match=message):
        gongsik.backend("reference", **options)


def test_misspelt_formula_gets_a_suggestion():
    bk = gongsik.backend()
    with pytest.raises(AttributeError, match=r"no formula 'sofmax' \(did you mean softmax\?\)"):
        _ = bk.sofmax
    with pytest.raises(AttributeError, match=r"no formula 'sofmax' \(did you mean softmax\?\)"):
        _ = bk.activation.sofmax


def test_chapters_and_formulas_do_not_share_names():
    """`bk.softmax` and `bk.activation` live side by side, and beside what every backend has.

    A model may have the name of its own chapter, which is callable for it: `bk.autoencoder`.
    """
    names = [name for chapter, name in (id.split(".") for id in formulas()) if name != chapter]
    own = {name for name in dir(gongsik.Backend) if not name.startswith("_")} | {"name", "module", "device", "dtype"}
    assert len(set(names)) == len(names)
    assert not set(names) & {*CHAPTERS, *own, "value_and_grad"}


def test_import_is_light():
    """Neither a backend's library nor the suite's is loaded by importing the front door."""
    heavy = "{'torch', 'jax', 'hypothesis', 'pytest', 'typer', 'rich', 'scipy'}"
    code = f"import sys, gongsik; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert answer.stdout.strip() == "[]"


def test_reference_works_where_torch_is_not_installed():
    code = """
        import sys
        sys.modules["torch"] = None
        import gongsik
        print(gongsik.backend("reference").relu(gongsik.backend().asarray([-1.0, 1.0])))
        try:
            gongsik.backend("torch")
        except gongsik.BackendError as error:
            print(error)
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, cwd=Path("/")
    )
    values, message = answer.stdout.splitlines()
    assert values == "[0. 1.]"
    assert message.startswith("backend 'torch': module gongsik.torch_impl does not import: ModuleNotFoundError")


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_a_backend_may_offer_counts(name):
    """Computed from sizes alone, they are the spec's own; they are no formulas that it implements."""
    bk = gongsik.backend(name)
    assert bk.has("convolution.receptive_field")
    assert bk.receptive_field([(3,), (3,)]) == bk.convolution.receptive_field([(3,), (3,)]) == 5
    assert "convolution.receptive_field" not in bk.implemented()
    assert not bk.has("network.linear_parameter_count")
