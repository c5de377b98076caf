"""Every formula of deep learning as an executable specification, and the proof that its implementations agree.

>>> bk = gongsik.backend("reference")
>>> bk.relu(bk.asarray([-1.0, 2.0]))
array([0., 2.])
"""

from gongsik import checkpoint as checkpoint
from gongsik.backends import Backend, BackendError, available, backend
from gongsik.draws import Draws
from gongsik.spec import DomainError, DtypeError, ShapeError, entries, formulas

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BackendError",
    "DomainError",
    "Draws",
    "DtypeError",
    "ShapeError",
    "available",
    "backend",
    "checkpoint",
    "entries",
    "formulas",
]
