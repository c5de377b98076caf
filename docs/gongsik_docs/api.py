"""Docstrings as they are written here, made fit for reStructuredText."""

import re
from typing import Any

from sphinx.application import Sphinx

_CODE_OR_STARS = re.compile(r"(`+.*?`+)|(?<![\w*\\])(\*{1,2})(?=\w+\b(?!\*))")


def escape_stars(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep the stars of ``*arguments`` and ``**options`` from opening an emphasis that nothing closes."""
    lines[:] = [_CODE_OR_STARS.sub(lambda m: m[1] or r"\*" * len(m[2]), line) for line in lines]


def setup(app: Sphinx) -> None:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", escape_stars)
