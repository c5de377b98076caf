"""Every formula in plain NumPy: correct first, and readable."""

from gongsik.reference.activation import *  # noqa: F403
from gongsik.reference.arrays import asarray as asarray
from gongsik.reference.arrays import to_numpy as to_numpy
