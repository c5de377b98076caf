"""Random draws by name: the same numbers on every machine, for every backend, in every order of asking.

A draw is a function of (seed, name, counter) and of nothing else. Its bits are those of Philox, whose stream NumPy
guarantees, keyed by a hash of the three. What is made of the bits uses only operations that IEEE 754 rounds correctly
(+ - * / and the square root), because `exp`, `log` and `cos` differ in the last bit from one machine to the next.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gongsik.spec.errors import DomainError, DtypeError


@dataclass(frozen=True)
class Draws:
    """A source of named draws.

    Attributes
    ----------
    seed : int
        At least 0. Draws of two seeds have nothing in common.

    Examples
    --------
    >>> draws = Draws(0)
    >>> draws.permutation("batches", 5, counter=1)
    array([1, 2, 4, 3, 0])
    >>> draws.permutation("batches", 5, counter=2)
    array([3, 4, 2, 0, 1])
    >>> draws.permutation("batches", 5, counter=1)
    array([1, 2, 4, 3, 0])
    """

    seed: int

    def __post_init__(self) -> None:
        _integer("seed", self.seed, 0)

    def uniform(self, name: str, shape: int | Sequence[int] = (), *, counter: int = 0) -> np.ndarray:
        """Draw from [0, 1), in float64: multiples of 2**-53.

        Parameters
        ----------
        name : str
            What the draw is for. Draws of different names are independent.
        shape : int or sequence of int
            The shape of the result.
        counter : int
            At least 0: the step of training, for example. Draws of different counters are independent.

        Raises
        ------
        DtypeError, DomainError
            If an argument is of the wrong type, empty or negative.
        """
        bits = self._bits("uniform", name, shape, counter)
        return np.asarray((bits >> np.uint64(11)) * 2.0**-53)

    def normal(self, name: str, shape: int | Sequence[int] = (), *, counter: int = 0) -> np.ndarray:
        """Draw from the normal distribution of mean 0 and variance 1, in float64. Arguments: as `uniform`.

        Source
        ------
        Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution": the inverse of the
        distribution function, at a uniform draw.
        """
        bits = self._bits("normal", name, shape, counter)
        # The middles of 2**52 equal intervals: exact, symmetric about 1/2, never 0 or 1.
        return normal_quantile(((bits >> np.uint64(12)) + 0.5) * 2.0**-52)

    def integers(self, name: str, shape: int | Sequence[int], high: int, *, counter: int = 0) -> np.ndarray:
        """Draw from 0, ..., high - 1, each as likely as the others, in int64. Arguments: as `uniform`."""
        _integer("high", high, 1, 2**63)
        sizes = _shape(shape)
        stream = self._stream("integers", name, counter)
        bits = stream.random_raw(int(np.prod(sizes, dtype=np.int64))).reshape(sizes)
        # Bits beyond the last whole multiple of `high` would favour the small numbers: draw them again.
        last = np.uint64(2**64 - 2**64 % high - 1)
        while (over := bits > last).any():
            bits[over] = stream.random_raw(int(over.sum()))
        return np.asarray(bits % np.uint64(high)).astype(np.int64)

    def permutation(self, name: str, n: int, *, counter: int = 0) -> np.ndarray:
        """Draw an order of 0, ..., n - 1, in int64. Arguments: as `uniform`."""
        _integer("n", n, 0)
        return np.argsort(self._bits("permutation", name, n, counter), kind="stable").astype(np.int64, copy=False)

    def _bits(self, kind: str, name: str, shape: int | Sequence[int], counter: int) -> np.ndarray:
        sizes = _shape(shape)
        stream = self._stream(kind, name, counter)
        return stream.random_raw(int(np.prod(sizes, dtype=np.int64))).reshape(sizes)

    def _stream(self, kind: str, name: str, counter: int) -> np.random.Philox:
        _integer("counter", counter, 0)
        if not isinstance(name, str):
            raise DtypeError(f"Draws: name is {name!r}, expected a str")
        if not name:
            raise DomainError("Draws: name is empty")
        # The name comes last, so no two of these texts are equal.
        text = f"{kind} {self.seed} {counter} {name}"
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return np.random.Philox(key=int.from_bytes(key, "little"))


# Coefficients of AS 241 (PPND16): the normal quantile as ratios of polynomials, constant term first.
_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def normal_quantile(p: np.ndarray, /) -> np.ndarray:
    """Where the normal distribution function is `p`, for 0 < p < 1; the same to the last bit on every machine."""
    p = np.asarray(p)
    q = p - 0.5
    middle = q * _ratio(_MIDDLE, 0.180625 - q * q)
    r = np.sqrt(-_log(np.where(q < 0, p, 1 - p)))
    tail = np.where(r <= 5, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5))
    return np.where(np.abs(q) <= 0.425, middle, np.where(q < 0, -tail, tail))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: np.ndarray) -> np.ndarray:
    def polynomial(terms: tuple[float, ...]) -> np.ndarray:
        value = np.zeros_like(x)
        for term in reversed(terms):
            value = value * x + term
        return value

    numerator, denominator = coefficients
    return polynomial(numerator) / polynomial(denominator)


def _log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of x > 0, by the series of artanh: within a few units of the last place."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 2.0**-0.5
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa), exponent - small  # 1/sqrt(2) <= mantissa < sqrt(2)
    s = (mantissa - 1) / (mantissa + 1)  # |s| < 0.172, so 11 terms reach 2**-53
    square, series = s * s, np.zeros_like(s)
    for k in range(21, 0, -2):
        series = series * square + 1 / k
    return exponent * 0.6931471805599453 + 2 * s * series


def _integer(name: str, value: object, low: int, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise DtypeError(f"Draws: {name} is {value!r}, expected an int")
    if value < low or (high is not None and value > high):
        raise DomainError(f"Draws: {name} is {value}, expected at least {low}{f', at most {high}' if high else ''}")


def _shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int | np.integer) else shape
    if not isinstance(sizes, tuple | list):
        raise DtypeError(f"Draws: shape is {shape!r}, expected an int or a sequence of ints")
    for size in sizes:
        _integer("a size of shape", size, 0)
    return tuple(int(size) for size in sizes)
