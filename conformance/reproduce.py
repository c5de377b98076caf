"""A failure as a script of a few lines, which needs no hypothesis."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from gongsik.conformance.strategies import Case, PerBackend


def script(gs: Any, id: str, case: Case, what: str = "values") -> str:
    """Python that repeats one call in the backend under test and in the reference.

    Parameters
    ----------
    gs : Target
        The backend under test.
    id : str
        Of the formula.
    case : Case
        Its arguments.
    what : str
        "values" or "gradients".
    """
    arguments = "".join(f"{_literal(value, case)}, " for value in case.arguments)
    options = ", ".join(f"{key}={value!r}" for key, value in case.options.items())
    device = f", device={gs.device!r}" if gs.device else ""
    formula = repr(id.split(".")[1]) if what == "values" else f"find({id!r})"
    return (
        "# To reproduce:\n"
        "import gongsik\n"
        "from numpy import array, inf, nan\n"
        "from gongsik.conformance.agreement import Exact, Target, check_{what}, {what}\n"
        "from gongsik.conformance.bounded import PRECISIONS\n"
        "from gongsik.conformance.strategies import *\n"
        f"{_imports(case)}"
        f"gs = Target(gongsik.backend({gs.name!r}{device}), PRECISIONS[{gs.precision.name!r}]{device})\n"
        f"case = Case(({arguments}), dict({options}))\n"
        f"print({what}(gs, {formula}, case))  # the backend\n"
        f"print({what}(Exact(gs.precision), {formula}, case))  # the reference, with its error bound\n"
        f"print(check_{what}(gs, {formula}, case))"
    ).replace("{what}", what)


def _literal(value: Any, case: Case) -> str:
    """A Python expression for an argument; arrays in full, large ones by the call that makes them."""
    if id(value) in case.recipes:
        return case.recipes[id(value)]
    if isinstance(value, np.ndarray):
        dtype = "" if value.dtype.kind == "f" and value.size else f", {value.dtype.name!r}"
        text = f"array({value.tolist()!r}{dtype})"
        return text if value.size or value.ndim == 1 else f"{text}.reshape({value.shape})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_literal(item, case)}' for key, item in value.items())}}}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__name__}({', '.join(_literal(item, case) for item in value)})"
    if isinstance(value, list | tuple):
        inner = ", ".join(_literal(item, case) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if isinstance(value, PerBackend):
        return f"... # made by {value.make.__qualname__} for each backend\n"
    return repr(value)


def _imports(case: Case) -> str:
    """Imports for the states and configurations among the arguments, and for what these are made of."""
    types = {t for value in case.arguments for t in _types(value) if t.__module__.startswith("gongsik.spec.")}
    return "".join(f"from {t.__module__} import {t.__name__}\n" for t in sorted(types, key=lambda t: t.__name__))


def _types(value: Any) -> Iterator[type]:
    yield type(value)
    parts = value if isinstance(value, list | tuple) else vars(value).values() if is_dataclass(value) else ()
    for part in parts:
        yield from _types(part)
