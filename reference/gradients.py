"""The gradient rules of NumPy's functions: the table that backpropagation looks into.

`LOCAL_GRADIENTS` has the functions that work element by element: there each element of a gradient is multiplied by one
number. `ADJOINTS` has those that move or add up elements. They are linear maps, and their local gradient is a matrix
that nobody forms, because its transpose can be applied directly. `COMPOSED` has functions that are made of the others,
`CONSTANT` those whose derivative is 0 wherever there is one.

At a kink the rules do what PyTorch does: |x| has slope 0 at 0, `maximum` halves what comes back between equals, `max`
shares it among all that are largest, `where` sends it to the branch that was chosen.
"""

import itertools
import math
import operator
import string
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["ADJOINTS", "COMPOSED", "CONSTANT", "LOCAL_GRADIENTS", "Adjoint", "astype", "unbroadcast"]

Adjoint: TypeAlias = Callable[[Any], Any]


def unbroadcast(gradient: Any, value: Any) -> Any:
    """Undo broadcasting: an element that was used many times receives the sum. And keep the dtype of the value."""
    extra = gradient.ndim - value.ndim
    stretched = tuple(i + extra for i, n in enumerate(value.shape) if n == 1 != gradient.shape[i + extra])
    if extra or stretched:
        gradient = np.sum(gradient, axis=(*range(extra), *stretched), keepdims=True).reshape(value.shape)
    return gradient if gradient.dtype == value.dtype else gradient.astype(value.dtype)


def astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


# Functions that work element by element. For y = f(a, b, ...): the derivatives of y by a, by b, ...

LOCAL_GRADIENTS: dict[Callable[..., Any], tuple[Callable[..., Any], ...]] = {
    np.add: (lambda y, a, b: 1, lambda y, a, b: 1),
    np.subtract: (lambda y, a, b: 1, lambda y, a, b: -1),
    np.multiply: (lambda y, a, b: b, lambda y, a, b: a),
    np.divide: (lambda y, a, b: 1 / b, lambda y, a, b: -y / b),
    np.power: (
        lambda y, a, b: np.where(b == 0, 0, b * a ** (b - 1)),
        lambda y, a, b: np.where(a == 0, 0, y * np.log(a)),
    ),
    np.positive: (lambda y, x: 1,),
    np.negative: (lambda y, x: -1,),
    np.absolute: (lambda y, x: np.sign(x),),  # 0 at 0
    np.reciprocal: (lambda y, x: -y * y,),
    np.square: (lambda y, x: 2 * x,),
    np.sqrt: (lambda y, x: 0.5 / y,),
    np.exp: (lambda y, x: y,),
    np.expm1: (lambda y, x: np.exp(x),),
    np.log: (lambda y, x: 1 / x,),
    np.log1p: (lambda y, x: 1 / (1 + x),),
    np.logaddexp: (lambda y, a, b: np.exp(a - y), lambda y, a, b: np.exp(b - y)),
    np.sin: (lambda y, x: np.cos(x),),
    np.cos: (lambda y, x: -np.sin(x),),
    np.arctan: (lambda y, x: 1 / (1 + x * x),),
    np.sinh: (lambda y, x: np.cosh(x),),
    np.cosh: (lambda y, x: np.sinh(x),),
    np.tanh: (lambda y, x: 1 - y * y,),
    np.maximum: (  # halves where both are equal
        lambda y, a, b: np.where(a == b, 0.5, np.where(a < b, 0, 1)),
        lambda y, a, b: np.where(a == b, 0.5, np.where(b < a, 0, 1)),
    ),
    np.minimum: (
        lambda y, a, b: np.where(a == b, 0.5, np.where(a > b, 0, 1)),
        lambda y, a, b: np.where(a == b, 0.5, np.where(b > a, 0, 1)),
    ),
}


# Linear maps of the elements. Each rule gets the result and the arguments, and returns for each argument the adjoint:
# what the map makes of the upstream gradient g on its way back. None, or nothing at the end: no gradient goes there.


def _reduced(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The axes that a reduction of x has removed, back again with size 1."""
    return g if keepdims else np.expand_dims(g, tuple(range(x.ndim)) if axis is None else axis)


def _sum(y: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> tuple[Adjoint]:
    return (lambda g: np.broadcast_to(_reduced(g, x, axis, keepdims), x.shape),)


def _mean(y: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> tuple[Adjoint]:
    return (lambda g: np.broadcast_to(_reduced(g, x, axis, keepdims), x.shape) / (x.size // max(y.size, 1)),)


def _extreme(y: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> tuple[Adjoint]:
    """The elements that are the largest (or smallest) share what comes back."""

    def adjoint(g: Any) -> Any:
        best = x == _reduced(y, x, axis, keepdims)
        return np.where(best, _reduced(g, x, axis, keepdims) / np.count_nonzero(best, axis=axis, keepdims=True), 0)

    return (adjoint,)


def _norm(y: Any, x: Any, ord: None = None, axis: Any = None, *, keepdims: bool = False) -> tuple[Adjoint]:  # noqa: A002
    if ord is not None:
        raise TypeError("only the Euclidean norm, with ord=None")

    def adjoint(g: Any) -> Any:
        length = _reduced(y, x, axis, keepdims)
        return np.where(length == 0, 0, _reduced(g, x, axis, keepdims) * x / length)

    return (adjoint,)


def _cumsum(y: Any, x: Any, axis: Any = None) -> tuple[Adjoint]:
    return (lambda g: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(x.shape),)


def _clip(y: Any, x: Any, low: Any = None, high: Any = None) -> tuple[Adjoint]:
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    return (lambda g: np.where((low <= x) & (x <= high), g, 0),)


def _where(y: Any, condition: Any, a: Any, b: Any) -> tuple[Adjoint | None, ...]:
    return None, lambda g: np.where(condition, g, 0), lambda g: np.where(condition, 0, g)


def _matmul(y: Any, a: Any, b: Any) -> tuple[Adjoint, ...]:
    left = a[None, :] if a.ndim == 1 else a  # [*batch, n, k]: a vector on the left is a row
    right = b[:, None] if b.ndim == 1 else b  # [*batch, k, m]: a vector on the right is a column
    shape = (*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1])
    return (
        lambda g: unbroadcast(g.reshape(shape) @ np.swapaxes(right, -1, -2), left).reshape(a.shape),
        lambda g: unbroadcast(np.swapaxes(left, -1, -2) @ g.reshape(shape), right).reshape(b.shape),
    )


def _einsum(y: Any, subscripts: str, *operands: Any, optimize: Any = False) -> tuple[Adjoint | None, ...]:
    """In the adjoint by one operand its place and that of the result are exchanged."""
    terms, result = _letters(subscripts, operands)
    size = {i: n for term, x in zip(terms, operands, strict=True) for i, n in zip(term, x.shape, strict=True) if n != 1}

    def by(k: int) -> Adjoint:
        def adjoint(g: Any) -> Any:
            others, arrays = [result], [g]
            for term, x in zip(terms[:k] + terms[k + 1 :], operands[:k] + operands[k + 1 :], strict=True):
                others, arrays = [*others, term], [*arrays, x]
            target = ""
            for i in terms[k]:
                n = size.get(i, 1)
                fresh = next(c for c in string.ascii_letters if c not in "".join([*terms, result, target, *others]))
                if i in target:  # a diagonal: its gradient lies on the diagonal
                    others, arrays = [*others, i + fresh], [*arrays, np.eye(n, dtype=g.dtype)]
                elif i not in "".join(others):  # summed over in this operand alone: the same gradient everywhere
                    others, arrays = [*others, i], [*arrays, np.ones(n, dtype=g.dtype)]
                target += fresh if i in target else i
            return np.einsum(f"{','.join(others)}->{target}", *arrays)

        return adjoint

    return None, *(by(k) for k in range(len(operands)))


def _letters(subscripts: str, operands: tuple[Any, ...]) -> tuple[list[str], str]:
    """Subscripts of the operands and of the result, with letters in place of dots and the result written out."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    free = "".join(c for c in string.ascii_letters if c not in left)
    dots = [x.ndim - len(term.replace("...", "")) for term, x in zip(left.split(","), operands, strict=True)]
    terms = [term.replace("...", free[-n:] if n else "") for term, n in zip(left.split(","), dots, strict=True)]
    most = free[-max(dots) :] if max(dots) else ""
    if not arrow:
        once = sorted(c for c in set(left) - set(",.") if left.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    return terms, result.replace("...", most)


def _along(axis: int, x: Any, part: slice) -> tuple[slice, ...]:
    """Index of a part of x along one axis."""
    return (slice(None),) * (axis % x.ndim) + (part,)


def _concatenate(y: Any, arrays: Any, axis: int = 0) -> tuple[Adjoint, ...]:
    stops = list(itertools.accumulate(x.shape[axis] for x in arrays))
    parts = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
    return tuple(lambda g, part=part: g[_along(axis, y, part)] for part in parts)


def _stack(y: Any, arrays: Any, axis: int = 0) -> tuple[Adjoint, ...]:
    return tuple(lambda g, i=i: np.moveaxis(g, axis, 0)[i] for i in range(len(arrays)))


def _pad(y: Any, x: Any, width: Any, mode: str = "constant", **options: Any) -> tuple[Adjoint]:
    if mode != "constant":
        return _moved(lambda positions: np.pad(positions, width, mode, **options), x)  # pyright: ignore[reportArgumentType, reportCallIssue]
    before = np.broadcast_to(width, (x.ndim, 2))[:, 0]
    inside = tuple(slice(start, start + n) for start, n in zip(before.tolist(), x.shape, strict=True))
    return (lambda g: g[inside],)


def _transpose(y: Any, x: Any, axes: Any = None) -> tuple[Adjoint]:
    return (lambda g: np.transpose(g, None if axes is None else np.argsort([axis % x.ndim for axis in axes])),)


def _reshape(y: Any, x: Any, *_: Any, **__: Any) -> tuple[Adjoint]:
    return (lambda g: g.reshape(x.shape),)


def _same(y: Any, x: Any, *_: Any, **__: Any) -> tuple[Adjoint]:
    return (lambda g: g,)  # `unbroadcast` undoes the rest: shape and dtype


def _moved(move: Callable[[Any], Any], x: Any) -> tuple[Adjoint]:
    """Adjoint of a function that moves, repeats, drops elements or fills in zeros, and does nothing else.

    Run on the numbers 1, 2, ... instead of the elements, the function tells where each element of its result is from.
    """
    origin = np.ravel(move(np.arange(1, x.size + 1).reshape(x.shape)))

    def adjoint(g: Any) -> Any:
        order = np.argsort(origin, kind="stable")
        order = order[origin[order] > 0]  # 0: filled in
        if order.size == 0:
            return np.zeros_like(x)
        elements, first, times = np.unique(origin[order], return_index=True, return_counts=True)
        g = g.reshape(-1)
        groups = [np.flatnonzero(times == n) for n in np.unique(times)]  # elements that were used equally often
        sums = [g[order[first[group][:, None] + np.arange(int(times[group[0]]))]].sum(-1) for group in groups]
        received = np.concatenate(sums)[np.argsort(np.concatenate(groups))]
        everything = np.arange(1, x.size + 1)
        place = np.minimum(np.searchsorted(elements, everything), elements.size - 1)
        return np.where(elements[place] == everything, received[place], 0).reshape(x.shape)

    return (adjoint,)


def _moving(function: Callable[..., Any]) -> Callable[..., tuple[Adjoint]]:
    return lambda y, x, *args, **kwargs: _moved(lambda positions: function(positions, *args, **kwargs), x)


ADJOINTS: dict[Callable[..., Any], Callable[..., tuple[Adjoint | None, ...]]] = {
    np.sum: _sum,
    np.mean: _mean,
    np.max: _extreme,
    np.min: _extreme,
    np.linalg.norm: _norm,
    np.cumsum: _cumsum,
    np.clip: _clip,
    np.where: _where,
    np.matmul: _matmul,
    np.einsum: _einsum,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.pad: _pad,
    np.transpose: _transpose,
    np.swapaxes: lambda y, x, i, j: (lambda g: np.swapaxes(g, i, j),),
    np.moveaxis: lambda y, x, source, destination: (lambda g: np.moveaxis(g, destination, source),),
    **dict.fromkeys((np.reshape, np.expand_dims, np.squeeze, np.ravel), _reshape),
    **dict.fromkeys((np.broadcast_to, np.copy, astype), _same),
    **{
        function: _moving(function)
        for function in (
            operator.getitem, np.diag, np.diagonal, np.flip, np.repeat, np.roll, np.take, np.take_along_axis, np.tile,
            np.tril, np.triu, np.lib.stride_tricks.sliding_window_view,
        )
    },
}  # fmt: skip


# Functions that are made of the others, and functions that are constant between jumps


def _var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    squares = np.square(x - np.mean(x, axis, keepdims=True))
    total = np.sum(squares, axis, keepdims=keepdims)
    return total / (x.size // max(total.size, 1) - ddof)


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else _tensordot(a, b, ((-1,), (-2,)))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """A matrix product, after the axes that are summed over went to the end of `a` and to the beginning of `b`."""
    n = axes if isinstance(axes, int) else np.size(axes[0])
    if not isinstance(axes, int):
        a = np.moveaxis(a, axes[0], tuple(range(-n, 0)) if np.ndim(axes[0]) else -1)
        b = np.moveaxis(b, axes[1], tuple(range(n)) if np.ndim(axes[1]) else 0)
    outer, inner = a.shape[: a.ndim - n], b.shape[:n]
    return (a.reshape(math.prod(outer), -1) @ b.reshape(math.prod(inner), -1)).reshape(outer + b.shape[n:])


def _split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    parts = np.split(np.arange(x.shape[axis]), sections)
    return [x[_along(axis, x, slice(part[0], part[-1] + 1))] for part in parts]


COMPOSED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.var: _var,
    np.std: lambda x, axis=None, **options: np.sqrt(_var(x, axis, **options)),
    np.dot: _dot,
    np.outer: lambda a, b: np.ravel(a)[:, None] * np.ravel(b)[None, :],
    np.tensordot: _tensordot,
    np.split: _split,
    np.broadcast_arrays: lambda *xs: tuple(np.broadcast_to(x, np.broadcast_shapes(*map(np.shape, xs))) for x in xs),
}

CONSTANT: set[Callable[..., Any]] = {
    np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite,
    np.signbit, np.logical_and, np.logical_or, np.logical_not, np.sign, np.floor, np.ceil, np.rint, np.trunc,
    np.argmax, np.argmin, np.argsort, np.count_nonzero, np.any, np.all, np.shape, np.ndim, np.size, np.result_type,
    np.zeros_like, np.ones_like, np.full_like, np.empty_like,
}  # fmt: skip
"""Their derivative is 0 wherever there is one: the result is a plain array, which gets no gradient."""
