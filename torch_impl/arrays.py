"""PyTorch tensors, as a backend has to offer them."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from gongsik.spec import ArrayAdapter, DtypeError, ShapeError
from gongsik.spec import implements as _implements
from gongsik.spec.tree import leaves, rebuild

D = TypeVar("D", bound=Callable[..., Any])


def asarray(x: Any, /, *, dtype: Any = None, device: str | torch.device | None = None) -> Tensor:
    """Turn data into a tensor; the dtype stays that of the data unless `dtype` (a torch dtype or its name) is given."""
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype)
    if isinstance(x, np.ndarray) and not x.flags.writeable:
        x = x.copy()
    return torch.as_tensor(x, dtype=dtype, device=device)


def to_numpy(x: Tensor, /) -> np.ndarray:
    """Turn a tensor into a NumPy array; bfloat16, which NumPy lacks, into float32, which holds its values."""
    x = x.detach().cpu()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def value_and_grad(function: Callable[..., Tensor], /) -> Callable[..., tuple[Tensor, Any]]:
    """Value of a scalar function and its gradient with respect to the first argument, by autograd.

    Parameters
    ----------
    function : callable
        ``function(params, *rest)`` returns a tensor without axes; `params` is a tensor or a list, tuple or dict of
        tensors.

    Returns
    -------
    callable
        ``(params, *rest) -> (value, grads)``, `grads` in the structure of `params`. What the value does not depend on
        has gradient 0.

    Raises
    ------
    DtypeError
        By the callable, if a parameter is not of a float dtype.
    ShapeError
        By the callable, if the value has axes.
    """

    def evaluate(params: Any, /, *rest: Any) -> tuple[Tensor, Any]:
        if torch.compiler.is_compiling():  # which traces the gradients of torch.func, not those of torch.autograd
            grads, value = torch.func.grad_and_value(function)(params, *rest)
            return value, grads
        given = leaves(params)
        for p in given:
            if not p.is_floating_point():
                raise DtypeError(f"a parameter has dtype {p.dtype}, expected a float dtype")
        with torch.enable_grad():
            given = [p.detach().requires_grad_() for p in given]
            value = function(rebuild(params, given), *rest)
            if value.ndim:
                raise ShapeError(f"the function returned an array of shape {tuple(value.shape)}, expected ()")
            if value.requires_grad:
                grads = torch.autograd.grad(value, given, materialize_grads=True)
            else:  # it does not depend on any of them
                grads = map(torch.zeros_like, given)
        return value.detach(), rebuild(params, grads)

    return evaluate


def may_need_gradient(x: Tensor) -> bool:
    """Whether a gradient could be asked of what is computed from x; if in doubt, yes."""
    if torch.compiler.is_compiling() or is_functorch_wrapped_tensor(x):
        return True
    return torch.is_grad_enabled() and x.requires_grad


def _holds(x: Tensor, condition: Callable[[Tensor], Any], what: str) -> bool:
    """Whether a condition on the values holds: on the CPU now; on a GPU the device itself asserts it, later.

    True where looking would break a trace.
    """
    if torch.compiler.is_compiling() or is_functorch_wrapped_tensor(x) or x.numel() == 0:
        return True
    if x.is_cpu:
        return bool(condition(x.detach()))
    if x.is_cuda:
        torch._assert_async(condition(x.detach()), what)  # pyright: ignore[reportPrivateImportUsage]
    return True


def _ends(x: Tensor) -> tuple[Any, Any]:
    """The smallest and the largest value; NaN if there is one.

    On the CPU they are numbers, because every operation on a tensor takes a microsecond. Conditions look at the ends
    only: an array of booleans is made element by element, ten times as slowly.
    """
    smallest, largest = x.aminmax()
    return (smallest.item(), largest.item()) if x.is_cpu else (smallest, largest)


def _between(x: Tensor, low: float, high: float, low_open: bool, high_open: bool) -> Any:
    """Whether all values lie in an interval, but for NaN."""
    smallest, largest = _ends(x)
    if x.is_cpu and smallest != smallest:
        others = x[~x.isnan()]
        return others.numel() == 0 or _between(others, low, high, low_open, high_open)
    below = smallest <= low if low_open else smallest < low
    above = largest >= high if high_open else largest > high
    return (below | above) ^ True


def _inside(x: Tensor, low: float, high: float, low_open: bool, high_open: bool) -> bool:
    return _holds(x, lambda x: _between(x, low, high, low_open, high_open), f"a value is not between {low} and {high}")


def _distribution(x: Tensor) -> bool:
    def sums_to_1(x: Tensor) -> Any:
        room = 4 * x.shape[-1] * torch.finfo(x.dtype).eps  # above any order's rounding
        return _between(x.sum(-1), 1 - room, 1 + room, False, False)

    return _holds(x, sums_to_1, "a distribution does not sum to 1")


def _signs(x: Tensor) -> bool:
    def all_one(x: Tensor) -> Any:
        # Nothing beyond -1 and +1, and a product of size 1: one factor below 1 keeps it below 1, however it is rounded.
        smallest, largest = _ends(x)
        product = x.prod().item() if x.is_cpu else x.prod()
        return (smallest >= -1) & (largest <= 1) & (abs(product) == 1)

    return _holds(x, all_one, "a label is neither -1 nor +1")


def _ordered(x: Tensor) -> bool:
    return _holds(x, lambda x: ~(x[..., 1:] < x[..., :-1]).any(), "a value decreases along the last axis")


def _corners(x: Tensor) -> bool:
    return _holds(x, lambda x: ~(x[..., 2:] < x[..., :2]).any(), "a box has x2 < x1 or y2 < y1")


def _may_mix() -> bool:
    return any(torch.is_autocast_enabled(device) for device in ("cpu", "cuda"))


ADAPTER = ArrayAdapter(
    dtypes={
        "float": frozenset([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
        "int": frozenset([torch.int8, torch.int16, torch.int32, torch.int64]),
        "bool": frozenset([torch.bool]),
    },
    inside=_inside,
    distribution=_distribution,
    signs=_signs,
    ordered=_ordered,
    corners=_corners,
    may_mix=_may_mix,
)


def implements(declaration: D) -> Callable[[Callable[..., Any]], D]:
    """Make a PyTorch function the implementation of a declaration."""
    return _implements(declaration, ADAPTER)
