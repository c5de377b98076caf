"""Inputs of the regularizers that the declarations cannot derive: windows that lie in the image."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import LAYOUTS, STYLES, Case, make


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
