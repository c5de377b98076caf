"""How well the backends agree, as measured by the conformance suite and kept in `docs/evidence.json`.

The file is written from the suite's report::

    {"activation.relu": {
        "hash": source_hash("activation.relu"),
        "results": [{"backend": "torch", "dtype": "float32", "device": "cpu", "examples": 100, "inconclusive": 0,
                     "bits_lost": 0.0, "discarded": 0}, ...]}, ...}
"""

import functools
import hashlib
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from gongsik.spec import formulas
from gongsik_docs.sources import definitions

PATH = Path(__file__).resolve().parents[1] / "evidence.json"


@dataclass(frozen=True)
class Measurement:
    """One formula on one backend, in one dtype, on one device.

    Attributes
    ----------
    examples, inconclusive, discarded : int
        Inputs that were compared; those of them where the error bound says nothing; those that were drawn but not used.
    bits_lost : float
        log2(largest error / bound), at least 0: how far the worst result lies outside the derived bound.
    """

    backend: str
    dtype: str
    device: str
    examples: int
    inconclusive: int
    bits_lost: float
    discarded: int = 0


@dataclass(frozen=True)
class Evidence:
    """What has been measured of one formula, and whether its sources are still those that were measured."""

    results: tuple[Measurement, ...]
    current: bool


def evidence(id: str) -> Evidence | None:
    """What has been measured of a formula; None if nothing has."""
    entry = _read(PATH, PATH.stat().st_mtime_ns if PATH.exists() else None).get(id)
    if entry is None:
        return None
    results = tuple(Measurement(**result) for result in entry["results"])
    return Evidence(results, current=entry["hash"] == source_hash(id))


@functools.lru_cache(maxsize=1)
def _read(path: Path, modified: int | None) -> dict[str, dict]:
    return json.loads(path.read_text(encoding="utf-8")) if modified else {}


def source_hash(id: str) -> str:
    """SHA-256 of what decides a formula's values: its declaration and its implementations, with what they use.

    What a function uses is every function, class and constant of its own file that it names, and so on. Docstrings do
    not count, nor does what a declaration says for the page only.

    Raises
    ------
    KeyError
        If there is no formula of this id.
    """
    formula = formulas()[id]
    texts = [repr(formula.requires)]
    for room in ("spec", "reference", "torch_impl"):
        module = importlib.import_module(f"gongsik.{room}.{formula.chapter}")
        texts += definitions(module, formula.name, decorators=room != "spec")
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def write(report: Path) -> None:
    """Renew the file from a report of the conformance suite (``gongsik conformance --report``).

    What the report is not about, because it was made for some chapters only, stays as it is.
    """
    facts = json.loads(report.read_text(encoding="utf-8"))
    kept, judged = {}, {r["id"] for r in facts["results"]}
    before = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
    for id in formulas():
        if id not in judged and id in before:
            kept[id] = before[id]
        results = [
            {
                "backend": r["backend"], "dtype": r["dtype"], "device": r["device"], "examples": r["examples"],
                "inconclusive": r["inconclusive"], "bits_lost": round(r["bits_lost"], 2), "discarded": r["discarded"],
            }
            for r in facts["results"]
            if r["id"] == id and r["passed"] and not r["failed"]
        ]  # fmt: skip
        if results:
            kept[id] = {"hash": source_hash(id), "results": results}
    PATH.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
