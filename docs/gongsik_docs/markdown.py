"""Pieces of MyST Markdown, for what directives write."""

import re
from collections.abc import Iterable, Sequence


def code(text: object) -> str:
    r"""Inline code, in a cell of a table, too.

    >>> code("a | b")
    '`a \\| b`'
    """
    return "`" + str(text).replace("|", r"\|") + "`"


def escape(text: str) -> str:
    r"""Plain text, in which only `code` is Markdown.

    >>> escape("f(a*x) = `a*f`")
    'f(a\\*x) = `a*f`'
    """
    return re.sub(r"(`+.*?`+)|([\\*_$<>\[\]{}])", lambda found: found[1] or f"\\{found[2]}", text)


def block(directive: str, argument: str = "", body: str = "", **options: str) -> str:
    """A directive with its options (`_` for `-`), fenced by more backticks than its body has in a row.

    >>> print(block("code-block", "python", "x = 1"), end="")
    ```{code-block} python
    x = 1
    ```
    """
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", body))])
    head = [f"{fence}{{{directive}}} {argument}".rstrip()]
    head += [f":{name.replace('_', '-')}: {value}" for name, value in options.items()]
    return "\n".join([*head, *([""] if options else []), body.rstrip("\n"), fence]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """A table without its empty columns; those that are named in `numbers` are set flush right.

    >>> print(table(("a", "b", "c"), [("1", "", "2"), ("3", "", "4")], numbers=("c",)), end="")
    | a | c |
    | --- | ---: |
    | 1 | 2 |
    | 3 | 4 |
    """
    columns = [column for column in zip(header, *rows, strict=True) if any(column[1:])]
    columns = [(name, "---:" if name in numbers else "---", *cells) for name, *cells in columns]
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*columns, strict=True))
