"""Declarations and the input check that is made of them: what passes, and the one clear error for what does not."""

import ast
import functools
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pytest
import torch
from annotated_types import Ge, Interval, Lt
from jaxtyping import Bool, Float, Int

import gongsik
from gongsik.reference.arrays import implements as implements_numpy
from gongsik.spec import CHAPTERS, DomainError, DtypeError, ShapeError, chapter, check, entries, formulas
from gongsik.spec.array import (
    Array,
    Labels,
    NonNegative,
    OptionType,
    Ordered,
    Pair,
    Params,
    PerAxis,
    Positive,
    Probability,
    SignedLabels,
    Simplex,
)
from gongsik.spec.formula import formula
from gongsik.torch_impl.arrays import implements as implements_torch

declare = functools.partial(formula, ko="시험", en="Test", tex="x")


class State(NamedTuple):
    steps: Int[Array, ""]
    mean: Params


@declare(requires=(("k <= c", "k to be at most the number of channels"),))
def windows(
    x: Float[Array, "*batch c t"],
    weight: Float[Array, "o c//groups k"],
    bias: Float[Array, "o"] | None = None,
    /,
    *,
    groups: Annotated[int, Ge(1)] = 1,
    rate: Positive[float] = 0.1,
    decay: Annotated[float, Ge(0), Lt(1)] = 0.9,
    mode: Literal["valid", "same"] = "valid",
    limit: NonNegative[float] | None = None,
    flip: bool = False,
) -> Float[Array, "*batch o t"]:
    """Nothing: only its input check is of interest."""


@declare(nonempty=True)
def domains(
    p: Annotated[Float[Array, "n k"], Simplex()],
    labels: Annotated[Int[Array, "n"], Labels("k")],
    signs: Annotated[Float[Array, "n"], SignedLabels()],
    times: Annotated[Float[Array, "..."], Ordered()],
    share: Annotated[Float[Array, "n"], Probability],
    ratio: Annotated[Float[Array, "n"], Interval(gt=0, lt=2)],
    size: NonNegative[Float[Array, "n"]],
    mask: Bool[Array, "n 2"],
    /,
) -> Float[Array, "n"]:
    """Nothing: only its input check is of interest."""


@declare()
def steps(params: Params, grads: Params, state: State | None = None, /, *, lr: NonNegative[float] = 0.1) -> Params:
    """Nothing: only its input check is of interest."""


def columns_left(w: int, kernel: int, stride: int) -> int:
    return (w - kernel) // stride + 1


@formula(
    ko="a", en="a", tex="a", axes={"o": "columns_left(w, k, stride[1])"},
    requires=(("padding == 'same' or columns_left(w + 2 * padding[1], k, 1) >= 1", "a kernel no wider than x"),),
)  # fmt: skip
def steps_along(
    x: Float[Array, "h w"], kernel: Float[Array, "k"], /,
    *, stride: Annotated[Pair, Ge(1)] = 1,
    padding: Annotated[int | tuple[int, int] | Literal["same"], PerAxis(), Ge(0)] = 0,
) -> Float[Array, "h o"]:  # fmt: skip
    ...


def good_along() -> dict[str, Any]:
    return {"x": np.zeros((2, 5)), "kernel": np.zeros(3)}


def good_windows() -> dict[str, Any]:
    return {"x": np.ones((2, 6, 9)), "weight": np.ones((4, 3, 3)), "bias": np.ones(4), "groups": 2}


def good_domains() -> dict[str, Any]:
    return {
        "p": np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]), "labels": np.array([2, 0]), "signs": np.array([1.0, -1.0]),
        "times": np.array([[0.0, 0.0, 3.0]]), "share": np.array([0.0, 1.0]), "ratio": np.array([0.5, 1.5]),
        "size": np.array([0.0, np.inf]), "mask": np.ones((2, 2), bool),
    }  # fmt: skip


def good_steps() -> dict[str, Any]:
    tree = {"w": np.ones((2, 3)), "b": [np.ones(3), np.ones(())]}
    return {"params": tree, "grads": tree, "state": State(np.array(3), tree)}


GOOD = {steps_along: good_along, windows: good_windows, domains: good_domains, steps: good_steps}


def to_torch(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, dict):
        return {key: to_torch(item) for key, item in value.items()}
    if isinstance(value, State):
        return State(*map(to_torch, value))
    return [to_torch(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(params=["numpy", "torch"])
def call(request):
    """Call the check of a declaration (which stands in for an implementation) with good arguments, some replaced."""

    def check(declaration: Any, **replaced: Any) -> None:
        given = GOOD[declaration]() | replaced
        implements = implements_numpy
        if request.param == "torch":
            given, implements = {name: to_torch(value) for name, value in given.items()}, implements_torch
        names = [argument.name for argument in declaration.formula.positional]
        arrays = [given.pop(name, None) for name in names]
        implements(declaration)(declaration)(*arrays, **given)

    return check


@pytest.mark.parametrize(
    ("declaration", "replaced"),
    [
        (windows, {}),
        (windows, {"x": np.ones((6, 9))}),
        (windows, {"x": np.ones((0, 6, 9))}),
        (windows, {"bias": None, "limit": 0.0, "rate": 1, "decay": 0, "mode": "same", "flip": True}),
        (
            windows,
            {name: np.ones(shape, np.float32) for name, shape in (("x", (6, 9)), ("weight", (4, 3, 1)), ("bias", 4))},
        ),
        (domains, {}),
        (domains, {"share": np.array([0.5, np.nan])}),  # NaN is data
        (domains, {"labels": np.array([2, 0], np.int8)}),
        (steps, {}),
        (steps, {"state": None}),
        (steps, {"params": np.ones(3), "grads": np.ones(3), "state": None}),
    ],
)
def test_good_input_passes_the_compiled_check(call, declaration, replaced, monkeypatch):
    """Without the slow explanation: that is for input that the compiled check has refused."""
    monkeypatch.setattr(check, "explain", lambda *arguments: pytest.fail("the compiled check refused good input"))
    call(declaration, **replaced)


def test_argument_may_have_any_name():
    @declare()
    def clash(
        inside: Float[Array, "n"], function: Float[Array, "n"], fits: Float[Array, "n"], /
    ) -> Float[Array, "n"]: ...

    ones = np.ones(2)
    assert implements_numpy(clash)(lambda inside, function, fits, /: function)(ones, 2 * ones, ones).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"x": np.ones(9)}, "x has shape (9,), expected (*batch, c, t), at least 2 axes"),
        ({"weight": np.ones((4, 3))}, "weight has shape (4, 3), expected (o, c//groups, k), 3 axes with c=6 (from x)"),
        (
            {"weight": np.ones((4, 6, 3))},
            "weight has shape (4, 6, 3), expected (o, c//groups, k) with c=6 (from x), groups=2",
        ),
        ({"bias": np.ones(3)}, "bias has shape (3,), expected (o,) with o=4 (from weight)"),
        ({"bias": np.ones(())}, "bias has shape (), expected (o,), 1 axes with o=4 (from weight)"),
        ({"x": np.ones((2, 6, 0))}, "x has shape (2, 6, 0), expected (*batch, c, t) with t at least 1"),
    ],
)
def test_wrong_shape_names_what_came_and_what_was_expected(call, replaced, message):
    with pytest.raises(ShapeError) as caught:
        call(windows, **replaced)
    assert str(caught.value) == f"windows: {message}"


@pytest.mark.parametrize(
    ("declaration", "replaced", "message"),
    [
        (windows, {"x": [1.0]}, "windows: x is a list, expected an array"),
        (windows, {"x": None}, "windows: x is a NoneType, expected an array"),
        (windows, {"x": np.ones((6, 9), int)}, r"windows: x has dtype (torch\.)?int64, expected a float dtype"),
        (
            windows, {"weight": np.ones((4, 3, 3), np.float32)},
            r"windows: weight has dtype (torch\.)?float32, expected (torch\.)?float64 as x has",
        ),
        (domains, {"labels": np.array([0.0, 1.0])}, r"labels has dtype (torch\.)?float64, expected an integer dtype"),
        (domains, {"mask": np.ones((2, 2))}, r"mask has dtype (torch\.)?float64, expected bool"),
        (windows, {"groups": 2.0}, "groups is 2.0, expected an int"),
        (windows, {"groups": True}, "groups is True, expected an int"),
        (windows, {"rate": "fast"}, "rate is 'fast', expected a float"),
        (windows, {"rate": None}, "rate is None, expected a float"),
        (windows, {"flip": 1}, "flip is 1, expected a bool"),
        (steps, {"params": {"w": [1.0]}}, "steps: params holds a float, expected float arrays"),
        (steps, {"params": np.ones(3, int)}, r"params holds an array of dtype (torch\.)?int64, expected float arrays"),
        (steps, {"state": (1, 2)}, "steps: state is a tuple, expected a State or None"),
    ],
)  # fmt: skip
def test_wrong_kind_is_a_value_error_and_a_type_error(call, declaration, replaced, message):
    with pytest.raises(DtypeError, match=message) as caught:
        call(declaration, **replaced)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("declaration", "replaced", "message"),
    [
        (windows, {"rate": 0.0}, "windows: rate is 0.0, expected a float > 0"),
        (windows, {"rate": -1}, "windows: rate is -1, expected a float > 0"),
        (windows, {"rate": float("nan")}, "windows: rate is nan, expected a float > 0"),
        (windows, {"decay": 1.0}, r"windows: decay is 1.0, expected a float in \[0, 1\)"),
        (windows, {"groups": 0, "weight": np.ones((4, 3, 3))}, "windows: groups is 0, expected an int >= 1"),
        (windows, {"limit": -0.5}, "windows: limit is -0.5, expected a float >= 0"),
        (windows, {"mode": "full"}, "windows: mode is 'full', expected one of 'valid', 'same'"),
        (windows, {"weight": np.ones((4, 3, 7))}, "expected k to be at most the number of channels with c=6 .*k=7"),
        (domains, {"labels": np.array([3, 0])}, r"labels has a label that is not in \[0, k\) with k=3 \(from p\)"),
        (domains, {"labels": np.array([0, -1])}, r"labels has a label that is not in \[0, k\)"),
        (domains, {"p": np.array([[0.5, 0.5, 0.1], [1.0, 0.0, 0.0]])}, "p does not sum to 1 along its last axis"),
        (domains, {"p": np.array([[1.5, -0.5, 0.0], [1.0, 0.0, 0.0]])}, "p has a negative or infinite value"),
        (domains, {"signs": np.array([1.0, 0.0])}, "signs has a value that is neither -1 nor \\+1"),
        (domains, {"times": np.array([0.0, 2.0, 1.0])}, "times decreases along its last axis"),
        (domains, {"share": np.array([0.0, 1.5])}, r"share has a value that is not in \[0, 1\]"),
        (domains, {"ratio": np.array([0.0, 1.5])}, r"ratio has a value that is not in \(0, 2\)"),
        (domains, {"size": np.array([-0.5, 1.0])}, "size has a value that is not >= 0"),
        (domains, {"share": np.array([np.nan, 1.5])}, r"share has a value that is not in \[0, 1\]"),
        (steps, {"lr": -0.1}, "steps: lr is -0.1, expected a float >= 0"),
    ],
)
def test_value_outside_its_domain(call, declaration, replaced, message):
    with pytest.raises(DomainError, match=message):
        call(declaration, **replaced)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"grads": {"w": np.ones((2, 3))}}, "grads has 1 arrays, expected 3 as params has"),
        (
            {"grads": {"w": np.ones((3, 2)), "b": [np.ones(3), np.ones(())]}},
            r"grads\[0\] has shape \(3, 2\), expected \(2, 3\) as params has",
        ),
        ({"grads": {"w": np.ones((2, 3)), "c": [np.ones(3), np.ones(())]}}, "grads is nested differently from params"),
        ({"state": State(np.array(3), {"w": np.ones(2)})}, r"state\.mean has 1 arrays, expected 3 as params has"),
        ({"state": State(np.ones(2, int), good_steps()["params"])}, r"state\.steps must be an array without axes"),
    ],
)
def test_trees_of_one_call_have_one_form(call, replaced, message):
    with pytest.raises(ShapeError, match=f"steps: {message}"):
        call(steps, **replaced)


@pytest.mark.parametrize("replaced", [
    {"stride": 2}, {"stride": (1, 2)}, {"padding": (0, 3)}, {"padding": "same"}, {"kernel": np.zeros(7), "padding": 1},
    {"kernel": np.zeros(9), "padding": "same"},
])  # fmt: skip
def test_option_per_axis_is_a_number_or_a_pair(call, replaced, monkeypatch):
    monkeypatch.setattr(check, "explain", lambda *_: pytest.fail("the compiled check refused good input"))
    call(steps_along, **replaced)


@pytest.mark.parametrize(("replaced", "error", "message"), [
    ({"stride": 0}, DomainError, "stride is 0, expected an int >= 1, a pair of them"),
    ({"stride": (1, 0)}, DomainError, r"stride is \(1, 0\)"),
    ({"stride": (1, 1, 1)}, DtypeError, r"stride is \(1, 1, 1\)"),
    ({"stride": 1.0}, DtypeError, "stride is 1.0"),
    ({"stride": True}, DtypeError, "stride is True"),
    ({"padding": "valid"}, DomainError, "padding is 'valid', expected an int >= 0, a pair of them or 'same'"),
    ({"kernel": np.zeros(6)}, DomainError, r"expected a kernel no wider than x with k=6 \(from kernel\), .*w=5"),
])  # fmt: skip
def test_option_per_axis_out_of_its_range(call, replaced, error, message):
    with pytest.raises(error, match=message):
        call(steps_along, **replaced)


def test_axis_of_fixed_size(call):
    with pytest.raises(ShapeError, match=r"mask has shape \(2, 3\), expected \(n, 2\) with n=2 \(from p\)"):
        call(domains, mask=np.ones((2, 3), bool))


def test_empty_arrays_are_refused_where_the_formula_needs_an_element(call):
    call(windows, x=np.ones((0, 6, 9)))
    with pytest.raises(ShapeError, match=r"times has shape \(2, 0\), expected at least one element"):
        call(domains, times=np.ones((2, 0)))


def test_check_leaves_the_arguments_alone(call):
    arguments = good_steps()
    before = str(arguments)
    call(steps, **arguments)
    assert str(arguments) == before


@pytest.mark.parametrize(
    "implementation",
    [
        lambda x, /: x,
        lambda x, y, /, *, rate=0.5: x,
        lambda x, /, *, rate=0.1: x,
        lambda x, /, rate=0.5: x,
        lambda x, /, *, speed=0.5: x,
    ],
)
def test_implementation_must_have_the_signature_of_its_declaration(implementation):
    @declare()
    def half(x: Float[Array, "n"], /, *, rate: float = 0.5) -> Float[Array, "n"]: ...

    with pytest.raises(TypeError, match="is not the signature of the declaration"):
        implements_numpy(half)(implementation)


def test_declaration_must_follow_the_rules():
    with pytest.raises(TypeError, match="x must be positional-only"):

        @declare()
        def by_name(x: Float[Array, "n"]) -> Float[Array, "n"]: ...

    with pytest.raises(TypeError, match="rate is an option and must be keyword-only"):

        @declare()
        def by_position(x: Float[Array, "n"], rate: float, /) -> Float[Array, "n"]: ...


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_every_formula_refuses_what_is_no_array(name):
    bk = gongsik.backend(name)
    for id, declared in formulas().items():
        kinds = {option.name: option.type for option in declared.options if option.required}
        options = {name: kind for name, kind in kinds.items() if isinstance(kind, OptionType)}
        required = {name: kind.choices[0] if kind.choices else 1 for name, kind in options.items()}
        with pytest.raises(ValueError, match=f"{declared.name}: "):
            getattr(bk, declared.name)(*(object() for _ in declared.positional), **required)
        assert bk.has(id)


def test_entries_are_complete():
    """Every entry has its titles, a formula has LaTeX and a source, and a public name is documented in every part."""
    for id, entry in entries().items():
        assert entry.ko, id
        assert entry.en, id
        assert entry.kind == "named" or entry.tex, id
        assert entry.notes or entry.source, id
        assert entry.chapter in CHAPTERS, id
    for id, declared in formulas().items():
        documentation = inspect.getdoc(declared.function) or ""
        assert declared.source, id
        for part in ("Shapes", "Source", "Examples", *(["Options"] if declared.options else [])):
            assert f"{part}\n{'-' * len(part)}" in documentation, f"{id} has no section {part}"


def test_errata_have_names_of_their_own_and_places_of_the_notes():
    errata = [(entry, erratum) for entry in entries().values() for erratum in entry.errata]
    keys = [erratum.key for _, erratum in errata]
    assert len(set(keys)) == len(keys)
    for entry, erratum in errata:
        assert bool(erratum.stated_value) == bool(erratum.right_value), erratum.key
        assert erratum.place.split("#")[0] in {note.split("#")[0] for note in entry.notes}, erratum.key


def test_counterexample_of_every_erratum_tells_right_from_wrong():
    for entry in entries().values():
        for erratum in entry.errata:
            if erratum.stated_value:
                namespace: dict[str, Any] = {"np": np, "gs": gongsik.backend("reference")}
                exec(erratum.setup, namespace)
                stated, right = (np.asarray(eval(v, namespace)) for v in (erratum.stated_value, erratum.right_value))
                assert stated.shape != right.shape or (stated != right).any(), f"{erratum.key}: both are {right}"


def test_every_chapter_has_a_title_and_unknown_ones_are_refused():
    for name in CHAPTERS:
        assert chapter(name).CHAPTER.ko
    with pytest.raises(ValueError, match="no chapter 'optimiser'; there are"):
        chapter("optimiser")


def test_reference_updates_nothing_in_place():
    """`x += y` would write into the caller's array. (Writing an item fails on the array types that the suite uses.)"""
    for name in filter(formulas, CHAPTERS):
        path = Path(inspect.getfile(chapter(name))).resolve().parents[1] / "reference" / f"{name}.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AugAssign):
                pytest.fail(f"{path}:{node.lineno} updates in place")


def test_spec_imports_without_any_backend():
    heavy = "{'torch', 'gongsik.reference', 'gongsik.torch_impl'}"
    code = f"import sys, gongsik.spec; gongsik.spec.entries(); print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert answer.stdout.strip() == "[]"
