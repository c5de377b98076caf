"""pytest's side of the suite: options, the backend under test, and the tally of what was executed.

It is an entry point of pytest, so ``pytest --pyargs gongsik.conformance --backend mine`` works from any folder.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Tally = dict[str, Any]
_TALLIES = pytest.StashKey[dict[str, Tally]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gongsik", "conformance of backends")
    group.addoption(
        "--backend", action="append", metavar="NAME", help="a backend's name or a dotted module; repeatable"
    )
    group.addoption("--device", metavar="DEVICE", help="device on which the backend computes (cpu, cuda)")
    group.addoption(
        "--dtype", action="append", metavar="NAME", help="float32, float64, bfloat16 or float16; repeatable"
    )
    group.addoption("--chapter", action="append", metavar="NAME", help="only this chapter; repeatable")
    group.addoption("--examples", type=int, default=50, metavar="N", help="examples per formula and dtype (default 50)")
    group.addoption("--conformance-seed", type=int, metavar="N", help="draw other examples than the fixed ones")
    group.addoption("--tally", metavar="FILE", help="write what was executed, per formula, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "law(*ids): a law of the entries with these ids")
    config.stash[_TALLIES] = {}


def backends_under_test(config: pytest.Config) -> list[tuple[str, str]]:
    """Pairs of a backend and a dtype, as the options say; by default both of our own in their dtypes."""
    from gongsik.backends import available

    names = config.getoption("--backend") or [name for name in ("reference", "torch") if name in available()]
    chosen = config.getoption("--dtype")
    return [(name, dtype) for name in names for dtype in chosen or default_dtypes(name)]


def default_dtypes(backend: str) -> list[str]:
    """The dtypes in which a backend is judged unless the user names some: NumPy has no bfloat16."""
    return ["float32", "float64", "bfloat16"] if backend == "torch" else ["float32", "float64"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "gs" in metafunc.fixturenames:
        pairs = backends_under_test(metafunc.config)
        metafunc.parametrize("gs", pairs, indirect=True, ids=[f"{name}-{dtype}" for name, dtype in pairs])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chapters that were asked for, and give the examples their number and seed."""
    chapters = config.getoption("--chapter")
    if chapters:
        kept = [item for item in items if _chapter(item) in (None, *chapters)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    ours = [item for item in items if "gs" in getattr(item, "fixturenames", ()) or item.get_closest_marker("law")]
    if ours:
        _hypothesis_profile(config, ours)


def _chapter(item: pytest.Item) -> str | None:
    """The chapter of a test of the suite: of a parametrized formula, else of the file; None for any other test."""
    formula = getattr(item, "callspec", None) and item.callspec.params.get("id")  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(formula, str) and "." in formula:
        return formula.split(".")[0]
    stem = item.path.stem.removeprefix("test_")
    return stem if item.get_closest_marker("law") else None


def _hypothesis_profile(config: pytest.Config, items: list[pytest.Item]) -> None:
    from hypothesis import HealthCheck, Phase, settings

    given_seed = config.getoption("--conformance-seed")
    settings.register_profile(
        "gongsik",
        max_examples=config.getoption("--examples"),
        deadline=None,
        derandomize=given_seed is None,
        database=None,
        print_blob=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("gongsik")
    functions = {item.function for item in items}  # pyright: ignore[reportAttributeAccessIssue]
    for function in functions:  # those that `given` has decorated took their settings when they were imported
        if getattr(function, "is_hypothesis_test", False):
            settings.get_profile("gongsik")(function)
    if given_seed is not None:
        config.option.hypothesis_seed = given_seed


@pytest.fixture
def gs(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The backend under test, at one precision."""
    import numpy as np

    from gongsik.backends import backend
    from gongsik.conformance.agreement import Missing, Target
    from gongsik.conformance.bounded import PRECISIONS
    from gongsik.conformance.strategies import PRECISION

    name, dtype = request.param
    if dtype not in PRECISIONS:
        raise pytest.UsageError(f"no dtype {dtype!r}; there are {', '.join(PRECISIONS)}")
    precision = PRECISIONS[dtype]
    token = PRECISION.set(precision)
    device = request.config.getoption("--device")
    made = backend(name, **({"device": device} if device else {}))
    try:
        made.asarray(np.zeros(1), dtype=dtype)
    except (TypeError, ValueError) as error:
        raise Missing(f"{name} makes no arrays of {dtype}: {error}") from error
    yield Target(made, precision, device, name)
    PRECISION.reset(token)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts of this test, by which the report tells what was executed; kept under the test's name."""
    counts: Tally = defaultdict(int)
    request.node.stash[_TALLIES] = {request.node.nodeid: counts}
    return counts


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Send the counts of a test along with its report (which travels from the workers of pytest-xdist)."""
    outcome = yield
    report = outcome.get_result()
    marker = item.get_closest_marker("law")
    callspec = getattr(item, "callspec", None)
    if call.when == "call" or (call.when == "setup" and report.outcome != "passed"):
        facts: dict[str, Any] = {"law": list(marker.args) if marker else []}
        if callspec and "gs" in callspec.params:
            facts["backend"], facts["dtype"] = callspec.params["gs"]
            facts["id"] = callspec.params.get("id")
            facts["test"] = item.originalname  # pyright: ignore[reportAttributeAccessIssue]
            facts["doc"] = (item.function.__doc__ or "").strip().split("\n")[0]  # pyright: ignore[reportAttributeAccessIssue]
            facts["counts"] = dict(item.stash.get(_TALLIES, {}).get(item.nodeid, {}))
            report.user_properties.append(("gongsik", facts))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, facts in report.user_properties:
        if name == "gongsik":
            facts["outcome"] = report.outcome
            facts["message"] = _message(report)
            _RESULTS.append(facts)


_RESULTS: list[dict[str, Any]] = []
"""What the tests of this session reported, in order; `--tally` writes it."""


def _message(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].partition(": ")[2]  # what comes before is the name of the exception
    return "" if report.passed else report.longreprtext


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.getoption("--tally")
    if target and not hasattr(session.config, "workerinput"):
        Path(target).write_text(json.dumps(_RESULTS, indent=1, ensure_ascii=False), encoding="utf-8")
    _RESULTS.clear()
