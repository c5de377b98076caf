"""Inputs of convolutions: sizes that fit each other, strides that leave a remainder, groups, empty batches."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import LAYOUTS, Case, PerBackend, make
from gongsik.spec.convolution import ConvStack, conv_output_size
from gongsik.spec.network import Activation

SEEDS = st.integers(0, 2**32 - 1)
STYLES = ("normal", "normal", "ties", "spread", "tiny")
BATCHES = st.sampled_from(((2,), (1,), (), (3,), (2, 1), (0,)))
COUNTS = st.sampled_from((1, 2, 3, 1, 2, 3, 8))  # channels of a group
BOTH_OR_EACH = st.booleans()

Fill = Callable[[tuple[int, ...]], np.ndarray]
Axes = tuple[int, int]


@st.composite
def fills(draw: st.DrawFn, precision: Precision, styles: tuple[str, ...] = STYLES) -> Fill:
    """A function that fills one shape after the other, all in one style, as views of any layout."""
    seed, style, layout = draw(SEEDS), draw(st.sampled_from(styles)), draw(st.sampled_from(LAYOUTS))
    used = iter(range(1000))
    return lambda shape: make(seed + next(used), style, shape, precision.name, layout=layout)


def _option(draw: st.DrawFn, values: SearchStrategy[int]) -> int | Axes:
    """One number for both axes, or a pair."""
    return draw(values) if draw(BOTH_OR_EACH) else (draw(values), draw(values))


def pair(option: int | Axes) -> Axes:
    return option if isinstance(option, tuple) else (option, option)


@st.composite
def _geometry(draw: st.DrawFn, *, same: bool = True) -> tuple[Axes, Axes, dict[str, Any]]:
    """The sizes of an image and of a kernel that fits, and the options: stride, padding, dilation."""
    kernel = pair(_option(draw, st.integers(1, 4)))
    options: dict[str, Any] = {
        "stride": _option(draw, st.sampled_from((1, 1, 2, 3))),
        "padding": _option(draw, st.sampled_from((0, 1, 2))),
        "dilation": _option(draw, st.sampled_from((1, 1, 2))),
    }
    if same and draw(st.sampled_from((False, False, False, True))):
        options |= {"stride": 1, "padding": "same"}
    margins = (0, 0) if options["padding"] == "same" else pair(options["padding"])
    smallest = [
        max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, pair(options["dilation"]), margins, strict=True)
    ]
    h, w = (n + draw(st.integers(0, 5)) for n in smallest)
    return (h, w), kernel, options


def _output(size: Axes, kernel: Axes, options: dict[str, Any]) -> Axes:
    stride, padding, dilation = (pair(options[name]) for name in ("stride", "padding", "dilation"))
    h, w = (
        conv_output_size(n, k, stride=s, padding=p, dilation=d)
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    return h, w


@st.composite
def _grouped_cases(draw: st.DrawFn, precision: Precision) -> Case:
    fill, groups, (size, kernel, options) = draw(fills(precision)), draw(st.integers(1, 3)), draw(_geometry())
    c, o = groups * draw(COUNTS), groups * draw(COUNTS)
    bias = fill((o,)) if draw(st.booleans()) else None
    weight = fill((o, c // groups, *kernel))
    return Case((fill((*draw(BATCHES), c, *size)), weight, bias), {**options, "groups": groups})


def conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _grouped_cases(precision)


def grouped_conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _grouped_cases(precision)


def dilated_conv2d(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        fill, (size, kernel, options) = draw(fills(precision)), draw(_geometry())
        c, o = draw(COUNTS), draw(COUNTS)
        bias = fill((o,)) if draw(st.booleans()) else None
        del options["stride"]
        return Case((fill((*draw(BATCHES), c, *size)), fill((o, c, *kernel)), bias), options)

    return cases()


def pointwise_conv2d(precision: Precision) -> SearchStrategy[Case]:
    """With a bias of the magnitude of the weights: kernels that start from it round it in at every step of the sum."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        fill, c, o = draw(fills(precision)), draw(st.integers(1, 33)), draw(st.integers(1, 33))
        x = fill((*draw(BATCHES), c, draw(st.integers(1, 5)), draw(st.integers(1, 5))))
        return Case((x, fill((o, c)), fill((o,)) if draw(st.booleans()) else None))

    return cases()


@st.composite
def _depthwise_cases(draw: st.DrawFn, precision: Precision, *, kind: str) -> Case:
    styles = (
        STYLES[:-1] if kind == "flattened" else STYLES
    )  # a product of three tiny weights may be 0, or not, as ordered
    fill, (size, kernel, options) = draw(fills(precision, styles)), draw(_geometry())
    c, o = draw(COUNTS), draw(COUNTS)
    x = fill((*draw(BATCHES), c, *size))
    if kind == "separable":
        return Case((x, fill((c, 1, *kernel)), fill((o, c))), options)
    if kind == "lines":
        return Case((x, *(fill((k,)) for k in kernel)), options)
    if kind == "flattened":
        return Case((x, fill((o, c)), *(fill((o, k)) for k in kernel)), options)
    return Case((x, fill((c, 1, *kernel)), fill((c,)) if draw(st.booleans()) else None), options)


def depthwise_conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _depthwise_cases(precision, kind="depthwise")


def depthwise_separable_conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _depthwise_cases(precision, kind="separable")


def spatially_separable_conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _depthwise_cases(precision, kind="lines")


def flattened_conv2d(precision: Precision) -> SearchStrategy[Case]:
    return _depthwise_cases(precision, kind="flattened")


@st.composite
def _gradient_cases(draw: st.DrawFn, precision: Precision, *, by_weight: bool) -> Case:
    fill, groups, (size, kernel, options) = draw(fills(precision)), draw(st.integers(1, 3)), draw(_geometry(same=False))
    c, o, batch = groups * draw(COUNTS), groups * draw(COUNTS), draw(BATCHES)
    grad = fill((*batch, o, *_output(size, kernel, options)))
    if by_weight:
        return Case((fill((*batch, c, *size)), grad), {"kernel": kernel, **options, "groups": groups})
    return Case((grad, fill((o, c // groups, *kernel))), {"size": size, **options, "groups": groups})


def conv2d_grad_input(precision: Precision) -> SearchStrategy[Case]:
    return _gradient_cases(precision, by_weight=False)


def conv2d_grad_weight(precision: Precision) -> SearchStrategy[Case]:
    return _gradient_cases(precision, by_weight=True)


@st.composite
def _transposed_cases(draw: st.DrawFn, precision: Precision) -> Case:
    fill, groups, (size, kernel, options) = draw(fills(precision)), draw(st.integers(1, 3)), draw(_geometry(same=False))
    c, q = groups * draw(COUNTS), draw(COUNTS)
    maps, option = _output(size, kernel, options), {name: pair(value) for name, value in options.items()}
    extra = []
    for axis in (0, 1):
        s, p, d = (option[name][axis] for name in ("stride", "padding", "dilation"))
        left = (maps[axis] - 1) * s - 2 * p + d * (kernel[axis] - 1) + 1  # may be nothing: all was a margin
        extra.append(draw(st.integers(max(0, 1 - left), max(s, d) - 1)))
    options["output_padding"] = tuple(extra)
    x = fill((*draw(BATCHES), c, *maps))
    bias = fill((q * groups,)) if draw(st.booleans()) else None
    return Case((x, fill((c, q, *kernel)), bias), {**options, "groups": groups})


def conv_transpose2d(precision: Precision) -> SearchStrategy[Case]:
    return _transposed_cases(precision)


def channel_shuffle(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        groups, fill = draw(st.integers(1, 4)), draw(fills(precision))
        shape = (*draw(BATCHES), groups * draw(COUNTS), draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        return Case((fill(shape),), {"groups": groups})

    return cases()


def shuffled_grouped_conv2d(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        groups, fill = draw(st.integers(1, 3)), draw(fills(precision))
        c, m, o = (groups * draw(st.integers(1, 3)) for _ in range(3))
        kh, kw, uh, uw = (draw(st.integers(1, 3)) for _ in range(4))
        h, w = kh + uh - 1 + draw(st.integers(0, 3)), kw + uw - 1 + draw(st.integers(0, 3))
        x = fill((*draw(BATCHES), c, h, w))
        return Case((x, fill((m, c // groups, kh, kw)), fill((o, m // groups, uh, uw))), {"groups": groups})

    return cases()


@st.composite
def stacks(draw: st.DrawFn, precision: Precision, activations: tuple[str, ...] = get_args(Activation)) -> Any:
    """A configuration of up to three layers, parameters that fit it, and images that are large enough."""
    same = draw(st.booleans())
    config = ConvStack(
        tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))),
        kernel=draw(st.integers(1, 3)),
        stride=1 if same else draw(st.integers(1, 2)),
        padding="same" if same else draw(st.integers(0, 1)),
        dilation=draw(st.sampled_from((1, 1, 2))),
        activation=draw(st.sampled_from(activations)),  # pyright: ignore[reportArgumentType]
    )
    sizes = [n for n in range(1, 64) if config.output_size(n)]
    h, w = (sizes[draw(st.integers(0, 3))] for _ in range(2))
    fill = draw(fills(precision))
    params = {}
    for name, shape in config.parameters().items():  # divided by a power of 2 near the root of the inputs: still exact
        fan_in = int(np.prod(shape[1:]))
        params[name] = fill(shape) / 2.0 ** round(np.log2(fan_in) / 2)
    return config, params, fill((*draw(BATCHES), config.channels[0], h, w))


def nested_convolution(precision: Precision) -> SearchStrategy[Case]:
    return stacks(precision).map(Case)


FUNCTIONS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "constant": lambda gs: lambda s: 0 * s + 1,
    "line": lambda gs: lambda s: s,
    "parabola": lambda gs: lambda s: 1 - s * s,
    "bell": lambda gs: lambda s: 1 / (1 + s * s),
    "triangle": lambda gs: lambda s: gs.relu(1 - abs(s)),
    "sigmoid": lambda gs: lambda s: gs.sigmoid(s),
}
"""Functions that every backend can compute, made with the backend's own."""


def continuous_convolution(precision: Precision) -> SearchStrategy[Case]:
    """Nodes of the integral that are representable, so that all backends evaluate the functions at the same points."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        f, g = (PerBackend(FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]) for _ in range(2))
        t = make(draw(SEEDS), draw(st.sampled_from(("normal", "ties"))), draw(BATCHES), precision.name)
        lower = float(draw(st.integers(-3, 2)))
        options = {
            "lower": lower,
            "upper": lower + draw(st.integers(1, 3)),
            "steps": draw(st.sampled_from((1, 2, 4, 16))),
        }
        return Case((f, g, t), options)

    return cases()
