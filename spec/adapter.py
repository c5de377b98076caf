"""What the spec has to know about the arrays of a backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ArrayAdapter:
    """What the check needs to know about a backend's arrays.

    Attributes
    ----------
    dtypes : dict
        For float, int and bool: the dtypes of that kind.
    inside : callable
        ``inside(x, low, high, low_open, high_open)``: whether all values lie in the interval. NaN is data and passes.
        True, too, where looking would stop the device or a trace.
    distribution : callable
        Whether the last axis of `x` sums to 1 up to rounding, with the same exceptions.
    signs : callable
        Whether every value is -1 or +1, with the same exceptions.
    ordered : callable
        Whether the last axis does not decrease, with the same exceptions.
    corners : callable
        Whether no box of `x`, with (x1, y1, x2, y2) on the last axis, has x2 < x1 or y2 < y1, with the same exceptions.
    may_mix : callable
        Whether arrays of several float dtypes are allowed just now (under autocast).
    """

    dtypes: dict[str, frozenset[Any]]
    inside: Callable[[Any, float, float, bool, bool], bool]
    distribution: Callable[[Any], bool]
    signs: Callable[[Any], bool]
    ordered: Callable[[Any], bool]
    corners: Callable[[Any], bool]
    may_mix: Callable[[], bool]
