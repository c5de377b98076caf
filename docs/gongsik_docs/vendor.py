"""Renew what the site ships from npm, KaTeX's style and fonts and a Korean font: ``python -m gongsik_docs.vendor``.

A subset of a font is a modified version, and Pretendard's licence reserves its name: ours is called Gongsik Sans.
"""

import re
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from gongsik_docs import node
from gongsik_docs.figures import FAMILY, STATIC

WEIGHTS = ("Regular", "Bold")

_RANGES = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x017F),  # Latin-1, Latin Extended-A
    (0x0370, 0x03FF),  # Greek
    (0x2010, 0x2044),  # dashes, quotation marks, ellipsis
    (0x2070, 0x209C),  # superscripts and subscripts
    (0x20A9, 0x20AC),  # currencies
    (0x2100, 0x2122),  # letter-like
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematical signs, U+2212 MINUS among them
    (0x2460, 0x2473),  # circled numbers
    (0x25A0, 0x25FF),  # geometric shapes
    (0x3000, 0x3011),  # CJK punctuation
    (0x3131, 0x318E),  # Hangul letters
)


def characters() -> set[int]:
    """Code points of the subset: the 2,350 syllables of KS X 1001 and the signs of `_RANGES`."""
    rows, columns = range(0xB0, 0xC9), range(0xA1, 0xFF)
    syllables = {ord(bytes((row, column)).decode("euc_kr")) for row in rows for column in columns}
    return syllables.union(*(range(first, last + 1) for first, last in _RANGES))


def _rename(font: TTFont) -> None:
    """Replace the reserved name everywhere but in the copyright notice (0) and the licence (13, 14)."""
    for record in font["name"].names:
        if record.nameID not in (0, 13, 14):
            name = FAMILY.replace(" ", "") if record.nameID == 6 else FAMILY
            text = str(record).replace("Pretendard", name)
            font["name"].setName(text, record.nameID, record.platformID, record.platEncID, record.langID)


def fonts(modules: Path) -> None:
    """Write the subset of Pretendard, one WOFF2 file per weight, with its licence."""
    folder = STATIC / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    source = modules / "pretendard" / "dist"
    shutil.copy(source / "LICENSE.txt", folder / "LICENSE.txt")
    for weight in WEIGHTS:
        font = TTFont(source / "public" / "static" / "alternative" / f"Pretendard-{weight}.ttf", recalcTimestamp=False)
        options = subset.Options(
            flavor="woff2",
            hinting=False,
            layout_features=["kern", "mark", "mkmk", "ccmp", "locl"],
            name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17],
            notdef_outline=True,
        )
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters())
        subsetter.subset(font)
        _rename(font)
        subset.save_font(font, folder / f"gongsik-sans-{weight.lower()}.woff2", options)


def katex(modules: Path) -> None:
    """Copy KaTeX's style, its WOFF2 fonts and its licence; the style loses its references to the other font formats."""
    folder = STATIC / "katex"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "fonts").mkdir(parents=True)
    source = modules / "katex"
    shutil.copy(source / "LICENSE", folder)
    for font in sorted((source / "dist" / "fonts").glob("*.woff2")):
        shutil.copy(font, folder / "fonts")
    style = (source / "dist" / "katex.min.css").read_text(encoding="utf-8")
    style = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)', "", style)
    (folder / "katex.min.css").write_text(style + "\n", encoding="utf-8")


if __name__ == "__main__":
    modules = node.packages()
    katex(modules)
    fonts(modules)
