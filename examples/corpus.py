"""The project's own Korean lecture pages as a corpus: prose only, without code, formulas and directives.

    python examples/corpus.py

says how much there is. `sentences` gives the text to other programs: a list of words per sentence.
"""

import re
from collections import Counter
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
NO_LECTURES = {"agreement", "api", "errata", "formulas", "index"}

_BLOCK = re.compile(r"^(`{3,}|~{3,}|:{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]*(?:\n[^$\n]*)?\$"  # formulas, in a line or over two
    r"|\{[\w-]+\}`[^`]*`|`[^`]*`"  # roles and code
    r"|^\s*[|#].*$|^\s*:\w.*$"  # tables, headings, options of a directive
    r"|\]\([^)]*\)|\([^)가-힣]*\)|[*_\[\]]",  # targets of links, English in brackets, marks
    re.MULTILINE,
)
_WORD = re.compile(r"[가-힣]+")


def prose(markdown: str) -> str:
    r"""What a reader would read aloud.

    >>> prose("# 제목\n**기울기**(gradient)는 $x$의 `f`이다. [손실](loss.md)은 준다.").split()
    ['기울기는', '의', '이다.', '손실은', '준다.']
    """
    return _NOT_PROSE.sub("", _BLOCK.sub("", markdown))


def sentences(folder: Path = DOCS) -> list[list[str]]:
    """The Korean words of every sentence of the lectures, page after page."""
    found = []
    for page in sorted(folder.glob("*.md")):
        if page.stem not in NO_LECTURES:
            for sentence in re.split(r"[.?!]\s|\n\s*\n", prose(page.read_text(encoding="utf-8"))):
                words = _WORD.findall(sentence)
                if len(words) > 1:
                    found.append(words)
    return found


_IN_PROSE = re.compile(r"(?<!\$)\$[^$]+\$(?!\$)|(?:\{[\w-]+\})?`[^`\n]+`")
"""Formulas and code inside of sentences."""


def syllables(folder: Path = DOCS) -> str:
    """The prose of all lectures in one line: Korean syllables, spaces, full stops; □ for formulas, numbers, names."""
    found = []
    for page in sorted(folder.glob("*.md")):
        if page.stem not in NO_LECTURES:
            text = prose(_IN_PROSE.sub("□", _BLOCK.sub("", page.read_text(encoding="utf-8"))))
            text = re.sub(r"[.?!:]+(?=\s)", ".", re.sub(r"[A-Za-z0-9][A-Za-z0-9.,×+%-]*", "□", text))
            text = re.sub(r"[^가-힣.□\s]", "", text)
            found.append(" ".join(re.sub(r"□[□\s]*□", "□", text).split()))
    return re.sub(r"[ .]*\.", ".", " ".join(found))


def vocabulary(text: list[list[str]], size: int) -> dict[str, int]:
    """Numbers of the most frequent words; 0 is the start of a sentence, 1 its end, 2 every other word."""
    most = Counter(word for sentence in text for word in sentence).most_common(max(size - 3, 0))
    return {name: i for i, name in enumerate(("<s>", "</s>", "<unk>", *(word for word, _ in most)))}


if __name__ == "__main__":
    text = sentences()
    words = Counter(word for sentence in text for word in sentence)
    print(f"{len(text)} sentences, {sum(words.values())} words, {len(words)} different ones")
    print(*(f"{word} {number}" for word, number in words.most_common(12)), sep=", ")
