"""The command line: `gongsik list`, `show`, `doctor`, `conformance` and `bench`."""

import ast
import dataclasses
import importlib
import inspect
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from typer.exceptions import TyperException

import gongsik
from gongsik import index
from gongsik.backends import BackendError, suggestion
from gongsik.doctor import findings
from gongsik.spec import CHAPTERS, Entry, Formula, entries
from gongsik.spec.array import ArrayType, Labels, OpaqueType, OptionType, Range, StateType, TreeType, Type
from gongsik.spec.formula import NOTES
from gongsik.spec.layers import Architecture

app = typer.Typer(
    name="gongsik",
    help="Every formula of deep learning, as an executable specification.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)  # a pipe has no width
err = Console(stderr=True, highlight=False)


class BadArgument(TyperException):
    """An argument that names nothing, or cannot be used; its message is one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; a bad argument is one line on standard error, and exit code 2.

    Returns
    -------
    int
        The exit code.
    """
    sys.path.append(os.getcwd())  # a backend under development is named by its module, from where it lies
    try:
        return (
            app(args=list(sys.argv[1:] if arguments is None else arguments) or ["--help"], standalone_mode=False) or 0
        )
    except TyperException as error:
        return _complain(error.format_message())
    except BackendError as error:
        return _complain(str(error))
    except typer.Abort:
        return 130


def _complain(message: str) -> int:
    err.print(f"gongsik: {message}", markup=False, soft_wrap=True)
    return 2


Chapter = Annotated[str | None, typer.Option("--chapter", metavar="C", help="Only this chapter.")]


def _check_chapter(name: str | None) -> None:
    if name is not None and name not in CHAPTERS:
        raise BadArgument(f"no chapter {name!r}{suggestion(name, CHAPTERS)}: there are {', '.join(CHAPTERS)}")


@app.command("list")
def list_entries(
    chapter_name: Chapter = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> None:
    """List every entry: what it is, which backends have it, how many laws test it, which page explains it."""
    _check_chapter(chapter_name)
    rows = list(_rows(chapter_name))
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "kind", "backends", "laws", "page", "ko"):
        table.add_column(heading, justify="right" if heading == "laws" else "left", no_wrap=heading != "ko")
    for row in rows:
        page = (row["page"] or "-").partition("#")[0]
        table.add_row(
            row["id"], row["kind"], " ".join(row["backends"]) or "-", str(row["laws"] or "-"), page, row["ko"]
        )
    out.print(table)


def _rows(chapter_name: str | None) -> Iterator[dict[str, Any]]:
    backends = [backend for backend in _backends().values() if isinstance(backend, gongsik.Backend)]
    laws, pages = index.laws(), index.pages()
    for id, entry in entries(chapter_name).items():
        yield {
            "id": id, "kind": entry.kind, "chapter": entry.chapter, "ko": entry.ko, "en": entry.en,
            "backends": [backend.name for backend in backends if backend.has(id)],
            "laws": len(laws.get(id, ())), "page": pages.get(id),
        }  # fmt: skip


def _backends() -> dict[str, gongsik.Backend | BackendError]:
    """Registered backends by name; for one that does not work, why."""
    found: dict[str, gongsik.Backend | BackendError] = {}
    for name in gongsik.available():
        try:
            found[name] = gongsik.backend(name)
        except BackendError as error:
            found[name] = error
    return found


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="For example activation.softmax.")],
    sample: Annotated[
        str | None, typer.Option("--input", metavar="CxHxW", help="Of a network: its layers for such a sample.")
    ] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Of a network: a field of its configuration; repeatable."),
    ] = None,
) -> None:
    """Show an entry: the formula, its shapes and options, errata, laws, and the source of each backend.

    Of a network, such as cnn.resnet, also the table of its layers: --input 3x224x224 --set depth=152.
    """
    known = entries()
    by_name = {entry.name: entry for entry in known.values()}
    entry = known.get(id) or by_name.get(id)
    if entry is None:
        raise BadArgument(
            f"no entry {id!r}{suggestion(id, known) or suggestion(id, by_name)}: `gongsik list` has them all"
        )
    layers = _layers(entry, sample, chosen or []) if sample or chosen else None  # what is wrong is said first
    out.print(Text.assemble((entry.ko, "bold"), f"  {entry.en}  ", (f"{entry.kind} {entry.id}", "dim")))
    if entry.tex:
        out.print(Padding(Syntax(entry.tex, "latex", background_color="default", word_wrap=True), (1, 4)))
    if isinstance(entry, Formula):
        out.print((inspect.getdoc(entry.function) or "").partition("\n")[0], markup=False)
        out.print(Padding(_signature(entry), (1, 0)))
    for place in entry.notes:
        out.print(Text.assemble(("notes   ", "dim"), _place(place)))
    if entry.source:
        out.print(Text.assemble(("source  ", "dim"), entry.source))
    _show_errata(entry)
    _show_laws(entry)
    if isinstance(entry, Formula):
        _show_sources(entry)
    if layers is not None:
        out.print(Padding(layers, (1, 0)))


def _layers(entry: Entry, sample: str | None, chosen: Sequence[str]) -> Table:
    """The layers of a network for a sample such as "3x224x224", its fields chosen as in "depth=152"."""
    configuration = _configuration(entry)
    sizes = (sample or "").split("x")
    if not all(size.isascii() and size.isdigit() and int(size) for size in sizes):
        raise BadArgument(f"--input is {sample!r}, expected sizes such as 3x224x224")
    try:
        config = configuration(**dict(_field(configuration, setting) for setting in chosen))
        rows = config.table(tuple(map(int, sizes)))
    except (TypeError, ValueError) as error:
        raise BadArgument(str(error)) from error
    table = Table(box=None, pad_edge=False, header_style="dim", title=str(config), title_justify="left")
    for heading in ("name", "layer", "output", "parameters", "multiply-adds"):
        table.add_column(heading, justify="right" if heading in ("parameters", "multiply-adds") else "left")
    for name, layer, output, *numbers in rows:
        table.add_row(name, layer, " x ".join(map(str, output)), *(f"{number:,}" for number in numbers))
    total = (sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows))
    table.add_row("total", "", "", *(f"{number:,}" for number in total), style="bold")
    return table


def _configuration(entry: Entry) -> type[Architecture]:
    """Of which configuration the entry is a network."""
    kinds = [argument.type for argument in entry.arguments] if isinstance(entry, Formula) else []
    for kind in kinds:
        opaque = kind.type if isinstance(kind, OpaqueType) else None
        if isinstance(opaque, type) and issubclass(opaque, Architecture) and opaque is not Architecture:
            return opaque
    raise BadArgument(f"{entry.id} is no network with a configuration: --input and --set are for those")


def _field(configuration: type[Architecture], setting: str) -> tuple[str, Any]:
    """A field and its value out of "depth=152"; what is no Python value is a string."""
    name, equals, value = setting.partition("=")
    known = [field.name for field in dataclasses.fields(configuration) if field.init]
    if not equals or name not in known:
        raise BadArgument(f"--set {setting}: expected FIELD=VALUE with a field of {', '.join(known)}")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def _place(where: str) -> str:
    """A place in the lecture notes: title and heading."""
    number, _, heading = where.partition("#")
    return f"{NOTES[number]}, {heading}" if heading else NOTES[number]


def _signature(formula: Formula) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for heading in ("argument", "shape", "values", "default"):
        table.add_column(heading)
    for argument in formula.arguments:
        default = "" if argument.required else repr(argument.default)
        table.add_row(argument.name, *_type(argument.type), default)
    for i, kind in enumerate(formula.results):
        table.add_row("returns" if i == 0 else "", *_type(kind), "")
    return table


def _type(kind: Type) -> tuple[str, str]:
    """Shape and values, in words."""
    match kind:
        case ArrayType(kind=dtype, domain=domain):
            return str(kind), f"{dtype}{_domain(domain)}"
        case TreeType(name=name, domain=domain):
            return f"tree of {name}", f"float{_domain(domain)}"
        case StateType(type=state, fields=fields):
            return f"{state.__name__}({', '.join(fields)})", ""
        case OptionType(type=option, range=range, choices=choices, optional=optional):
            words = " | ".join(map(repr, choices)) if choices else f"{option.__name__}{_domain(range)}"
            if kind.per_axis:
                words = " | ".join([f"{option.__name__} or pair{_domain(range)}", *map(repr, choices)])
            return "", f"{words} | None" if optional else words
        case OpaqueType(type=opaque):
            return "", getattr(opaque, "__name__", str(opaque))


def _domain(domain: Any) -> str:
    match domain:
        case None:
            return ""
        case Range():
            return f" {domain}"
        case Labels(of=of):
            return f" in [0, {of})"
    return f", {type(domain).__name__}"


def _show_errata(entry: Entry) -> None:
    for erratum in entry.errata:
        out.print(
            Text.assemble("\n", ("erratum ", "bold yellow"), (f"{erratum.key}, in {_place(erratum.place)}", "dim"))
        )
        out.print(f"  stated  {erratum.stated}\n  right   {erratum.right}", markup=False)
        if erratum.stated_value:
            code = "\n".join(filter(None, (erratum.setup, f"{erratum.stated_value}  !=  {erratum.right_value}")))
            out.print(Padding(Syntax(code, "python", background_color="default", word_wrap=True), (0, 4)))


def _show_laws(entry: Entry) -> None:
    laws = index.laws().get(entry.id, ())
    if laws:
        out.print("\nlaws", style="bold")
    for law in laws:
        out.print(Text.assemble(f"  {law.test.removeprefix('test_').replace('_', ' ')}  ", (law.says, "dim")))


def _show_sources(formula: Formula) -> None:
    for name, backend in _backends().items():
        out.print(f"\n{name}", style="bold")
        if isinstance(backend, BackendError):
            out.print(f"  {backend}", markup=False)
        elif not backend.has(formula.id):
            out.print("  not implemented", style="dim")
        else:
            source = inspect.getsource(inspect.unwrap(getattr(getattr(backend, formula.chapter), formula.name)))
            out.print(Padding(Syntax(source.rstrip(), "python", background_color="default", word_wrap=True), (0, 2)))


@app.command()
def doctor() -> None:
    """Say what is installed, which devices and backends are found, and what to do about each thing missing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading)
    for finding in findings():
        mark = Text("no", "yellow") if finding.remedy else Text("ok", "green")
        table.add_row(mark, Text(finding.what), Text(finding.found), Text(finding.remedy))
    out.print(table)


@app.command()
def conformance(
    backends: Annotated[
        list[str] | None, typer.Argument(metavar="[BACKEND]...", help="Names or dotted modules; by default our own.")
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="D", help="Where the backend computes: cpu, cuda.")] = None,
    dtypes: Annotated[
        list[str] | None, typer.Option("--dtype", metavar="T", help="float32, float64, bfloat16, float16; repeatable.")
    ] = None,
    chapters: Annotated[
        list[str] | None, typer.Option("--chapter", metavar="C", help="Only this chapter; repeatable.")
    ] = None,
    examples: Annotated[int, typer.Option(metavar="N", min=1, help="Examples per formula and dtype.")] = 50,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Draw other examples than the fixed ones.")] = None,
    report: Annotated[Path, typer.Option(metavar="DIR", help="Where the report is written.")] = Path("gongsik-report"),
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes; by default one per core for the whole suite.")
    ] = None,
) -> None:
    """Judge backends by every law and against the reference; exit code 1 on any failure."""
    for name in chapters or ():
        _check_chapter(name)
    names = backends or ["reference", "torch"]
    precisions = _import("gongsik.conformance.bounded", "conformance").PRECISIONS
    for dtype in dtypes or ():
        if dtype not in precisions:
            raise BadArgument(f"no dtype {dtype!r}{suggestion(dtype, precisions)}: there are {', '.join(precisions)}")
    for name in names:
        gongsik.backend(name, device=device)  # what cannot be judged is said now, in one line
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadArgument(f"no report can be written to {report}: {error.strerror}") from error
    run = _import("gongsik.conformance.run", "conformance").run
    if jobs is None:
        jobs = 1 if chapters or device not in (None, "cpu") else os.cpu_count() or 1
    raise typer.Exit(run(names, device, dtypes, chapters or None, examples, seed, report, out, jobs))


@app.command()
def bench(
    chapter_name: Chapter = None,
    formula: Annotated[str | None, typer.Option(metavar="ID", help="Only this formula, by id or name.")] = None,
    device: Annotated[str, typer.Option(metavar="D", help="Where tensors are: cpu, cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Of PyTorch on the CPU.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Few rounds, no large inputs: just a look.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Keep the results as JSON.")] = None,
) -> None:
    """Measure every formula of the torch backend beside what a user would call instead, in one run."""
    _check_chapter(chapter_name)
    run = _import("gongsik.benchmarks.run", "bench").run
    try:
        run(
            chapter=chapter_name, formula=formula, device=device, threads=threads, quick=quick,
            json_file=json_file, console=out,
        )  # fmt: skip
    except ValueError as error:
        raise BadArgument(str(error)) from error


def _import(module: str, extra: str) -> ModuleType:
    """A module that needs more than the library itself does."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise BadArgument(f"this needs {error.name}, which is not installed: pip install 'gongsik[{extra}]'") from error
