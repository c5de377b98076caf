"""How a test says which entry of the catalogue it is about."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def law(*ids: str) -> Callable[[F], F]:
    """Mark a property test as a law of the entries with these ids.

    The test's name is a sentence, its docstring the statement; its fixture `gs` is the backend under test.

    >>> @law("activation.relu")
    ... def test_relu_is_idempotent(gs): ...
    """
    return pytest.mark.law(*ids)
