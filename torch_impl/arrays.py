"""PyTorch tensors, as a backend has to offer them."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from gongsik.spec import ArrayAdapter
from gongsik.spec import implements as _implements

F = TypeVar("F", bound=Callable[..., Any])


def asarray(x: Any, /, *, dtype: Any = None, device: str | torch.device | None = None) -> Tensor:
    """Turn data into a tensor; the dtype stays that of the data unless `dtype` (a torch dtype or its name) is given."""
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype)
    if isinstance(x, np.ndarray) and not x.flags.writeable:
        x = x.copy()
    return torch.as_tensor(x, dtype=dtype, device=device)


def to_numpy(x: Tensor, /) -> np.ndarray:
    """Turn a tensor into a NumPy array. NumPy has no bfloat16: such a tensor becomes float32, which holds its values."""
    x = x.detach().cpu()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def value_and_grad(function: Callable[..., Tensor], /) -> Callable[..., tuple[Tensor, Any]]:
    """Value of a scalar function and its gradient with respect to the first argument, by autograd.

    Parameters
    ----------
    function : callable
        ``function(params, *rest)`` returns a tensor without axes; `params` is a tensor or a list, tuple or dict of tensors.

    Returns
    -------
    callable
        ``(params, *rest) -> (value, grads)``, `grads` in the structure of `params`.
    """

    def evaluate(params: Any, /, *rest: Any) -> tuple[Tensor, Any]:
        with torch.enable_grad():
            params = _map(lambda p: p.detach().requires_grad_(), params)
            value = function(params, *rest)
            leaves = list(_leaves(params))
            grads = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
        found = iter(grads)
        return value.detach(), _map(lambda _: next(found), params)

    return evaluate


def _map(function: Callable[[Tensor], Tensor], tree: Any) -> Any:
    return torch.utils._pytree.tree_map(function, tree)


def _leaves(tree: Any) -> list[Tensor]:
    return torch.utils._pytree.tree_leaves(tree)


def _can_look(x: Tensor) -> bool:
    """Whether looking at values costs no synchronisation and breaks no trace."""
    return (
        not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.numel() > 0
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)
    )


def _assert(x: Tensor, condition: Callable[[], Tensor], what: str) -> bool:
    """On the CPU, whether the condition holds; on a GPU, an assertion that the device itself makes, later; else True."""
    if _can_look(x):
        return bool(condition())
    if x.device.type == "cuda" and not torch.compiler.is_compiling():
        torch._assert_async(condition(), what)
    return True


@torch.no_grad()
def _inside(x: Tensor, low: float, high: float, low_open: bool, high_open: bool) -> bool:
    if torch.compiler.is_compiling():
        return True

    def condition() -> Tensor:
        smallest, largest = x.aminmax()
        below = smallest <= low if low_open else smallest < low
        above = largest >= high if high_open else largest > high
        if _can_look(x) and bool(smallest.isnan()):  # NaN is data: look at the others one by one
            below = (x <= low if low_open else x < low).any()
            above = (x >= high if high_open else x > high).any()
        return ~(below | above)

    return x.numel() == 0 or _assert(x, condition, f"a value is not between {low} and {high}")


@torch.no_grad()
def _distribution(x: Tensor) -> bool:
    def condition() -> Tensor:
        total = x.sum(-1, dtype=torch.float64)
        return ~((total - 1).abs() > 4 * x.shape[-1] * torch.finfo(x.dtype).eps).any()

    return _assert(x, condition, "a distribution does not sum to 1")


@torch.no_grad()
def _signs(x: Tensor) -> bool:
    return _assert(x, lambda: (x.abs() == 1).all(), "a label is neither -1 nor +1")


@torch.no_grad()
def _ordered(x: Tensor) -> bool:
    return _assert(x, lambda: ~(x[..., 1:] < x[..., :-1]).any(), "a value decreases along the last axis")


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
    may_mix=_may_mix,
)


def implements(declaration: Callable[..., Any]) -> Callable[[F], F]:
    """Make a PyTorch function the implementation of a declaration."""
    return _implements(declaration, ADAPTER)
