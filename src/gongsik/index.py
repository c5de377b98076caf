"""What the other rooms say about an entry, found in their text: nothing is imported, so nothing has to be installed."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gongsik


@dataclass(frozen=True)
class Law:
    """A property test that is marked with the id of an entry.

    Attributes
    ----------
    id : str
        Of the entry.
    test : str
        The test's name, which is a sentence.
    says : str
        The first line of its docstring, empty if it has none.
    """

    id: str
    test: str
    says: str


def laws() -> dict[str, tuple[Law, ...]]:
    """Laws of the conformance suite by the id of their entry, in the order of the files."""
    spec = importlib.util.find_spec("gongsik.conformance")
    folders = (spec.submodule_search_locations or []) if spec else []
    found: dict[str, tuple[Law, ...]] = {}
    for path in sorted(path for folder in folders for path in Path(folder).glob("test_*.py")):
        for law in _laws(ast.parse(path.read_text(encoding="utf-8"))):
            found[law.id] = (*found.get(law.id, ()), law)
    return found


def _laws(tree: ast.Module) -> Iterator[Law]:
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        says = (ast.get_docstring(node) or "").partition("\n")[0]
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).split(".")[-1] == "law":
                for argument in decorator.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield Law(argument.value, node.name, says)


def checkout() -> Path | None:
    """The root of the source tree that this package runs from; None if it was installed from a wheel."""
    root = Path(gongsik.__file__).resolve().parents[2]
    return root if (root / "docs" / "conf.py").is_file() else None


_DIRECTIVE = re.compile(r"^\s*(?:`{3,}|:{3,})\{formula\}\s+(.+?)\s*$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Where the docs explain an entry, by its id: ``chapter.html#anchor``; nothing without the source tree."""
    root = checkout()
    found: dict[str, str] = {}
    for path in sorted((root / "docs").glob("*.md")) if root else ():
        for ids in _DIRECTIVE.findall(path.read_text(encoding="utf-8")):
            for id in ids.split():
                found.setdefault(id, f"{path.stem}.html#{anchor(id)}")
    return found


def anchor(id: str, /) -> str:
    """The anchor of an entry on its page."""
    return id.replace(".", "-").replace("_", "-")
