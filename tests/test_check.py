"""The compiled input check refuses what the step-by-step one refuses, and nothing else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gongsik.conformance.strategies import Case, inputs
from gongsik.reference.arrays import ADAPTER
from gongsik.spec import Formula, formulas
from gongsik.spec.check import implements
from gongsik.spec.explain import explain


@st.composite
def spoiled_array(draw: st.DrawFn, x: np.ndarray) -> Any:
    """The array with one thing about it changed, or something else in its place."""
    axis = draw(st.integers(0, max(x.ndim - 1, 0)))
    changes = [
        lambda: x[None],
        lambda: x[0] if x.ndim and len(x) else x,
        lambda: np.concatenate([x, x], axis) if x.ndim else x,
        lambda: x.take(range(x.shape[axis] - 1), axis) if x.ndim and x.shape[axis] else x,
        lambda: x[..., :0] if x.ndim else x,
        lambda: x.T,
        lambda: x.astype(np.float32),
        lambda: x.astype(np.int64),
        lambda: x > 0,
        lambda: -x if x.dtype != bool else x,
        lambda: x.astype(x.dtype) * 0 + 1,
        lambda: x.tolist(),
        lambda: [x],
        lambda: {"x": x},
        lambda: None,
        lambda: "x",
    ]
    with np.errstate(all="ignore"):
        return draw(st.sampled_from(changes))()


@st.composite
def spoiled(draw: st.DrawFn, formula: Formula) -> Case:
    """A case of a formula with one leaf of its arguments, or one option, changed."""
    case = draw(inputs(formula.id))
    arguments, options = list(case.arguments), dict(case.options)
    place = draw(st.integers(0, len(arguments) - 1))
    if options and draw(st.booleans()):
        values = (-1, 0, 1, 7, -0.5, 0.5, 1.5, 1e30, True, None, "mean", "", np.nan, [1])
        options[draw(st.sampled_from(list(options)))] = draw(st.sampled_from(values))
    else:
        arguments[place] = draw(_spoiled_part(arguments[place]))
    return Case(tuple(arguments), options)


@st.composite
def _spoiled_part(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return draw(spoiled_array(value))
    if isinstance(value, dict) and value:
        name = draw(st.sampled_from(list(value)))
        rest = {key: item for key, item in value.items() if key != name}
        return rest if draw(st.booleans()) else {**value, name: draw(_spoiled_part(value[name]))}
    if isinstance(value, list | tuple) and value:
        i = draw(st.integers(0, len(value) - 1))
        parts = [*value[:i], draw(_spoiled_part(value[i])), *value[i + 1 :]]
        if hasattr(value, "_fields"):
            return type(value)(*parts)
        return parts if draw(st.booleans()) else parts[:-1]
    return draw(st.sampled_from((value, None, 3, "x", ())))


def refusal(function: Any, *arguments: Any, **options: Any) -> str:
    """What a call is refused with; empty if it is not."""
    try:
        function(*arguments, **options)
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("id", list(formulas()))
def test_both_checks_refuse_the_same(id):
    formula = formulas()[id]
    checked = implements(formula.function, ADAPTER)(formula.function)

    @settings(
        max_examples=100, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(spoiled(formula))
    def check(case: Case) -> None:
        values = [case.options.get(option.name, option.default) for option in formula.options]
        expected = refusal(explain, formula, ADAPTER, (*case.arguments, *values))
        assert refusal(checked, *case.arguments, **case.options) == expected, case

    check()
