"""The docs as a reader gets them: built once, with warnings as errors, and then read like a browser would."""

import doctest
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from fontTools.ttLib import TTFont
from gongsik_docs import book, figures, formula, markdown, node, search, tables

import gongsik.index
from gongsik.conformance.agreement import K
from gongsik.spec import entries

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESOURCES = {"img": "src", "script": "src", "source": "src", "iframe": "src", "link": "href", "use": "href"}
"""Elements that make a browser load something, and the attribute that says what."""


@dataclass
class Page(HTMLParser):
    """What one page has and asks for."""

    path: Path
    links: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    alternatives: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.add(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if tag in RESOURCES and found.get(RESOURCES[tag]):
            self.resources.append(str(found[RESOURCES[tag]]))
        if tag == "img":
            self.alternatives.append(found.get("alt"))


def run_sphinx(source: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run Sphinx as the docs session does, with its doctrees beside the site."""
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "--keep-going", "-b", "html", "-d", f"{out}.doctrees"]
    return subprocess.run([*command, *options, str(source), str(out)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site, and what Sphinx had to say; built by the first process that asks, in one place for all of them."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    site, said = root / "site", root / "site.log"
    try:
        site.mkdir()
    except FileExistsError:
        while not said.exists():
            time.sleep(0.2)
    else:
        answer = run_sphinx(DOCS, site, "-D", "katex_frozen=1")
        partial = said.with_suffix(".part")
        partial.write_text(f"{answer.stderr}\nexit code {answer.returncode}\n", encoding="utf-8")
        partial.rename(said)
    return site, said.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(built: tuple[Path, str]) -> Path:
    return built[0]


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    found = {str(path.relative_to(site)): Page(path) for path in sorted(site.rglob("*.html"))}
    assert "index.html" in found, "the site has no first page"
    return found


def test_the_docs_build_without_a_warning_and_without_node(built: tuple[Path, str]) -> None:
    """Frozen: the cache of formulas has all that the pages use, and nothing else."""
    _, said = built
    assert said.strip() == "exit code 0", said


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    asked = {(name, url) for name, page in pages.items() for url in page.resources}
    for path in site.rglob("*.css"):
        style = path.read_text(encoding="utf-8")
        urls = re.findall(r"url\(\s*['\"]?([^'\")]+)", style) + re.findall(r"@import\s+['\"]([^'\"]+)", style)
        asked |= {(path.name, url) for url in urls}
    assert len(asked) > 20
    outside = {(name, url) for name, url in asked if urlsplit(url).scheme not in ("", "data") or url.startswith("//")}
    assert not outside


def test_every_local_link_and_resource_is_there(site: Path, pages: dict[str, Page]) -> None:
    broken = []
    for name, page in pages.items():
        for url in (*page.links, *page.resources):
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            fragment = unquote(parts.fragment)
            there = target.is_file()
            if there and fragment and target.suffix == ".html":
                there = fragment in pages[str(target.relative_to(site.resolve()))].ids
            if not there:
                broken.append((name, url))
    assert not broken


def test_every_style_finds_its_fonts(site: Path) -> None:
    fonts = [
        path.parent / url
        for path in (site / "_static").rglob("*.css")
        for url in re.findall(r"url\(['\"]?([^'\")]+\.woff2?)['\"]?\)", path.read_text(encoding="utf-8"))
    ]
    assert len(fonts) >= 20
    assert [font for font in fonts if not font.is_file()] == []


def test_every_figure_is_a_picture_of_its_own_with_words(site: Path, pages: dict[str, Page]) -> None:
    wanted = sum(len(re.findall(r"\{figure-code\}", path.read_text(encoding="utf-8"))) for path in DOCS.glob("*.md"))
    drawn = [path for path in (site / "_images").glob("*.svg") if figures.DRAWN_NAME.fullmatch(path.name)]
    assert len(drawn) == 2 * wanted > 0
    assert len({hashlib.sha256(path.read_bytes()).digest() for path in drawn}) == len(drawn)
    assert all(alt for page in pages.values() for alt in page.alternatives)
    assert not any("<text" in path.read_text(encoding="utf-8") for path in drawn), "text must be outlines"


def test_the_font_of_the_site_has_every_syllable_on_it(pages: dict[str, Page]) -> None:
    known = TTFont(DOCS / "_static" / "fonts" / "gongsik-sans-regular.woff2").getBestCmap() or {}
    assert ord("−") in known, "Matplotlib writes U+2212 before negative numbers"
    text = "".join(page.path.read_text(encoding="utf-8") for page in pages.values())
    assert {char for char in text if "가" <= char <= "힣" and ord(char) not in known} == set()


def test_the_pages_of_the_index_are_where_it_says(site: Path, pages: dict[str, Page]) -> None:
    """`gongsik list` tells a page and an anchor without building anything; they must be those of the site."""
    for id, where in gongsik.index.pages().items():
        name, _, anchor = where.partition("#")
        assert anchor in pages[name].ids, f"{id} is not at {where}"


def test_a_card_has_both_sources_and_its_number(site: Path) -> None:
    text = (site / "activation.html").read_text(encoding="utf-8")
    card = text[text.index('id="activation-relu"') :]
    card = re.sub(r"<[^>]+>", "", card[: card.index('id="activation-relu-subgradient"')])
    assert re.search(r"공식 1\.\d+", card)
    for word in ("Rectified linear unit", "def relu(x, /):", "np.where", "torch", "인자와 결과", "출처: Nair"):
        assert word in card


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_the_code_on_a_page_runs(path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, path.name, str(path), 0)
    failures, _ = doctest.DocTestRunner(verbose=False).run(example)
    assert failures == 0


@pytest.mark.parametrize("module", [book, formula, markdown, search], ids=lambda module: module.__name__)
def test_examples_of_the_machinery(module) -> None:
    result = doctest.testmod(module)
    assert (result.failed, result.attempted > 0) == (0, True)


def test_the_page_on_agreement_says_the_k_of_the_suite() -> None:
    assert f"$K = {K}$" in (DOCS / "agreement.md").read_text(encoding="utf-8")


def test_every_chapter_is_in_the_table_of_contents() -> None:
    written = tables.chapters()
    for path in DOCS.glob("*.md"):
        if path.stem in {id.split(".")[0] for id in entries()}:
            assert f"(./{path.name})" in written


def _top(site: Path, queries: list[str]) -> Iterator[list[list[str]]]:
    try:
        command, _ = node.commands()
    except FileNotFoundError:
        pytest.skip("no Node.js")
    script = Path(__file__).with_name("search_in_node.js")
    answer = subprocess.run(
        [*command, str(script), str(site), json.dumps(queries)], capture_output=True, text=True, check=True
    )
    yield from json.loads(answer.stdout)


@pytest.mark.parametrize(
    ("query", "id"),
    [
        ("시그모이드", "activation.sigmoid"),
        ("시그모이드의", "activation.sigmoid"),
        ("sigmoid", "activation.sigmoid"),
        ("softmax", "activation.softmax"),
        ("소프트맥스는", "activation.softmax"),
        ("ReLU를", "activation.relu"),
        ("계단함수", "activation.step"),
        ("Adam의", "optimizer.adam"),
    ],
)
def test_search_puts_the_card_first(site: Path, query: str, id: str) -> None:
    if id not in gongsik.index.pages():
        pytest.skip(f"no page has {id}")
    page, _, anchor = gongsik.index.pages()[id].partition(".html#")
    (results,) = _top(site, [query])
    assert results[0][:2] == [page, f"#{anchor}"], results[:3]


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("학습", "activation"),
        ("학습하는", "activation"),
        ("층", "activation"),
        ("활성화함수", "activation"),
        ("activation function", "activation"),
        ("반올림", "agreement"),
        ("허용 오차", "agreement"),
        ("허용오차를", "agreement"),
        ("경사하강법", "optimizer"),
        ("경사 하강법", "optimizer"),
        ("gradient descent", "optimizer"),
    ],
)
def test_search_finds_the_page(site: Path, query: str, page: str) -> None:
    if not (DOCS / f"{page}.md").exists():
        pytest.skip(f"there is no page {page}")
    (results,) = _top(site, [query])
    assert page in {result[0] for result in results}, results


def test_search_does_not_find_what_is_nowhere(site: Path) -> None:
    assert list(_top(site, ["사과나무", "경운기는"])) == [[], []]
