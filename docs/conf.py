"""How Sphinx builds the site. Everything of our own is in `gongsik_docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "공식 gongsik"
author = "the gongsik authors"
copyright = f"2026, {author}"  # noqa: A001
language = "ko"
locale_dirs = ["locale"]
templates_path = ["_templates"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "gongsik_docs",
]
exclude_patterns = ["_build", "node_modules"]
source_suffix = {".md": "markdown"}
suppress_warnings = [
    "gongsik.evidence",  # a page says 측정 전 where agreement has not been measured since the sources changed
]

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
numfig = True
math_numfig = True
numfig_secnum_depth = 1
numfig_format = {"figure": "그림 %s", "table": "표 %s", "code-block": "코드 %s"}
math_eqref_format = "식 ({number})"
html_math_renderer = "katex"

default_role = "code"  # docstrings write names as `name`
autodoc_member_order = "bysource"
autodoc_typehints = "none"
nitpick_ignore_regex = [("py:.*", r"(?!gongsik\.).*")]  # names of other projects: nothing is looked up on the network
napoleon_google_docstring = False
napoleon_custom_sections = ["Shapes", "Options", "Source"]

html_theme = "furo"
html_title = "공식 gongsik"
html_static_path = ["_static"]
html_css_files = ["gongsik.css"]
html_theme_options = {"footer_icons": []}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_permalinks_icon = "#"
copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor output
