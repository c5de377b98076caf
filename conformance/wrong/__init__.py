"""Classic mistakes, at least two per formula, each of which the suite has to catch.

An implementation is a plain NumPy function with the formula's signature; the file is named as its chapter.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from gongsik.spec import formulas

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Wrong:
    """A wrong implementation: of which formula, what is wrong, and the function."""

    id: str
    mistake: str
    function: Callable[..., Any]


def wrong(id: str, mistake: str) -> Callable[[F], F]:
    """Mark a function as a wrong implementation of a formula."""

    def mark(function: F) -> F:
        function.wrong = Wrong(id, mistake, function)  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return mark


def wrong_implementations(chapter: str) -> list[Wrong]:
    """All wrong implementations of a chapter, in the order of their file; none if it has no formulas."""
    if not formulas(chapter):
        return []
    module = importlib.import_module(f"gongsik.conformance.wrong.{chapter}")
    return [value.wrong for value in vars(module).values() if hasattr(value, "wrong")]
