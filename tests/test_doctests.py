"""The examples in docstrings: a formula's run on every backend of ours, all others in the names of their module."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gongsik
from gongsik.spec import formulas

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


def test_every_formula_has_an_example():
    for id, formula in formulas().items():
        assert ">>> " in (inspect.getdoc(formula.function) or ""), id
