"""Computation graphs as values: named nodes, each an elementary function of inputs, constants and other nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from gongsik.spec.errors import DomainError, DtypeError, ShapeError

__all__ = ["OPERATIONS", "Graph", "Node"]

OPERATIONS = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2,
    "negative": 1, "square": 1, "sqrt": 1, "exp": 1, "log": 1, "sin": 1, "cos": 1, "tanh": 1,
}  # fmt: skip
"""How many operands each operation takes. All of them work element by element."""


@dataclass(frozen=True)
class Node:
    """``name = operation(*operands)``. An operand is the name of another node or of an input, or a number."""

    name: str
    operation: str
    operands: tuple[str | float, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The operands that are names."""
        return tuple(operand for operand in self.operands if isinstance(operand, str))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """What the operation is applied to, given the values of all names."""
        return [values[operand] if isinstance(operand, str) else operand for operand in self.operands]


@dataclass(frozen=True)
class Graph:
    """A computation without cycles. A name that no node has is an input.

    Parameters
    ----------
    nodes : tuple of Node
        In any order.
    output : str
        Name of the node that is the result; without it, the last of `nodes`.

    Attributes
    ----------
    order : tuple of Node
        All nodes, operands before what is made of them.
    inputs : tuple of str
        Names that the nodes use and none of them has, in order of appearance.

    Raises
    ------
    DomainError
        If an operation is unknown or has the wrong number of operands, two nodes have one name, a node has no operand
        that is a name, the output is no node, or the nodes form a cycle.

    Examples
    --------
    >>> graph = Graph((Node("y", "add", ("u", 1.0)), Node("u", "multiply", ("w", "x"))), output="y")
    >>> graph.inputs, [node.name for node in graph.order]
    (('w', 'x'), ['u', 'y'])
    """

    nodes: tuple[Node, ...]
    output: str = ""
    order: tuple[Node, ...] = field(init=False, repr=False, compare=False)
    inputs: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        nodes = {node.name: node for node in self.nodes}
        for node in self.nodes:
            self._check(node)
        if len(nodes) < len(self.nodes):
            twice = next(node.name for node in self.nodes if node is not nodes[node.name])
            raise DomainError(f"the graph has two nodes of the name {twice!r}")
        output = self.output or (self.nodes[-1].name if self.nodes else "")
        if output not in nodes:
            raise DomainError(f"the graph has no node {output!r} to be its output")
        inner = {node.name: [name for name in node.sources if name in nodes] for node in self.nodes}
        try:
            order = tuple(nodes[name] for name in TopologicalSorter(inner).static_order())
        except CycleError as error:
            raise DomainError(f"the graph has a cycle: {' -> '.join(error.args[1])}") from None
        sources = dict.fromkeys(name for node in self.nodes for name in node.sources if name not in nodes)
        for name, value in (("output", output), ("order", order), ("inputs", tuple(sources))):
            object.__setattr__(self, name, value)

    @staticmethod
    def _check(node: Node) -> None:
        arity = OPERATIONS.get(node.operation)
        if arity is None:
            raise DomainError(f"node {node.name!r}: no operation {node.operation!r}; there are {', '.join(OPERATIONS)}")
        if len(node.operands) != arity:
            raise DomainError(f"node {node.name!r}: {node.operation} takes {arity} operands, not {len(node.operands)}")
        if not node.sources:
            raise DomainError(f"node {node.name!r} depends on nothing: its operands are all numbers")

    def check_inputs(self, formula: str, inputs: Any, upstream: Any = None, /) -> None:
        """Hold the arrays that a formula got for the inputs, and an upstream gradient, against the graph.

        Raises
        ------
        DtypeError
            If `inputs` is no dict.
        DomainError
            If an input is missing, or has the name of a node.
        ShapeError
            If the arrays differ in shape, or there is none.
        """
        if not isinstance(inputs, Mapping):
            raise DtypeError(f"{formula}: inputs is of type {type(inputs).__name__}, expected a dict of arrays by name")
        missing = [name for name in self.inputs if name not in inputs]
        if missing:
            raise DomainError(f"{formula}: inputs lacks {', '.join(missing)}; the graph needs {', '.join(self.inputs)}")
        taken = [node.name for node in self.nodes if node.name in inputs]
        if taken:
            raise DomainError(f"{formula}: inputs has {', '.join(taken)}, which the graph computes itself")
        shapes = {name: tuple(array.shape) for name, array in inputs.items()}
        if len(set(shapes.values())) > 1:
            had = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ShapeError(f"{formula}: inputs have different shapes: {had}")
        if upstream is not None and (shape := tuple(upstream.shape)) not in shapes.values():
            expected = next(iter(shapes.values()))
            raise ShapeError(f"{formula}: upstream has shape {shape}, expected {expected} as the inputs have")
