"""How long calls take beside each other: in alternation, in random order, so that what disturbs one disturbs all."""

import gc
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns
from typing import Any, TypeAlias

import numpy as np
import torch

Call: TypeAlias = Callable[[], Any]
Clock: TypeAlias = Callable[[Call, int], float]
"""``clock(call, number)`` is the seconds that `number` calls in a row take, together."""

FEWEST_ROUNDS, MOST_ROUNDS = 9, 301


def cpu_clock(call: Call, number: int) -> float:
    """Seconds on the wall. Each result is dropped before the next call, so memory is used again where it can be."""
    start = perf_counter_ns()
    for _ in repeat(None, number):
        call()
    return (perf_counter_ns() - start) / 1e9


def cuda_clock(call: Call, number: int) -> float:
    """Seconds on the device, between two events in its queue, which is empty at the start."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    for _ in repeat(None, number):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def clock_of(device: str) -> Clock:
    return cuda_clock if torch.device(device).type == "cuda" else cpu_clock


@dataclass(frozen=True)
class Quartiles:
    """The middle of many measurements, and the ends of their middle half."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Any) -> "Quartiles":
        low, median, high = np.quantile(np.asarray(values, np.float64), [0.25, 0.5, 0.75])
        return cls(float(low), float(median), float(high))


@dataclass(frozen=True)
class Times:
    """Seconds per call of every contestant, round by round: ``of[a][i]`` and ``of[b][i]`` were taken side by side."""

    of: Mapping[str, np.ndarray]

    @property
    def rounds(self) -> int:
        return len(next(iter(self.of.values())))

    def seconds(self, name: str) -> Quartiles:
        return Quartiles.of(self.of[name])

    def ratio(self, name: str, other: str) -> Quartiles:
        """How many times as long as the other one takes, by the rounds' own ratios."""
        return Quartiles.of(self.of[name] / self.of[other])

    def fastest(self, names: Any) -> str:
        return min(names, key=lambda name: self.seconds(name).median)


def measure(
    contestants: Mapping[str, Call],
    *,
    clock: Clock = cpu_clock,
    budget: float = 1.0,
    block: float = 5e-4,
    seed: int = 0,
) -> Times:
    """Time calls beside each other.

    Parameters
    ----------
    contestants : mapping of str to callable
        What is called, by name.
    clock : callable
        Measures a number of calls in a row.
    budget : float
        Seconds for all rounds together, > 0. There are at least `FEWEST_ROUNDS`, at most `MOST_ROUNDS` of them.
    block : float
        Seconds, > 0: in a round every contestant is called so often in a row that this much passes, at least once.
    seed : int
        Of the order within each round.

    Returns
    -------
    Times
    """
    order = random.Random(seed)
    names = list(contestants)
    with _no_garbage_collection():
        number = {name: _calls_in(block, call, clock) for name, call in contestants.items()}
        one_round = sum(clock(contestants[name], number[name]) for name in names)
        rounds = min(max(int(budget / max(one_round, 1e-9)), FEWEST_ROUNDS), MOST_ROUNDS)
        taken: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in order.sample(names, len(names)):
                taken[name].append(clock(contestants[name], number[name]) / number[name])
    return Times({name: np.array(seconds) for name, seconds in taken.items()})


def _calls_in(block: float, call: Call, clock: Clock) -> int:
    """How many calls fill a block; on the way the call is warmed up: compiled, its memory touched, its input cached."""
    clock(call, 2)
    number = 1
    while (seconds := clock(call, number)) < block / 2 and number < 2**20:
        number *= 2
    return max(1, round(number * block / max(seconds, 1e-9))) if number < 2**20 else number


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
