"""Formulas set by KaTeX when the site is built, from a cache that is kept with the sources.

A page needs no script to show its formulas, and a build needs no Node while the cache (`katex.json`) has all of them.
What it lacks is set by one call of Node per build; then the cache is written again, without what no page uses any more.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from gongsik_docs import node

logger = logging.getLogger(__name__)

Formula = tuple[str, bool]
"""LaTeX, and whether it stands on a line of its own."""

_NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather)\}")


def formula_of(math: nodes.Element) -> Formula:
    r"""What KaTeX is given for a math node.

    Paragraphs and `\\` inside a displayed formula make it several aligned lines, as everywhere in Sphinx. Numbers are
    Sphinx's, so an environment that would number its own lines is replaced by its starred form.
    """
    tex = math.astext().strip()
    if isinstance(math, nodes.math):
        return tex, False
    if math.get("no-wrap", math.get("nowrap", False)):
        return _NUMBERED.sub(r"\\\1{\2*}", tex), True
    lines = [line.strip() for line in re.split(r"\n\s*\n", tex)]
    if len(lines) > 1 or r"\\" in tex:
        return r"\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}", True
    return tex, True


def key(formula: Formula) -> str:
    """The name of a formula in the cache: it changes with the LaTeX, the display and the version of KaTeX."""
    tex, display = formula
    return hashlib.sha256(f"{node.version('katex')}\0{display}\0{tex}".encode()).hexdigest()[:24]


def read_cache(path: Path) -> dict[str, str]:
    """HTML by key; nothing if there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_cache(path: Path, cache: dict[str, str]) -> None:
    """Write the cache, sorted, so that a new formula is one new line."""
    text = json.dumps(cache, ensure_ascii=False, indent=0, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def render(formulas: Iterable[Formula]) -> list[tuple[str, str]]:
    """HTML and error of each formula, one of them empty, by one call of Node."""
    packages = node.packages()
    script = shutil.copy(Path(__file__).with_name("render.mjs"), packages.parent)
    answer = node.run(node.commands()[0], str(script), stdin=json.dumps(list(formulas)))
    return [(one.get("html", ""), one.get("error", "")) for one in json.loads(answer)]


class Collector(EnvironmentCollector):
    """Keeps the formulas of every page in the environment: ``env.gongsik_math[docname]``, each with its line."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        _pages(env).pop(docname, None)

    def merge_other(
        self, app: Sphinx, env: BuildEnvironment, docnames: AbstractSet[str], other: BuildEnvironment
    ) -> None:
        _pages(env).update({name: found for name, found in _pages(other).items() if name in docnames})

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        found = {formula_of(math): math.line for math in _math(doctree)}
        _pages(app.env)[app.env.current_document.docname] = found


def _pages(env: BuildEnvironment) -> dict[str, dict[Formula, int | None]]:
    if not hasattr(env, "gongsik_math"):
        env.gongsik_math = {}  # pyright: ignore[reportAttributeAccessIssue]
    return env.gongsik_math  # pyright: ignore[reportAttributeAccessIssue]


def _math(doctree: nodes.document) -> Iterator[nodes.Element]:
    yield from doctree.findall(nodes.math)
    yield from doctree.findall(nodes.math_block)


def complete_cache(app: Sphinx, env: BuildEnvironment) -> None:
    """Set what the cache lacks, drop what no page uses; with `katex_frozen`, only say so."""
    path = Path(app.srcdir, app.config.katex_cache)
    cache = read_cache(path)
    used = {formula: (page, line) for page, found in _pages(env).items() for formula, line in found.items()}
    missing = {formula: where for formula, where in used.items() if key(formula) not in cache}
    kept = {name: html for name, html in cache.items() if name in {key(formula) for formula in used}}
    if app.config.katex_frozen:
        for (tex, _), where in missing.items():
            logger.warning("not in %s: %s", path.name, tex, location=where, type="katex", subtype="missing")
        if len(kept) < len(cache):
            extra = len(cache) - len(kept)
            logger.warning("%s has %d formulas that no page uses", path.name, extra, type="katex", subtype="extra")
    else:
        for (formula, where), (html, error) in zip(missing.items(), render(missing) if missing else (), strict=True):
            if error:
                logger.warning("%s: %s", formula[0], error, location=where, type="katex", subtype="error")
            else:
                kept[key(formula)] = html
        if kept != cache:
            write_cache(path, kept)
    app.builder.gongsik_katex = kept  # pyright: ignore[reportAttributeAccessIssue]


def _html(translator: HTML5Translator, math: nodes.Element) -> str:
    """The formula set; its LaTeX, as code, where it could not be set (which has been said already)."""
    formula = formula_of(math)
    html = translator.builder.gongsik_katex.get(key(formula))  # pyright: ignore[reportAttributeAccessIssue]
    return html or f"<code>{translator.encode(formula[0])}</code>"


def visit_math(translator: HTML5Translator, math: nodes.math) -> None:
    translator.body.append(translator.starttag(math, "span", "", CLASS="math notranslate nohighlight"))
    translator.body.append(_html(translator, math) + "</span>")
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, math: nodes.math_block) -> None:
    translator.body.append(translator.starttag(math, "div", CLASS="math notranslate nohighlight"))
    if math["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, math)})')
        translator.add_permalink_ref(math, _("Link to this equation"))
        translator.body.append("</span>")
    # A wide formula scrolls by itself; whoever uses the keyboard must be able to reach it.
    translator.body.append(f'<div class="math-scroll" tabindex="0">{_html(translator, math)}</div></div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_config_value("katex_cache", "katex.json", "env")
    app.add_config_value("katex_frozen", False, "")
    app.add_html_math_renderer("katex", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None))
    app.add_env_collector(Collector)
    app.connect("env-updated", complete_cache)
    app.add_css_file("katex/katex.min.css")
