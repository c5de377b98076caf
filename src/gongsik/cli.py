"""The command line: `gongsik list`, `show`, `doctor`, `conformance` and `bench`."""

import importlib.metadata
import inspect
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
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
from gongsik.spec import CHAPTERS, Entry, Formula, entries
from gongsik.spec.array import ArrayType, Labels, OpaqueType, OptionType, Range, StateType, TreeType, Type

app = typer.Typer(
    name="gongsik",
    help="Every formula of deep learning, as an executable specification.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
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
def show(id: Annotated[str, typer.Argument(metavar="ID", help="For example activation.softmax.")]) -> None:
    """Show an entry: the formula, its shapes and options, errata, laws, and the source of each backend."""
    known = entries()
    by_name = {entry.name: entry for entry in known.values()}
    entry = known.get(id) or by_name.get(id)
    if entry is None:
        raise BadArgument(
            f"no entry {id!r}{suggestion(id, known) or suggestion(id, by_name)}: `gongsik list` has them all"
        )
    out.print(Text.assemble((entry.ko, "bold"), f"  {entry.en}  ", (f"{entry.kind} {entry.id}", "dim")))
    if entry.tex:
        out.print(Padding(Syntax(entry.tex, "latex", background_color="default", word_wrap=True), (1, 4)))
    if isinstance(entry, Formula):
        out.print((inspect.getdoc(entry.function) or "").partition("\n")[0], markup=False)
        out.print(Padding(_signature(entry), (1, 0)))
    for label, lines in (("notes", entry.notes), ("source", (entry.source,) if entry.source else ())):
        for line in lines:
            out.print(Text.assemble((f"{label:8}", "dim"), line))
    _show_errata(entry)
    _show_laws(entry)
    if isinstance(entry, Formula):
        _show_sources(entry)


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
        out.print(Text.assemble("\n", ("erratum ", "bold yellow"), (f"{erratum.key}, in {erratum.place}", "dim")))
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
            source = inspect.getsource(inspect.unwrap(getattr(backend, formula.name)))
            out.print(Padding(Syntax(source.rstrip(), "python", background_color="default", word_wrap=True), (0, 2)))


@app.command()
def doctor() -> None:
    """Say what is installed, which devices and backends are found, and what to do about each thing missing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading)
    for good, what, found, remedy in _findings():
        mark = Text("ok", "green") if good else Text("no", "yellow")
        table.add_row(mark, what, Text(found), Text("" if good else remedy))
    out.print(table)


def _findings() -> Iterator[tuple[bool, str, str, str]]:
    yield True, "gongsik", f"{gongsik.__version__} in {Path(gongsik.__file__).parent}", ""
    yield (
        True,
        "python",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "",
    )
    for package, extra in (
        ("numpy", ""), ("torch", "torch"), ("pytest", "conformance"), ("hypothesis", "conformance"),
        ("pytest-xdist", "conformance"),
    ):  # fmt: skip
        try:
            yield True, package, importlib.metadata.version(package), ""
        except importlib.metadata.PackageNotFoundError:
            yield (
                False,
                package,
                "not installed",
                f"pip install 'gongsik[{extra}]'" if extra else f"pip install {package}",
            )
    for name, backend in _backends().items():
        if isinstance(backend, BackendError):
            yield False, f"backend {name}", str(backend), "install what it imports, or mend it"
        else:
            total, have = len(gongsik.formulas()), len(backend.implemented())
            yield (
                have == total,
                f"backend {name}",
                f"{have} of {total} formulas",
                "`gongsik list` shows which are missing",
            )
    cuda = _cuda_devices()
    yield bool(cuda), "device cuda", ", ".join(cuda) or "none", "a GPU needs NVIDIA's driver and a CUDA build of torch"
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    yield compiler is not None, "C++ compiler", compiler or "none", "install g++: `compile=True` needs one on the CPU"
    root = index.checkout()
    yield root is not None, "docs", str(root / "docs") if root else "not installed", "they are in the source tree only"


def _cuda_devices() -> list[str]:
    try:
        import torch
    except ImportError:
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
