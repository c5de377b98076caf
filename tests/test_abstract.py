"""Shapes of results, from the declarations alone."""

from typing import Annotated

import numpy as np
import pytest
from annotated_types import Ge
from hypothesis import HealthCheck, given, settings
from jaxtyping import Float

from gongsik import reference
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, inputs
from gongsik.spec import ShapeError, formulas
from gongsik.spec.abstract import result_shapes
from gongsik.spec.array import Array, ArrayType, Pair, StateType
from gongsik.spec.formula import formula


def columns_left(w: int, kernel: int, stride: int) -> int:
    return (w - kernel) // stride + 1


@formula(ko="a", en="a", tex="a", axes={"o": "columns_left(w, k, stride[1])"})
def steps_along(
    x: Float[Array, "h w"], kernel: Float[Array, "k"], /, *, stride: Annotated[Pair, Ge(1)] = 1
) -> Float[Array, "h o"]: ...


def test_result_shapes_from_the_declaration_alone():
    assert result_shapes(steps_along, (2, 9), (3,)) == ((2, 7),)
    assert result_shapes(steps_along, (2, 9), (3,), stride=(1, 2)) == ((2, 4),)
    with pytest.raises(ShapeError, match=r"x has shape \(9,\), expected \(h, w\), 2 axes"):
        result_shapes(steps_along, (9,), (3,))
    with pytest.raises(TypeError, match="no option dilation"):
        result_shapes(steps_along, (2, 9), (3,), dilation=1)


@pytest.mark.parametrize("id", [id for id, f in formulas().items() if not (f.higher_order or f.takes_trees)])
def test_results_have_the_declared_shapes(id):
    """Of every formula, on a few inputs of the suite."""
    found = formulas()[id]

    @settings(max_examples=20, deadline=None, database=None, derandomize=True,
              suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])  # fmt: skip
    @given(inputs(id))
    def check_shapes(case):
        given_shapes = [
            None
            if value is None or isinstance(argument.type, StateType)  # as before the first step
            else value.shape
            if isinstance(argument.type, ArrayType)
            else value
            for argument, value in zip(found.positional, case.arguments, strict=True)
        ]
        declared = result_shapes(found.function, *given_shapes, **case.options)
        with np.errstate(all="ignore"):
            results = getattr(reference, found.name)(*case.arguments, **case.options)
        results = results if len(declared) > 1 else (results,)
        for shape, result in zip(declared, results, strict=True):
            assert shape is None or np.shape(result) == shape

    token = PRECISION.set(PRECISIONS["float64"])
    try:
        check_shapes()
    finally:
        PRECISION.reset(token)
