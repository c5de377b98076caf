"""What was measured, as data: printed in a terminal, kept as JSON, and turned into a page."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gongsik.benchmarks.timing import Quartiles

Kind: TypeAlias = Literal["ours", "peer", "yardstick"]

AT_MOST = 1.05
"""How many times a peer's time ours may take, where a call of the peer's takes over `WORTH` seconds."""
WORTH = 50e-6
MANY_AT_MOST = 1.5
"""The same for a tree of many small arrays."""
BANDWIDTH_AT_MOST = 1.5
"""How many times our bytes per second a yardstick may move."""
CHECK_AT_MOST = 1e-6
"""Seconds that an input check may take."""


@dataclass(frozen=True)
class Contestant:
    """One way to a result.

    Attributes
    ----------
    name : str
        What is called.
    kind : str
        ours; peer (what a user would call instead); yardstick (another computation of the same kind, for its bytes per
        second).
    seconds : Quartiles
        Per call.
    moved : int
        Fewest bytes between memory and processor.
    ratio : Quartiles or None
        Of ours: its time over that of the fastest peer, by the rounds' own ratios.
    from_floor : float or None
        Its time over that of the floor.
    """

    name: str
    kind: Kind
    seconds: Quartiles
    moved: int
    ratio: Quartiles | None = None
    from_floor: float | None = None

    @property
    def bandwidth(self) -> float:
        """Bytes per second, if no byte is moved twice."""
        return self.moved / self.seconds.median


@dataclass(frozen=True)
class Row:
    """One formula at one size: all contestants, measured in turn.

    Attributes
    ----------
    formula, size, backend, inputs : str
        What was computed, where, and the shapes of its arguments.
    rounds : int
        How often each was measured.
    operations : int
        Additions and multiplications of matrix products.
    contestants : tuple of Contestant
        Ours first.
    note : str
        Why ours takes longer than the peer, where that is known and meant.
    """

    formula: str
    size: str
    backend: str
    inputs: str
    rounds: int
    operations: int
    contestants: tuple[Contestant, ...]
    note: str = ""

    def fastest(self, kind: str) -> Contestant | None:
        of_kind = [contestant for contestant in self.contestants if contestant.kind == kind]
        return min(of_kind, key=lambda contestant: contestant.seconds.median, default=None)

    @property
    def slow(self) -> str:
        """Why this row falls short, empty if it does not. Only the torch backend is meant to be fast."""
        ours, peer, yardstick = self.fastest("ours"), self.fastest("peer"), self.fastest("yardstick")
        if self.backend != "torch" or ours is None:
            return ""
        limit = MANY_AT_MOST if self.size == "many" else AT_MOST
        if peer and peer.seconds.median > WORTH and ours.ratio and ours.ratio.median > limit:
            return f"{ours.ratio.median:.2f} times {peer.name}" + (f" ({self.note})" if self.note else "")
        if yardstick and yardstick.bandwidth > BANDWIDTH_AT_MOST * ours.bandwidth:
            return f"{yardstick.name} moves {yardstick.bandwidth / ours.bandwidth:.2f} times its bytes per second"
        return ""


@dataclass(frozen=True)
class Check:
    """What the input check of a formula costs.

    Attributes
    ----------
    formula, backend : str
        Whose.
    form : Quartiles
        Seconds per call for kinds, shapes and options.
    values : Quartiles or None
        Seconds more for the domains, for which every value of a (here small) array is looked at; None: it has none.
    """

    formula: str
    backend: str
    form: Quartiles
    values: Quartiles | None


@dataclass(frozen=True)
class Results:
    """One run.

    Attributes
    ----------
    machine : dict
        Processor, device, threads, versions, date, load.
    bandwidth : float
        Bytes per second of a copy beyond the caches: read and written.
    rate : float
        Operations per second of a large float32 matrix product.
    rows, checks : tuple
        What was measured.
    """

    machine: dict[str, Any]
    bandwidth: float
    rate: float
    rows: tuple[Row, ...]
    checks: tuple[Check, ...]

    def write(self, path: Path) -> None:
        """Write as JSON, one row per line, so that two runs can be compared line by line."""
        facts = _rounded(asdict(self))
        lines = {
            key: ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in facts.pop(key))
            for key in ("rows", "checks")
        }
        head = json.dumps(facts, indent=1, ensure_ascii=False).removesuffix("\n}")
        body = ",\n".join(f' "{key}": [\n  {text}\n ]' for key, text in lines.items())
        path.write_text(f"{head},\n{body}\n}}\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what `write` wrote."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            facts["machine"], facts["bandwidth"], facts["rate"],
            tuple(_row(row) for row in facts["rows"]), tuple(_check(check) for check in facts["checks"]),
        )  # fmt: skip


def _quartiles(facts: Any) -> Any:
    return None if facts is None else Quartiles(**facts)


def _row(facts: dict[str, Any]) -> Row:
    contestants = tuple(
        Contestant(**{**c, "seconds": _quartiles(c["seconds"]), "ratio": _quartiles(c["ratio"])})
        for c in facts["contestants"]
    )
    return Row(**{**facts, "contestants": contestants})


def _check(facts: dict[str, Any]) -> Check:
    return Check(**{**facts, "form": _quartiles(facts["form"]), "values": _quartiles(facts["values"])})


def _rounded(value: Any) -> Any:
    """Four digits of every number: more is noise, and hides what changed."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def summary(results: Results) -> Iterable[str]:
    """What a reader wants to know first, in sentences."""
    compared = [row for row in results.rows if row.fastest("peer") and row.backend == "torch"]
    slow = [row for row in results.rows if row.slow]
    yield f"{len(compared)} comparisons with a peer; slower than they should be: {len(slow)}"
    yield from (f"  {row.formula} {row.size}: {row.slow}" for row in slow)
    for backend in dict.fromkeys(check.backend for check in results.checks):
        worst = max((c for c in results.checks if c.backend == backend), key=lambda check: check.form.median)
        yield (
            f"input check of {backend}: at most {worst.form.median * 1e6:.2f} us a call ({worst.formula}); "
            f"the limit is {CHECK_AT_MOST * 1e6:g} us"
        )
