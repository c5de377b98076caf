"""The card of a formula: everything that the library says about one entry, in the place where the lesson needs it.

A card is written as Markdown and parsed with the page, so that its formulas, tabs and code are set as the page's are.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

import gongsik.index
from gongsik.spec import Entry, Erratum, Formula, entries
from gongsik.spec.array import OpaqueType
from gongsik.spec.layers import Architecture
from gongsik_docs.book import BACKENDS, conditions, kind_words, label, place
from gongsik_docs.errata import program, statement, try_counterexample
from gongsik_docs.evidence import PATH, Evidence, evidence
from gongsik_docs.markdown import block, code, escape, table
from gongsik_docs.sources import helpers, implementation, method

logger = logging.getLogger(__name__)

FOLD = 16
"""An implementation of more lines than this is folded, so that the text stays a lesson."""
ROOMS = {"reference": "reference", "torch": "torch_impl"}

laws = functools.cache(gongsik.index.laws)


class card(nodes.General, nodes.Element):  # noqa: N801
    """A formula's card."""


class card_title(nodes.title):  # noqa: N801
    """The Korean title of a card; a title, so that search finds it as one."""


def arguments_table(formula: Formula) -> str:
    """Arguments, options and results."""
    rows = [
        (
            code(argument.name),
            kind_words(argument.type),
            conditions(argument),
            "" if argument.required else code(repr(argument.default)),
        )
        for argument in formula.arguments
    ]
    rows += [("결과", kind_words(result), "", "") for result in formula.results]
    return table(("이름", "종류와 모양", "조건", "기본값"), rows)


def agreement_table(found: Evidence) -> str:
    """Measurements of one formula."""
    header = ("백엔드", "장치", "정밀도", "예", "판정 불가", "잃은 비트")
    rows = [
        (
            BACKENDS.get(one.backend, one.backend),
            one.device,
            one.dtype,
            f"{one.examples:,}",
            f"{one.inconclusive:,}",
            f"{one.bits_lost:.1f}",
        )
        for one in found.results
    ]
    return table(header, rows, numbers=header[3:])


def dropdown(title: str, body: str) -> str:
    """A folded part of a card."""
    return block("dropdown", title, body, class_container="formula-part")


@dataclass(frozen=True)
class Card:
    """What stands below the formula on an entry's card, part by part, as Markdown.

    Attributes
    ----------
    entry : Entry
    warn : callable
        Is told, as ``warn(subtype, message)``, what is missing or wrong.
    """

    entry: Entry
    warn: Callable[[str, str], None]

    def parts(self) -> Iterator[str]:
        """The parts, in order."""
        if isinstance(self.entry, Formula):
            yield self.structure(self.entry)
            yield self.implementations()
            yield dropdown("인자와 결과", arguments_table(self.entry))
            yield self.agreement()
        elif self.entry.kind == "count":
            source = implementation(f"gongsik.spec.{self.entry.chapter}", self.entry.name, decorators=False)
            yield block("code-block", "python", source)
        if self.entry.kind != "named":
            yield self.laws()
        yield from map(self.erratum, self.entry.errata)
        yield self.sources()

    def structure(self, formula: Formula) -> str:
        """How the spec builds the tree of layers that an architecture is."""
        first = formula.positional[0].type if formula.positional else None
        config = first.type if isinstance(first, OpaqueType) else None
        if not (isinstance(config, type) and issubclass(config, Architecture)):
            return ""
        if config.build is Architecture.build:  # what configurations have in common
            return ""
        source = "\n\n".join(method(config, name) for name in ("build", "tree") if hasattr(config, name))
        shown = block("code-block", "python", source)
        lines = source.count("\n") + 1
        return shown if lines <= FOLD else dropdown(f"구조: {config.__name__} {lines}줄", shown)

    def implementations(self) -> str:
        """The sources in tabs that turn together on the whole site; folded if one of them is long.

        Of a network that a backend runs as its tree of layers, and that has no source of its own, a line.
        """
        found: dict[str, str] = {}
        for backend, room in ROOMS.items():
            try:
                found[backend] = implementation(f"gongsik.{room}.{self.entry.chapter}", self.entry.name)
            except (AttributeError, ModuleNotFoundError):
                self.warn("implementation", f"{self.entry.id}: the {backend} backend has no such function")
        if not found:
            return ""
        if not any(f"def {self.entry.name}(" in text for text in found.values()):
            return "{.formula-note}\n두 백엔드 모두 이 구조를 층마다 그대로 셈한다.\n"
        items = []
        for backend, text in found.items():
            body = block("code-block", "python", text) + self.helpers(backend)
            items.append(block("tab-item", BACKENDS[backend], body, sync=backend))
        tabs = block("tab-set", "", "\n".join(items), sync_group="backend")
        lines = {BACKENDS[backend]: text.count("\n") + 1 for backend, text in found.items()}
        if max(lines.values()) <= FOLD:
            return tabs
        return dropdown("구현: " + ", ".join(f"{backend} {count}줄" for backend, count in lines.items()), tabs)

    def helpers(self, backend: str) -> str:
        """What an implementation uses beside itself, folded if it is long; or on which card that is."""
        chapter = self.entry.chapter
        names = tuple(entry.name for entry in entries(chapter).values() if isinstance(entry, Formula))
        found = helpers(f"gongsik.{ROOMS[backend]}.{chapter}", names).get(self.entry.name)
        if found is None:
            return ""
        parts = []
        if found.shown:
            text = "\n\n".join(found.shown)
            source = block("code-block", "python", text)
            short = text.count("\n") < FOLD
            parts.append(source if short else dropdown(f"함께 쓰는 정의 {len(found.shown)}개", source))
        for owner in dict.fromkeys(found.elsewhere.values()):
            said = ", ".join(code(helper) for helper, other in found.elsewhere.items() if other == owner)
            parts.append(f"{{.formula-note}}\n{said}: {{formula}}`{chapter}.{owner}`의 카드에 있다.\n")
        return "\n".join(parts)

    def agreement(self) -> str:
        """Measured agreement, in one line that unfolds into a table."""
        found = evidence(self.entry.id)
        if found is None or not found.current:
            reason = "아직 재지 않았다" if found is None else "잰 뒤에 구현이 바뀌었다"
            self.warn("evidence", f"{self.entry.id}: no current measurement of agreement")
            return f"{{.formula-note}}\n일치: **측정 전** ({reason})\n"
        worst, examples = max(one.bits_lost for one in found.results), sum(one.examples for one in found.results)
        return dropdown(f"일치: 예 {examples:,}개에서 잃은 비트 최대 {worst:.1f}", agreement_table(found))

    def laws(self) -> str:
        """The tests that are marked with the entry's id."""
        found = laws().get(self.entry.id, ())
        if not found:
            self.warn("law", f"{self.entry.id}: no law tests it")
            return ""
        items = "\n".join(f"- {code(law.test)}{': ' + escape(law.says) if law.says else ''}" for law in found)
        return dropdown(f"시험하는 법칙 {len(found)}개", items)

    def erratum(self, erratum: Erratum) -> str:
        """One erratum as an admonition, with its counterexample run."""
        example = try_counterexample(erratum, functools.partial(self.warn, "erratum"))
        body = statement(erratum, example) + (f"\n{program(erratum, example)}" if example else "")
        options = {"class": "warning erratum", "name": f"erratum-{erratum.key}"}
        return block("admonition", "강의 노트에서 바로잡은 것", body, **options)

    def sources(self) -> str:
        """Where it is from, in one small line."""
        given = [self.entry.source] if self.entry.source else []
        places = [*given, *map(place, self.entry.notes)]
        return f"{{.formula-note}}\n출처: {' · '.join(places)}\n" if places else ""


class FormulaDirective(SphinxDirective):
    """``{formula} activation.relu``: the card of an entry, or of several; the content is text of the page inside it."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        made: list[nodes.Node] = []
        for id in self.arguments[0].split():
            entry = entries().get(id)
            if entry is None:
                raise self.error(f"there is no entry {id!r}")
            made += self.card(entry)
        return made

    def card(self, entry: Entry) -> Sequence[nodes.Node]:
        anchor = gongsik.index.anchor(entry.id)
        made = card(ids=[anchor], kind=entry.kind, label=label(entry), en=entry.en)
        made["classes"] += ["formula-card", f"formula-{entry.kind}", *self.options.get("class", [])]
        self.set_source_info(made)
        made += card_title(entry.ko, entry.ko)
        if entry.tex:
            made += self.parse_text_to_nodes(f"$$\n{entry.tex}\n$$\n")
        made += self.parse_content_to_nodes()
        for part in Card(entry, self.warn).parts():
            made += self.parse_text_to_nodes(part)
        self.env.domains.standard_domain.note_object("formula", entry.id, anchor, location=made)
        self.depend(entry)
        return [index_node(entry, anchor), made]

    def warn(self, subtype: str, message: str) -> None:
        logger.warning(message, location=self.get_location(), type="gongsik", subtype=subtype)

    def depend(self, entry: Entry) -> None:
        """Have the page built again when what the card shows has changed."""
        for room in ("spec", *ROOMS.values()):
            try:
                module = importlib.import_module(f"gongsik.{room}.{entry.chapter}")
            except ModuleNotFoundError:
                continue
            self.env.note_dependency(inspect.getfile(module))
        self.env.note_dependency(PATH)


def index_node(entry: Entry, anchor: str) -> addnodes.index:
    """Entries of the general index: both titles and the name of the function."""
    titles = dict.fromkeys((entry.ko, entry.en, entry.name))
    return addnodes.index(entries=[("single", title, anchor, "main", initial(title)) for title in titles])


def initial(title: str) -> str:
    """The letter under which the general index has a title: of a Hangul syllable its first consonant.

    >>> initial("시그모이드"), initial("ReLU")
    ('ㅅ', 'R')
    """
    first = title[0].upper()
    if "가" <= first <= "힣":
        return "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"[(ord(first) - ord("가")) // 588]
    return first


class FormulaRole(XRefRole):
    """``{formula}`activation.relu```: a link to the card, with its number and title."""

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        entry = entries().get(target)
        return (title if has_explicit_title or entry is None else f"{label(entry)} {entry.ko}"), target


def visit_card(translator: HTML5Translator, node: card) -> None:
    translator.body.append(translator.starttag(node, "div"))


def depart_card(translator: HTML5Translator, node: card) -> None:
    translator.body.append("</div>\n")


def visit_card_title(translator: HTML5Translator, node: card_title) -> None:
    parent = node.parent
    translator.body.append('<p class="formula-head">')
    translator.body.append(f'<span class="formula-number">{parent["label"]}</span> <strong class="formula-title">')


def depart_card_title(translator: HTML5Translator, node: card_title) -> None:
    parent = node.parent
    translator.body.append("</strong>")
    if parent["en"] != node.astext():
        translator.body.append(f' <span class="formula-en" lang="en">{translator.encode(parent["en"])}</span>')
    translator.add_permalink_ref(parent, "이 공식의 주소")
    translator.body.append("</p>\n")


def setup(app: Sphinx) -> None:
    app.add_crossref_type("formula", "formula", objname="공식")
    app.add_directive_to_domain("std", "formula", FormulaDirective, override=True)
    role = FormulaRole(innernodeclass=nodes.inline, warn_dangling=True)
    app.add_role_to_domain("std", "formula", role, override=True)
    app.add_node(card, html=(visit_card, depart_card))
    app.add_node(card_title, html=(visit_card_title, depart_card_title))
