"""The machinery of the docs: a Sphinx extension."""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from gongsik_docs import api, architecture, figures, formula, katex, search, tables


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the renderer of formulas and the directives."""
    for module in (katex, formula, figures, tables, architecture, search, api):
        module.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
