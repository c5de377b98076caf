"""The suite proves its own strength: garbage fails every formula, every classic mistake is caught."""

from collections import Counter

import pytest

import gongsik
from gongsik.conformance.agreement import Target, check_gradients, taylor_order
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strength import Changed, Garbage, cases, caught, first_catch
from gongsik.conformance.wrong import Wrong, wrong_implementations
from gongsik.reference import value_and_grad
from gongsik.spec import CHAPTERS, formulas

WRONG = [wrong for chapter in CHAPTERS for wrong in wrong_implementations(chapter)]


@pytest.mark.parametrize("id", list(formulas()))
def test_garbage_fails(id):
    assert next(caught(Garbage(), id), None) is not None


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.id}-{wrong.function.__name__}")
def test_wrong_implementation_is_caught(wrong: Wrong):
    assert first_catch(wrong) is not None, f"{wrong.id}: not noticed: {wrong.mistake}"


@pytest.mark.parametrize("id", list(formulas()))
def test_every_formula_has_two_wrong_implementations(id):
    assert Counter(wrong.id for wrong in WRONG)[id] >= 2


def off_by_one_percent(function):
    """A backpropagation that is wrong by a factor."""

    def evaluate(params):
        value, slopes = value_and_grad(function)(params)
        return value, _scaled(slopes)

    return evaluate


def _scaled(tree):
    if isinstance(tree, dict):
        return {key: _scaled(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_scaled(value) for value in tree]
    return tree * 1.01


@pytest.mark.parametrize(
    "id", ["activation.sigmoid", "activation.softmax", "loss.softmax_cross_entropy", "network.linear"]
)
def test_wrong_gradient_is_caught_twice(id):
    """By the reference's gradient, and by the order of the remainder, which knows nothing of the reference."""
    target = Target(Changed("value_and_grad", off_by_one_percent), PRECISIONS["float64"])
    drawn = cases(id, "float64", 40)
    assert not all(check_gradients(target, formulas()[id], case).agreed for case in drawn)
    orders = [taylor_order(target, formulas()[id], case, seed=3) for case in drawn]
    assert any(order is not None and order < 1.5 for order in orders)


def test_right_backends_pass_the_same_cases():
    for name in ("reference", "torch"):
        target = Target(gongsik.backend(name), PRECISIONS["float64"])
        for id in ("activation.sigmoid", "network.linear"):
            assert all(check_gradients(target, formulas()[id], case).agreed for case in cases(id, "float64", 40))
