"""How the book calls things: numbers, kinds, the titles of the lecture notes, and shapes and ranges in Korean."""

import functools
from collections.abc import Iterator

from gongsik.spec import CHAPTERS, Entry, entries
from gongsik.spec.array import (
    Argument,
    ArrayType,
    Corners,
    Domain,
    Finite,
    Labels,
    OpaqueType,
    OptionType,
    Ordered,
    Range,
    SignedLabels,
    Simplex,
    StateType,
    TreeType,
    Type,
)
from gongsik.spec.formula import NOTES
from gongsik_docs.markdown import code

KINDS = {"formula": "공식", "algorithm": "알고리즘", "model": "모형", "law": "법칙", "count": "셈", "named": "용어"}
BACKENDS = {"reference": "NumPy", "torch": "PyTorch"}


@functools.cache
def _numbers() -> dict[str, str]:
    return {
        id: f"{chapter}.{i}"
        for chapter, name in enumerate(CHAPTERS, start=1)
        for i, id in enumerate(entries(name), start=1)
    }


def label(entry: Entry) -> str:
    """Kind and number, as in "공식 1.3": entries of every kind are counted together through their chapter."""
    return f"{KINDS[entry.kind]} {_numbers()[entry.id]}"


def place(where: str) -> str:
    """A place in the lecture notes, or several with `;` between them: title of the notes, and heading.

    >>> place("000#math 3 (img)")
    '『딥러닝 기본』 math 3 (그림)'
    """
    found = []
    for one in where.split(";"):
        number, _, heading = one.strip().partition("#")
        found.append(f"『{NOTES[number]}』 {heading.replace('(img)', '(그림)')}".rstrip())
    return "; ".join(found)


_ARRAYS = {"float": "실수 배열", "int": "정수 배열", "bool": "참·거짓 배열"}
_OPAQUE = {"Any": "아무 값", "Callable": "함수", "dict": "사전", "Mapping": "사전", "tuple": "튜플"}
_OPTIONS = {float: "실수", int: "정수", bool: "참·거짓", str: "문자열"}


def kind_words(kind: Type) -> str:
    """What kind of thing an argument or a result is, with the shape of an array (Markdown)."""
    match kind:
        case ArrayType():
            return f"{_ARRAYS[kind.kind]} {code(kind)}"
        case TreeType():
            return "실수 배열, 또는 그 목록·튜플·사전"
        case StateType():
            return f"묶음 {code(kind.type.__name__)}({', '.join(code(name) for name in kind.fields)})"
        case OptionType(choices=choices, per_axis=True):
            return " · ".join([f"{_OPTIONS[kind.type]} 하나, 또는 (세로, 가로)", *(code(repr(c)) for c in choices)])
        case OptionType(choices=choices) if choices:
            return f"{' · '.join(code(repr(choice)) for choice in choices)} 중 하나"
        case OptionType():
            return _OPTIONS[kind.type]
        case OpaqueType(type=expected):
            name = getattr(expected, "__name__", None)
            return _OPAQUE.get(name, code(name)) if isinstance(name, str) else "아무 값"


def domain_words(domain: Domain | None) -> str:
    """Which values are allowed (Markdown); nothing if all are.

    >>> domain_words(Range(low=0.0, high=1.0, high_open=True))
    '$[0, 1)$에 속한다'
    >>> domain_words(Range(low=0.0, low_open=True))
    '$> 0$'
    """
    match domain:
        case None:
            return ""
        case Range(low, high, low_open, high_open):
            if high == float("inf"):
                return f"$> {low:g}$" if low_open else rf"$\ge {low:g}$"
            if low == -float("inf"):
                return f"$< {high:g}$" if high_open else rf"$\le {high:g}$"
            return f"${'(' if low_open else '['}{low:g}, {high:g}{')' if high_open else ']'}$에 속한다"
        case Simplex():
            return "마지막 축이 확률 분포이다(음수가 없고 합이 1)"
        case Labels(of, first):
            return f"0 이상 {code(of)} 미만의 번호" if first == 0 else f"{first} 이상 {code(of)} 이하의 수"
        case SignedLabels():
            return "$-1$ 또는 $+1$"
        case Ordered():
            return "마지막 축을 따라 줄지 않는다"
        case Corners():
            return "마지막 축이 상자의 두 꼭짓점 $(x_1, y_1, x_2, y_2)$이고 $x_1 \\le x_2$, $y_1 \\le y_2$이다"
        case Finite():
            return "유한하다(검사하지 않는다)"


def conditions(argument: Argument) -> str:
    """What an argument must satisfy (Markdown)."""
    return ", ".join(_conditions(argument))


def _conditions(argument: Argument) -> Iterator[str]:
    kind = argument.type
    domain = kind.range if isinstance(kind, OptionType) else getattr(kind, "domain", None)
    if words := domain_words(domain):
        yield words
    if isinstance(kind, StateType) and argument.optional:
        yield "`None`이면 첫걸음 전"
    elif argument.optional or (isinstance(kind, OptionType) and kind.optional):
        yield "`None`도 된다"
