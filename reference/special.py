"""A function that NumPy lacks, as a ufunc: so every array type can say what it means for its numbers."""

import math
from typing import Any

import numpy as np

from gongsik.reference.autodiff import local_gradient

__all__ = ["ERFC", "erfc"]

ERFC = np.frompyfunc(math.erfc, 1, 1)
"""1 - erf of Python numbers; what it returns has to be given a dtype again."""


@local_gradient(lambda y, x: -2 / math.sqrt(math.pi) * np.exp(-x * x))
def erfc(x: Any) -> Any:
    """The complementary error function.

    >>> erfc(np.array([0.0, 1.0])).round(4)
    array([1.    , 0.1573])
    """
    result: Any = ERFC(x.reshape(-1))
    return result.astype(x.dtype).reshape(x.shape)
