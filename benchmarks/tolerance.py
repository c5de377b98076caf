"""How well different ways to choose a tolerance tell right from wrong implementations.

``python -m gongsik.benchmarks.tolerance`` judges the same results by every policy: those of two correct backends, where
each rejection is a false alarm, and those of every implementation in `gongsik.conformance.wrong`, each of which has to
be rejected at least once. K and the form of gamma are chosen on one set of inputs and reported on another.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

import gongsik
from gongsik.conformance.agreement import Exact, Target, compare, flatten, values
from gongsik.conformance.bounded import PRECISIONS, Bounded, Form
from gongsik.conformance.strategies import Case, find
from gongsik.conformance.strength import Changed, cases
from gongsik.conformance.wrong import wrong_implementations
from gongsik.spec import CHAPTERS, formulas

OUTPUT = Path(__file__).resolve().parent / "results" / "tolerance_study.json"
TUNING, HELD_OUT = 1001, 2002
"""Seeds of the inputs on which the policy is chosen, and of those on which it is reported."""


@dataclass(frozen=True)
class Policy:
    """A way to decide whether a result is right."""

    name: str
    accepts: Callable[[np.ndarray, dict[Form, Any], str], bool]


def _relative(name: str, rtol: dict[str, float], atol: dict[str, float]) -> Policy:
    def accepts(result: np.ndarray, expected: dict[Form, Any], dtype: str) -> bool:
        value = expected["root"].value if isinstance(expected["root"], Bounded) else np.asarray(expected["root"])
        if result.shape != value.shape:
            return False
        return bool(np.allclose(result, value, rtol=rtol[dtype], atol=atol[dtype], equal_nan=True))

    return Policy(name, accepts)


def _bound(k: float, form: Form) -> Policy:
    def accepts(result: np.ndarray, expected: dict[Form, Any], dtype: str) -> bool:
        return compare(result, expected[form], PRECISIONS[dtype], k=k).agreed

    words = "n u" if form == "linear" else "sqrt(n) u"
    return Policy(f"bound, K = {k:g}, gamma = {words}", accepts)


def _same(value: float) -> dict[str, float]:
    return dict.fromkeys(PRECISIONS, value)


POLICIES = [
    *(_bound(k, form) for form in ("root", "linear") for k in (1, 2, 4, 8, 16)),
    _relative("numpy.allclose", _same(1e-5), _same(1e-8)),
    _relative(
        "torch.testing.assert_close",
        {"float64": 1e-7, "float32": 1.3e-6, "bfloat16": 1.6e-2, "float16": 1e-3},
        {"float64": 1e-7, "float32": 1e-5, "bfloat16": 1e-5, "float16": 1e-5},
    ),
    _relative("ONNX backend test", _same(1e-3), _same(1e-7)),
]


def _leaves(
    target: Target, name: str, case: Case, expected: dict[Form, Any]
) -> Iterator[tuple[np.ndarray, dict[Form, Any]]]:
    """The results of a backend, array by array, beside what is expected of each."""
    ours = values(target, name, case)
    pairs = {form: list(flatten(ours, theirs)) for form, theirs in expected.items()}
    for i, (mine, _) in enumerate(pairs["root"]):
        yield target.numpy(mine), {form: pair[i][1] for form, pair in pairs.items()}


def _verdicts(target: Target, id: str, case: Case, expected: dict[Form, Any]) -> list[bool]:
    """For every policy, whether it accepts a result; a result that is not even of the right form nobody accepts."""
    try:
        found = list(_leaves(target, find(id).name, case, expected))
    except Exception:
        return [False] * len(POLICIES)
    dtype = target.precision.name
    return [all(policy.accepts(result, theirs, dtype) for result, theirs in found) for policy in POLICIES]


def _expected(id: str, case: Case, dtype: str) -> dict[Form, Any]:
    forms: tuple[Form, ...] = ("root", "linear")
    return {form: values(Exact(replace(PRECISIONS[dtype], form=form)), find(id).name, case) for form in forms}


def study(seed: int, examples: int) -> list[dict[str, Any]]:
    """False alarms and catches of every policy, on the inputs of one seed."""
    right = [("torch", d) for d in ("float32", "float64", "bfloat16")] + [
        ("reference", d) for d in ("float32", "float64")
    ]
    wrong = [w for chapter in CHAPTERS for w in wrong_implementations(chapter)]
    alarms, judged = np.zeros(len(POLICIES), int), 0
    caught = np.zeros((len(POLICIES), len(wrong)), bool)
    for id in track(list(formulas()), description=f"seed {seed}", transient=True):
        for dtype in ("float32", "float64", "bfloat16"):
            for case in cases(id, dtype, examples, seed):
                expected = _expected(id, case, dtype)
                for name, its_dtype in right:
                    if its_dtype == dtype:
                        target = Target(gongsik.backend(name), PRECISIONS[dtype], name=name)
                        alarms += ~np.array(_verdicts(target, id, case, expected))
                        judged += 1
                for i, mistake in enumerate(wrong):
                    if mistake.id == id and dtype != "bfloat16":
                        target = Target(Changed(find(id).name, mistake.function), PRECISIONS[dtype])
                        caught[:, i] |= ~np.array(_verdicts(target, id, case, expected))
    return [
        {
            "name": policy.name, "false_alarms": int(alarms[i]), "cases": judged, "caught": int(caught[i].sum()),
            "wrong": len(wrong), "missed": [wrong[j].id + ": " + wrong[j].mistake for j in np.flatnonzero(~caught[i])],
        }
        for i, policy in enumerate(POLICIES)
    ]  # fmt: skip


def main(examples: int = 16) -> None:
    """Run the study on both sets of inputs and keep it."""
    tuning, held_out = study(TUNING, examples), study(HELD_OUT, examples)
    kept = {"examples": examples, "policies": held_out, "tuning": tuning}
    OUTPUT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for one in held_out:
        print(f"{one['name']:32} {one['false_alarms']:6} of {one['cases']} {one['caught']:4} of {one['wrong']}")


if __name__ == "__main__":
    main()
