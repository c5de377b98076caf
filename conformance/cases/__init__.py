"""Inputs of formulas: from the declaration, or written by hand in the file of the chapter."""

from gongsik.conformance.strategies import Case, PerBackend, find, inputs

__all__ = ["Case", "PerBackend", "find", "inputs"]
