"""Directives that make lists and tables from the library's own data, so that no page states a fact a second time."""

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import gongsik.index
from gongsik.spec import CHAPTERS, Entry, chapter, entries, formulas
from gongsik_docs.book import BACKENDS, KINDS, label
from gongsik_docs.errata import every_erratum, statement, try_counterexample
from gongsik_docs.evidence import PATH as EVIDENCE
from gongsik_docs.evidence import Measurement, evidence
from gongsik_docs.markdown import block, table
from gongsik_docs.node import DOCS

logger = logging.getLogger(__name__)

STUDY = DOCS.parent / "benchmarks" / "results" / "tolerance_study.json"

pages = functools.cache(gongsik.index.pages)


def link(entry: Entry) -> str:
    """A link to an entry's card; its number and title alone, as long as no page has the card."""
    return f"{{formula}}`{entry.id}`" if entry.id in pages() else f"{label(entry)} {entry.ko}"


def _numbered(name: str) -> str:
    return f"{CHAPTERS.index(name) + 1}. {chapter(name).CHAPTER.ko}"


PARTS = {
    "기초": ("activation", "loss", "network", "optimizer"),
    "합성곱과 학습": ("convolution", "pooling", "normalization", "regularization", "training"),
    "보는 망": ("cnn", "segmentation", "detection"),
    "읽고 쓰는 망": ("recurrent", "language", "attention", "transformer"),
    "만드는 망": ("probability", "autoregressive", "autoencoder", "gan"),
    "돌아보기": ("history",),
}
"""The parts of the book, each of chapters that follow each other."""


def chapters() -> str:
    """The chapters that have a page, in the order of teaching, with what is in each; and the table of contents."""
    written = [name for name in CHAPTERS if (DOCS / f"{name}.md").exists()]
    if written != [name for names in PARTS.values() for name in names if name in written]:
        raise ValueError("PARTS has not the chapters of the library in their order")
    lines = []
    for part, names in PARTS.items():
        lines.append(f"\n**{part}**\n")
        for name in (name for name in names if name in written):
            counts = [entry.kind for entry in entries(name).values()]
            kinds = ", ".join(f"{word} {counts.count(kind)}개" for kind, word in KINDS.items() if kind in counts)
            title = chapter(name).CHAPTER
            lines.append(f"{CHAPTERS.index(name) + 1}. [{title.ko}](./{name}.md) {title.en}: {kinds}")
    return "\n".join(lines) + "\n\n" + block("toctree", "", "\n".join(written), numbered="1", hidden="")


def formula_index() -> str:
    """Every entry, by chapter."""
    parts = []
    for name in CHAPTERS:
        rows = [(link(entry), entry.en, KINDS[entry.kind]) for entry in entries(name).values()]
        parts.append(f"**{_numbered(name)}**\n\n" + table(("이름", "영어 이름", "갈래"), rows))
    return "\n".join(parts)


def errata_index() -> str:
    """Every erratum with what its counterexample gives, by chapter."""
    parts = []
    for name, found in itertools.groupby(every_erratum(), key=lambda pair: pair[0].chapter):
        parts.append(f"**{_numbered(name)}**\n")
        for entry, erratum in found:
            body = statement(erratum, try_counterexample(erratum, _warn))
            parts.append(block("container", "erratum", f"{link(entry)}\n\n{body}"))
    return "\n".join(parts)


def _warn(message: str) -> None:
    logger.warning(message, type="gongsik", subtype="erratum")


def agreement_table() -> str:
    """Bits lost of every formula that has been measured: a row per formula, a column per backend, device and dtype."""
    measured = {id: found.results for id in formulas() if (found := evidence(id)) is not None and found.current}
    if not measured:
        return "아직 잰 것이 없다.\n"
    columns = list(dict.fromkeys(_column(one) for results in measured.values() for one in results))
    rows = []
    for id, results in measured.items():
        cells = {_column(one): f"{one.bits_lost:.1f}" for one in results}
        counts = (f"{sum(one.examples for one in results):,}", f"{sum(one.inconclusive for one in results):,}")
        rows.append((link(entries()[id]), *(cells.get(column, "") for column in columns), *counts))
    header = ("공식", *columns, "예", "판정 불가")
    return table(header, rows, numbers=header[1:])


def _column(one: Measurement) -> str:
    device = "" if one.device == "cpu" else f" {one.device}"
    return f"{BACKENDS.get(one.backend, one.backend)}{device} {one.dtype}"


def tolerance_study() -> str:
    """False alarms and catches of every way to choose a tolerance."""
    if not STUDY.exists():
        return "아직 잰 것이 없다.\n"
    study: dict[str, Any] = json.loads(STUDY.read_text(encoding="utf-8"))
    rows = [
        (
            one["name"],
            f"{one['false_alarms']:,} / {one['cases']:,}",
            f"{one['caught']:,} / {one['wrong']:,}",
        )
        for one in study["policies"]
    ]
    header = ("허용 오차를 정하는 법", "거짓 경보 / 맞는 계산", "잡은 것 / 틀린 구현")
    return table(header, rows, numbers=header[1:])


def directive(write: Callable[[], str]) -> type[SphinxDirective]:
    """A directive without arguments that parses the Markdown which a function writes."""

    class Written(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            for path in _sources():
                self.env.note_dependency(path)
            return self.parse_text_to_nodes(write())

    Written.__doc__ = write.__doc__
    return Written


def _sources() -> Iterator[Path]:
    """What the tables are made of."""
    yield from sorted((DOCS.parent / "spec").glob("*.py"))
    yield from sorted(DOCS.glob("*.md"))
    yield EVIDENCE
    yield STUDY


def setup(app: Sphinx) -> None:
    for write in (chapters, formula_index, errata_index, agreement_table, tolerance_study):
        app.add_directive(write.__name__.replace("_", "-"), directive(write))
