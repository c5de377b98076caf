"""The results for a reader: as tables in a terminal, and as the page beside them."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from gongsik.benchmarks.results import (
    AT_MOST,
    BANDWIDTH_AT_MOST,
    CHECK_AT_MOST,
    MANY_AT_MOST,
    WORTH,
    Check,
    Contestant,
    Results,
    Row,
    summary,
)
from gongsik.benchmarks.timing import Quartiles


@dataclass(frozen=True)
class Table:
    """A title, headings, and lines of text."""

    title: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def tables(results: Results) -> Iterator[Table]:
    """Everything that was measured."""
    headings = ("formula", "size", "inputs", "ours", "µs", "peer", "µs", "ours / peer", "/ floor", "GB/s")
    for backend, title in (("torch", "PyTorch"), ("reference", "NumPy (written to be read, not to be fast)")):
        lines = tuple(line for row in results.rows if row.backend == backend for line in _lines(row))
        if lines:
            yield Table(title, headings, lines)
    if results.checks:
        yield Table("Input check", ("formula", *_backends(results)), tuple(_check_lines(results)))


def _lines(row: Row) -> Iterator[tuple[str, ...]]:
    """One line for each of our ways, beside the fastest peer; one for each yardstick."""
    peer = row.fastest("peer")
    for one in row.contestants:
        if one.kind != "peer":
            beside = (peer.name, _us(peer.seconds.median)) if peer and one.kind == "ours" else ("", "")
            yield (row.formula, row.size, row.inputs, one.name, _us(one.seconds.median), *beside, *_measures(one))


def _measures(one: Contestant) -> tuple[str, str, str]:
    ratio = f"{one.ratio.median:.2f} [{one.ratio.low:.2f}, {one.ratio.high:.2f}]" if one.ratio else ""
    return ratio, f"{one.from_floor:.2f}" if one.from_floor else "", f"{one.bandwidth / 1e9:.2f}"


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f}" if seconds >= 100e-6 else f"{seconds * 1e6:.3g}"


def _backends(results: Results) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.backend for check in results.checks))


def _check_lines(results: Results) -> Iterator[tuple[str, ...]]:
    by_key = {(check.formula, check.backend): check for check in results.checks}
    for formula in dict.fromkeys(check.formula for check in results.checks):
        yield (formula, *(_cost(by_key[formula, backend]) for backend in _backends(results)))


def _cost(check: Check) -> str:
    def text(cost: Quartiles) -> str:
        return f"{cost.median * 1e6:.2f} [{cost.low * 1e6:.2f}, {cost.high * 1e6:.2f}]"

    return text(check.form) + (f" + {text(check.values)} values" if check.values else "")


def print_results(results: Results, console: Console) -> None:
    """Print the tables and the summary."""
    for table in tables(results):
        shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for i, heading in enumerate(table.headings):
            numbers = any(character.isdigit() for line in table.lines for character in line[i][:1])
            shown.add_column(heading, justify="right" if numbers else "left", no_wrap=True)
        for line in table.lines:
            shown.add_row(*line)
        console.print(shown)
    for sentence in summary(results):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


_PAGE = """\
# Benchmarks

Ours beside what a user would call instead: a kernel of `torch.nn.functional` (below: `F`), the fastest variant of
`torch.optim`, SciPy. This page and `results/cpu.json` are written by `./dev bench`; a part is looked at with

```
gongsik bench --chapter activation
gongsik bench --formula softmax --threads 2
gongsik bench --device cuda --json cuda.json
```

## What the numbers mean

In each of {rounds} rounds everything that is compared is called in random order, on the same inputs, as often as
fills half a millisecond; a result is dropped before the next call, so that memory is used again by all alike.

- **ours / peer**: our time over that of the fastest peer: the median of the rounds' ratios, and the ends of their
  middle half. The aim is at most {at_most} where a call of the peer's takes over {worth:g} µs, and {many_at_most} for a
  tree of many small arrays; a small input shows what a call costs before it computes anything.
- **/ floor**: our time over that of the fewest bytes, every input read once and every result written once, as a copy
  of so many bytes takes it in the same rounds; or over that of the operations at the rate of a large matrix product,
  if that is longer. What reads more than it writes can lie below 1, because a copy writes as much as it reads.
- **GB/s**: the fewest bytes over the time. The aim of an optimizer is 1/{bandwidth_at_most} of fused Adam's.
- **Input check**: what the compiled check adds to a call, in µs; the aim is at most {check_at_most:g}. Where an
  argument has a domain, looking at its (here few) values comes on top; on the CPU only, and not when compiled.

## The machine

{processor}, {cores} cores, {capability}; threads: {threads}; device: {device}; {system}; {versions};
{date}, with a load of {load}. A copy of 256 MiB moves {bandwidth:.1f} GB/s, a float32 matrix product makes
{rate:.0f} GFLOP/s.

## In short

"""


def markdown(results: Results) -> str:
    """The page: how to run it, what the numbers mean, and the numbers."""
    machine = dict(results.machine)
    machine["versions"] = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    rounds = [row.rounds for row in results.rows]
    head = _PAGE.format(
        **machine,
        rounds=f"{min(rounds)} to {max(rounds)}",
        at_most=AT_MOST,
        many_at_most=MANY_AT_MOST,
        bandwidth_at_most=BANDWIDTH_AT_MOST,
        worth=WORTH * 1e6,
        check_at_most=CHECK_AT_MOST * 1e6,
        bandwidth=results.bandwidth / 1e9,
        rate=results.rate / 1e9,
    )
    short = "".join(f"{line[: len(line) - len(line.lstrip())]}- {line.lstrip()}\n" for line in summary(results))
    lists = (f"\n## {table.title}\n\n" + "\n".join(_markdown_lines(table)) + "\n" for table in tables(results))
    return head + short + "".join(lists)


def _markdown_lines(table: Table) -> Iterable[str]:
    yield f"| {' | '.join(table.headings)} |"
    yield f"|{' --- |' * len(table.headings)}"
    for line in table.lines:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"


if __name__ == "__main__":  # python -m gongsik.benchmarks.page results/cpu.json README.md
    source, target = map(Path, sys.argv[1:])
    target.write_text(markdown(Results.read(source)), encoding="utf-8")
