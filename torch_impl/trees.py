"""How the arithmetic of an optimizer, written for one tensor, goes over a tree of tensors.

The arithmetic is a *kernel*: a function ``kernel(param, grad, *states, *coefficients) -> (param, *states)`` of tensors
and numbers, element by element. An optimizer gets a *runner* as its first argument and hands it the kernel: `eager`
runs it as it is; `gongsik.torch_impl.compiled` has one that compiles it.
"""

import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack  # pyright: ignore[reportMissingImports]
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from gongsik.spec.tree import leaves, rebuild

Kernel = Callable[..., tuple[Tensor, ...]]
Columns = list[list[Tensor]]
"""The tensors of several trees of one structure: `columns[k][i]` is tensor i of tree k."""

SMALL = 2**16
"""Tensors with fewer elements than this are joined, so that a kernel runs once for all of them."""


class Runner(Protocol):
    """Runs a kernel on every tensor of some trees.

    `in_place` does the same on lists of tensors and writes over all of them but the second, the gradient.
    `out_of_place` returns a new list after one pass over the memory: nothing is gained by compiling or joining then.
    """

    def __call__(
        self,
        kernel: Kernel,
        trees: Sequence[Any],
        *coefficients: Any,
        in_place: Callable[..., Any] | None = None,
        out_of_place: Callable[..., Any] | None = None,
    ) -> list[Any]: ...


def over_trees(step: Callable[..., Any], run: Runner | None = None) -> Any:
    """Make ``step(run, param, ...)`` a function of ``(param, ...)``; its `with_runner` binds another runner."""

    def bound(*arguments: Any, **options: Any) -> Any:
        return step(run or eager, *arguments, **options)

    functools.update_wrapper(bound, step)
    signature = inspect.signature(step)
    bound.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    bound.with_runner = functools.partial(over_trees, step)  # pyright: ignore[reportFunctionMemberAccess]
    return bound


def eager(
    kernel: Kernel,
    trees: Sequence[Any],
    *coefficients: Any,
    in_place: Callable[..., Any] | None = None,
    out_of_place: Callable[..., Any] | None = None,
) -> list[Any]:
    """The runner that neither compiles nor writes over anything."""
    columns, function = columns_of(trees), bind(kernel, coefficients)
    if is_transformed(columns):
        results = [function(*tensors) for tensors in zip(*columns, strict=True)]
        return trees_of(trees[0], transpose(results))
    if out_of_place is not None:
        return trees_of(trees[0], [out_of_place(*columns)])
    if in_place is not None:
        new = [[_own(x) if i != 1 else x.contiguous() for x in column] for i, column in enumerate(columns)]
        in_place(*new)
        return trees_of(trees[0], without_gradient(new))
    return trees_of(trees[0], run_joined(columns, function))


def _own(x: Tensor) -> Tensor:
    return x.clone(memory_format=torch.contiguous_format)


def without_gradient(columns: Sequence[Any]) -> list[Any]:
    """What a step changes: everything but the second of its trees."""
    return [column for i, column in enumerate(columns) if i != 1]


def bind(kernel: Kernel, coefficients: Sequence[Any]) -> Kernel:
    """The kernel as a function of tensors only.

    A coefficient that is a tensor is in double precision, and would decide the dtype of a result without axes.
    """
    return lambda *tensors: tuple(x.to(tensors[0].dtype) for x in kernel(*tensors, *coefficients))


def transpose(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def columns_of(trees: Sequence[Any]) -> Columns:
    return [leaves(tree, trees[0]) for tree in trees]


def trees_of(like: Any, columns: Columns) -> list[Any]:
    return [rebuild(like, column) for column in columns]


def is_transformed(columns: Columns) -> bool:
    """Whether the operations are traced, differentiated or vectorised: then nothing in place, nothing joined."""
    if torch.compiler.is_compiling() or peek_interpreter_stack() is not None:
        return True
    return torch.is_grad_enabled() and any(any(map(_requires_grad, column)) for column in columns)


_requires_grad = operator.attrgetter("requires_grad")


def run_joined(columns: Columns, function: Kernel) -> Columns:
    """Call a function on the tensors of each place, and once for all small ones, joined end to end."""
    results: list[Any] = [None] * len(columns[0])
    for places in groups(columns[0]):
        if len(places) == 1:
            results[places[0]] = function(*(column[places[0]] for column in columns))
            continue
        parts = [[column[i] for i in places] for column in columns]
        wholes = [whole(part) for part in parts]
        joined = [_flatten_dense_tensors(p) if w is None else w for p, w in zip(parts, wholes, strict=True)]
        split = []
        for result in function(*joined):
            written_over = [part for part, w in zip(parts, wholes, strict=True) if w is result]
            split.append(written_over[0] if written_over else _unflatten_dense_tensors(result, parts[0]))
        for i, row in zip(places, zip(*split, strict=True), strict=True):
            results[i] = row
    return transpose(results)


def whole(parts: list[Tensor]) -> Tensor | None:
    """The tensor of which these are the pieces, end to end, as an earlier step has left them; None if there is none."""
    base = parts[0]._base
    if base is None or base.ndim != 1 or not base.is_contiguous() or base.numel() != sum(map(Tensor.numel, parts)):
        return None
    offset = base.storage_offset()
    for x in parts:
        if x._base is not base or x.storage_offset() != offset or not x.is_contiguous():
            return None
        offset += x.numel()
    return base


def groups(tensors: list[Tensor]) -> Iterator[list[int]]:
    """Places of tensors that are dealt with together: the small ones of a dtype and device, every other one alone."""
    small: dict[Any, list[int]] = {}
    for i, x in enumerate(tensors):
        if x.numel() < SMALL:
            small.setdefault((x.dtype, x.device), []).append(i)
        else:
            yield [i]
    yield from small.values()
