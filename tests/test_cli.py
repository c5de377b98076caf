"""The command line: what each command prints, and one clear line with exit code 2 for every bad argument."""

import functools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import gongsik
from gongsik import cli, index, reference
from gongsik.spec import CHAPTERS, entries, formulas

ROOT = Path(__file__).parents[1]


@pytest.fixture
def gongsik_says(capsys, monkeypatch):
    """Run the command line in this process: exit code, output, errors."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


# list


def test_list_json_has_every_entry_and_what_each_room_says_of_it(gongsik_says):
    code, out, _ = gongsik_says("list", "--json")
    rows = {row["id"]: row for row in json.loads(out)}
    assert code == 0
    assert rows.keys() == entries().keys()
    for id, row in rows.items():
        assert row.keys() == {"id", "kind", "chapter", "ko", "en", "backends", "laws", "page"}
        assert row["kind"] == entries()[id].kind
        assert row["chapter"] == entries()[id].chapter
        offered = row["kind"] == "count" and hasattr(reference, id.split(".")[1])
        assert row["backends"] == (["reference", "torch"] if id in formulas() or offered else []), id


def test_list_of_one_chapter(gongsik_says):
    rows = json.loads(gongsik_says("list", "--json", "--chapter", "activation")[1])
    assert {row["chapter"] for row in rows} == {"activation"}
    assert len(rows) == len(entries("activation"))


def test_list_table_is_not_cut_off_in_a_pipe(gongsik_says):
    code, out, _ = gongsik_says("list")
    assert code == 0
    for id in entries():
        assert id in out


def test_laws_are_found_in_the_text_of_the_suite(tmp_path, monkeypatch):
    (tmp_path / "test_one.py").write_text(
        '@law("a.b", "a.c")\n@given(x=1)\ndef test_first(gs):\n    """It holds.\n\n    More."""\n\n\n'
        '@laws.law("a.b")\ndef test_second(gs): ...\n\n\n@mark("a.b")\ndef test_third(gs): ...\n'
    )
    (tmp_path / "no_test.py").write_text('@law("a.b")\ndef test_fourth(gs): ...\n')
    found = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(index.importlib.util, "find_spec", lambda name: found)
    first = index.Law("a.b", "test_first", "It holds.")
    assert index.laws() == {
        "a.b": (first, index.Law("a.b", "test_second", "")),
        "a.c": (index.Law("a.c", "test_first", "It holds."),),
    }


LIST_LAWS = """
def pytest_collection_finish(session):
    seen = {(id, item.path.stem, item.originalname)
            for item in session.items for mark in item.iter_markers("law") for id in mark.args}
    print("LAWS", *(id for id, _, _ in seen))
"""


def test_laws_are_those_that_pytest_collects(tmp_path):
    """The ids are read off the text, so they have to be written out; pytest's own markers say the same."""
    (tmp_path / "list_laws.py").write_text(LIST_LAWS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--pyargs",
        "gongsik.conformance",
        "--collect-only",
        "-q",
        "-p",
        "list_laws",
    ]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
    line = next(line for line in answer.stdout.splitlines() if line.startswith("LAWS "))
    assert {id: len(found) for id, found in index.laws().items()} == Counter(line.split()[1:])
    assert index.laws().keys() <= entries().keys()


@pytest.mark.skipif(index.checkout() is None, reason="the docs come with the source tree only")
def test_pages_are_files_of_the_docs():
    for id, page in index.pages().items():
        file, anchor = page.split("#")
        assert (ROOT / "docs" / file.replace(".html", ".md")).is_file()
        assert anchor == index.anchor(id)
        assert id in entries(), f"{page} is about an entry that does not exist"


def test_anchors_are_distinct():
    assert len({index.anchor(id) for id in entries()}) == len(entries())


def test_pages_without_docs_are_none(monkeypatch):
    monkeypatch.setattr(index, "checkout", lambda: None)
    assert index.pages() == {}


# show


@pytest.mark.parametrize("id", ["activation.softmax", "softmax"])
def test_show_has_formula_shapes_options_and_both_sources(gongsik_says, id):
    code, out, _ = gongsik_says("show", id)
    assert code == 0
    for expected in (
        "소프트맥스", "activation.softmax", r"\frac{e^{z_i - \max_j z_j}}{\sum_k e^{z_k - \max_j z_j}}", "(*shape",
        "axis", "-1", "e = np.exp(z - z.max(axis, keepdims=True))", "torch.softmax(z, axis)",
    ):  # fmt: skip
        assert expected in out


def test_show_has_the_errata_with_their_counterexample(gongsik_says):
    id, erratum = next((id, e) for id, entry in entries().items() for e in entry.errata if e.stated_value)
    out = gongsik_says("show", id)[1]
    for part in (erratum.key, erratum.stated_value, erratum.right_value):
        assert part in out


def test_show_works_for_every_entry(gongsik_says, monkeypatch):
    monkeypatch.setattr(index, "laws", functools.cache(index.laws))  # or it would read the suite for every entry
    monkeypatch.setattr(cli, "_backends", functools.cache(cli._backends))
    for id, entry in entries().items():
        code, out, err = gongsik_says("show", id)
        assert (code, err) == (0, ""), id
        assert entry.ko in out


def test_show_of_a_network_has_the_table_of_its_layers(gongsik_says):
    code, out, _ = gongsik_says("show", "cnn.resnet", "--input", "3x224x224", "--set", "depth=152")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    stem = "conv1 Conv2d(3, 64, 7, stride=2, padding=3, bias=False) 64 x 112 x 112 9,408 118,013,952"
    last = "layer4.2.conv3 Conv2d(512, 2048, 1, bias=False) 2048 x 7 x 7 1,048,576 51,380,224"
    assert stem.split() in lines
    assert last.split() in lines
    assert ["total", "60,192,808", "11,513,626,624"] in lines


def test_show_takes_words_for_values_too(gongsik_says):
    out = gongsik_says("show", "cnn.lenet5", "--input", "1x32x32", "--set", "form=dense", "--set", "n_classes=26")[1]
    assert "LeNet5(form='dense', activation='sigmoid', n_classes=26, channels=1)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("cnn.resnet", "--input", "3x224x224", "--set", "depth=17"),
            "depth is 17, expected one of 18, 34,",
        ),
        (
            ("cnn.resnet", "--input", "3x224x224", "--set", "dept=18"),
            "--set dept=18: expected FIELD=VALUE with a field",
        ),
        (("cnn.resnet", "--input", "3x224x224", "--set", "depth"), "--set depth: expected FIELD=VALUE"),
        (("cnn.resnet", "--input", "3x224x224", "--set", "width=wide"), "is 'wide', expected an int"),
        (("cnn.resnet", "--input", "224"), "a sample has shape (224,), expected (3, h, w)"),
        (("cnn.resnet", "--input", "3x0x4"), "--input is '3x0x4', expected sizes such as 3x224x224"),
        (("cnn.resnet", "--set", "depth=18"), "--input is None, expected sizes such as 3x224x224"),
        (
            ("cnn.vgg", "--input", "3x8x8"),
            "features.23.MaxPool2d(2): the image is too small here",
        ),
        (("cnn.residual_block", "--input", "3x8x8"), "missing 2 required positional arguments"),
        (("activation.relu", "--input", "3x8x8"), "activation.relu is no network with a configuration"),
        (("cnn.forward", "--input", "3x8x8"), "cnn.forward is no network with a configuration"),
    ],
)
def test_show_of_what_is_no_such_network_is_one_line(gongsik_says, arguments, message):
    code, out, err = gongsik_says("show", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


# doctor


def test_doctor_says_what_is_there_and_what_to_do_about_the_rest(gongsik_says, monkeypatch):
    monkeypatch.setenv("CXX", "")
    monkeypatch.setattr("shutil.which", lambda name: None)
    code, out, _ = gongsik_says("doctor")
    assert code == 0
    assert gongsik.__version__ in out
    assert f"{len(formulas())} of {len(formulas())} formulas" in out
    assert "install g++" in out


def test_doctor_names_a_backend_that_does_not_import():
    code = "import sys; sys.modules['torch'] = None; from gongsik.cli import main; sys.exit(main(['doctor']))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert answer.returncode == 0
    assert "module gongsik.torch_impl does not import" in answer.stdout


# conformance and bench


def test_conformance_agrees_and_reports(tmp_path):
    """As a user runs it, from a folder of their own, on a backend of their own."""
    (tmp_path / "package").mkdir()
    source = "from gongsik.reference import asarray, relu, tanh, to_numpy, value_and_grad\n"
    (tmp_path / "package" / "mine.py").write_text(source)
    options = ("--chapter", "activation", "--examples", "5", "--jobs", "2")
    answer = _command("conformance", "package.mine", *options, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout
    report = json.loads((tmp_path / "gongsik-report" / "report.json").read_text())
    judged = {row["id"] for row in report["results"] if row["examples"]}
    assert judged == {"activation.relu", "activation.tanh"}
    assert answer.stdout.count(" 2/2 ") == 2  # in float32 and float64
    assert "not judged: package.mine has no elu (activation.elu)" in answer.stdout
    assert (tmp_path / "gongsik-report" / "index.html").is_file()


def test_conformance_fails_a_wrong_backend(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from gongsik.reference import asarray, to_numpy\ndef relu(x, /):\n    return abs(x)\n",
    )
    options = ("--dtype", "float64", "--report", "out")
    answer = _command("conformance", "mine", "--chapter", "activation", "--examples", "5", *options, cwd=tmp_path)
    assert answer.returncode == 1
    assert "relu" in answer.stdout
    assert (tmp_path / "out" / "junit.xml").is_file()


def _command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("gongsik"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_commands_pass_their_options_on(gongsik_says, monkeypatch, tmp_path):
    import gongsik.benchmarks.run
    import gongsik.conformance.run

    calls = []
    monkeypatch.setattr(gongsik.conformance.run, "run", lambda *a: calls.append(a) or 1)
    monkeypatch.setattr(gongsik.benchmarks.run, "run", lambda **k: calls.append(k))
    assert gongsik_says(
        "conformance", "torch", "--device", "cpu", "--dtype", "float64", "--dtype", "float32",
        "--chapter", "activation", "--examples", "7", "--seed", "3", "--report", str(tmp_path / "r"),
        "--jobs", "2",
    )[0] == 1  # fmt: skip
    *given, _, jobs = calls.pop()
    assert given == [["torch"], "cpu", ["float64", "float32"], ["activation"], 7, 3, tmp_path / "r"]
    assert jobs == 2
    assert gongsik_says("bench", "--formula", "softmax", "--quick", "--json", str(tmp_path / "b.json"))[0] == 0
    expected = {"formula": "softmax", "quick": True, "json_file": tmp_path / "b.json", "device": "cpu", "chapter": None}
    assert expected.items() <= calls.pop().items()


# bad arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "No such command 'lst'. Did you mean 'list'?"),
        (
            ["list", "--chapter", "activations"],
            "no chapter 'activations' (did you mean activation?): there are activation",
        ),
        (["list", "--jsn"], "No such option: --jsn"),
        (["show"], "Missing argument"),
        (["show", "activation.sofmax"], "no entry 'activation.sofmax' (did you mean activation.softmax?)"),
        (["show", "sofmax"], "no entry 'sofmax' (did you mean softmax?)"),
        (["show", "xyzzy"], "no entry 'xyzzy': `gongsik list` has them all"),
        (["conformance", "torhc"], "no backend 'torhc' (did you mean torch?): there are reference, torch"),
        (["conformance", "reference", "--device", "cuda"], "makes no arrays of device='cuda'"),
        (["conformance", "--dtype", "float31"], "no dtype 'float31' (did you mean float32?)"),
        (["conformance", "--examples", "0"], "--examples"),
        (["conformance", "--examples", "many"], "--examples"),
        (["conformance", "--chapter", "los"], "no chapter 'los'"),
        (["conformance", "--report", __file__], "no report can be written to"),
        (["bench", "--formula", "sofmax"], "nothing is measured that is called sofmax"),
        (["bench", "--chapter", "los"], "no chapter 'los'"),
        (["bench", "--threads", "0"], "--threads"),
    ],
)
def test_bad_argument_is_one_line(gongsik_says, arguments, message):
    code, out, err = gongsik_says(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.startswith("gongsik: ")
    assert err.count("\n") == 1


def test_missing_extra_is_one_line(gongsik_says, monkeypatch):
    monkeypatch.setitem(sys.modules, "gongsik.conformance.bounded", None)
    code, _, err = gongsik_says("conformance", "reference")
    assert code == 2
    assert "pip install 'gongsik[conformance]'" in err


def test_without_arguments_there_is_help(gongsik_says):
    code, out, _ = gongsik_says()
    assert code == 0
    for command in ("list", "show", "doctor", "conformance", "bench"):
        assert command in out


def test_module_runs_as_the_command():
    answer = subprocess.run(
        [sys.executable, "-m", "gongsik", "list", "--json"], capture_output=True, text=True, cwd="/"
    )
    assert {row["chapter"] for row in json.loads(answer.stdout)} == set(CHAPTERS)
