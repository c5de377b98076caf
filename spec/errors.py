"""The three ways in which an input can be wrong. Each is a `ValueError`."""


class ShapeError(ValueError):
    """An array has the wrong number of axes, or an axis that does not fit the other arguments."""


class DtypeError(ValueError, TypeError):
    """An argument is of the wrong kind: not an array, integers where reals belong, two dtypes mixed."""


class DomainError(ValueError):
    """A value lies outside the domain of the formula: a label out of range, a negative learning rate."""
