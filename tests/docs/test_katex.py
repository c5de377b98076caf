"""Formulas set when the docs are built: the cache, the one call of Node, and what is said when a formula is wrong."""

import json
import re
from pathlib import Path

import pytest
from docutils import nodes
from gongsik_docs import katex, node

DOCS = node.DOCS


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[katex.Formula]]:
    """What each call of Node was asked for, by a Node that finds every formula but a wrong one easy."""
    asked: list[list[katex.Formula]] = []

    def render(formulas):
        asked.append(list(formulas))
        return [("", "no such command") if "wrong" in tex else (f"<i>{tex}</i>", "") for tex, _ in formulas]

    monkeypatch.setattr(katex, "render", render)
    return asked


def cache_of(folder: Path) -> dict[str, str]:
    return json.loads((folder / "katex.json").read_text(encoding="utf-8"))


def test_what_katex_is_given() -> None:
    def block(text: str, **options) -> katex.Formula:
        return katex.formula_of(nodes.math_block(text, text, **options))

    assert katex.formula_of(nodes.math("x", "x")) == ("x", False)
    assert block(" x \n") == ("x", True)
    assert block(r"a \\ b") == (r"\begin{aligned}a \\ b\end{aligned}", True)
    assert block("a\n\nb") == (r"\begin{aligned}a\\b\end{aligned}", True)
    numbered = r"\begin{align}a\end{align}"
    assert block(numbered, nowrap=True) == (r"\begin{align*}a\end{align*}", True)


def test_the_key_changes_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {katex.key(("x", False)), katex.key(("x", True)), katex.key(("y", False))}
    monkeypatch.setattr(node, "version", lambda package: "99")
    assert len(before | {katex.key(("x", False))}) == 4


def test_one_call_sets_all_that_is_new_and_none_what_is_known(build, calls, tmp_path: Path) -> None:
    built = build("# t\n\n$a$ and $b$\n\n$$\nc\n$$\n")
    assert built.warnings == ""
    assert calls == [[("a", False), ("b", False), ("c", True)]]
    assert all(f"<i>{tex}</i>" in built.html for tex in "abc")
    build("# t\n\n$b$ and $d$\n")
    assert calls[1:] == [[("d", False)]]
    assert set(cache_of(tmp_path)) == {katex.key(("b", False)), katex.key(("d", False))}
    build("# t\n\n$d$ and $b$ again\n")
    assert len(calls) == 2


def test_a_wrong_formula_is_a_warning_that_names_page_line_and_formula(build, calls, tmp_path: Path) -> None:
    built = build("# t\n\ntext\n\n$\\wrong{x}$ and $a$\n")
    assert re.search(r"index\.md:5: WARNING: \\wrong\{x\}: no such command", built.warnings)
    assert cache_of(tmp_path) == {katex.key(("a", False)): "<i>a</i>"}
    assert r"<code>\wrong{x}</code>" in built.html


def test_a_frozen_cache_is_not_touched(build, calls, tmp_path: Path) -> None:
    build("# t\n\n$a$\n")
    before = (tmp_path / "katex.json").read_text(encoding="utf-8")
    built = build("# t\n\n$b$\n", katex_frozen=True)
    assert "not in katex.json: b [katex.missing]" in built.warnings
    assert "katex.json has 1 formulas that no page uses [katex.extra]" in built.warnings
    assert (tmp_path / "katex.json").read_text(encoding="utf-8") == before
    assert len(calls) == 1


def test_numbers_and_references_of_formulas(build, calls, tmp_path: Path) -> None:
    built = build("# t\n\n$$\na\n$$ (first)\n\n{eq}`first`\n")
    assert built.warnings == ""
    assert re.search(r'<span class="eqno">\(1\)<a class="headerlink" href="#equation-first"', built.html)
    assert re.search(r'href="#equation-first">식 \(1\)</a>', built.html)


def test_the_style_is_of_the_version_that_is_pinned() -> None:
    style = (DOCS / "_static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    assert f'katex-version:after{{content:"{node.version("katex")}"}}' in style
    assert not re.search(r"\.(ttf|woff)\b", style)


def test_katex_itself() -> None:
    """One real call: markup to see, MathML to hear, and an error for what is no LaTeX."""
    try:
        node.packages()
    except (FileNotFoundError, RuntimeError) as error:
        pytest.skip(f"KaTeX cannot be installed here: {error}")
    good, bad = katex.render([(r"\frac{\text{합}}{n}", True), (r"\nocommand", False)])
    assert good[1] == ""
    assert '<span class="katex-display">' in good[0]
    assert "<mfrac>" in good[0]
    assert r'<annotation encoding="application/x-tex">\frac{\text{합}}{n}</annotation>' in good[0]
    assert bad[0] == ""
    assert "nocommand" in bad[1]
