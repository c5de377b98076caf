"""Scenes of real handwritten digits: scikit-learn's stand on canvases at random places, in random sizes and overlaps.

    python examples/digit_scenes.py --count 16 --png scenes.png

What stands where is known, so a scene has the truth of three tasks: boxes and labels for detection, a mask per digit
for segmentation, and the digits themselves for classification. A scene is a function of the seed, its number and the
split; digits of the training scenes and of the held-out scenes are different ones.
"""

import argparse
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from gongsik import Draws

Split: TypeAlias = Literal["train", "test"]

HELD_OUT = 360
"""Digits, out of 1,797, that stand in held-out scenes only."""
MOST = 4
"""Digits in a scene, at most; at least one."""
TRIES = 16
"""Places that are tried for a digit until one is free enough; after that the digit is left out."""
OVERLAP = 0.5
"""Share of a digit's box, at most, that the box of another digit covers."""
INK = 0.25
"""Brightness from which on a pixel belongs to a digit; the brightest is 1."""
BACKGROUND = 10
"""Label of what is no digit, in `class_map`."""


class Scenes(NamedTuple):
    """Scenes with their truth. Places that no digit fills have label -1, a box of zeros and an empty mask.

    Attributes
    ----------
    images : (n, 1, size, size), float64 from 0 to 1
    boxes : (n, MOST, 4), corners (x1, y1, x2, y2) in pixels, tight around the ink
    labels : (n, MOST), int64
    masks : (n, MOST, size, size), bool: what of the digit is to be seen; a later one lies on top
    """

    images: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray


@cache
def digits(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images [n 8 8] from 0 to 1 and labels [n] of one split of scikit-learn's digits; the split is always the same."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = Draws(0).permutation("digits: split", len(y))
    order = order[:HELD_OUT] if split == "test" else order[HELD_OUT:]
    return x[order].reshape(-1, 8, 8) / 16, y[order].astype(np.int64)


def _enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """An image of another size, bilinearly: every new pixel between the four old ones around its centre."""
    n = len(image)
    at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n)))  # [size n]
    return weights @ image @ weights.T


def _draw(digit: np.ndarray, size: int, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A digit on an empty canvas, and the box of its ink; three draws give its size and its place."""
    side = round(size * (0.25 + 0.25 * place[0]))  # a quarter to a half of the canvas
    top, left = (round(x * (size - side)) for x in place[1:])
    drawn = np.zeros((size, size))
    drawn[top : top + side, left : left + side] = _enlarge(digit, side)
    drawn /= drawn.max()
    rows, columns = (np.flatnonzero((drawn >= INK).any(axis)) for axis in (1, 0))
    return drawn, np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def _covered(box: np.ndarray, others: np.ndarray) -> float:
    """The largest share of a box, or of another one, that both have in common."""
    width, height = np.moveaxis(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), -1, 0)
    common = np.maximum(width, 0) * np.maximum(height, 0)
    areas = np.prod(others[:, 2:] - others[:, :2], -1)
    return float((common / np.minimum(areas, np.prod(box[2:] - box[:2]))).max(initial=0))


def _scene(seed: int, number: int, size: int, split: Split) -> tuple[np.ndarray, ...]:
    draws, (pool, classes) = Draws(seed), digits(split)
    canvas, boxes = np.zeros((size, size)), np.zeros((MOST, 4))
    labels, masks = np.full(MOST, -1, np.int64), np.zeros((MOST, size, size), bool)
    count = 1 + int(draws.integers(f"scenes {split}: count", 1, MOST, counter=number)[0])
    which = draws.integers(f"scenes {split}: digit", count, len(pool), counter=number)
    places = draws.uniform(f"scenes {split}: place", (count, TRIES, 3), counter=number)
    standing = 0
    for digit, tries in zip(which, places, strict=True):
        tried = (_draw(pool[digit], size, place) for place in tries)
        drawn, box = next((t for t in tried if _covered(t[1], boxes[:standing]) <= OVERLAP), (None, None))
        if drawn is None:
            continue
        ink = drawn >= INK
        canvas, masks = np.where(ink, drawn, np.maximum(canvas, drawn)), masks & ~ink
        boxes[standing], labels[standing], masks[standing] = box, classes[digit], ink
        standing += 1
    return canvas[None], boxes, labels, masks


def scenes(n: int, seed: int = 0, size: int = 48, *, split: Split = "train", start: int = 0) -> Scenes:
    """Scenes `start`, ..., `start + n - 1` of a seed.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Scenes of two seeds have nothing in common but the digits.
    size : int
        Height and width of the canvas.
    split : "train" or "test"
        From which digits they are made.
    start : int
        Number of the first.
    """
    made = [_scene(seed, start + i, size, split) for i in range(n)]
    return Scenes(*(np.stack(part) for part in zip(*made, strict=True)))


def class_map(found: Scenes) -> np.ndarray:
    """The label of the digit at every pixel, [n size size]; `BACKGROUND` where there is none."""
    labels = np.where(found.masks, found.labels[:, :, None, None], -1).max(1)  # masks of one scene share no pixel
    return np.where(found.masks.any(1), labels, BACKGROUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--png", type=Path, default=Path("scenes.png"))
    options = parser.parse_args()

    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    found = scenes(options.count, options.seed, options.size, split=options.split)
    columns = min(8, options.count)
    figure, axes = plt.subplots(-(-options.count // columns), columns, squeeze=False, figsize=(1.5 * columns, 4))
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image, boxes, labels in zip(axes.flat, found.images, found.boxes, found.labels, strict=False):
        ax.imshow(image[0], cmap="gray_r")
        for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
            if label >= 0:
                ax.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, color="tab:red"))
                ax.text(x1, y1 - 1, str(label), color="tab:red", fontsize=7)
    figure.savefig(options.png, dpi=120, bbox_inches="tight")
    print(f"{options.count} scenes in {options.png}")


if __name__ == "__main__":
    main()
