"""How a formula is declared, once: `@formula` on a typed function without a body.

The decorator attaches a `Formula` (title, LaTeX, sources, errata, the signature as data) to the function and returns
the same function. Everything else is derived from it: the input check (`gongsik.spec.check`), the inputs of the
conformance suite, the pages of the docs and the shapes of the results.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from gongsik.spec.array import Argument, OpaqueType, StateType, TreeType, Type, read_signature

F = TypeVar("F", bound=Callable[..., Any])
Kind: TypeAlias = Literal["formula", "algorithm", "model", "law", "count", "named"]

NOTES = {
    "000": "딥러닝 기본",
    "001": "딥러닝 기본 강의 노트",
    "002": "딥러닝 클린업 3주차",
    "003": "기계학습 10장 DNN·CNN·RNN",
    "004": "Basics of Deep Learning",
}
"""Titles of the lecture notes; a place in them is their number, `#`, and a heading."""


@dataclass(frozen=True)
class Erratum:
    """A statement of the lecture notes that is wrong, incomplete or ambiguous, and what is right.

    Attributes
    ----------
    key : str
        Its name, unique in the library.
    place : str
        Where the notes have it, as in `Entry.notes`.
    stated, right : str
        The statement and the correction, in Korean, for the page.
    setup, stated_value, right_value : str
        A counterexample in Python (`np` is NumPy, `gs` the reference backend): `setup` is run, then the two expressions
        are evaluated and must differ. Empty where a definition or a name is corrected, which no number decides.
    """

    key: str
    place: str
    stated: str
    right: str
    setup: str = ""
    stated_value: str = ""
    right_value: str = ""


@dataclass(frozen=True)
class Entry:
    """What the library says about one item of the lecture: its names, its formula, where it is from.

    Attributes
    ----------
    id : str
        ``chapter.name``.
    kind : str
        formula, algorithm or model (a function in every backend); law (a property that the suite tests); count (numbers
        that the spec computes); named (an entry of the glossary).
    ko, en : str
        The title in Korean and in English.
    tex : str
        The formula in LaTeX.
    notes : tuple of str
        Where the lecture notes have it: number of the notes, `#`, heading.
    source : str
        Where the field has it: paper and equation.
    errata : tuple of Erratum
        What is wrong about it in the notes.
    """

    id: str
    kind: Kind
    ko: str
    en: str
    tex: str = ""
    notes: tuple[str, ...] = ()
    source: str = ""
    errata: tuple[Erratum, ...] = ()

    @property
    def chapter(self) -> str:
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        return self.id.split(".")[1]


@dataclass(frozen=True)
class Formula(Entry):
    """An entry that is a function in every backend, with its signature as data.

    Attributes
    ----------
    arguments : tuple of Argument
        Positional arguments and options, in order.
    results : tuple of Type
        One type, or several for a tuple.
    differentiable : bool or tuple of str
        Whether a gradient with respect to its float arguments makes sense; a tuple names those for which it does.
    stochastic : bool
        Whether it takes draws as arguments.
    nonempty : bool
        Whether every array must have at least one element.
    deep : bool
        Whether it composes so many formulas that only float64 leaves an error bound below the values: it is judged
        there, and in other precisions layer by layer.
    carried : tuple of str
        Fields of the result that are only carried along: no gradient goes back through them.
    requires : tuple of (str, str)
        Conditions between axes and options, each a Python expression and, in words, what is expected.
    axes : dict
        Axes of the results that are computed: the name, and the expression that computes the size.
    function : callable
        The declaration itself.
    """

    arguments: tuple[Argument, ...] = ()
    results: tuple[Type, ...] = ()
    differentiable: bool | tuple[str, ...] = False
    stochastic: bool = False
    nonempty: bool = False
    deep: bool = False
    carried: tuple[str, ...] = ()
    requires: tuple[tuple[str, str], ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict)
    function: Callable[..., Any] = field(default=lambda: None, repr=False, compare=False)

    @property
    def positional(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if not argument.option)

    @property
    def options(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.option)

    @property
    def higher_order(self) -> bool:
        """Whether an argument is a function, a configuration or a dict of parameters."""
        return any(isinstance(argument.type, OpaqueType) for argument in self.positional)

    @property
    def steps(self) -> bool:
        """Whether it is one step of a process: it takes a state and returns the next."""
        return any(isinstance(argument.type, StateType) for argument in self.positional)

    @property
    def takes_trees(self) -> bool:
        return any(isinstance(argument.type, TreeType) for argument in self.positional)


@dataclass(frozen=True)
class Chapter:
    """Title of a chapter; its id is the name of the file."""

    ko: str
    en: str


def formula(
    *,
    ko: str,
    en: str,
    tex: str,
    notes: tuple[str, ...] = (),
    source: str = "",
    errata: tuple[Erratum, ...] = (),
    kind: Kind = "formula",
    differentiable: bool | tuple[str, ...] = False,
    stochastic: bool = False,
    nonempty: bool = False,
    deep: bool = False,
    carried: tuple[str, ...] = (),
    requires: tuple[tuple[str, str], ...] = (),
    axes: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Declare a formula, an algorithm or a model: attach the facts to the function, as ``function.formula``.

    The options are the attributes of `Entry` and `Formula`.

    Raises
    ------
    TypeError
        If an array can be passed by keyword or an option by position.
    """

    def attach(function: F) -> F:
        chapter = function.__module__.rsplit(".", 1)[-1]
        arguments, results = read_signature(function)
        function.formula = Formula(  # pyright: ignore[reportFunctionMemberAccess]
            id=f"{chapter}.{function.__name__}", kind=kind, ko=ko, en=en, tex=tex, notes=notes, source=source,
            errata=errata, arguments=arguments, results=results, differentiable=differentiable, stochastic=stochastic,
            nonempty=nonempty, deep=deep, carried=carried, requires=requires, axes=dict(axes or {}), function=function,
        )  # fmt: skip
        return function

    return attach


def count(
    *, ko: str, en: str, tex: str, notes: tuple[str, ...] = (), source: str = "", errata: tuple[Erratum, ...] = ()
) -> Callable[[F], F]:
    """Declare a count: a function with a body, which needs no backend because it computes with integers only."""

    def attach(function: F) -> F:
        chapter = function.__module__.rsplit(".", 1)[-1]
        function.entry = Entry(  # pyright: ignore[reportFunctionMemberAccess]
            f"{chapter}.{function.__name__}", "count", ko, en, tex, notes, source, errata
        )
        return function

    return attach


def law(
    id: str, /, *, ko: str, en: str, tex: str, notes: tuple[str, ...] = (), source: str = "",
    errata: tuple[Erratum, ...] = (),
) -> Entry:  # fmt: skip
    """Declare a law: an identity or a theorem, which the conformance suite tests under the same id."""
    return Entry(id, "law", ko, en, tex, notes, source, errata)


def named(id: str, /, *, ko: str, en: str, notes: tuple[str, ...] = (), source: str = "",
          errata: tuple[Erratum, ...] = ()) -> Entry:  # fmt: skip
    """Declare something that the notes only name: an entry of the glossary."""
    return Entry(id, "named", ko, en, "", notes, source, errata)
