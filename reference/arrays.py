"""NumPy arrays, as a backend has to offer them."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from gongsik.spec import ArrayAdapter
from gongsik.spec import implements as _implements

D = TypeVar("D", bound=Callable[..., Any])


def asarray(x: Any, /, *, dtype: Any = None, device: str | None = None) -> np.ndarray:
    """Turn data into an array of this backend; real numbers become float64 unless `dtype` says otherwise.

    Raises
    ------
    ValueError
        If `device` is not the CPU.
    """
    if device not in (None, "cpu"):
        raise ValueError(f"the reference computes on the CPU only, not on {device!r}")
    array = np.asarray(x)
    if dtype is None and array.dtype.kind == "f":
        dtype = np.float64
    return array if dtype is None else array.astype(dtype, copy=False)


def to_numpy(x: Any, /) -> np.ndarray:
    """Turn an array of this backend into NumPy's."""
    return np.asarray(x)


def _plain(x: Any) -> bool:
    """Whether values can be looked at: not those of a recorded graph, nor numbers with an error beside them."""
    return type(x) is np.ndarray and x.size > 0


def _inside(x: Any, low: float, high: float, low_open: bool, high_open: bool) -> bool:
    if not _plain(x):
        return True
    below = x <= low if low_open else x < low
    above = x >= high if high_open else x > high
    return not (below | above).any()


def _distribution(x: Any) -> bool:
    if not _plain(x):
        return True
    total = x.sum(-1, dtype=np.float64)
    return not (np.abs(total - 1) > 4 * x.shape[-1] * np.finfo(x.dtype).eps).any()


def _signs(x: Any) -> bool:
    return not _plain(x) or bool((np.abs(x) == 1).all())


def _ordered(x: Any) -> bool:
    return not _plain(x) or not (x[..., 1:] < x[..., :-1]).any()


def _corners(x: Any) -> bool:
    return not _plain(x) or not (x[..., 2:] < x[..., :2]).any()


ADAPTER = ArrayAdapter(
    dtypes={
        "float": frozenset(np.dtype(t) for t in ("f2", "f4", "f8")),
        "int": frozenset(np.dtype(t) for t in ("i1", "i2", "i4", "i8")),
        "bool": frozenset([np.dtype("?")]),
    },
    inside=_inside,
    distribution=_distribution,
    signs=_signs,
    ordered=_ordered,
    corners=_corners,
    may_mix=lambda: False,
)


def implements(declaration: D) -> Callable[[Callable[..., Any]], D]:
    """Make a NumPy function the reference of a declaration."""
    return _implements(declaration, ADAPTER)
