"""Every formula of the backend under test against the reference: values, gradients, special values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongsik.conformance.agreement import Missing, Target, Verdict, check_gradients, check_values, taylor_order
from gongsik.conformance.reproduce import script
from gongsik.conformance.strategies import DISCARDED, Case, find, inputs, with_special_values
from gongsik.spec import Formula, formulas

EVERY = list(formulas())
DIFFERENTIABLE = [id for id, formula in formulas().items() if formula.differentiable]
SPECIAL = [id for id, formula in formulas().items() if not formula.higher_order]


def skip_deep(gs: Target, formula: Formula) -> None:
    if formula.deep and gs.precision.name != "float64":
        pytest.skip("a deep composition is judged in float64, and layer by layer in other precisions")


def budget(formula: Formula) -> settings:
    """Fewer examples of a deep formula, each of which is as much work as hundreds of another."""
    examples = settings.default.max_examples  # pyright: ignore[reportOptionalMemberAccess]
    return settings(max_examples=max(min(examples, 4), examples // 5) if formula.deep else examples)


def settle(tally: dict[str, Any], verdict: Verdict, gs: Target, id: str, case: Case, what: str = "values") -> None:
    """Count a case, and fail with a script if it disagrees."""
    tally["executed"] += 1
    tally["inconclusive"] += verdict.agreed and not verdict.conclusive
    if verdict.agreed and verdict.bits_lost > tally["bits_lost"]:
        tally["bits_lost"] = verdict.bits_lost
    if not verdict.agreed:
        pytest.fail(f"{id}, {what}: {verdict.message}\n\n{script(gs, id, case, what)}", pytrace=False)


def close(tally: dict[str, Any], id: str, before: int) -> None:
    """A formula of which no case was executed, or none said anything, has not been tested: that is a failure."""
    tally["discarded"] = DISCARDED[id] - before
    assert tally["executed"] > tally["inconclusive"], f"{id}: no conclusive case among {tally['executed']} executed"


@pytest.mark.parametrize("id", EVERY)
def test_values_agree(gs, id, tally):
    """The backend's values lie within the error bound of the reference."""
    name, before = find(id).name, DISCARDED[id]
    getattr(gs, name)
    skip_deep(gs, find(id))

    @budget(find(id))
    @given(inputs(id))
    def check(case: Case) -> None:
        settle(tally, check_values(gs, name, case), gs, id, case)

    check()
    close(tally, id, before)


@pytest.mark.parametrize("id", SPECIAL)
def test_special_values_agree(gs, id, tally):
    """NaN and infinity in the data propagate as the formula says."""
    name, before = find(id).name, DISCARDED[id]
    getattr(gs, name)
    skip_deep(gs, find(id))

    @given(inputs(id), st.data())
    def check(case: Case, data: st.DataObject) -> None:
        case = with_special_values(data.draw, find(id), case)
        settle(tally, check_values(gs, name, case), gs, id, case)

    check()
    close(tally, id, before)


@pytest.mark.parametrize("id", DIFFERENTIABLE)
def test_gradients_agree(gs, id, tally):
    """The backend's gradient lies within the error bound of the reference's own backpropagation."""
    formula, before = find(id), DISCARDED[id]
    getattr(gs, formula.name)
    skip_deep(gs, formula)
    if not hasattr(gs.backend, "value_and_grad"):
        raise Missing(f"{gs.name} has no value_and_grad")

    @budget(formula)
    @given(inputs(id))
    def check(case: Case) -> None:
        settle(tally, check_gradients(gs, formula, case), gs, id, case, "gradients")

    check()
    if gs.precision.unit > 2**-12 and tally["executed"] == tally["inconclusive"] > 0:
        # Of a formula that is itself a derivative, say, 8 bits leave nothing; 24 and 53 have to say something.
        pytest.skip(f"in {gs.precision.name} no bound on this gradient is below the gradient")
    close(tally, id, before)


@pytest.mark.parametrize("id", DIFFERENTIABLE)
def test_gradient_passes_taylor(gs, id, tally):
    """Along a random direction the first-order remainder shrinks like the square of the step."""
    formula = find(id)
    getattr(gs, formula.name)
    if not hasattr(gs.backend, "value_and_grad"):
        raise Missing(f"{gs.name} has no value_and_grad")
    if gs.precision.name != "float64":
        pytest.skip("an order of convergence is measured in float64")

    @budget(formula)
    @given(inputs(id), st.integers(0, 2**32 - 1))
    def check(case: Case, seed: int) -> None:
        order = taylor_order(gs, formula, case, seed)
        tally["executed"] += 1
        tally["inconclusive"] += order is None
        if order is not None and not order > 1.5:  # half-way between a wrong gradient, 1, and a right one, 2
            message = f"{id}: the remainder is of order {order:.2f}, not 2"
            pytest.fail(f"{message}\n\n{script(gs, id, case, 'gradients')}", pytrace=False)

    check()
    close(tally, id, DISCARDED[id])
