"""Numbers with a running bound on their rounding error.

`Bounded` carries, beside each float64 value, how far a computation in another precision may be from it. It implements
NumPy's dispatch protocols (NEP 13 and NEP 18), so the unchanged reference runs on it: that is where every tolerance of
the suite comes from. The rules are those of running error analysis (Wilkinson 1963; Higham 2002, section 3.3): each
operation propagates the errors of its operands and adds one rounding of its own result.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gongsik.reference.special import ERFC, erfc

K = 4
"""The one tolerance of the library: how many times its bound an error may be. The tolerance study tells why 4."""

Form = Literal["root", "linear"]


@dataclass(frozen=True)
class Precision:
    """A floating-point format, as the rules need it.

    Attributes
    ----------
    name : str
        Name of the dtype, as both NumPy and PyTorch have it.
    unit : float
        Unit roundoff: half the distance from 1 to the next number.
    smallest, largest : float
        The smallest normal and the largest finite number.
    form : str
        How the error of a sum grows with its length n: "linear" is the certain bound n u, "root" the probabilistic
        bound with sqrt(n) u of Higham & Mary 2019.
    """

    name: str
    unit: float
    smallest: float
    largest: float
    form: Form = "root"

    def gamma(self, n: int) -> float:
        """Relative error of n roundings in a row."""
        return (math.sqrt(n) if self.form == "root" else n) * self.unit

    def round(self, x: Any) -> np.ndarray:
        """The nearest number of this format, as float64."""
        x = np.asarray(x, np.float64)
        with np.errstate(over="ignore"):
            if self.name == "bfloat16":
                bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
                even = (bits >> np.uint64(16)) & np.uint64(1)
                bits = ((bits + np.uint64(0x7FFF) + even) & np.uint64(0xFFFF0000)).astype(np.uint32)
                return np.where(np.isnan(x), np.nan, bits.view(np.float32).astype(np.float64))
            return x.astype(self.name).astype(np.float64)


PRECISIONS = {
    "float64": Precision("float64", 2.0**-53, 2.0**-1022, float(np.finfo(np.float64).max)),
    "float32": Precision("float32", 2.0**-24, 2.0**-126, float(np.finfo(np.float32).max)),
    "bfloat16": Precision("bfloat16", 2.0**-8, 2.0**-126, (2 - 2.0**-7) * 2.0**127),
    "float16": Precision("float16", 2.0**-11, 2.0**-14, 65504.0),
}


_DECIDED_BY = {np.logical_and: False, np.bitwise_and: False, np.logical_or: True, np.bitwise_or: True}


class Doubtful:
    """Booleans, some of which rounding could turn over."""

    __array_priority__ = 30

    def __init__(self, value: Any, doubt: Any, precision: Precision):
        self.value, self.doubt, self.precision = value, doubt, precision

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(bool)

    def bounded(self) -> "Bounded":
        """The same as 0 and 1, where a doubtful one may be off by 1."""
        return Bounded(np.asarray(self.value, np.float64), np.asarray(self.doubt, np.float64), self.precision)

    def astype(self, dtype: Any) -> "Bounded":
        return self.bounded()

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        """How many are true: an integer that may be off by as many as are in doubt."""
        total, doubt = (np.sum(x, axis, keepdims=keepdims) for x in (self.value, self.doubt))
        return Bounded(total, doubt, self.precision, np.int64)

    def __getitem__(self, index: Any) -> "Doubtful":
        return Doubtful(self.value[index], self.doubt[index], self.precision)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(_known(x) for x in inputs):
            return NotImplemented
        if ufunc in (np.logical_and, np.logical_or, np.logical_not, np.bitwise_and, np.bitwise_or, np.invert):
            parts = [_doubtful(x, self.precision) for x in inputs]
            value = ufunc(*(part.value for part in parts))
            doubt = np.logical_or.reduce(np.broadcast_arrays(*(part.doubt for part in parts)))
            if ufunc in _DECIDED_BY:  # one operand that is certain can decide
                decided = [~part.doubt & (np.asarray(part.value) == _DECIDED_BY[ufunc]) for part in parts]
                doubt = doubt & ~np.logical_or.reduce(np.broadcast_arrays(*decided))
            return Doubtful(value, np.broadcast_to(doubt, np.shape(value)), self.precision)
        return getattr(ufunc, method)(*(x.bounded() if isinstance(x, Doubtful) else x for x in inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _dispatch(function, types, args, kwargs)

    def __and__(self, other: Any) -> "Doubtful":
        return np.logical_and(self, other)

    def __or__(self, other: Any) -> "Doubtful":
        return np.logical_or(self, other)

    def __invert__(self) -> "Doubtful":
        return np.logical_not(self)

    def __mul__(self, other: Any) -> "Bounded":
        return self.bounded() * other

    __rmul__ = __mul__


class Bounded(np.lib.mixins.NDArrayOperatorsMixin):
    """Values in float64, each with a bound on the error that computing it in `precision` may have.

    Parameters
    ----------
    value : array
        The values.
    error : array or None
        The bounds, of the same shape; None: the values are exact. Infinite where nothing is known.
    precision : Precision
        The format whose roundings are counted.
    dtype : dtype
        Integers are exact numbers, too; what is computed from them is real.
    terms : int
        How many products or numbers were summed up to this: what is added to a sum may just as well be its first term,
        as a bias is in a fused matrix product.

    Examples
    --------
    >>> x = Bounded(np.array([1.0, 3.0]), None, PRECISIONS["float32"])
    >>> bool((x / 3).error[0] < 1e-7)
    True
    """

    __array_priority__ = 20

    def __init__(self, value: Any, error: Any, precision: Precision, dtype: Any = np.float64, terms: int = 1):
        self.value = np.asarray(value, np.float64)
        self.dtype = np.dtype(dtype)
        self.terms = terms
        self.error = np.zeros(self.value.shape) if error is None else np.asarray(error, np.float64)
        self.precision = precision

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def T(self) -> "Bounded":  # noqa: N802
        return np.transpose(self)

    def __repr__(self) -> str:
        return f"Bounded({self.value!r}, ±{self.error!r}, {self.precision.name})"

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.value[index], self.error[index], self.precision, self.dtype, self.terms)

    def astype(self, dtype: Any, **_: Any) -> "Bounded":
        if np.dtype(dtype).kind != "f":
            if np.dtype(dtype).kind != "i" or self.error.any():
                raise TypeError(f"a number with an error cannot become {np.dtype(dtype)}")
            return Bounded(np.trunc(self.value), None, self.precision, np.int64)
        return Bounded(self.value, self.error, self.precision)

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        return np.sum(self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        return np.mean(self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        return np.max(self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> "Bounded":
        return np.min(self, axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> "Bounded":
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def swapaxes(self, first: int, second: int) -> "Bounded":
        return np.swapaxes(self, first, second)

    def transpose(self, *axes: Any) -> "Bounded":
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(_known(x) for x in inputs):
            return NotImplemented
        if method == "reduce" and ufunc in _REDUCTIONS:
            return _dispatch(_REDUCTIONS[ufunc], (Bounded,), inputs, kwargs)
        if method != "__call__" or kwargs:
            raise TypeError(f"no error rule for np.{ufunc.__name__}.{method} with {sorted(kwargs)}")
        with np.errstate(all="ignore"):
            if ufunc in _COMPARISONS:
                return _compare(ufunc, *(_bounded(x, self.precision) for x in inputs))
            if ufunc in _TESTS:
                return ufunc(self.value)
            if ufunc not in _UFUNCS:
                raise TypeError(f"no error rule for np.{ufunc.__name__}; add one to gongsik.conformance.bounded")
            operands = [_bounded(x, self.precision) for x in inputs]
            result = _UFUNCS[ufunc](*operands)
            if np.isinf(result.value).any():
                result = Bounded(result.value, result.error + _overflow(ufunc, operands, result.value), self.precision)
        if ufunc in _INTEGRAL and all(_is_integer(x) for x in inputs):
            return Bounded(result.value, None, self.precision, np.int64)
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _dispatch(function, types, args, kwargs)


def _known(x: Any) -> bool:
    return isinstance(x, Bounded | Doubtful | np.ndarray | np.generic | int | float | list | tuple)


def _is_integer(x: Any) -> bool:
    return isinstance(x, int) or (hasattr(x, "dtype") and x.dtype.kind == "i")


def _bounded(x: Any, precision: Precision) -> Bounded:
    """Any number as a `Bounded`: a constant of the formula is rounded to the precision once."""
    if isinstance(x, Bounded):
        return x
    if isinstance(x, Doubtful):
        return x.bounded()
    value = np.asarray(x, np.float64)
    error = np.abs(precision.round(value) - value)
    return Bounded(value, np.where(np.isfinite(error), error, 0), precision)


def _doubtful(x: Any, precision: Precision) -> Doubtful:
    return x if isinstance(x, Doubtful) else Doubtful(x, np.zeros(np.shape(x), bool), precision)


def _size(x: np.ndarray) -> np.ndarray:
    """Absolute values; 0 in place of infinity and NaN, which propagate by value and need no bound."""
    return np.where(np.isfinite(x), np.abs(x), 0)


def _result(value: Any, propagated: Any, precision: Precision, roundings: float = 1) -> Bounded:
    """A value with the error that came in and that of its own rounding.

    A finite value above the format's largest one overflows there, and one within a factor of K of it may where the
    steps are taken in another order: nothing is known about it any more.
    """
    value = np.asarray(value, np.float64)
    own = roundings * precision.unit * _size(value) + (precision.smallest if roundings else 0)
    error = np.asarray(propagated, np.float64) + own
    finite = np.isfinite(value)
    error = np.where(np.isnan(error) | (finite & (np.abs(value) > precision.largest / K)), np.inf, error)
    return Bounded(value, np.where(finite | np.isposinf(propagated), error, 0), precision)


_POLES: dict[np.ufunc, Callable[..., Any]] = {
    np.divide: lambda a, b: b == 0,
    np.reciprocal: lambda x: x == 0,
    np.power: lambda a, b: a == 0,
    np.log: lambda x: x == 0,
    np.log1p: lambda x: x == -1,
}


def _overflow(ufunc: np.ufunc, operands: list[Bounded], value: np.ndarray) -> np.ndarray:
    """Infinite where finite operands gave an infinity that is no pole: float64 overflowed, and nothing is known."""
    values = [operand.value for operand in operands]
    finite = [np.isfinite(x) if ufunc is not np.matmul else np.isfinite(x).all() for x in values]
    finite = np.logical_and.reduce(np.broadcast_arrays(*finite))
    pole = _POLES[ufunc](*values) if ufunc in _POLES else False
    return np.where(np.isinf(value) & finite & ~np.asarray(pole), np.inf, 0.0)


def _compare(ufunc: np.ufunc, a: Bounded, b: Bounded) -> Doubtful:
    value = ufunc(a.value, b.value)
    error = a.error + b.error
    doubt = (error > 0) & ~(np.abs(a.value - b.value) > error) & ~(np.isnan(a.value) | np.isnan(b.value))
    return Doubtful(value, np.broadcast_to(doubt, np.shape(value)), a.precision)


def _add(a: Bounded, b: Bounded) -> Bounded:
    value = a.value + b.value
    exact = ((a.value == 0) & (a.error == 0)) | ((b.value == 0) & (b.error == 0))
    propagated, terms = a.error + b.error, 1
    for total, other in ((a, b), (b, a)):
        if total.terms > 1:  # each of its additions may be one at the size of the other
            propagated = propagated + a.precision.gamma(total.terms) * _size(other.value)
            terms = a.terms + b.terms
    result = _result(value, propagated, a.precision)
    return Bounded(value, np.where(exact, a.error + b.error, result.error), a.precision, terms=terms)


def _multiply(a: Bounded, b: Bounded) -> Bounded:
    propagated = _size(a.value) * b.error + _size(b.value) * a.error + a.error * b.error
    # infinity times what may be 0, or of either sign: nothing is known
    perhaps_zero = [(np.abs(x.value) <= x.error) & (x.error > 0) for x in (a, b)]
    unknown = (np.isinf(a.value) & perhaps_zero[1]) | (np.isinf(b.value) & perhaps_zero[0])
    propagated = np.where(np.isnan(propagated) | unknown, np.inf, propagated)
    zero = ((a.value == 0) & (a.error == 0) & np.isfinite(b.value)) | (
        (b.value == 0) & (b.error == 0) & np.isfinite(a.value)
    )
    result = _result(a.value * b.value, propagated, a.precision)
    known = zero & np.isfinite(a.error) & np.isfinite(b.error)
    return Bounded(result.value, np.where(known, 0, result.error), a.precision)


def _divide(a: Bounded, b: Bounded) -> Bounded:
    value = a.value / b.value
    room = np.abs(b.value) - b.error
    propagated = (a.error + _size(value) * b.error) / room
    propagated = np.where((room <= 0) & (b.error > 0), np.inf, np.where(a.error + b.error == 0, 0, propagated))
    result = _result(value, propagated, a.precision)
    zero = (a.value == 0) & (a.error == 0) & (room > 0)  # nothing, divided by what is something, is nothing
    return Bounded(value, np.where(zero, 0, result.error), a.precision)


def _power(a: Bounded, b: Bounded) -> Bounded:
    """x**p: for a constant p the usual derivative, at the end of the interval where it is largest."""
    if b.size == 1 and not b.error.any():
        exponent = float(b.value.reshape(()))
        if exponent == 2:
            return _multiply(a, a)
        if exponent == 0.5:
            return _UFUNCS[np.sqrt](a)
    value = np.power(a.value, b.value)
    low, high = np.abs(a.value) - a.error, np.abs(a.value) + a.error
    slope = np.abs(b.value) * np.maximum(np.power(np.maximum(low, 0), b.value - 1), np.power(high, b.value - 1))
    from_base = np.where(a.error == 0, 0, slope * a.error)
    log = np.maximum(np.abs(np.log(np.maximum(low, 0))), np.abs(np.log(high)))
    from_exponent = np.where(b.error == 0, 0, (_size(value) + from_base) * np.expm1(log * b.error))
    return _result(value, from_base + from_exponent, a.precision, 4)


def _largest(function: np.ufunc) -> Callable[[Bounded, Bounded], Bounded]:
    """Max and min: no rounding; the error of the larger one, or of both where they are close."""

    def rule(a: Bounded, b: Bounded) -> Bounded:
        value = function(a.value, b.value)
        apart = np.abs(a.value - b.value) > a.error + b.error
        chosen = np.where(value == a.value, a.error, b.error)
        return Bounded(value, np.where(apart, chosen, np.maximum(a.error, b.error)), a.precision)

    return rule


def _smooth(function: Callable[..., Any], steepest: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    """A smooth function: sup |f'| over the interval, times its width; four roundings for the library's own error."""

    def rule(x: Bounded) -> Bounded:
        propagated = np.where(x.error == 0, 0, steepest(x.value, x.error))
        return _result(function(x.value), propagated, x.precision, 4)

    return rule


def _step(function: np.ufunc) -> Callable[[Bounded], Bounded]:
    """floor, ceil, sign: exact, unless the interval reaches a jump."""

    def rule(x: Bounded) -> Bounded:
        low, high = function(x.value - x.error), function(x.value + x.error)
        return Bounded(function(x.value), np.where(x.error == 0, 0, np.abs(high - low)), x.precision)

    return rule


def _nearest_to_zero(x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(x) - e, 0)


_UFUNCS: dict[np.ufunc, Callable[..., Bounded]] = {
    np.add: _add,
    np.subtract: lambda a, b: _add(a, -b),
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.maximum: _largest(np.maximum),
    np.minimum: _largest(np.minimum),
    np.negative: lambda x: Bounded(-x.value, x.error, x.precision, terms=x.terms),
    np.positive: lambda x: x,
    np.absolute: lambda x: Bounded(np.abs(x.value), x.error, x.precision),
    np.sign: _step(np.sign),
    np.floor: _step(np.floor),
    np.ceil: _step(np.ceil),
    np.square: lambda x: _multiply(x, x),
    np.reciprocal: lambda x: _divide(_bounded(1.0, x.precision), x),
    np.sqrt: _smooth(np.sqrt, lambda x, e: e / np.maximum(np.sqrt(x), np.sqrt(np.maximum(e, 0))) * (1 + (e >= x))),
    np.exp: _smooth(np.exp, lambda x, e: np.exp(x) * np.expm1(e)),
    np.expm1: _smooth(np.expm1, lambda x, e: np.exp(x) * np.expm1(e)),
    np.log: _smooth(np.log, lambda x, e: np.where(e < x, -np.log1p(-e / x), np.inf)),
    np.log1p: _smooth(np.log1p, lambda x, e: np.where(e < 1 + x, -np.log1p(-e / (1 + x)), np.inf)),
    np.tanh: _smooth(np.tanh, lambda x, e: e / np.cosh(_nearest_to_zero(x, e)) ** 2),
    np.sinh: _smooth(np.sinh, lambda x, e: e * np.cosh(np.abs(x) + e)),
    np.cosh: _smooth(np.cosh, lambda x, e: e * np.sinh(np.abs(x) + e)),
    np.sin: _smooth(np.sin, lambda x, e: e),
    np.cos: _smooth(np.cos, lambda x, e: e),
    np.arctan: _smooth(np.arctan, lambda x, e: e / (1 + _nearest_to_zero(x, e) ** 2)),
    ERFC: _smooth(erfc, lambda x, e: e * 2 / math.sqrt(math.pi) * np.exp(-(_nearest_to_zero(x, e) ** 2))),
    np.matmul: lambda a, b: _product(np.matmul, a, b, a.shape[-1]),
}
_COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)
_INTEGRAL = (np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.negative, np.absolute)
_TESTS = (np.isnan, np.isinf, np.isfinite)
_REDUCTIONS = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}


def _logaddexp(a: Bounded, b: Bounded) -> Bounded:
    """In the interval the slopes of y = log(e^a + e^b), e^(a - y) and e^(b - y), grow by e^(both errors) at most."""
    value = np.logaddexp(a.value, b.value)
    room = a.error + b.error
    slopes = [np.minimum(1, np.exp(x.value - value + room)) for x in (a, b)]
    parts = [np.where(x.error == 0, 0, slope * x.error) for x, slope in zip((a, b), slopes, strict=True)]
    return _result(value, parts[0] + parts[1], a.precision, 4)


_UFUNCS[np.logaddexp] = _logaddexp


def _product(function: Callable[..., Any], a: Bounded, b: Bounded, inner: int) -> Bounded:
    """A matrix product of inner length n: gamma_n |A||B| + |A| E_B + E_A |B| + E_A E_B."""
    size_a, size_b = _size(a.value), _size(b.value)
    error = a.precision.gamma(inner) * function(size_a, size_b) + inner * a.precision.smallest
    if a.error.any():
        error = error + function(a.error, size_b + b.error)
    if b.error.any():
        error = error + function(size_a, b.error)
    return _sum_of(inner, _result(function(a.value, b.value), error, a.precision, 0))


def _sum_of(terms: int, x: Bounded) -> Bounded:
    x.terms = max(terms, 1)
    return x


def _einsum(subscripts: str, *operands: Bounded, **_: Any) -> Bounded:
    precision = operands[0].precision
    names, _arrow, out = subscripts.replace(" ", "").partition("->")
    sizes = {
        n: s
        for term, x in zip(names.split(","), operands, strict=True)
        for n, s in zip(term.replace("...", ""), x.shape[-len(term.replace("...", "")) or len(x.shape) :], strict=False)
    }
    inner = math.prod(size for name, size in sizes.items() if name not in out)

    def contract(*arrays: np.ndarray) -> np.ndarray:
        return np.einsum(subscripts, *arrays)

    value = contract(*(x.value for x in operands))
    error = precision.gamma(inner + len(operands) - 1) * contract(*(_size(x.value) + x.error for x in operands))
    for i, x in enumerate(operands):
        if x.error.any():
            error = error + contract(
                *(y.error if i == j else _size(y.value) + y.error * (j < i) for j, y in enumerate(operands))
            )
    return _sum_of(inner, _result(value, error, precision, 1))


def _count(x: Bounded, axis: Any) -> int:
    axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return math.prod(x.shape[i] for i in axes)


def _sum(x: Bounded, axis: Any = None, keepdims: bool = False) -> Bounded:
    n = _count(x, axis)
    grow = x.precision.gamma(max(n - 1, 0))
    error = (x.error + grow * (_size(x.value) + np.where(np.isfinite(x.error), x.error, 0))).sum(
        axis, keepdims=keepdims
    )
    over = _size(x.value).sum(axis, keepdims=keepdims) > x.precision.largest  # partial sums may overflow
    total = x.value.sum(axis, keepdims=keepdims)
    return _sum_of(n, _result(total, np.where(over, np.inf, error), x.precision, 0))


def _mean(x: Bounded, axis: Any = None, keepdims: bool = False) -> Bounded:
    return _divide(_sum(x, axis, keepdims), Bounded(float(_count(x, axis)), None, x.precision))


def _var(x: Bounded, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Bounded:
    centred = _add(x, -_mean(x, axis, True))
    total = _sum(_multiply(centred, centred), axis, keepdims)
    return _divide(total, Bounded(float(_count(x, axis) - ddof), None, x.precision))


def _extreme(x: Bounded, axis: Any, keepdims: bool, sign: int) -> Bounded:
    """Max (sign 1) and min (sign -1) along an axis: the error of any element that could be the one."""
    ordered = sign * x.value
    value = ordered.max(axis, keepdims=True)
    could = ordered + x.error >= (ordered - x.error).max(axis, keepdims=True)
    error = np.where(could | np.isnan(x.error), x.error, 0).max(axis, keepdims=True)
    if not keepdims:
        value, error = value.squeeze(axis), error.squeeze(axis)
    return Bounded(sign * value, error, x.precision)


def _cumsum(x: Bounded, axis: int) -> Bounded:
    n = np.arange(x.shape[axis], dtype=np.float64).reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    grow = (np.sqrt(n) if x.precision.form == "root" else n) * x.precision.unit
    error = np.cumsum(x.error, axis) + grow * np.cumsum(_size(x.value) + x.error, axis)
    return _result(np.cumsum(x.value, axis), error, x.precision, 0)


def _where(condition: Any, a: Any, b: Any, precision: Precision) -> Bounded:
    dtype = np.int64 if all(hasattr(x, "dtype") and x.dtype.kind == "i" for x in (a, b)) else np.float64
    a, b = _bounded(a, precision), _bounded(b, precision)
    choice = _doubtful(condition, precision)
    error = np.where(choice.value, a.error, b.error)
    either = np.abs(a.value - b.value) + np.maximum(a.error, b.error)
    error = np.where(choice.doubt, np.where(np.isnan(either), np.inf, either), error)
    return Bounded(np.where(choice.value, a.value, b.value), error, precision, dtype)


_STRUCTURAL = {
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.flip, np.roll,
    np.repeat, np.tile, np.ravel, np.diagonal, np.atleast_1d, np.copy, np.tril, np.triu, np.diag,
    np.lib.stride_tricks.sliding_window_view,
}  # fmt: skip
"""Functions that move elements and change none."""


def _axis_first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, bool]:
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    return axis, bool(kwargs.get("keepdims", False))


def _dispatch(function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """NEP 18: the error rule of a NumPy function."""
    if not all(issubclass(t, Bounded | Doubtful | np.ndarray) for t in types):
        return NotImplemented
    with np.errstate(all="ignore"):
        return _apply(function, args, kwargs)


def _apply(function: Any, args: Any, kwargs: Any) -> Any:
    if function in (np.shape, np.ndim, np.size):
        return function(args[0].value, *args[1:])
    if function in (np.concatenate, np.stack):
        precision = next(x.precision for x in args[0] if isinstance(x, Bounded))
        parts = [_bounded(x, precision) for x in args[0]]
        join = lambda arrays: function(arrays, *args[1:], **kwargs)  # noqa: E731
        return Bounded(join([p.value for p in parts]), join([p.error for p in parts]), precision)
    precision = next(x.precision for x in (*args, *kwargs.values()) if isinstance(x, Bounded | Doubtful))
    if function is np.where:
        return _where(*args, precision)
    if function in (np.einsum, np.dot, np.tensordot, np.outer):
        return _contraction(function, args, kwargs, precision)
    if isinstance(args[0], Doubtful) and function in _STRUCTURAL:
        mask = args[0]
        return Doubtful(function(mask.value, *args[1:], **kwargs), function(mask.doubt, *args[1:], **kwargs), precision)
    if function is np.count_nonzero and isinstance(args[0], Doubtful):
        return np.count_nonzero(args[0].value, *args[1:], **kwargs)  # how many share a maximum: a choice among ties
    x = _bounded(args[0], precision)
    if function in _STRUCTURAL:
        moved = (function(array, *args[1:], **kwargs) for array in (x.value, x.error))
        return Bounded(*moved, precision, terms=x.terms)
    if function is np.full_like and function(x.value, *args[1:], **kwargs).ndim == 0:
        return _bounded(function(x.value, *args[1:], **kwargs), precision)  # a constant, in the format of x
    if function in (np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.argmin, np.argmax, np.argsort):
        return function(x.value, *args[1:], **kwargs)  # of a choice: the one that the values make
    if function is np.take_along_axis:
        return Bounded(function(x.value, *args[1:], **kwargs), function(x.error, *args[1:], **kwargs), precision)
    if function is np.pad:
        errors = {key: value for key, value in kwargs.items() if key != "constant_values"}  # which are exact
        return Bounded(np.pad(x.value, *args[1:], **kwargs), np.pad(x.error, *args[1:], **errors), precision)
    if function is np.clip:
        return np.minimum(np.maximum(x, args[1]), args[2])
    if function is np.cumsum:
        return _cumsum(x, _axis_first(args, kwargs)[0])
    axis, keepdims = _axis_first(args, kwargs)
    if function is np.sum:
        return _sum(x, axis, keepdims)
    if function is np.mean:
        return _mean(x, axis, keepdims)
    if function is np.var:
        return _var(x, axis, keepdims, kwargs.get("ddof", 0))
    if function in (np.max, np.min):
        return _extreme(x, axis, keepdims, 1 if function is np.max else -1)
    if function is np.linalg.norm and (args[1] if len(args) > 1 else kwargs.get("ord")) == 2 and x.ndim > 1:
        return _largest_singular_value(x)
    if function is np.linalg.norm:
        return np.sqrt(_sum(_multiply(x, x), kwargs.get("axis", args[2] if len(args) > 2 else None), keepdims))
    if function is np.linalg.solve:
        return _solve(x, _bounded(args[1], precision))
    raise TypeError(f"no error rule for np.{function.__name__}; add one to gongsik.conformance.bounded")


def _largest_singular_value(x: Bounded) -> Bounded:
    """It moves by no more than the norm of a change of the matrix, of which stable algorithms make gamma_mn |x|."""
    value = np.linalg.norm(x.value, 2, axis=(-2, -1))
    change = np.sqrt((x.error**2).sum((-2, -1)))
    return _result(value, change + x.precision.gamma(x.shape[-2] * x.shape[-1]) * value, x.precision)


def _solve(a: Bounded, b: Bounded) -> Bounded:
    """Elimination solves a system that is off by gamma_3n |L||U| (Higham 2002, theorem 9.4): x by |A^-1| times that.

    With pivoting no element of L is above 1, and those of U are about as large as A's.
    """
    n = a.shape[-1]
    x, inverse = np.linalg.solve(a.value, b.value), np.abs(np.linalg.inv(a.value))
    off = a.error + a.precision.gamma(3 * n) * n * np.max(np.abs(a.value))
    theta = np.max((inverse @ off).sum(-1))
    nothing = np.where(np.isnan(x), 0, np.inf)  # NaN is exact
    error = inverse @ (off @ np.abs(x) + b.error) / (1 - theta) if theta < 0.5 else nothing
    return _result(x, error, a.precision)


def _contraction(function: Any, args: Any, kwargs: Any, precision: Precision) -> Bounded:
    if function is np.einsum:
        return _einsum(args[0], *(_bounded(x, precision) for x in args[1:]))
    a, b = _bounded(args[0], precision), _bounded(args[1], precision)
    if function is np.outer:
        return a.reshape(-1, 1) * b.reshape(1, -1)
    if function is np.dot:
        return _product(np.dot, a, b, a.shape[-1] if a.ndim else 1)
    axes = args[2] if len(args) > 2 else kwargs.get("axes", 2)
    summed = a.shape[-axes:] if isinstance(axes, int) else [a.shape[i] for i in np.atleast_1d(axes[0])]
    return _product(lambda x, y: np.tensordot(x, y, axes), a, b, math.prod(summed))
