"""The suite proves its own strength: garbage fails every formula, every classic mistake is caught."""

from collections import Counter

import pytest

from gongsik.conformance.strength import Garbage, caught, first_catch
from gongsik.conformance.wrong import Wrong, wrong_implementations
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
