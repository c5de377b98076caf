"""How many small mistakes in the formulas the suite notices: every chapter of both backends, mutated in memory.

A mutant is a chapter's file with one place changed: an operator, a comparison, a constant, a term or an argument left
out. It is caught if a formula that reaches the place disagrees with the reference in values or gradients. What
survives is either no mistake at all (a constant that cancels) or something that the suite does not test.

    python -m gongsik.benchmarks.mutation [--room torch_impl] [--chapter activation] [--seconds 900] [--examples 100]

Of the kept tools, mutmut leaves out decorated functions, which every formula is; cosmic-ray takes the / of a signature
for a division and starts a process per mutant, where importing takes longer than judging.
"""

import argparse
import ast
import importlib
import inspect
import random
import signal
import time
import types
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gongsik import backend
from gongsik.conformance.agreement import Missing, Target, check_gradients, check_values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs
from gongsik.spec import CHAPTERS, Formula, formulas

ROOMS = {"reference": "reference", "torch_impl": "torch"}
"""Rooms with implementations, and the backend that each is."""
PATIENCE = 30
"""Seconds that one mutant may take; a loop that does not end is caught."""

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
FUNCTIONS = {
    first: second
    for pair in ("maximum minimum", "max min", "amax amin", "sum mean", "exp expm1", "log log1p", "sqrt square",
                 "sin cos", "floor ceil", "ones_like zeros_like")
    for first, second in (pair.split(), reversed(pair.split()))
}  # fmt: skip


def replacements(node: ast.AST) -> Iterator[ast.expr]:
    """Everything that a mistake could have put in the place of an expression."""
    match node:
        case ast.BinOp(left, operator, right):
            if type(operator) in OPERATORS:
                yield ast.BinOp(left, OPERATORS[type(operator)](), right)
            yield from (left, right)
        case ast.UnaryOp(ast.USub() | ast.Not() | ast.Invert(), operand):
            yield operand
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.Compare(left, [operator], right) if type(operator) in COMPARISONS:
            yield from (ast.Compare(left, [other()], right) for other in COMPARISONS[type(operator)])
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
            if value:
                yield ast.Constant(0)
        case ast.Call(function, arguments, keywords):
            if isinstance(function, ast.Attribute) and function.attr in FUNCTIONS:
                other = ast.Attribute(function.value, FUNCTIONS[function.attr], function.ctx)
                yield ast.Call(other, arguments, keywords)
            if len(arguments) == 1 and not keywords and not isinstance(arguments[0], ast.Starred):
                yield arguments[0]
            for i in range(len(keywords)):
                yield ast.Call(function, arguments, keywords[:i] + keywords[i + 1 :])


@dataclass(frozen=True)
class Mutant:
    """A place of a file, what stands there instead, and the names of the formulas that use it."""

    place: str
    change: str
    code: types.CodeType
    reaches: tuple[str, ...]


def mutants(source: str, path: str, names: tuple[str, ...]) -> Iterator[Mutant]:
    """Every mutant of a chapter's file, in order; `names` are the formulas that it implements."""
    module = ast.parse(source)
    users = _users(module, names)
    for definition in module.body:
        if isinstance(definition, ast.FunctionDef):
            name, statements = definition.name, definition.body
        elif isinstance(definition, ast.Assign) and isinstance(definition.targets[0], ast.Name):
            name, statements = definition.targets[0].id, [definition]
        else:
            continue
        if not users[name]:
            continue
        for parent, field, index, node in _places(statements):
            for other in replacements(node):
                _put(parent, field, index, other)
                code = compile(ast.fix_missing_locations(module), path, "exec")
                _put(parent, field, index, node)
                place = f"{path}:{node.lineno}:{node.col_offset + 1}"
                yield Mutant(place, f"{ast.unparse(node)} -> {ast.unparse(other)}", code, users[name])


def _places(statements: Sequence[ast.stmt]) -> Iterator[tuple[ast.AST, str, int | None, ast.expr]]:
    """Every expression in some statements: its parent, the field and position there, and itself."""
    for statement in statements:
        for parent in ast.walk(statement):
            for field, value in ast.iter_fields(parent):
                for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                    if isinstance(node, ast.expr):
                        yield parent, field, index, node


def _put(parent: ast.AST, field: str, index: int | None, node: ast.expr) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _users(module: ast.Module, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """For every definition of a file, the formulas that reach it through other definitions of the file."""
    mentions: dict[str, set[str]] = {}
    for definition in module.body:
        mentioned = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
        if isinstance(definition, ast.FunctionDef):
            mentions[definition.name] = mentioned
        elif isinstance(definition, ast.Assign) and isinstance(definition.targets[0], ast.Name):
            mentions[definition.targets[0].id] = mentioned
    users: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for name in names:
        reached, waiting = set(), [name]
        while waiting:
            one = waiting.pop()
            if one not in reached and one in mentions:
                reached.add(one)
                waiting += mentions[one]
        for one in reached:
            # A formula is judged by itself; what it shares with others, by all of them.
            if one not in names or one == name:
                users[one] = (*users[one], name)
    return users


class Mutated:
    """A backend of which one chapter is that of a mutant."""

    def __init__(self, room: str, chapter: str, code: types.CodeType):
        self._rest = backend(ROOMS[room])
        self._chapter: dict[str, Any] = {"__name__": f"gongsik.{room}.{chapter}"}
        exec(code, self._chapter)

    def __getattr__(self, name: str) -> Any:
        return self._chapter[name] if name in self._chapter else getattr(self._rest, name)


class Caught(BaseException):
    """A mutant is not what it should be. No `Exception`, lest hypothesis look for a smaller one."""


def is_caught(room: str, chapter: str, mutant: Mutant, examples: int) -> bool:
    """Whether any formula that the mutant reaches disagrees with the reference, or fails."""
    signal.signal(signal.SIGALRM, _too_slow)
    signal.alarm(PATIENCE)
    try:
        mutated = Mutated(room, chapter, mutant.code)
        for name in mutant.reaches:
            for precision in ("float64", "float32"):
                _judge(formulas()[f"{chapter}.{name}"], Target(mutated, PRECISIONS[precision]), examples)
    except Caught:
        return True
    except Missing:
        return False
    except Exception:  # the file does not import, the checks refuse it, its own code fails: all that is noticed
        return True
    finally:
        signal.alarm(0)
    return False


def _too_slow(*_: Any) -> None:
    raise Caught


def _judge(formula: Formula, target: Target, examples: int) -> None:
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(inputs(formula.id))
    def check(case: Case) -> None:
        try:
            agreed = check_values(target, formula.name, case).agreed
            if agreed and formula.differentiable:
                agreed = check_gradients(target, formula, case).agreed
        except Exception as error:
            raise Caught from error
        if not agreed:
            raise Caught

    token = PRECISION.set(target.precision)
    try:
        check()
    finally:
        PRECISION.reset(token)


def main() -> None:
    """Mutate, judge, and print what was caught and what survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", choices=ROOMS)
    chapters = [name for name in CHAPTERS if formulas(name)]
    parser.add_argument("--chapter", choices=chapters)
    parser.add_argument("--seconds", type=float, default=900, help="after which no further mutant is judged")
    parser.add_argument("--examples", type=int, default=100, help="per formula and dtype")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    jobs = []
    for room in [options.room] if options.room else ROOMS:
        for chapter in [options.chapter] if options.chapter else chapters:
            source = inspect.getsource(importlib.import_module(f"gongsik.{room}.{chapter}"))
            names = tuple(id.split(".")[1] for id in formulas(chapter))
            jobs += [(room, chapter, mutant) for mutant in mutants(source, f"{room}/{chapter}.py", names)]
    random.Random(0).shuffle(jobs)  # when the time is up, it is up for all chapters alike

    console, end = Console(), time.monotonic() + options.seconds
    outcomes: dict[tuple[str, str], list[tuple[Mutant, bool]]] = defaultdict(list)
    for room, chapter, mutant in track(jobs, "mutants", console=console, transient=True):
        if time.monotonic() > end:
            break
        outcomes[room, chapter].append((mutant, is_caught(room, chapter, mutant, options.examples)))

    table = Table("room", "chapter", "mutants", "caught", "survived")
    for (room, chapter), judged in sorted(outcomes.items()):
        caught = sum(is_it for _, is_it in judged)
        table.add_row(room, chapter, str(len(judged)), str(caught), str(len(judged) - caught))
    console.print(table)
    judged = [pair for pairs in outcomes.values() for pair in pairs]
    for line in sorted(f"survived: {mutant.place}: {mutant.change}" for mutant, is_it in judged if not is_it):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    caught = sum(is_it for _, is_it in judged)
    console.print(f"{caught} of {len(judged)} mutants caught; {len(jobs) - len(judged)} not judged for lack of time")


if __name__ == "__main__":
    main()
