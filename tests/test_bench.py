"""The benchmarks: that the measuring measures, that every formula has a contest, that results are kept and shown."""

import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch.utils._pytree import tree_leaves, tree_map

from gongsik import torch_impl
from gongsik.benchmarks import architectures
from gongsik.benchmarks import run as bench
from gongsik.benchmarks.page import markdown, print_results, tables
from gongsik.benchmarks.peers import SIZES, Data, contest
from gongsik.benchmarks.results import BANDWIDTH_AT_MOST, WORTH, Check, Contestant, Results, Row, summary
from gongsik.benchmarks.timing import FEWEST_ROUNDS, MOST_ROUNDS, Quartiles, measure
from gongsik.conformance.agreement import Exact, compare, flatten, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec import formulas

FOLDER = Path(__file__).parents[1] / "benchmarks"
MEASURED = [id for id in formulas() if hasattr(torch_impl, id.split(".")[1])]


class Machine:
    """A clock for calls that return their name and their cost; costs are powers of two, so that times are exact."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.slowdown = 1

    def __call__(self, call, number: int) -> float:
        name, cost = call()
        self.log.append((name, number))
        return number * cost * self.slowdown


def costing(cost: float, name: str = "a"):
    return lambda: (name, cost)


def test_times_are_per_call():
    times = measure({"a": costing(2.0**-18), "b": costing(2.0**-9, "b")}, clock=Machine())
    assert times.seconds("a") == Quartiles(2.0**-18, 2.0**-18, 2.0**-18)
    assert times.ratio("b", "a").median == 512
    assert times.fastest(["b", "a"]) == "a"


def test_contestants_alternate_in_changing_order():
    machine = Machine()
    times = measure({name: costing(2.0**-10, name) for name in "abc"}, clock=machine, budget=0.3)
    last = [name for name, _ in machine.log][-3 * times.rounds :]
    rounds = ["".join(last[i : i + 3]) for i in range(0, len(last), 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len(set(rounds)) == 6


def test_a_block_is_as_long_as_asked_for():
    machine = Machine()
    measure({"a": costing(2.0**-18), "b": costing(1.0, "b")}, clock=machine, block=2.0**-11)
    numbers = dict(machine.log[-2:])
    assert numbers == {"a": 2**7, "b": 1}


def test_what_slows_the_machine_down_does_not_reach_the_ratio():
    class Disturbed(Machine):
        def __call__(self, call, number: int) -> float:
            self.slowdown = 1 + len(self.log) // 30
            return super().__call__(call, number)

    times = measure({"a": costing(2.0**-10), "b": costing(2.0**-9, "b")}, clock=Disturbed(), budget=0.3)
    assert times.seconds("a").high > 2 * times.seconds("a").low
    assert times.ratio("b", "a").median == 2


@pytest.mark.parametrize(
    ("cost", "budget", "rounds"), [(2.0, 0.1, FEWEST_ROUNDS), (2**-9, 60, MOST_ROUNDS), (2**-6, 1, 64)]
)
def test_rounds_follow_the_budget(cost, budget, rounds):
    assert measure({"a": costing(cost)}, clock=Machine(), budget=budget).rounds == rounds


def test_quartiles_are_those_of_the_definition():
    assert Quartiles.of([5, 1, 2, 4, 3]) == Quartiles(2, 3, 4)


@pytest.mark.parametrize("moved", [1, 2, 1000, 2**20])
def test_the_floor_moves_the_bytes_it_says(moved):
    copy = bench.copy_of(moved, "cpu")
    assert isinstance(copy, partial)
    assert copy().nbytes + copy.args[0].nbytes == max(2, moved)


@pytest.mark.parametrize("id", MEASURED)
def test_every_formula_is_measured_at_growing_sizes(id, monkeypatch):
    monkeypatch.setattr("gongsik.benchmarks.peers.optimizer.can_compile", lambda _: False)
    moved, one_number = [], False
    for size in SIZES[:2]:  # the large ones take their time
        given = contest(id, Data(size))
        assert given is not None, f"{id} has no contest in benchmarks/peers"
        moved.append(given.moved or bench.bytes_of(given.arguments))
        one_number = all(x.ndim == 0 for x in tree_leaves(given.arguments) if isinstance(x, torch.Tensor))
    assert one_number or moved[0] < moved[1]


FLOAT32 = PRECISIONS["float32"]


@pytest.mark.parametrize("id", MEASURED)
def test_peers_compute_the_same(id, monkeypatch):
    monkeypatch.setattr("gongsik.benchmarks.peers.optimizer.can_compile", lambda _: False)
    formula, given = formulas()[id], contest(id, Data("small"))
    assert given is not None
    arguments = tree_map(lambda x: x.numpy() if isinstance(x, torch.Tensor) else x, given.arguments)
    first_step = formula.steps and len(formula.results) == 2
    arguments = arguments[:2] if first_step else arguments  # torch's optimizers begin without a state
    in_float64 = tree_map(
        lambda x: x.astype(float) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x, arguments
    )
    expected = values(Exact(FLOAT32), formula.name, Case(in_float64, given.options))
    expected = expected[0] if first_step else expected
    results = {peer: call(*given.arguments) for peer, call in given.peers.items()}
    results |= {peer: call(*arguments) for peer, call in given.arrays.items()}
    for peer, result in results.items():
        said = tree_leaves(result)  # what ours returns after it, such as a cache, is the peer's own business
        assert said
        for theirs, (bounded, _) in zip(said, list(flatten(expected, expected))[: len(said)], strict=True):
            verdict = compare(theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs, bounded, FLOAT32)
            assert verdict.agreed, f"{peer}: {verdict.message}"


def contestant(kind, microseconds: float, ratio: float | None = None, moved: int = 2**20) -> Contestant:
    quartiles = None if ratio is None else Quartiles(ratio, ratio, ratio)
    return Contestant(kind, kind, Quartiles(0, microseconds / 1e6, 1), moved, quartiles, 2.0)


def row(*contestants: Contestant, backend: str = "torch") -> Row:
    return Row("activation.relu", "medium", backend, "4x5", 99, 0, contestants)


def test_a_row_is_slow_where_a_call_is_long_and_ours_is_longer():
    slow = row(contestant("ours", 80, 1.06), contestant("peer", 75))
    assert slow.slow == "1.06 times peer"
    assert replace(slow, note="for a reason").slow == "1.06 times peer (for a reason)"
    assert not row(contestant("ours", 80, 1.04), contestant("peer", 75)).slow
    assert not row(contestant("ours", 0.9e6 * WORTH, 1.9), contestant("peer", 0.5e6 * WORTH)).slow
    assert not replace(slow, backend="reference").slow
    assert not row(
        contestant("ours", 99, 1.3), contestant("ours", 70, 0.9), contestant("peer", 75)
    ).slow  # the best counts


def test_a_tree_of_many_small_arrays_may_take_longer():
    many = replace(row(contestant("ours", 100, 1.4), contestant("peer", 75)), size="many")
    assert not many.slow
    assert replace(many, size="large").slow


def test_a_row_is_slow_where_a_yardstick_moves_more():
    limit = 60 * BANDWIDTH_AT_MOST
    assert row(contestant("ours", 1.01 * limit), contestant("yardstick", 60)).slow.startswith("yardstick moves 1.5")
    assert not row(contestant("ours", 0.99 * limit), contestant("yardstick", 60)).slow
    assert not row(contestant("ours", 1.01 * limit), contestant("yardstick", 60, moved=2**19)).slow


RESULTS = Results(
    {"processor": "P", "cores": 2, "threads": 1, "device": "cpu", "system": "S", "capability": "C",
     "versions": {"torch": "2"}, "date": "2000-01-01", "load": 0.5},
    2e10, 9e10,
    (row(contestant("ours", 80, 1.5), contestant("peer", 75)),
     row(contestant("ours", 80, 0.25), contestant("peer", 320), backend="reference")),
    (Check("activation.relu", "torch", Quartiles(3e-7, 4e-7, 5e-7), None),
     Check("loss.cross_entropy", "torch", Quartiles(3e-7, 2e-6, 5e-6), Quartiles(1e-5, 1e-5, 1e-5))),
)  # fmt: skip


def test_results_are_read_as_they_were_written(tmp_path):
    RESULTS.write(tmp_path / "r.json")
    assert Results.read(tmp_path / "r.json") == RESULTS
    assert len(json.loads((tmp_path / "r.json").read_text())["rows"]) == 2


def test_summary_names_what_falls_short():
    text = "\n".join(summary(RESULTS))
    assert "activation.relu medium: 1.50 times peer" in text
    assert "slower than they should be: 1" in text
    assert "at most 2.00 us a call (loss.cross_entropy); the limit is 1 us" in text


def test_page_and_terminal_show_every_row():
    console = Console(width=250, record=True, file=io.StringIO())
    print_results(RESULTS, console)
    shown, page = console.export_text(), markdown(RESULTS)
    for table in tables(RESULTS):
        for line in table.lines:
            assert all(cell in shown and cell in page for cell in line)
        assert f"| {' | '.join(table.lines[0])} |" in page
    assert "1.50 [1.50, 1.50]" in page


def test_a_run_prints_and_writes(tmp_path, capsys):
    threads = torch.get_num_threads()
    results = bench.run(formula="relu", quick=True, json_file=tmp_path / "r.json", console=Console(width=200))
    assert torch.get_num_threads() == threads
    assert [(row.formula, row.size) for row in results.rows] == [
        ("activation.relu", "small"),
        ("activation.relu", "medium"),
    ]
    assert {check.backend for check in results.checks} == {"torch", "reference"}
    assert all(c.seconds.median > 0 for row in results.rows for c in row.contestants)
    assert [row.formula for row in Results.read(tmp_path / "r.json").rows] == ["activation.relu"] * 2
    assert "torch.relu" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [({"formula": "rellu"}, "rellu"), ({"device": "cuda"}, "CUDA"), ({"device": "banana"}, "banana")],
)
def test_what_cannot_be_measured_is_one_clear_error(options, message):
    if options.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ValueError, match=message):
        bench.run(quick=True, **options)


def test_the_page_is_that_of_the_results():
    page, results = FOLDER / "README.md", FOLDER / "results" / "cpu.json"
    assert page.read_text(encoding="utf-8") == markdown(Results.read(results))


@pytest.mark.parametrize("name", ["LeNet-5", "AlexNet, two towers", "MobileNet v2", "ShuffleNet v1, 3 groups"])
def test_the_reference_runs_a_network_on_its_native_input(name):
    """The others take longer; the table of the architectures runs them all."""
    found = architectures.run_one(name)
    assert found["reference"] > 0
    assert found["mebibytes"] > 0
