"""The suite as one command: a progress bar while it runs, a table at the end, and a report to keep."""

import html
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from gongsik.spec import CHAPTERS, entries, formulas

HERE = Path(__file__).parent


@dataclass
class Result:
    """What was found out about one formula (or law) in one backend and dtype.

    Attributes
    ----------
    examples, discarded, inconclusive : int
        Inputs compared; drawn but refused by the formula's own check; compared where the bound says nothing.
    bits_lost : float
        log2 of the largest error in units of its bound, at least 0, over values, special values and gradients.
    passed, failed : int
        Tests of agreement and laws about it.
    missing : str
        Why it was not judged, if it was not.
    failures : list of str
        What the failing tests said.
    """

    id: str
    backend: str
    dtype: str
    device: str = "cpu"
    examples: int = 0
    discarded: int = 0
    inconclusive: int = 0
    bits_lost: float = 0.0
    passed: int = 0
    failed: int = 0
    missing: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def agreed(self) -> bool:
        return self.judged and not self.failed

    @property
    def judged(self) -> bool:
        """A formula that was compared on no example was not judged, even if a law that names it passed without it."""
        return bool(self.failed or (self.examples if self.id in formulas() else self.passed))


def collect(tally: Iterable[dict[str, Any]], device: str | None = None) -> list[Result]:
    """Results per entry, backend and dtype, from what the plugin wrote down test by test."""
    found: dict[tuple[str, str, str], Result] = {}
    for test in tally:
        if "backend" not in test:
            continue
        for id in [test["id"]] if test["id"] else test["law"]:
            key = (id, test["backend"], test["dtype"])
            result = found.setdefault(key, Result(*key, device=device or "cpu"))
            counts = test["counts"]
            result.examples += counts.get("executed", 0)
            result.discarded += counts.get("discarded", 0)
            result.inconclusive += counts.get("inconclusive", 0)
            result.bits_lost = max(result.bits_lost, counts.get("bits_lost", 0.0))
            result.passed += test["outcome"] == "passed"
            result.failed += test["outcome"] == "failed"
            if test["outcome"] == "failed":
                result.failures.append(f"{test['test']}: {test['message']}")
            elif test["outcome"] == "skipped":
                result.missing = result.missing or test["message"]
    order = {id: i for i, id in enumerate(entries())}
    return sorted(found.values(), key=lambda r: (r.backend, order.get(r.id, len(order)), r.dtype))


class _Bar:
    """pytest's reports as a progress bar."""

    def __init__(self, progress: Progress):
        self.progress, self.errors = progress, []
        self.task = progress.add_task("collecting", total=None)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.progress.update(self.task, total=len(session.items), description="judging")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self.progress.update(self.task, total=len(ids), description="judging")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.progress.update(self.task, description=nodeid.split("[")[-1].rstrip("]")[:44].ljust(44))

    def pytest_runtest_logfinish(self) -> None:
        self.progress.advance(self.task)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.progress.console.print(f"[red]failed[/red] {report.nodeid.split('::')[-1]}", highlight=False)
            if report.when != "call":
                self.errors.append(report.longreprtext)


def run(
    backends: Sequence[str], device: str | None = None, dtypes: Sequence[str] | None = None,
    chapters: Sequence[str] | None = None, examples: int = 50, seed: int | None = None,
    report: Path = Path("gongsik-report"), console: Console | None = None, jobs: int = 1,
) -> int:  # fmt: skip
    """Judge backends and write the report.

    Parameters
    ----------
    backends : sequence of str
        Names or dotted modules.
    device : str, optional
        Where they compute.
    dtypes : sequence of str, optional
        Which precisions; by default those the backend has.
    chapters : sequence of str, optional
        Only these chapters.
    examples : int
        Per formula and dtype.
    seed : int, optional
        Draw other examples than the fixed ones.
    report : Path
        Folder for report.json, junit.xml and index.html.
    console : Console, optional
        Where the table is printed.
    jobs : int
        How many processes share the work, with one thread each if there are several.

    Returns
    -------
    int
        0 if everything judged agrees, 1 otherwise.
    """
    console = console or Console()
    report.mkdir(parents=True, exist_ok=True)
    tally = report / "tally.json"
    arguments = [str(HERE), "--config-file", os.devnull, "--rootdir", str(HERE), "--import-mode=importlib"]
    arguments += ["-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore"]
    arguments += ["--tally", str(tally), "--junitxml", str(report / "junit.xml"), "--examples", str(examples)]
    for flag, values in (("--backend", backends), ("--dtype", dtypes or ()), ("--chapter", chapters or ())):
        arguments += [part for value in values for part in (flag, value)]
    arguments += ["--device", device] if device else []
    arguments += ["--conformance-seed", str(seed)] if seed is not None else []
    if jobs > 1:
        arguments += ["-n", str(jobs)]
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes that are started now
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = _Bar(progress)
        code = pytest.main(arguments, plugins=[bar])
    if bar.errors or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        console.print("\n".join(bar.errors) or f"the suite did not run: {code!r}", highlight=False, markup=False)
        return 1
    results = collect(json.loads(tally.read_text(encoding="utf-8")), device)
    tally.unlink()
    facts = {"device": device or "cpu", "examples": examples, "seed": seed, "results": [asdict(r) for r in results]}
    (report / "report.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    (report / "index.html").write_text(page(results, examples), encoding="utf-8")
    _print(console, results, report)
    return int(any(r.failed for r in results))


HEADER = ("chapter", "backend", "dtype", "agree", "laws", "examples", "inconclusive", "bits lost")


def summary(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Rows of the table: a chapter in one backend and dtype each."""
    rows, functions = [], formulas()
    for name in CHAPTERS:
        for backend, dtype in dict.fromkeys((r.backend, r.dtype) for r in results):
            here = [r for r in results if (r.backend, r.dtype) == (backend, dtype) and r.id.startswith(f"{name}.")]
            judged = [r for r in here if r.id in functions and r.judged]
            laws = [r for r in here if r.id not in functions and r.judged]
            total = sum(r.examples for r in judged)
            if judged or laws:
                rows.append((
                    name, backend, dtype,
                    f"{sum(r.agreed for r in judged)}/{len(judged)}",
                    f"{sum(r.agreed for r in laws)}/{len(laws)}",
                    f"{total:,}",
                    f"{sum(r.inconclusive for r in judged) / max(total, 1):.1%}",
                    f"{max((r.bits_lost for r in judged), default=0):.2f}",
                ))  # fmt: skip
    return rows


def absent(results: Sequence[Result]) -> list[str]:
    """What was not judged, and why: one line per reason, with the entries it is true of."""
    reasons: dict[str, list[str]] = {}
    for r in results:
        if r.missing and not r.judged:
            reasons.setdefault(r.missing, []).append(r.id)
    return [f"{reason} ({', '.join(sorted(set(ids)))})" for reason, ids in reasons.items()]


def _print(console: Console, results: Sequence[Result], report: Path) -> None:
    table = Table(*HEADER)
    for column in table.columns[3:]:
        column.justify = "right"
    last = ""
    for row in summary(results):
        if last and row[0] != last:
            table.add_section()
        table.add_row(*row)
        last = row[0]
    console.print(table)
    for line in absent(results):
        console.print(f"not judged: {line}", highlight=False)
    for r in results:
        for failure in r.failures:
            console.print(f"\n[red]{r.id}[/red] in {r.backend}, {r.dtype}", highlight=False)
            console.print(failure, highlight=False, markup=False)
    failed = sum(bool(r.failed) for r in results)
    console.print(f"\n{failed} disagree." if failed else "\nEverything that was judged agrees.", highlight=False)
    console.print(f"report: {report / 'index.html'}", highlight=False)


def page(results: Sequence[Result], examples: int) -> str:
    """The report as one HTML page, without anything to load."""

    def cells(tag: str, row: Iterable[Any]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in row) + "</tr>"

    parts = [f"<table>{cells('th', HEADER)}", *(cells("td", row) for row in summary(results)), "</table>"]
    parts += [f"<p>Not judged: {html.escape(line)}.</p>" for line in absent(results)]
    parts.append("<h2>Every entry</h2><table>")
    parts.append(
        cells("th", ("id", "backend", "dtype", "verdict", "examples", "discarded", "inconclusive", "bits lost"))
    )
    for r in results:
        verdict = "failed" if r.failed else "agrees" if r.agreed else r.missing
        row = (r.id, r.backend, r.dtype, verdict, r.examples, r.discarded, r.inconclusive, f"{r.bits_lost:.2f}")
        parts.append(cells("td", row).replace("<tr>", f'<tr class="{"failed" if r.failed else ""}">'))
    parts.append("</table>")
    for r in results:
        for failure in r.failures:
            parts.append(
                f"<h3>{html.escape(r.id)} in {html.escape(r.backend)}, {r.dtype}</h3><pre>{html.escape(failure)}</pre>"
            )
    return _PAGE.format(body="\n".join(parts), examples=examples)


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>gongsik conformance</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; margin-bottom: 2rem; }}
th, td {{ padding: .25rem .75rem; text-align: left; border-bottom: 1px solid #8884; }}
td:nth-child(n+5), th:nth-child(n+5) {{ text-align: right; font-variant-numeric: tabular-nums; }}
.failed {{ background: #d432; }}
pre {{ overflow-x: auto; padding: 1rem; background: #8882; }}
</style>
<h1>Conformance</h1>
<p>A result agrees where it lies within 4 times the error bound that the formula itself gives; up to {examples} examples
per test. <em>Bits lost</em> is log<sub>2</sub> of the largest error in units of that bound, at least 0.
<em>Inconclusive</em> cases are those in which the bound is larger than the result.</p>
{body}
</html>
"""
