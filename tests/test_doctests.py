"""The examples in docstrings: a formula's run on every backend of ours, all others in the names of their module."""

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gongsik
from gongsik import cli
from gongsik.spec import formulas

ROOT = Path(__file__).parents[1]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
ROOMS = ("spec", "reference", "torch_impl", "conformance", "benchmarks")


def modules() -> Iterator[ModuleType]:
    """Every module of the package. Packages are listed by name, because the rooms are links in a source tree."""
    yield gongsik
    for package in (gongsik, *(importlib.import_module(f"gongsik.{room}") for room in ROOMS)):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def run(text: str, names: dict[str, Any], where: str) -> None:
    """Run the examples of one docstring; fail with what differs."""
    test = doctest.DocTestParser().get_doctest(text, names, where, None, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=report.append)
    if report:
        pytest.fail("".join(report), pytrace=False)


@pytest.mark.parametrize("backend", ["reference", "torch"])
@pytest.mark.parametrize("id", formulas())
def test_formula(id, backend):
    """A formula's examples are true on every backend: real numbers are float64, and shown as NumPy shows them."""
    declared = formulas()[id].function
    bk = gongsik.backend(backend, dtype="float64")
    run(inspect.getdoc(declared) or "", {"gs": bk, "np": np, **vars(inspect.getmodule(declared))}, f"{id} on {backend}")


OTHERS = {
    test.name: (test, module)
    for module in modules()
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples and not hasattr(getattr(module, test.name.rpartition(".")[2], None), "formula")
}


@pytest.mark.parametrize("name", OTHERS)
def test_other(name):
    """Examples of modules, classes and functions that are no formulas."""
    test, module = OTHERS[name]
    run(test.docstring or "", {"np": np, "gongsik": gongsik, **vars(module)}, name)


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_readme(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    run("\n".join(examples), {}, name)


def test_contributing_shows_what_is_there():
    """Every piece of code in CONTRIBUTING.md that names a file is in that file, word for word."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pieces = re.findall(r"^```python\n# (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(pieces) == 5
    for path, piece in pieces:
        assert piece in (ROOT / path).read_text(encoding="utf-8"), f"{path} has changed"


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "CONTRIBUTING.md"])
def test_commands_that_are_named_exist(name):
    """Sessions of `./dev`, commands of `gongsik` and files that a page speaks of."""
    text = (ROOT / name).read_text(encoding="utf-8")
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE))
    assert {word for line in re.findall(r"\./dev ([a-z ]+)", text) for word in line.split()} <= sessions
    found = cli.app.registered_commands
    commands = {command.name or command.callback.__name__ for command in found if command.callback}
    assert {"".join(pair) for pair in re.findall(r"^gongsik (\w+)|`gongsik (\w+)", text, re.MULTILINE)} <= commands
    rooms = "spec|reference|torch_impl|conformance|benchmarks|docs|tests|examples"
    for path in re.findall(rf"\]\(([\w/.]+)\)|[` ]((?:{rooms})/[\w/.]*)", text):
        assert (ROOT / "".join(path)).exists(), path


def test_every_formula_has_an_example():
    for id, formula in formulas().items():
        assert ">>> " in (inspect.getdoc(formula.function) or ""), id
