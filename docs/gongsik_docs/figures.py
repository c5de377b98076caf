"""Figures that code draws: ``{figure-code} activation.plot_all`` calls ``plot_all`` of `docs/figures/activation.py`.

The function takes nothing and returns a Matplotlib figure. It is drawn twice, for light pages and for dark ones, and
only if its file, or a module of gongsik that it imports, has changed.
"""

import ast
import functools
import hashlib
import importlib.util
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gongsik_docs.node import DOCS

STATIC = DOCS / "_static"
FAMILY = "Gongsik Sans"
FOLDER = "figures"
DRAWN = "_build/figures"
DRAWN_NAME = re.compile(r"\w+-\w+-[0-9a-f]{10}-(light|dark)\.svg")
THEMES = {
    "light": {"ink": "#1a1c1e", "pale": "#c8ccd0",
              "cycle": ("#0b5cad", "#c2410c", "#0f7b56", "#a21a6f", "#8a6a00", "#4b5563")},
    "dark": {"ink": "#e4e6e8", "pale": "#4a4e53",
             "cycle": ("#6cb6ff", "#ff9a5c", "#5ad1a0", "#f28bc8", "#e3c04a", "#a8b0b8")},
}  # fmt: skip


@functools.cache
def load(path: Path) -> ModuleType:
    """The module of a chapter's figures."""
    spec = importlib.util.spec_from_file_location(f"gongsik_figures_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def depends_on(path: Path) -> list[Path]:
    """The file and every file of gongsik that it imports, and that these import."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += _imports(ast.parse(file.read_text(encoding="utf-8")))
    return sorted(found)


def _imports(tree: ast.Module) -> Iterator[Path]:
    """Files of gongsik that a module imports; of a package only the module that is asked for, if it is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
        else:
            continue
        for choices in names:
            file = next(filter(None, map(_file, choices)), None)
            if file is not None:
                yield file


def _file(name: str) -> Path | None:
    """The file of a module of gongsik; None if it is no module, or another project's."""
    if name.split(".")[0] != "gongsik":
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin).resolve() if spec and spec.origin else None


def style(theme: str) -> dict[Any, Any]:
    """Matplotlib's settings for a figure on a light or a dark page: text as outlines in the font of the site."""
    from cycler import cycler

    ink, pale, cycle = THEMES[theme]["ink"], THEMES[theme]["pale"], THEMES[theme]["cycle"]
    coloured = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "patch.edgecolor")
    return {
        **dict.fromkeys(coloured, ink),
        "axes.facecolor": "none", "figure.facecolor": "none", "legend.frameon": False,
        "axes.prop_cycle": cycler(color=cycle), "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": pale, "grid.linewidth": 0.6, "lines.linewidth": 1.8,
        "font.family": FAMILY, "font.size": 10.5, "mathtext.fontset": "cm",
        "figure.figsize": (6.6, 3.6), "figure.constrained_layout.use": True,
        "svg.fonttype": "path", "svg.hashsalt": "gongsik",
    }  # fmt: skip


@functools.cache
def add_font(folder: Path) -> None:
    """Make the site's font known to Matplotlib, which reads no WOFF2: the fonts are unpacked beside the figures."""
    from fontTools.ttLib import TTFont
    from matplotlib import font_manager

    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # accessible-pygments lets everybody's remarks through
    for packed in sorted((STATIC / "fonts").glob("*.woff2")):
        unpacked = folder / f"{packed.stem}.ttf"
        if not unpacked.exists():
            font = TTFont(packed)
            font.flavor = None
            font.save(unpacked)
        font_manager.fontManager.addfont(unpacked)


def draw(function: Any, theme: str, path: Path) -> None:
    """Call the function and write its figure as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    add_font(path.parent)
    with matplotlib.rc_context(style(theme)):
        figure = function()
        if not isinstance(figure, Figure):
            raise TypeError(f"{function.__name__} returned {type(figure).__name__}, expected a figure")
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")


class FigureDirective(SphinxDirective):
    """A numbered figure drawn by code; the content is its caption, and `alt` says in words what it shows."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "alt": directives.unchanged_required,
        "name": directives.unchanged_required,
        "class": directives.class_option,
    }

    def run(self) -> list[nodes.Node]:
        if not self.options.get("alt"):
            raise self.error("a figure needs `alt`: what it shows, in words")
        self.assert_has_content()
        chapter, _, name = self.arguments[0].partition(".")
        path = Path(self.env.srcdir, FOLDER, f"{chapter}.py")
        function = getattr(load(path), name, None) if path.exists() else None
        if function is None:
            raise self.error(f"there is no function {name!r} in {FOLDER}/{chapter}.py")
        figure = nodes.figure("", classes=["drawn", *self.options.get("class", [])])
        self.set_source_info(figure)
        for theme, uri in self.drawn(chapter, name, path, function).items():
            figure += nodes.image(uri=uri, alt=self.options["alt"], classes=[f"only-{theme}"])
        inline, messages = self.parse_inline(" ".join(self.content))
        caption = nodes.caption("", "", *inline)
        self.set_source_info(caption)
        figure += caption
        self.options.setdefault("name", f"fig-{chapter}-{name}".replace("_", "-"))
        self.add_name(figure)
        return [figure, *messages]

    def drawn(self, chapter: str, name: str, path: Path, function: Any) -> dict[str, str]:
        """Where the two pictures are, by theme; drawn now if they are not there for the sources as they stand."""
        files = depends_on(path)
        for file in (*files, Path(__file__)):
            self.env.note_dependency(file)
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in (*files, Path(__file__)))).hexdigest()[:10]
        folder = Path(self.env.srcdir, DRAWN)
        folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for theme in THEMES:
            picture = folder / f"{chapter}-{name}-{digest}-{theme}.svg"
            if not picture.exists():
                partial = picture.with_suffix(f".{os.getpid()}.svg")  # another build may draw it, too
                draw(function, theme, partial)
                partial.rename(picture)  # a figure that was interrupted is not taken for a whole one
            found[theme] = f"/{DRAWN}/{picture.name}"
        return found


def remove_stale(app: Sphinx, error: Exception | None) -> None:
    """Remove pictures that no page shows any more, from the cache and from the site."""
    if error is None:
        shown = {Path(uri).name for uri in app.env.images}
        for folder in (Path(app.srcdir, DRAWN), Path(app.outdir, "_images")):
            for picture in folder.glob("*.svg"):
                if DRAWN_NAME.fullmatch(picture.name) and picture.name not in shown:
                    picture.unlink()


def setup(app: Sphinx) -> None:
    app.add_directive("figure-code", FigureDirective)
    app.connect("build-finished", remove_stale)
