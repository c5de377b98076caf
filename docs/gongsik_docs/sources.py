"""The text of definitions, as the files have it."""

import ast
import functools
import importlib
import inspect
import textwrap
from types import ModuleType
from typing import NamedTuple


def implementation(module: str, name: str, *, decorators: bool = True) -> str:
    """Source of a function without its docstring: of the one that was written, below what decorators put around it.

    Raises
    ------
    AttributeError
        If the module has no such function.
    """
    function = inspect.unwrap(getattr(importlib.import_module(module), name))
    source = textwrap.dedent(inspect.getsource(function))
    return _text(source, ast.parse(source).body[0], decorators)


def method(owner: type, name: str) -> str:
    """Source of a method without its docstring."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, name)))
    return _text(source, ast.parse(source).body[0], decorators=True)


def definitions(module: ModuleType, name: str, *, decorators: bool = True) -> list[str]:
    """Sources, without docstrings, of a definition and of all that it uses of its module, in the order of the file."""
    source = inspect.getsource(module)
    found = _by_name(ast.parse(source))
    used, todo = set(), {name}
    while todo:
        node = found[todo.pop()]
        used.add(node)
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} & found.keys()
        todo |= {other for other in names if found[other] not in used}
    return [_text(source, node, decorators) for node in sorted(used, key=lambda node: node.lineno)]


class Helpers(NamedTuple):
    """What a function uses beside itself: sources that are shown with it; and other names, with where these stand."""

    shown: list[str]
    elsewhere: dict[str, str]


@functools.cache
def helpers(module: str, names: tuple[str, ...]) -> dict[str, Helpers]:
    """Of each of these functions the definitions of its module that it uses, each shown with the first that uses it.

    Those among `names` are no helpers: they are shown for themselves.
    """
    source = inspect.getsource(importlib.import_module(module))
    found = _by_name(ast.parse(source))
    own, owner = found.keys() - {"__all__", *names}, {}

    def collect(name: str, node: ast.stmt, used: set[str]) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in own - used:
                used.add(part.id)
                if owner.setdefault(part.id, name) == name:
                    collect(name, found[part.id], used)

    made: dict[str, Helpers] = {}
    for name in filter(found.__contains__, names):
        used: set[str] = set()
        collect(name, found[name], used)
        in_order = sorted(used, key=lambda helper: found[helper].lineno)
        shown = [_text(source, found[helper], decorators=True) for helper in in_order if owner[helper] == name]
        made[name] = Helpers(shown, {helper: owner[helper] for helper in in_order if owner[helper] != name})
    return made


def _by_name(tree: ast.Module) -> dict[str, ast.stmt]:
    """Functions, classes and constants of a module."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = node
            case ast.Assign(targets=targets):
                found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
    return found


def _text(source: str, node: ast.stmt, decorators: bool) -> str:
    """Lines of a definition, without its docstring."""
    lines = source.splitlines()
    above = getattr(node, "decorator_list", []) if decorators else []
    kept = range(min([node.lineno, *(part.lineno for part in above)]), (node.end_lineno or node.lineno) + 1)
    docstring = range(0)
    match getattr(node, "body", None):
        case [ast.Expr(value=ast.Constant(value=str())) as first, *_]:
            docstring = range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return "\n".join(lines[i - 1] for i in kept if i not in docstring)
