"""What the lecture notes state wrongly, with the counterexample run when the page is built."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gongsik import reference
from gongsik.spec import Entry, Erratum, entries
from gongsik_docs.book import place
from gongsik_docs.markdown import block, code


@dataclass(frozen=True)
class Counterexample:
    """The values of the two expressions of an erratum, as Python prints them."""

    stated: str
    right: str


def every_erratum() -> list[tuple[Entry, Erratum]]:
    """All errata, in the order of teaching, each with its entry."""
    return [(entry, erratum) for entry in entries().values() for erratum in entry.errata]


def counterexample(erratum: Erratum) -> Counterexample | None:
    """Run the counterexample with NumPy (`np`) and the reference backend (`gs`); None where there is none.

    Raises
    ------
    ValueError
        If the two values do not differ, so that the example shows nothing.
    """
    if not erratum.stated_value:
        return None
    names: dict[str, Any] = {"np": np, "gs": reference}
    exec(erratum.setup, names)
    stated, right = (repr(eval(expression, names)) for expression in (erratum.stated_value, erratum.right_value))
    if stated == right:
        raise ValueError(f"erratum {erratum.key}: stated and right value are both {stated}")
    return Counterexample(stated, right)


def try_counterexample(erratum: Erratum, warn: Callable[[str], None]) -> Counterexample | None:
    """Run the counterexample; if it cannot be run or shows nothing, tell `warn` and go on without."""
    try:
        return counterexample(erratum)
    except Exception as error:
        warn(f"erratum {erratum.key}: {error!r}")
        return None


def statement(erratum: Erratum, example: Counterexample | None) -> str:
    """What is stated, what is right and what the counterexample gives, as Markdown."""
    terms = {"강의 노트": f"{erratum.stated} ({place(erratum.place)})", "바로잡음": erratum.right}
    if example is not None:
        terms["반례"] = f"강의 노트대로면 {code(example.stated)}, 바르게 셈하면 {code(example.right)}"
    return "\n".join(f"{term}\n: {text}\n" for term, text in terms.items())


def program(erratum: Erratum, example: Counterexample) -> str:
    """The counterexample as a program, with its values, as Markdown."""
    lines = [
        *erratum.setup.splitlines(),
        *_commented(erratum.stated_value, f"강의 노트: {example.stated}"),
        *_commented(erratum.right_value, f"바른 값: {example.right}"),
    ]
    return block("code-block", "python", "\n".join(lines))


def _commented(expression: str, comment: str) -> list[str]:
    """An expression and a comment, on one line if it is short."""
    line = f"{expression}  # {comment}"
    return [line] if len(line) <= 72 else [f"# {comment}", expression]
