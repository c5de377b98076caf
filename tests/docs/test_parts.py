"""The directives of the docs, one at a time: what a card says, what it warns of, and when a figure is drawn again."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from gongsik_docs import book, errata, evidence, figures, formula, katex, sources, tables

from gongsik.spec import CHAPTERS, Erratum, entries

RELU = "# t\n\n```{formula} activation.relu\n```\n"


@pytest.fixture(autouse=True)
def plain_math(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Node for these: a formula is its own LaTeX."""
    monkeypatch.setattr(katex, "render", lambda formulas: [(f"<i>{tex}</i>", "") for tex, _ in formulas])


def measured(bits_lost: float, source: str) -> str:
    result = {"backend": "torch", "dtype": "float32", "device": "cpu", "examples": 1200, "inconclusive": 7}
    return json.dumps({"activation.relu": {"hash": source, "results": [{**result, "bits_lost": bits_lost}]}})


@pytest.fixture
def evidence_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "evidence.json"
    monkeypatch.setattr(evidence, "PATH", path)
    return path


def test_a_card_without_a_measurement_says_so_and_warns(build, evidence_file: Path) -> None:
    built = build(RELU)
    assert "측정 전" in built.html
    assert "no current measurement of agreement [gongsik.evidence]" in built.warnings
    assert "[gongsik.evidence]" not in build(RELU + " ", suppress_warnings=["gongsik.evidence"]).warnings


def test_a_card_shows_what_was_measured(build, evidence_file: Path) -> None:
    evidence_file.write_text(measured(1.25, evidence.source_hash("activation.relu")))
    built = build(RELU)
    assert "측정 전" not in built.html
    assert "예 1,200개에서 잃은 비트 최대 1.2" in built.html
    assert "[gongsik.evidence]" not in built.warnings


def test_a_measurement_of_other_sources_does_not_count(build, evidence_file: Path) -> None:
    evidence_file.write_text(measured(0.0, "0" * 64))
    built = build(RELU)
    assert "잰 뒤에 구현이 바뀌었다" in built.html
    assert "[gongsik.evidence]" in built.warnings


def test_a_report_of_one_formula_leaves_the_others_as_they_were(tmp_path: Path, evidence_file: Path) -> None:
    kept = {"hash": "0" * 64, "results": []}
    evidence_file.write_text(json.dumps({"activation.relu": kept, "activation.sigmoid": kept, "activation.gone": kept}))
    result = {"backend": "torch", "dtype": "float32", "device": "cpu", "examples": 50, "inconclusive": 0,
              "bits_lost": 0.5, "discarded": 0, "id": "activation.relu", "passed": 1, "failed": 0}  # fmt: skip
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"results": [result]}))
    evidence.write(report)
    written = json.loads(evidence_file.read_text())
    assert set(written) == {"activation.relu", "activation.sigmoid"}
    assert written["activation.sigmoid"] == kept
    assert written["activation.relu"]["hash"] == evidence.source_hash("activation.relu")
    report.write_text(json.dumps({"results": [result | {"failed": 1}]}))
    evidence.write(report)
    assert "activation.relu" not in json.loads(evidence_file.read_text())


def module(tmp_path: Path, text: str) -> ModuleType:
    path = tmp_path / "implementation.py"
    path.write_text(text, encoding="utf-8")
    figures.load.cache_clear()
    return figures.load(path)


def test_the_hash_follows_what_a_function_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"""M."""\nSCALE = 2\n\ndef helper(x):\n    return SCALE * x\n\ndef other(x):\n    return x\n\n'
    text += 'def f(x):\n    """Say."""\n    return helper(x)\n'
    loaded = module(tmp_path, text)
    monkeypatch.setitem(sys.modules, loaded.__name__, loaded)
    assert sources.definitions(loaded, "f") == [
        "SCALE = 2",
        "def helper(x):\n    return SCALE * x",
        "def f(x):\n    return helper(x)",
    ]


def test_helpers_stand_with_the_first_function_that_uses_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "SCALE = 2\n\ndef scaled(x):\n    return SCALE * x\n\ndef again(x):\n    return scaled(x)\n\n"
    text += "def f(x):\n    return scaled(x)\n\ndef g(x):\n    return f(again(x))\n\ndef h(x):\n    return x\n"
    loaded = module(tmp_path, text)
    monkeypatch.setitem(sys.modules, loaded.__name__, loaded)
    scaled, again = "def scaled(x):\n    return SCALE * x", "def again(x):\n    return scaled(x)"
    assert sources.helpers(loaded.__name__, ("f", "g", "h", "missing")) == {
        "f": (["SCALE = 2", scaled], {}),
        "g": ([again], {"scaled": "f"}),
        "h": ([], {}),
    }
    sources.helpers.cache_clear()


def test_a_card_shows_what_its_function_uses_and_where_else_it_is(build) -> None:
    built = build("# t\n\n```{formula} probability.bernoulli\n```\n\n```{formula} probability.categorical\n```\n")
    first, second = built.html.split('id="probability-categorical"')
    assert "_times_log" in first.replace("_times_log(x, p)", "")
    assert "의 카드에 있다" in second
    assert "의 카드에 있다" not in first


def test_an_unknown_entry_and_an_unknown_role_are_errors(build) -> None:
    built = build("# t\n\n```{formula} activation.rleu\n```\n\n{formula}`activation.rleu`\n")
    assert "there is no entry 'activation.rleu'" in built.warnings
    assert "'formula' reference target not found: activation.rleu" in built.warnings


def test_a_card_stands_once(build) -> None:
    assert "duplicate formula description of activation.relu" in build(RELU + RELU[4:]).warnings


def test_a_role_links_to_the_card_with_number_and_title(build) -> None:
    built = build(RELU + "\n{formula}`activation.relu` and {formula}`this <activation.relu>`\n")
    number = formula.label(entries()["activation.relu"])
    links = re.findall(r'href="#activation-relu"[^>]*><span[^>]*>(.*?)</span></a>', built.html)
    assert links == [f"{number} ReLU", "this"]


def test_the_text_of_the_page_stands_in_the_card(build) -> None:
    built = build("# t\n\n```{formula} activation.relu\n**가장** 흔히 쓴다.\n```\n")
    assert built.html.index('id="activation-relu"') < built.html.index("<strong>가장</strong> 흔히 쓴다.")


def test_a_long_implementation_is_folded(build, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "구현: NumPy" not in build(RELU).html
    monkeypatch.setattr(formula, "FOLD", 2)
    built = build(RELU + " ")
    assert "구현: NumPy 3줄" in built.html
    assert "<details" in built.html[: built.html.index("tab-set")]


def test_every_counterexample_differs() -> None:
    found = [errata.counterexample(erratum) for _, erratum in errata.every_erratum()]
    assert sum(one is not None for one in found) > 3
    assert len({erratum.key for _, erratum in errata.every_erratum()}) == len(found), "keys must be unique"


def test_a_counterexample_that_shows_nothing_is_an_error() -> None:
    same = Erratum("k", "004#x", "a", "b", setup="x = np.ones(2)", stated_value="float(x[0])", right_value="1.0")
    with pytest.raises(ValueError, match=r"stated and right value are both 1\.0"):
        errata.counterexample(same)


def test_a_counterexample_that_fails_is_told() -> None:
    told: list[str] = []
    broken = Erratum("k", "004#x", "a", "b", stated_value="gs.no_such_formula()", right_value="1.0")
    assert errata.try_counterexample(broken, told.append) is None
    assert "no_such_formula" in told[0]


FIGURE = "# t\n\n```{figure-code} chapter.plot\n:alt: 곧은 선\n\n선 하나.\n```\n"
PLOT = """
from matplotlib.figure import Figure

from gongsik.reference import activation as gs

def plot():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, SCALE])
    return figure
"""


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    path = tmp_path / "figures" / "chapter.py"
    path.parent.mkdir()
    path.write_text(PLOT.replace("SCALE", "1"), encoding="utf-8")
    figures.load.cache_clear()
    return path


def drawn(tmp_path: Path, folder: str) -> set[str]:
    return {path.name for path in (tmp_path / folder).glob("*.svg")}


def test_a_figure_is_drawn_for_light_and_dark_with_number_and_words(build, chapter: Path, tmp_path: Path) -> None:
    built = build(FIGURE + "\n{numref}`fig-chapter-plot`\n")
    assert built.warnings == ""
    assert built.html.count('alt="곧은 선"') == 2
    assert ">그림 1</span></a>" in built.html
    names = drawn(tmp_path, "_build/html/_images")
    assert {name.rsplit("-", 1)[1] for name in names} == {"light.svg", "dark.svg"}


def test_a_figure_is_drawn_again_only_when_its_sources_change(build, chapter: Path, tmp_path: Path) -> None:
    build(FIGURE)
    first = drawn(tmp_path, "_build/figures")
    times = [path.stat().st_mtime_ns for path in (tmp_path / "_build/figures").glob("*.svg")]
    build(FIGURE + " ")
    assert times == [path.stat().st_mtime_ns for path in (tmp_path / "_build/figures").glob("*.svg")]
    chapter.write_text(PLOT.replace("SCALE", "2"), encoding="utf-8")
    figures.load.cache_clear()
    build(FIGURE + "  ")
    second = drawn(tmp_path, "_build/figures")
    assert len(second) == 2
    assert not first & second, "a stale picture is still there"
    assert drawn(tmp_path, "_build/html/_images") == second


def test_a_figure_depends_on_what_it_draws(chapter: Path) -> None:
    names = {f"{path.parent.name}/{path.name}" for path in figures.depends_on(chapter)}
    assert {"figures/chapter.py", "reference/activation.py", "spec/activation.py", "reference/arrays.py"} <= names
    assert "reference/loss.py" not in names


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("# t\n\n```{figure-code} chapter.plot\n선 하나.\n```\n", "a figure needs `alt`"),
        ("# t\n\n```{figure-code} chapter.polt\n:alt: a\n\n선.\n```\n", "no function 'polt' in figures/chapter.py"),
        ("# t\n\n```{figure-code} other.plot\n:alt: a\n\n선.\n```\n", "no function 'plot' in figures/other.py"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_an_error(build, chapter: Path, page: str, words: str) -> None:
    assert words in build(page).warnings


def test_only_a_figure_is_a_figure(build, chapter: Path) -> None:
    chapter.write_text("def plot():\n    return 1\n", encoding="utf-8")
    figures.load.cache_clear()
    with pytest.raises(Exception, match="plot returned int, expected a figure"):
        build(FIGURE)


def test_numbers_count_through_a_chapter() -> None:
    for number, name in enumerate(CHAPTERS, start=1):
        labels = [book.label(entry).split()[1] for entry in entries(name).values()]
        assert labels == [f"{number}.{i}" for i in range(1, len(labels) + 1)]


def test_every_entry_is_in_the_index_and_every_erratum_in_its_list() -> None:
    index, corrected = tables.formula_index(), tables.errata_index()
    for entry in entries().values():
        assert f"{book.label(entry)} {entry.ko}" in index or f"`{entry.id}`" in index
    assert all(erratum.right in corrected for _, erratum in errata.every_erratum())


def test_the_agreement_table_has_what_is_current(evidence_file: Path) -> None:
    assert tables.agreement_table() == "아직 잰 것이 없다.\n"
    evidence_file.write_text(measured(1.25, evidence.source_hash("activation.relu")))
    table = tables.agreement_table().splitlines()
    assert table[0] == "| 공식 | PyTorch float32 | 예 | 판정 불가 |"
    assert table[2].endswith("| 1.2 | 1,200 | 7 |")
    evidence_file.write_text(measured(1.25, "old"))
    assert tables.agreement_table() == "아직 잰 것이 없다.\n"


def test_the_tolerance_study_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "STUDY", tmp_path / "study.json")
    assert tables.tolerance_study() == "아직 잰 것이 없다.\n"
    one = {"name": "numpy.allclose", "false_alarms": 219, "cases": 6400, "caught": 52, "wrong": 58}
    tables.STUDY.write_text(json.dumps({"policies": [one]}))
    assert "| numpy.allclose | 219 / 6,400 | 52 / 58 |" in tables.tolerance_study()
