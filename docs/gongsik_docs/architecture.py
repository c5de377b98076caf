"""The table of a network, from the spec: ``{architecture} ResNet(50)`` with the shape of a sample as `:sample:`."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gongsik.spec import cnn
from gongsik.spec.layers import Architecture, Row
from gongsik.spec.model import parameter_count
from gongsik_docs.markdown import block, code, table
from gongsik_docs.node import DOCS

HEADER = ("이름", "층", "출력", "파라미터", "곱셈·덧셈")


def configuration(text: str) -> Architecture:
    """The configuration that a page names, in the words of the chapter's spec.

    >>> configuration("ResNet(18)").n_classes
    1000
    """
    return eval(text, dict(vars(cnn)))  # the text of our own page


def grouped(rows: list[Row], levels: int) -> Iterator[Row]:
    """The rows of a table, in which those that share so many parts of their names are one.

    >>> from gongsik.spec.cnn import LeNet5
    >>> [row.name for row in grouped(LeNet5().table((1, 32, 32)), 1)][:3]
    ['c1', 'a1', 's2']
    """
    for name, found in itertools.groupby(rows, key=lambda row: ".".join(row.name.split(".")[:levels])):
        part = list(found)
        layer = part[0].layer if len(part) == 1 else f"{len(part)}층"
        parameters, multiply_adds = sum(row.parameters for row in part), sum(row.multiply_adds for row in part)
        yield Row(name, layer, part[-1].output, parameters, multiply_adds)


def architecture(text: str, sample: tuple[int, ...], levels: int) -> str:
    """A network's table, folded under a line with its sums, as Markdown."""
    rows = configuration(text).table(sample)
    cells = [
        (
            code(row.name),
            code(row.layer) if row.layer[-1] == ")" or row.layer.isascii() else row.layer,
            " × ".join(map(str, row.output)),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.multiply_adds:,}" if row.multiply_adds else "",
        )
        for row in grouped(rows, levels)
    ]
    size = " × ".join(map(str, sample))
    parameters, cost = parameter_count(configuration(text)), sum(row.multiply_adds for row in rows)
    title = f"{text}, 입력 {size}: 파라미터 {parameters:,}개, 곱셈·덧셈 {cost / 1e6:,.1f}백만 번"
    return block("dropdown", title, table(HEADER, cells, numbers=HEADER[3:]))


class ArchitectureDirective(SphinxDirective):
    """A table of layers, output sizes, parameters and multiply-adds, computed when the page is built."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"sample": directives.unchanged_required, "levels": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        for path in (DOCS.parent / "spec" / "cnn.py", *sorted(Path(DOCS.parent, "spec", "architectures").glob("*.py"))):
            self.env.note_dependency(path)
        sample = tuple(int(size) for size in self.options["sample"].split())
        return self.parse_text_to_nodes(architecture(self.arguments[0], sample, self.options.get("levels", 1)))


def setup(app: Sphinx) -> None:
    app.add_directive("architecture", ArchitectureDirective)
