"""Formulas of the torch backend under PyTorch's own transformations: torch.func.vmap and grad, and autocast."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from gongsik import torch_impl
from gongsik.conformance.agreement import (
    Exact,
    Target,
    compare,
    convert,
    differentiable_arguments,
    flatten,
    gradients,
    judge,
    result_weights,
    values,
    weighted_sum,
)  # fmt: skip
from gongsik.conformance.bounded import PRECISIONS, Precision
from gongsik.conformance.strategies import PRECISION, Case, inputs
from gongsik.spec import DtypeError, Formula, ShapeError, formulas
from gongsik.spec.array import ArrayType, Ordered, Simplex

OURS = {id: formula for id, formula in formulas().items() if hasattr(torch_impl, formula.name)}
DERIVED = [id for id, formula in OURS.items() if not formula.higher_order]
DIFFERENTIABLE = [id for id, formula in OURS.items() if formula.differentiable]
FEW = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


@contextmanager
def drawing(precision: Precision) -> Iterator[None]:
    """Draw inputs that are exact in this precision."""
    token = PRECISION.set(precision)
    try:
        yield
    finally:
        PRECISION.reset(token)


def neighbour(case: Case, formula: Formula) -> Case:
    """Another case of the same shapes: every array turned by one along its first axis, which leaves no domain."""
    ordered = {a.name for a in formula.positional if isinstance(getattr(a.type, "domain", None), Ordered)}

    def turn(x: Any) -> Any:
        return np.roll(x, 1, 0) if isinstance(x, np.ndarray) and x.ndim else x

    arguments = [
        value if argument.name in ordered else tree_map(turn, value)
        for argument, value in zip(formula.positional, case.arguments, strict=True)
    ]
    return Case(tuple(arguments), case.options)


@pytest.mark.parametrize("id", DERIVED)
def test_vmap_is_every_example_by_itself(id):
    formula = OURS[id]
    target = Target(torch_impl, PRECISIONS["float64"])

    @FEW
    @given(inputs(id))
    def check(case: Case) -> None:
        cases = [case, neighbour(case, formula), case]
        leaves, structures = zip(*(tree_flatten(convert(c.arguments, target)) for c in cases), strict=True)
        batched = [
            torch.stack(column) if isinstance(column[0], Tensor) else column[0] for column in zip(*leaves, strict=True)
        ]
        axes = tuple(0 if isinstance(x, Tensor) else None for x in batched)

        def call(*given: Any) -> Any:
            return getattr(torch_impl, formula.name)(*tree_unflatten(list(given), structures[0]), **case.options)

        result = torch.func.vmap(call, in_dims=axes)(*batched)
        for i, one in enumerate(cases):
            expected = values(Exact(target.precision), formula.name, one)
            verdict = judge(tree_map(lambda x, i=i: x[i], result), expected, target)
            assert verdict.agreed, f"example {i}: {verdict.message}\n{one}"

    with drawing(target.precision):
        check()


@pytest.mark.parametrize("id", DIFFERENTIABLE)
def test_functional_gradient_is_the_gradient(id):
    formula = OURS[id]
    target = Target(torch_impl, PRECISIONS["float64"])

    @FEW
    @given(inputs(id))
    def check(case: Case) -> None:
        which = differentiable_arguments(formula, case)
        weights = result_weights(target.precision, formula.name, case)
        assume(which and any(w is not None and w.size for w in weights))
        total, chosen = weighted_sum(target, formula.name, case, which, weights)
        verdict = judge(torch.func.grad(total)(chosen), gradients(Exact(target.precision), formula, case), target)
        assert verdict.agreed, f"{verdict.message}\n{case}"

    with drawing(target.precision):
        check()


def in_float32(x: Tensor) -> Tensor:
    return x.float() if x.is_floating_point() else x


def first_in_bfloat16() -> Callable[[Tensor], Tensor]:
    """Leave the first real array in bfloat16, as another layer under autocast returned it; the others are float32."""
    seen = []

    def cast(x: Tensor) -> Tensor:
        if x.is_floating_point():
            seen.append(x)
        return x if len(seen) == 1 else in_float32(x)

    return cast


@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "mixed"])
@pytest.mark.parametrize("id", DERIVED)
def test_autocast_is_within_the_bound_of_bfloat16(id, mixed):
    formula = OURS[id]
    target = Target(torch_impl, PRECISIONS["bfloat16"])
    arrays = [a for a in formula.positional if isinstance(a.type, ArrayType) and a.type.kind == "float"]
    if mixed and (len(arrays) < 2 or formula.takes_trees):
        pytest.skip("no two arrays that could differ in dtype")

    @FEW
    @given(inputs(id))
    def check(case: Case) -> None:
        cast = first_in_bfloat16() if mixed else in_float32
        arguments = [
            x if isinstance(getattr(argument.type, "domain", None), Simplex)  # which sums to 1 in bfloat16 only
            else tree_map(lambda part: cast(part) if isinstance(part, Tensor) else part, x)
            for argument, x in zip(formula.positional, convert(case.arguments, target), strict=True)
        ]  # fmt: skip
        with torch.autocast("cpu", torch.bfloat16):
            result = getattr(torch_impl, formula.name)(*arguments, **case.options)
        for ours, theirs in flatten(result, values(Exact(target.precision), formula.name, case)):
            verdict = compare(target.numpy(ours), theirs, target.precision)
            assert verdict.agreed, f"{verdict.message}\n{case}"

    with drawing(target.precision):
        check()


@pytest.mark.parametrize(
    ("function", "params", "error", "message"),
    [
        (lambda w: w.sum(), {"w": torch.arange(3)}, DtypeError, "dtype torch.int64, expected a float dtype"),
        (lambda w: 2 * w, torch.ones(3), ShapeError, r"returned an array of shape \(3,\), expected \(\)"),
    ],
)
def test_value_and_grad_says_what_it_cannot_differentiate(function, params, error, message):
    with pytest.raises(error, match=message):
        torch_impl.value_and_grad(function)(params)
