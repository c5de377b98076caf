"""Inputs of regularizers, of images: windows have to lie in them, and of many pixels some would sit on a kink."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.optimizer import some_weight_is_left
from gongsik.conformance.strategies import LAYOUTS, STYLES, Case, from_declaration, make
from gongsik.spec.array import Range


def weight_decay(precision: Precision) -> SearchStrategy[Case]:
    return from_declaration("weight_decay").filter(some_weight_is_left)


def random_crop(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n, channels = draw(st.integers(1, 3)), draw(st.sampled_from(((), (1,), (3,), (2, 2), (0,))))
        whole = [draw(st.integers(1, 9)) for _ in range(2)]
        size = [draw(st.integers(1, length)) for length in whole]
        x = make(
            draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(STYLES)), (n, *channels, *whole), precision.name,
            layout=draw(st.sampled_from(LAYOUTS)),
        )  # fmt: skip
        top, left = (
            np.array(draw(st.lists(st.integers(0, a - b), min_size=n, max_size=n)))
            for a, b in zip(whole, size, strict=True)
        )
        option = size[0] if size[0] == size[1] and draw(st.booleans()) else tuple(size)
        return Case((x, top, left), {"size": option})

    return cases()


def color_jitter(precision: Precision) -> SearchStrategy[Case]:
    """Few pixels: each has kinks at 0 and 1, and the order of a remainder is measured away from them."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        channels = draw(st.sampled_from(((), (1,), (3,), (2, 2))))
        n, h, w = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
        seed, style = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(STYLES))
        x = make(seed, style, (n, *channels, h, w), precision.name, layout=draw(st.sampled_from(LAYOUTS)))
        uniform = make(seed + 1, "normal", (n, 2), precision.name, Range(0, 1))
        room = st.sampled_from((0.0, 0.2, 0.5, 0.7, 1.0))
        return Case((x, uniform), {"brightness": draw(room), "contrast": draw(room)})

    return cases()
