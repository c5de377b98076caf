"""Measure every formula beside its peers, the cost of its input check, and the floor below which nobody gets."""

import datetime
import os
import platform
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

import gongsik
from gongsik import reference, torch_impl
from gongsik.benchmarks.page import print_results
from gongsik.benchmarks.peers import Contest, Data, Size, can_compile, contest
from gongsik.benchmarks.results import Check, Contestant, Kind, Results, Row
from gongsik.benchmarks.timing import Call, Quartiles, Times, clock_of, cpu_clock, measure
from gongsik.reference.arrays import ADAPTER as NUMPY
from gongsik.spec import ArrayAdapter, formulas
from gongsik.spec.check import implements
from gongsik.torch_impl.arrays import ADAPTER as TORCH
from gongsik.torch_impl.compiled import GAINS

OURS = "gongsik"
_FLOOR = "floor"


def run(
    *, chapter: str | None = None, formula: str | None = None, device: str = "cpu", threads: int = 1,
    quick: bool = False, json_file: Path | None = None, console: Console | None = None,
) -> Results:  # fmt: skip
    """Measure, print, and write what was measured.

    Parameters
    ----------
    chapter, formula : str
        Only this chapter; only the formula of this id or name.
    device : str
        Where tensors are: "cpu", "cuda".
    threads : int
        Of PyTorch on the CPU, at least 1.
    quick : bool
        Few rounds and no large inputs: a look, not a measurement.
    json_file : Path
        Where to write the results as JSON.
    console : Console
        Where to print.

    Raises
    ------
    ValueError
        If nothing of this name is measured, or the device is not there.
    """
    console = console or Console()
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from error
    ids = [id for id in formulas(chapter) if formula in (None, id, id.split(".")[1]) and contest(id, Data("small"))]
    if not ids:
        raise ValueError(f"nothing is measured that is called {formula or chapter}")
    jobs: list[tuple[str, Size]] = [(id, size) for id in ids for size in _sizes(id, quick)]
    order = {(id, str(size)): i for i, (id, size) in enumerate(jobs)}
    random.Random(0).shuffle(jobs)  # a slow minute of the machine does not fall on one formula
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with _progress(console) as progress:
            task = progress.add_task("floor", total=len(jobs) + len(ids))
            floor = Floor.measure(device)
            rows: list[Row] = []
            checks: list[Check] = []
            for id, size in jobs:
                progress.update(task, description=f"{id} ({size})")
                rows += _rows(id, Data(size, device), floor, 0.1 if quick else 1.0)
                progress.advance(task)
            for id in ids:
                progress.update(task, description=f"{id} (input check)")
                checks += _checks(id)
                progress.advance(task)
        machine = _machine(device, threads)
    finally:
        torch.set_num_threads(threads_before)
    rows.sort(key=lambda row: (row.backend != "torch", order[row.formula, row.size]))
    results = Results(machine, floor.bandwidth, floor.rate, tuple(rows), tuple(checks))
    print_results(results, console)
    if json_file:
        results.write(json_file)
    return results


@dataclass(frozen=True)
class Floor:
    """How fast the machine is at the two things that everything else is made of.

    Attributes
    ----------
    bandwidth : float
        Bytes per second of a copy of 256 MiB, read and written.
    rate : float
        Operations per second of a float32 matrix product.
    """

    bandwidth: float
    rate: float

    @classmethod
    def measure(cls, device: str) -> "Floor":
        clock = clock_of(device)
        copy, n = copy_of(2**28, device), 4096 if clock is not cpu_clock else 1024
        a = torch.ones(n, n, device=device)
        product = torch.empty_like(a)
        times = measure({"copy": copy, "product": partial(torch.mm, a, a, out=product)}, clock=clock)
        return cls(2**28 / times.seconds("copy").median, 2 * n**3 / times.seconds("product").median)


def _sizes(id: str, quick: bool) -> list[Size]:
    """The sizes at which a formula is measured."""
    sizes: list[Size] = ["small", "medium"]
    if not quick:
        sizes.append("large")
    if contest(id, Data("many")):
        sizes.append("many")
    return sizes


def copy_of(moved: int, device: str) -> Call:
    """A copy that reads and writes as many bytes together, from one place in memory to another."""
    source = torch.ones(max(1, moved // 2), dtype=torch.uint8, device=device)
    return partial(torch.empty_like(source).copy_, source)


def _rows(id: str, data: Data, floor: Floor, budget: float) -> list[Row]:
    """The row of the torch backend and, where there are peers on NumPy arrays, that of the reference."""
    given, name = _contest(id, data), id.split(".")[1]
    clock = clock_of(data.device)
    function = getattr(torch_impl, name)
    ours = {OURS: partial(function, *given.arguments, **given.options), **given.ours}
    gains = id in GAINS  # the others, and smaller inputs, are not compiled
    if data.size == "large" and gains and not given.ours and can_compile(data.device):
        ours["gongsik compiled"] = partial(torch_impl.compiled(function, id), *given.arguments, **given.options)
    peers = {peer: partial(call, *given.arguments) for peer, call in given.peers.items()}
    moved = given.moved or bytes_of(given.arguments) + bytes_of(ours[OURS]())
    yardsticks = {yardstick: call for yardstick, (call, _) in given.yardsticks.items()}
    times = measure({**ours, **peers, **yardsticks, _FLOOR: copy_of(moved, data.device)}, clock=clock, budget=budget)
    lowest = max(times.seconds(_FLOOR).median, given.operations / floor.rate)
    contestants = (
        _contestants(times, "ours", ours, moved, lowest, times.fastest(peers) if peers else None)
        + _contestants(times, "peer", peers, moved, lowest)
        + [c for name, (_, own) in given.yardsticks.items() for c in _contestants(times, "yardstick", [name], own)]
    )
    forms = _forms(given.arguments)
    row = Row(id, data.size, "torch", forms, times.rounds, given.operations, tuple(contestants), given.note)
    if not given.arrays or data.device != "cpu":
        return [row]
    arguments = _map_tensors(torch_impl.to_numpy, given.arguments)
    ours = {OURS: partial(getattr(reference, name), *arguments, **given.options)}
    peers = {peer: partial(call, *arguments) for peer, call in given.arrays.items()}
    times = measure({**ours, **peers}, budget=budget)
    contestants = _contestants(times, "ours", ours, moved, None, times.fastest(peers))
    contestants += _contestants(times, "peer", peers, moved)
    return [row, replace(row, backend="reference", rounds=times.rounds, contestants=tuple(contestants))]


def _contestants(
    times: Times, kind: Kind, names: Iterable[str], moved: int, lowest: float | None = None, peer: str | None = None
) -> list[Contestant]:
    found = []
    for name in names:
        seconds = times.seconds(name)
        from_floor = seconds.median / lowest if lowest else None
        found.append(Contestant(name, kind, seconds, moved, times.ratio(name, peer) if peer else None, from_floor))
    return found


def _checks(id: str) -> list[Check]:
    """What the check of a formula costs in either backend: a declaration with its check, less the bare declaration."""
    formula, given = formulas()[id], _contest(id, Data("small"))
    domains = any(getattr(argument.type, "domain", None) for argument in formula.positional)
    found = []
    for backend, (adapter, arguments) in {
        "torch": (TORCH, given.arguments),
        "reference": (NUMPY, _map_tensors(torch_impl.to_numpy, given.arguments)),
    }.items():
        functions = {
            "bare": formula.function,
            "form": implements(formula.function, _blind(adapter))(formula.function),
            "all": implements(formula.function, adapter)(formula.function),
        }
        calls = {key: partial(function, *arguments, **given.options) for key, function in functions.items()}
        of = measure(calls, budget=0.05, block=1e-4).of
        values = Quartiles.of(of["all"] - of["form"]) if domains else None
        found.append(Check(id, backend, Quartiles.of(of["form"] - of["bare"]), values))
    return found


def _blind(adapter: ArrayAdapter) -> ArrayAdapter:
    """The adapter without its looks at values."""

    def unseen(*_: Any) -> bool:
        return True

    looks = dict.fromkeys(("inside", "distribution", "signs", "ordered", "corners"), unseen)
    return replace(adapter, **looks)


def _contest(id: str, data: Data) -> Contest:
    given = contest(id, data)
    assert given is not None, id
    return given


def bytes_of(tree: Any) -> int:
    """Bytes of all tensors of a tree."""
    return sum(leaf.nbytes for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _forms(arguments: Iterable[Any]) -> str:
    """Shapes of the arguments; of trees how many arrays and elements they have, once."""
    forms = []
    for argument in arguments:
        tensors = [leaf for leaf in tree_leaves(argument) if isinstance(leaf, Tensor)]
        if isinstance(argument, Tensor):
            forms.append("x".join(map(str, argument.shape)) or "()")
        elif tensors and not hasattr(argument, "_fields"):  # a state is as large as its parameters
            forms.append(f"{len(tensors)} arrays of {sum(tensor.numel() for tensor in tensors)}")
    return ", ".join(dict.fromkeys(forms) if any(" " in form for form in forms) else forms)


def _map_tensors(function: Callable[[Tensor], Any], tree: Any) -> Any:
    return tree_map(lambda leaf: function(leaf) if isinstance(leaf, Tensor) else leaf, tree)


def _machine(device: str, threads: int) -> dict[str, Any]:
    """What one has to know to understand the numbers."""
    facts: dict[str, Any] = {"processor": _processor(), "cores": os.cpu_count(), "threads": threads, "device": device}
    if torch.device(device).type == "cuda":
        facts["device"] = torch.cuda.get_device_name(device)
    versions = {"gongsik": gongsik.__version__, "python": platform.python_version(), "torch": torch.__version__}
    versions |= {"numpy": np.__version__}
    facts |= {
        "system": platform.platform(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "versions": versions,
    }
    facts["date"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    # Far above the number of threads: something else was running.
    facts["load"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else "unknown"
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)
