"""A small Sphinx project of one page, for the tests of the docs' machinery."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

EXTENSIONS = ["myst_parser", "sphinx_design", "gongsik_docs"]


@dataclass(frozen=True)
class Built:
    """The page as HTML, and the warnings without colours."""

    html: str
    warnings: str


def _build(folder: Path, page: str, **overrides: Any) -> Built:
    (folder / "index.md").write_text(page, encoding="utf-8")
    config = {
        "extensions": EXTENSIONS,
        "language": "ko",
        "html_math_renderer": "katex",
        "myst_enable_extensions": ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"],
        "numfig": True,
        "math_eqref_format": "식 ({number})",
        "nitpicky": True,
        **overrides,
    }
    said = StringIO()
    out = folder / "_build" / "html"
    with patch_docutils(folder), docutils_namespace():
        app = Sphinx(folder, None, out, folder / "_build" / "doctrees", "html", config, status=None, warning=said)
        app.build()
    html = (out / "index.html").read_text(encoding="utf-8")
    return Built(html, re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()))


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Built]:
    """Builds a page (the text, then Sphinx's options); a second call builds what has changed since."""
    return lambda page, **overrides: _build(tmp_path, page, **overrides)
