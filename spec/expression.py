"""Expressions in a declaration: computed axes such as ``c//groups``, and conditions between axes and options.

They are Python. Names are axes, options and what the module of the declaration knows (`conv_output_size`); an option
that may differ between the axes of an image is always a pair there: ``stride[0]``.
"""

import ast
from collections.abc import Mapping
from typing import Any

from gongsik.spec.array import OptionType
from gongsik.spec.formula import Formula

_BUILTINS = {"len": len, "min": min, "max": max}


def axis_names(expression: str) -> set[str]:
    """Names that an expression depends on."""
    return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}


def functions(formula: Formula, expression: str) -> dict[str, Any]:
    """What an expression uses of the module in which the formula is declared."""
    known = formula.function.__globals__
    taken = {argument.name for argument in formula.arguments}
    return {name: known[name] for name in axis_names(expression) - taken if callable(known.get(name))}


def per_axis(formula: Formula) -> set[str]:
    """Names of the options that are a number or a pair."""
    return {a.name for a in formula.options if isinstance(a.type, OptionType) and a.type.per_axis}


def evaluate(formula: Formula, expression: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression for given axes and options."""
    pairs = {name: (x, x) for name in per_axis(formula) if not isinstance(x := names.get(name), tuple)}
    # an axis may be called like a function: what is given comes last
    return eval(expression, {"__builtins__": _BUILTINS, **functions(formula, expression)}, {**names, **pairs})


class _Local(ast.NodeTransformer):
    def __init__(self, axes: set[str], pairs: set[str]):
        self.axes, self.pairs = axes, pairs

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"_{node.id}", node.ctx) if node.id in self.axes else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self.pairs:
            name = node.value.id
            return ast.parse(f"({ast.unparse(node)} if type({name}) is tuple else {name})", mode="eval").body
        return self.generic_visit(node)


def local(formula: Formula, expression: str, axes: set[str]) -> str:
    """The expression for the quick check, where an axis is a local variable with an underscore in front."""
    return ast.unparse(_Local(axes, per_axis(formula)).visit(ast.parse(expression, mode="eval")))
