"""What every formula is, without any backend: signatures, domains, LaTeX, sources, errata."""

import importlib
import inspect
from types import ModuleType

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.check import implements
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.formula import Chapter, Entry, Erratum, Formula

CHAPTERS = (
    "activation", "loss", "network", "optimizer", "convolution", "pooling", "normalization", "regularization",
    "training", "cnn", "segmentation", "detection", "recurrent", "language", "attention", "transformer", "probability",
    "autoregressive", "autoencoder", "gan", "history",
)  # fmt: skip
"""The chapters, in the order of teaching; each is a file of that name in every room that it has a part in."""

__all__ = [
    "CHAPTERS",
    "ArrayAdapter",
    "Chapter",
    "DomainError",
    "DtypeError",
    "Entry",
    "Erratum",
    "Formula",
    "ShapeError",
    "chapter",
    "entries",
    "formulas",
    "implements",
]


def chapter(name: str) -> ModuleType:
    """The declarations of one chapter.

    Raises
    ------
    ValueError
        If there is no chapter of this name.
    """
    if name not in CHAPTERS:
        raise ValueError(f"no chapter {name!r}; there are {', '.join(CHAPTERS)}")
    return importlib.import_module(f"gongsik.spec.{name}")


def entries(chapter_name: str | None = None) -> dict[str, Entry]:
    """Every entry by its id, in the order of teaching: formulas, laws, counts, names; of one chapter, if given."""
    found: dict[str, Entry] = {}
    for name in (chapter_name,) if chapter_name else CHAPTERS:
        for value in vars(chapter(name)).values():
            if isinstance(value, Entry):
                entry = value
            elif inspect.isfunction(value) and value.__module__ == f"gongsik.spec.{name}":
                entry = getattr(value, "formula", None) or getattr(value, "entry", None)
            else:
                entry = None
            if entry is not None:
                found[entry.id] = entry
    return found


def formulas(chapter_name: str | None = None) -> dict[str, Formula]:
    """Formulas, algorithms and models by their id, in the order of teaching: what a backend implements.

    >>> formulas("activation")["activation.relu"].en
    'Rectified linear unit'
    """
    return {id: entry for id, entry in entries(chapter_name).items() if isinstance(entry, Formula)}
