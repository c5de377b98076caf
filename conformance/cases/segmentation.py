"""Inputs of segmentation: label maps of few classes, and networks small enough to be differentiated often."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.cnn import runs
from gongsik.conformance.strategies import LAYOUTS, Case, from_declaration, make, make_integers
from gongsik.spec.segmentation import FCN, ResNet, UNet

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "offset", "ties", "spread", "tiny"))
SMALL = st.integers(1, 3)
SIZES = st.integers(1, 6)


@st.composite
def label_maps(draw: st.DrawFn, *, ignored: int = 2) -> tuple[Case, int]:
    """A prediction and a truth that often agree, and so many classes; some labels, if `ignored`, are none of them."""
    classes = draw(st.integers(1, 5))
    shape = (draw(SMALL), draw(SIZES), draw(SIZES))
    highest = classes - 1 + draw(st.integers(0, ignored))
    target, other, which = (make_integers(draw(SEEDS), 0, high, shape) for high in (highest, highest, 2))
    target.flat[0] %= classes  # one pixel counts
    return Case(((target * (which > 0) + other * (which == 0)), target), {"classes": classes}), classes


def pixel_accuracy(precision: Precision) -> SearchStrategy[Case]:
    return label_maps().map(lambda found: found[0])


mean_iou = pixel_accuracy


def pixel_cross_entropy(precision: Precision) -> SearchStrategy[Case]:
    """Also images of a few hundred pixels, whose losses are summed up in another order."""

    @st.composite
    def large(draw: st.DrawFn) -> Case:
        n, k, h, w = draw(SMALL), draw(st.integers(1, 11)), draw(st.integers(1, 17)), draw(st.integers(1, 17))
        x = make(draw(SEEDS), draw(STYLES), (n, k, h, w), precision.name, layout=draw(st.sampled_from(LAYOUTS)))
        return Case((x, make_integers(draw(SEEDS), 0, k - 1, (n, h, w))))

    return st.one_of(from_declaration("pixel_cross_entropy"), large())


@st.composite
def _images(draw: st.DrawFn, precision: Precision) -> Case:
    """Images, of which one axis may be long."""
    h, w = draw(st.sampled_from([(3, 5), (4, 4), (2, 7), (1, 1), (1, 6), (33, 2), (2, 17)]))
    shape = draw(SMALL), draw(SMALL), h, w
    return Case((make(draw(SEEDS), draw(STYLES), shape, precision.name, layout=draw(st.sampled_from(LAYOUTS))),))


def resize(precision: Precision) -> SearchStrategy[Case]:
    size = st.one_of(SIZES, st.tuples(st.integers(1, 40), st.integers(1, 12)))
    return st.builds(lambda case, size: Case(case.arguments, {"size": size}), _images(precision), size)


def bilinear_upsample(precision: Precision) -> SearchStrategy[Case]:
    return st.builds(lambda case, factor: Case(case.arguments, {"factor": factor}), _images(precision), SIZES)


def convolutionalize(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        kernel = draw(st.one_of(SMALL, st.tuples(SMALL, SMALL)))
        kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        shape = draw(st.integers(1, 4)), draw(st.integers(1, 4)) * kh * kw
        x = make(draw(SEEDS), draw(STYLES), shape, precision.name, layout=draw(st.sampled_from(LAYOUTS)))
        return Case((x,), {"kernel": kernel})

    return cases()


@st.composite
def fcns(draw: st.DrawFn) -> FCN:
    """With one or two stages of one or two small blocks."""
    blocks = draw(st.sampled_from(((1,), (1, 1), (1, 2))))
    stride = draw(st.sampled_from((4, 8)[: len(blocks)]))
    backbone = ResNet(blocks=blocks, width=draw(SMALL), channels=2, bottleneck=draw(st.booleans()))
    return FCN(draw(SMALL), backbone, stride, auxiliary=len(blocks) > 1 and draw(st.booleans()))


def fcn(precision: Precision) -> SearchStrategy[Case]:
    sizes = st.integers(1, 13)
    return runs(precision, fcns(), st.tuples(st.just(2), sizes, sizes))


def unets() -> SearchStrategy[UNet]:
    return st.builds(
        UNet,
        st.just(2),
        n_classes=SMALL,
        width=SMALL,
        depth=st.integers(1, 2),
        padding=st.integers(0, 1),
        norm=st.booleans(),
    )


def unet(precision: Precision) -> SearchStrategy[Case]:
    """Without padding an image needs 18 pixels for one halving and 44 for two."""

    def of(config: UNet) -> SearchStrategy[Case]:
        smallest = 2**config.depth if config.padding else {1: 18, 2: 44}[config.depth]
        size = st.integers(smallest, smallest + 3)
        return runs(precision, st.just(config), st.tuples(st.just(2), size, size))

    return unets().flatmap(of)
