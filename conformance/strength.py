"""Backends that are wrong on purpose: what the suite must not let pass."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from gongsik import reference
from gongsik.conformance.agreement import Target, check_values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, find, inputs
from gongsik.conformance.wrong import Wrong


class Changed:
    """The reference with one function in place of its own."""

    name = "changed"

    def __init__(self, name: str, function: Callable[..., Any]):
        self._name, self._function = name, function

    def __getattr__(self, name: str) -> Any:
        return self._function if name == self._name else getattr(reference, name)


class Garbage:
    """Right shapes and dtypes, wrong values: noise for real numbers, integers plus 1, booleans turned over."""

    name = "garbage"
    asarray, to_numpy = staticmethod(reference.asarray), staticmethod(reference.to_numpy)

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any, **options: Any) -> Any:
            return _noise(
                getattr(reference, name)(*arguments, **options), np.random.default_rng(zlib.crc32(name.encode()))
            )

        return function


def _noise(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, dict):
        return {key: _noise(item, rng) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_noise(item, rng) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(_noise(item, rng) for item in value)
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return ~array
    if array.dtype.kind in "iu":
        return array + 1
    return rng.standard_normal(array.shape).astype(array.dtype)


def cases(id: str, precision: str, examples: int, seed: int | None = None) -> list[Case]:
    """So many cases of a formula, in a precision."""
    found: list[Case] = []
    token = PRECISION.set(PRECISIONS[precision])

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=seed is None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(inputs(id))
    def keep(case: Case) -> None:
        found.append(case)

    if seed is not None:
        from hypothesis import seed as set_seed

        keep = set_seed(seed)(keep)
    keep()
    PRECISION.reset(token)
    return found


def caught(backend: Any, id: str, examples: int = 100) -> Iterator[str]:
    """Disagreements of a backend in one formula, in float32 and then in float64; an exception counts as one."""
    name = find(id).name
    for precision in ("float32", "float64"):
        target = Target(backend, PRECISIONS[precision])
        for case in cases(id, precision, examples):
            try:
                verdict = check_values(target, name, case)
            except Exception as error:
                yield f"{precision}: {type(error).__name__}: {error}"
                continue
            if not verdict.agreed:
                yield f"{precision}: {verdict.message}"


def first_catch(wrong: Wrong, examples: int = 100) -> str | None:
    """How the suite notices a wrong implementation; None if it does not."""
    return next(caught(Changed(find(wrong.id).name, wrong.function), wrong.id, examples), None)
