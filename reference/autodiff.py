"""Backpropagation: an array that remembers how it was computed, and the walk back along that memory.

`Variable` holds a value and records every NumPy call made on it (through NEP 13 and NEP 18), so any function written in
NumPy is recorded as it stands. The record is a graph: each node knows its operation and, per operand, how a gradient
passes through it. `backpropagate` walks that graph from the result to the inputs. At each node it knows the *upstream*
gradient (of the final result by this node), multiplies it by the *local* gradient (of this node by an operand), and
hands the product, the *downstream* gradient, to that operand, where all that arrives is added up.

The local gradients of NumPy's functions are in `gongsik.reference.gradients`. They use NumPy functions only. So a value
may itself be of any type that NumPy dispatches on: one that carries a rounding error, or again a `Variable`, which
gives second derivatives.
"""

import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gongsik.reference.gradients import ADJOINTS, COMPOSED, CONSTANT, LOCAL_GRADIENTS, Adjoint, astype, unbroadcast
from gongsik.spec.errors import DtypeError, ShapeError
from gongsik.spec.tree import leaves, map_leaves, rebuild

__all__ = [
    "Variable", "Visit", "backpropagate", "constant", "grad", "local_gradient", "trace", "value_and_grad", "vjp",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
_numbers = itertools.count()


@dataclass(frozen=True)
class Edge:
    """The way back from a node to one of its operands: either a local gradient or an adjoint."""

    operand: "Variable"
    local: Callable[[], Any] | None = None
    adjoint: Adjoint | None = None

    def pass_back(self, upstream: Any) -> tuple[Any, Any]:
        """Local gradient (None behind an adjoint) and downstream gradient, in shape and dtype of the operand."""
        if self.adjoint is not None:
            return None, unbroadcast(self.adjoint(upstream), self.operand.value)
        assert self.local is not None
        local = self.local()
        return local, unbroadcast(upstream * local, self.operand.value)


class Variable(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that records what is computed from it.

    Parameters
    ----------
    value : array
        Of any type that has NumPy's protocols.
    tape : int
        Which recording it belongs to. In a nested derivative the later recording is the inner one; to it, variables of
        an earlier one are constants.
    operation : str
        Name of the function that made it; "input" if none did.
    name : str
        Name of an input.
    edges : tuple of Edge
        The way back, one per operand that is a `Variable` itself.
    constants : tuple
        The other positional arguments of the operation.

    Examples
    --------
    >>> x = Variable(np.array([1.0, 2.0]), tape=0)
    >>> (x * 3).sum()
    Variable(9.0, operation='sum')
    """

    __slots__ = ("constants", "edges", "name", "number", "operation", "tape", "value")

    def __init__(
        self, value: Any, *, tape: int, operation: str = "input", name: str = "", edges: tuple[Edge, ...] = (),
        constants: tuple[Any, ...] = (),
    ) -> None:  # fmt: skip
        self.value, self.tape, self.operation, self.name = value, tape, operation, name
        self.edges, self.constants = edges, constants
        self.number = next(_numbers)  # grows along every path of the graph: operands are older than what they make

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))  # noqa: N815 - NumPy's name

    def __repr__(self) -> str:
        return f"Variable({self.value}, operation={self.operation!r})"

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("a Variable cannot become a plain array: the record of its gradient would end there")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs:
            raise TypeError(f"np.{ufunc.__name__} would overwrite a recorded array; write x = x + y, not x += y")
        if method != "__call__" or kwargs:
            how = f".{method}" if method != "__call__" else f" with {', '.join(sorted(kwargs))}"
            raise TypeError(f"no gradient rule for np.{ufunc.__name__}{how}")
        return _apply(ufunc, inputs, {})

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return _apply(function, args, kwargs)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator["Variable"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return _apply(operator.getitem, (self, index), {})

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        """The same in another dtype; integers and booleans are constants, without a gradient."""
        if np.dtype(dtype).kind != "f":
            return self.value.astype(dtype)
        return _apply(astype, (self, dtype), {})

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, first: int, second: int) -> Any:
        return np.swapaxes(self, first, second)

    def squeeze(self, axis: Any = None) -> Any:
        return np.squeeze(self, axis)

    def ravel(self) -> Any:
        return np.ravel(self)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return np.sum(self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return np.mean(self, axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
        return np.var(self, axis, ddof=ddof, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return np.max(self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return np.min(self, axis, keepdims=keepdims)

    def cumsum(self, axis: Any = None) -> Any:
        return np.cumsum(self, axis)

    def argmax(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        return np.argmax(self, axis, keepdims=keepdims)

    def clip(self, low: Any = None, high: Any = None) -> Any:
        return np.clip(self, low, high)

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)


# Forwards: the record


def _name(function: Callable[..., Any]) -> str:
    return function.__name__.strip("_")


def _flat(args: tuple[Any, ...]) -> Iterator[Any]:
    """Arguments one by one; those of a list or tuple of arrays, too."""
    for arg in args:
        if isinstance(arg, list | tuple):
            yield from arg
        else:
            yield arg


def _value(arg: Any, tape: int) -> Any:
    """An argument without its record on this tape."""
    if isinstance(arg, list | tuple):
        return type(arg)(_value(part, tape) for part in arg)
    return arg.value if isinstance(arg, Variable) and arg.tape == tape else arg


def _apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a NumPy function some of whose arguments are variables, and record it."""
    if function in COMPOSED:
        return COMPOSED[function](*args, **kwargs)
    flat = tuple(_flat(args))
    tapes = [arg.tape for arg in flat if isinstance(arg, Variable)]
    if not tapes or any(isinstance(value, Variable) for value in kwargs.values()):
        raise TypeError(f"np.{_name(function)}: pass arrays by position, so that the gradient finds them")
    tape = max(tapes)
    inputs = tuple(_value(arg, tape) for arg in args)
    if function in CONSTANT:
        return function(*inputs, **kwargs)
    if function not in LOCAL_GRADIENTS and function not in ADJOINTS:
        raise TypeError(f"no gradient rule for np.{_name(function)}; add one to gongsik.reference.gradients")
    value = function(*inputs, **kwargs)
    recorded = [isinstance(arg, Variable) and arg.tape == tape for arg in flat]
    edges = _edges(function, value, inputs, kwargs, list(itertools.compress(enumerate(flat), recorded)))
    constants = tuple(arg for arg, known in zip(flat, recorded, strict=True) if not known)
    return Variable(value, tape=tape, operation=_name(function), edges=edges, constants=constants)


def _edges(
    function: Callable[..., Any], value: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any],
    operands: list[tuple[int, Variable]],
) -> tuple[Edge, ...]:  # fmt: skip
    """The ways back from a result to its operands, each given with its position among the arguments."""
    if function in LOCAL_GRADIENTS:
        rules = LOCAL_GRADIENTS[function]
        return tuple(Edge(operand, local=lambda rule=rules[i]: rule(value, *inputs)) for i, operand in operands)
    try:
        adjoints = ADJOINTS[function](value, *inputs, **kwargs)
    except TypeError as error:
        raise TypeError(f"no gradient rule for this way to call np.{_name(function)}: {error}") from error
    for i, _ in operands:
        if i >= len(adjoints):
            raise TypeError(f"np.{_name(function)} has no gradient by its argument number {i + 1}")
    return tuple(Edge(operand, adjoint=adjoint) for i, operand in operands if (adjoint := adjoints[i]) is not None)


# Backwards: the walk


class Visit(NamedTuple):
    """What backpropagation knows when it passes a node.

    Attributes
    ----------
    node : Variable
        With its operation, its value and, in `edges`, its operands.
    upstream : array
        Gradient of the result by this node: the sum of what came back from all nodes that use it.
    local : tuple of array or None
        Per edge: derivative of this node by the operand, element by element. None where it is a matrix.
    downstream : tuple of array
        Per edge: what goes on to the operand.
    """

    node: Variable
    upstream: Any
    local: tuple[Any, ...]
    downstream: tuple[Any, ...]


def backpropagate(result: Variable, upstream: Any = None, /) -> Iterator[Visit]:
    """Visit every node that the result was computed from, each once, after all nodes that use it.

    Parameters
    ----------
    result : Variable
        Where to start.
    upstream : array, optional
        Gradient of something further on by `result`, of its shape; without it, 1.
    """
    arrived = {result.number: np.ones_like(result.value) if upstream is None else upstream}
    for node in reversed(_topological_order(result)):
        gradient = arrived.pop(node.number)
        with np.errstate(all="ignore"):  # infinity and NaN go back as they went forth
            passed = [edge.pass_back(gradient) for edge in node.edges]
        for edge, (_, downstream) in zip(node.edges, passed, strict=True):
            number = edge.operand.number
            arrived[number] = arrived[number] + downstream if number in arrived else downstream
        yield Visit(node, gradient, tuple(local for local, _ in passed), tuple(down for _, down in passed))


def _topological_order(result: Variable) -> list[Variable]:
    """All nodes behind a result, operands before what is made of them."""
    found = {result.number: result}
    waiting = [result]
    while waiting:
        for edge in waiting.pop().edges:
            if edge.operand.number not in found:
                found[edge.operand.number] = edge.operand
                waiting.append(edge.operand)
    return [found[number] for number in sorted(found)]


# For users


def local_gradient(*rules: Callable[..., Any]) -> Callable[[F], F]:
    """Record a function that works element by element as one node, with the derivative that its formula states.

    Parameters
    ----------
    rules : callable
        One per argument, ``rule(y, *arguments)``: the derivative of the result y by that argument.
    """

    def mark(function: F) -> F:
        LOCAL_GRADIENTS[function] = rules

        @functools.wraps(function)
        def recorded(*args: Any) -> Any:
            return _apply(function, args, {}) if any(isinstance(arg, Variable) for arg in args) else function(*args)

        return recorded  # pyright: ignore[reportReturnType]

    return mark


def constant(x: Any, /) -> Any:
    """The same numbers without their record: no gradient goes back through them.

    >>> value_and_grad(lambda x: x * constant(x))(np.array(3.0))
    (np.float64(9.0), np.float64(3.0))
    """
    return constant(x.value) if isinstance(x, Variable) else x


def value_and_grad(function: Callable[..., Any], /) -> Callable[..., tuple[Any, Any]]:
    """Value of a scalar function and its gradient with respect to the first argument, by backpropagation.

    Parameters
    ----------
    function : callable
        ``function(params, *rest)`` returns an array without axes; `params` is an array, or a list, tuple or dict of
        arrays.

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

    Examples
    --------
    >>> value_and_grad(lambda w: (w**2).sum())(np.array([1.0, 3.0]))
    (np.float64(10.0), array([2., 6.]))
    """

    def evaluate(params: Any, /, *rest: Any) -> tuple[Any, Any]:
        result, inputs = _run(function, params, rest)
        return result.value, _gradients(result, inputs)

    return evaluate


def _gradients(result: Variable, inputs: Any, upstream: Any = None) -> Any:
    """What comes back to the inputs from a result; 0 to those that it does not depend on."""
    arrived = {visit.node.number: visit.upstream for visit in backpropagate(result, upstream) if not visit.node.edges}
    return map_leaves(lambda x: arrived.get(x.number, np.zeros_like(x.value)), inputs)


def vjp(function: Callable[..., Any], params: Any, /, *rest: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Value of a function, an array of any shape, and the way back: from a gradient by it to one by the parameters.

    Examples
    --------
    >>> y, back = vjp(lambda w, x: w * x, np.array(2.0), np.array([1.0, 3.0]))
    >>> y, back(np.array([10.0, 1.0]))
    (array([2., 6.]), array(13.))
    """
    result, inputs = _record(function, params, rest)
    return result.value, lambda upstream: _gradients(result, inputs, upstream)


def grad(function: Callable[..., Any], /) -> Callable[..., Any]:
    """Gradient of a scalar function with respect to the first argument; `value_and_grad` without the value.

    Examples
    --------
    >>> grad(grad(lambda x: x**3))(np.array(2.0))
    np.float64(12.0)
    """
    return lambda params, /, *rest: value_and_grad(function)(params, *rest)[1]


def trace(function: Callable[..., Any], /) -> Callable[..., list[Visit]]:
    """The recorded graph of a scalar function, with all gradients: what a picture of it shows.

    Parameters
    ----------
    function : callable
        As for `value_and_grad`.

    Returns
    -------
    callable
        ``(params, *rest) -> visits``: every node once, operands before what is made of them. Inputs carry the key or
        the position of their parameter as `name`.

    Examples
    --------
    >>> for visit in trace(lambda p: p["w"] * p["x"] + p["b"])({"w": 2.0, "x": 3.0, "b": 1.0}):
    ...     print(visit.node.operation, visit.node.name, visit.node.value, visit.upstream)
    input w 2.0 3.0
    input x 3.0 2.0
    input b 1.0 1.0
    multiply  6.0 1.0
    add  7.0 1.0
    """

    def evaluate(params: Any, /, *rest: Any) -> list[Visit]:
        return list(backpropagate(_run(function, params, rest)[0]))[::-1]

    return evaluate


def _run(function: Callable[..., Any], params: Any, rest: tuple[Any, ...]) -> tuple[Variable, Any]:
    """Result of a scalar function on recorded parameters, and these."""
    result, inputs = _record(function, params, rest)
    if result.shape != ():
        raise ShapeError(f"the function returned an array of shape {result.shape}, expected ()")
    return result, inputs


def _record(function: Callable[..., Any], params: Any, rest: tuple[Any, ...]) -> tuple[Variable, Any]:
    """Result of a function on recorded parameters, and these. A recording that starts later is an inner one."""
    tape = next(_numbers)

    def record(value: Any, name: str) -> Variable:
        value = np.float64(value) if isinstance(value, int | float) else value
        if value.dtype.kind != "f":
            raise DtypeError(f"parameter {name or 'params'} has dtype {value.dtype}, expected a float dtype")
        return Variable(value, tape=tape, name=name)

    inputs = rebuild(params, map(record, leaves(params), _paths(params)))
    result = function(inputs, *rest)
    if isinstance(result, Variable) and result.tape == tape:
        return result, inputs
    return Variable(result if hasattr(result, "dtype") else np.asarray(result), tape=tape, operation="constant"), inputs


def _paths(tree: Any, path: str = "") -> Iterator[str]:
    """Keys and positions that lead to each array of a tree, joined by dots."""
    if not isinstance(tree, dict | list | tuple):
        yield path
        return
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from _paths(part, f"{path}.{key}" if path else str(key))
