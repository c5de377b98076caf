"""What is measured: for every formula its inputs, in three sizes, and what a user would call instead.

One file per chapter, one function per formula, of the formula's name: it takes `Data` and returns a `Contest`.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

T = TypeVar("T")
Size = Literal["small", "medium", "large", "many"]
SIZES: tuple[Size, ...] = get_args(Size)
"""small: what a call costs before it computes anything; large: beyond the caches; many: a tree of many small arrays."""


@cache
def can_compile(device: str) -> bool:
    """Whether torch.compile works here: for the CPU it needs a C++ compiler."""
    try:
        torch.compile(torch.neg)(torch.ones(2, device=device))
    except Exception:  # of many kinds, by what is missing
        return False
    return True


class NoTreeError(Exception):
    """What takes no tree of parameters is not measured on many small arrays."""


@dataclass(frozen=True)
class Data:
    """Where the inputs of a contest come from: the same numbers every time, in float32.

    Attributes
    ----------
    size : str
        One of `SIZES`.
    device : str
        Where the tensors are.
    """

    size: Size
    device: str = "cpu"

    def of(self, small: T, medium: T, large: T) -> T:
        """The one of three values that belongs to the size."""
        if self.size == "many":
            raise NoTreeError
        return {"small": small, "medium": medium, "large": large}[self.size]

    def trees(self, number: int) -> list[Any]:
        """Trees of normal draws of one structure: an array, 5 or 25 matrices, or 200 small arrays."""
        shapes = {
            "small": [(64,)],
            "medium": 5 * [(1024, 1024)],
            "large": 25 * [(1024, 1024)],
            "many": 100 * [(64, 64), (64,)],
        }[self.size]
        trees = [[self.normal(*shape) for shape in shapes] for _ in range(number)]
        return [tree[0] for tree in trees] if self.size == "small" else trees

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(self.device)

    def integers(self, high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=torch.Generator().manual_seed(0)).to(self.device)


@dataclass(frozen=True)
class Contest:
    """Inputs of one formula, and other ways to the same result.

    Attributes
    ----------
    arguments, options
        What the formula is called with.
    peers : mapping of str to callable
        What a user would call instead, by name, with the same arguments; the fastest is compared with. Empty where
        nobody else has it.
    arrays : mapping of str to callable
        The same for NumPy arrays: compared with the reference.
    ours : mapping of str to callable
        Further ways of this library to the result, such as compiled, without arguments.
    yardsticks : mapping of str to (callable, int)
        Another computation of the same kind, and the fewest bytes that it moves: compared in bytes per second.
    note : str
        Why ours takes longer than the peer, where that is known and meant.
    moved : int
        Fewest bytes between memory and processor, if they are not those of the arguments and results.
    operations : int
        Additions and multiplications of its matrix products.
    """

    arguments: tuple[Any, ...]
    peers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    ours: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    yardsticks: Mapping[str, tuple[Callable[[], Any], int]] = field(default_factory=dict)
    note: str = ""
    moved: int = 0
    operations: int = 0


def contest(id: str, data: Data) -> Contest | None:
    """The contest of a formula; None if there is none, of this size."""
    chapter, name = id.split(".")
    module = f"{__name__}.{chapter}"
    make = getattr(importlib.import_module(module), name, None) if importlib.util.find_spec(module) else None
    try:
        return make(data) if make else None
    except NoTreeError:
        return None
