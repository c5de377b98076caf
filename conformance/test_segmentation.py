"""Laws of the chapter on semantic segmentation."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.segmentation import fcns, label_maps
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import inputs, make
from gongsik.spec import DomainError, ShapeError
from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.convolution import conv_output_size
from gongsik.spec.layers import AtInputSize, Sequential, Single
from gongsik.spec.model import parameter_count
from gongsik.spec.segmentation import FCN, UNet

SEEDS = st.integers(0, 2**32 - 1)
SMALL = st.integers(1, 4)


def draws(gs: Any, seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, gs.precision.name)


def state(gs: Any, seed: int, config: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters and buffers of a network that keep what passes through it of order 1."""

    def array(i: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name.endswith("num_batches_tracked"):
            return np.array(0)
        if name.endswith("running_var"):
            return np.ones(shape)
        x = draws(gs, seed + i, *shape)
        return x / 2.0 ** round(math.log2(math.prod(shape[1:])) / 2) if len(shape) > 1 else x / 4

    params = {name: array(i, name, shape) for i, (name, shape) in enumerate(config.parameters().items())}
    return params, {name: array(i, name, shape) for i, (name, shape) in enumerate(config.buffers().items())}


# A class for every pixel


@law("segmentation.pixel_classification")
@given(inputs("pixel_classification"), SEEDS)
def test_every_pixel_is_classified_by_itself(gs, case, seed):
    """Pixels that change places take their classes along."""
    (score,) = case.arguments
    assume(score.size)
    rows, columns = (np.random.Generator(np.random.Philox(seed)).permutation(n) for n in score.shape[-2:])
    moved = np.ascontiguousarray(score[:, :, rows][..., columns])
    before, after = (gs.numpy(gs.pixel_classification(gs.array(x))) for x in (score, moved))
    assert np.array_equal(before[:, rows][..., columns], after)


@law("segmentation.pixel_classification")
@given(SEEDS, st.integers(1, 5), st.integers(-8, 8))
def test_only_the_order_of_the_scores_counts(gs, seed, k, shift):
    """A factor above 0 and a summand for all classes change no class; softmax does not, either."""
    score = np.stack([np.random.Generator(np.random.Philox(seed + i)).permutation(k) for i in range(6)], 1)
    score = score.reshape(1, k, 2, 3).astype(float)  # no ties
    found = gs.numpy(gs.pixel_classification(gs.array(score)))
    assert np.array_equal(found, score.argmax(1))
    assert np.array_equal(found, gs.numpy(gs.pixel_classification(gs.array(4 * score + shift))))
    assert np.array_equal(found, gs.numpy(gs.pixel_classification(gs.softmax(gs.array(score), axis=1))))


@law("segmentation.pixel_cross_entropy")
@given(inputs("pixel_cross_entropy"))
def test_pixels_are_samples(gs, case):
    """The loss is the classification loss of all pixels in one row."""
    logits, target = case.arguments
    flat = np.ascontiguousarray(np.moveaxis(logits, 1, -1).reshape(-1, logits.shape[1]))
    assert_agree(
        gs,
        lambda gs, x, flat: gs.pixel_cross_entropy(x, gs.array(target)),
        lambda gs, x, flat: gs.softmax_cross_entropy(flat, gs.array(target.reshape(-1))),
        logits, flat,
    )  # fmt: skip


@law("segmentation.pixel_cross_entropy")
@given(SEEDS, SMALL, SMALL)
def test_loss_of_images_of_one_pixel_is_that_of_a_classifier(gs, seed, n, k):
    logits, target = draws(gs, seed, n, k), np.arange(n) % k
    assert_agree(
        gs,
        lambda gs, z: gs.pixel_cross_entropy(z[:, :, None, None], gs.array(target[:, None, None])),
        lambda gs, z: gs.softmax_cross_entropy(z, gs.array(target)),
        logits,
    )


@law("segmentation.pixel_cross_entropy")
@given(inputs("pixel_cross_entropy"), st.sampled_from((0.0, 3.0, -100.0)))
def test_equal_scores_cost_the_logarithm_of_the_number_of_classes(gs, case, score):
    logits, target = case.arguments
    assert_agree(
        gs,
        lambda gs, z: gs.pixel_cross_entropy(z, gs.array(target)),
        lambda gs, z: math.log(z.shape[1]),
        np.full(logits.shape, score),
    )


# Measures


@law("segmentation.pixel_accuracy", "segmentation.mean_iou")
@given(label_maps())
def test_truth_itself_is_perfect_and_nothing_right_is_0(gs, found):
    """Exactly 1 and exactly 0."""
    case, classes = found
    target = case.arguments[1]
    for measure in (gs.pixel_accuracy, gs.mean_iou):
        assert float(measure(gs.array(target), gs.array(target), classes=classes)) == 1
        assert float(measure(gs.array(target + 1), gs.array(target), classes=classes)) == 0


@law("segmentation.pixel_accuracy", "segmentation.mean_iou")
@given(label_maps(), SEEDS)
def test_names_of_the_classes_do_not_matter(gs, found, seed):
    """Classes renamed in both maps: the same accuracy, the same mean."""
    case, classes = found
    rng = np.random.Generator(np.random.Philox(seed))
    names = np.concatenate([rng.permutation(classes), np.arange(classes, classes + 2)])
    for measure in ("pixel_accuracy", "mean_iou"):
        assert_agree(
            gs,
            lambda gs, p, t, q, u, measure=measure: getattr(gs, measure)(p, t, classes=classes),
            lambda gs, p, t, q, u, measure=measure: getattr(gs, measure)(q, u, classes=classes),
            *case.arguments, *(names[x] for x in case.arguments),
        )  # fmt: skip


@law("segmentation.pixel_accuracy", "segmentation.mean_iou")
@given(label_maps())
def test_what_is_predicted_where_the_truth_is_no_class_does_not_matter(gs, found):
    case, classes = found
    pred, target = case.arguments
    other = np.where(target >= classes, 0, pred)
    for measure in (gs.pixel_accuracy, gs.mean_iou):
        ours, theirs = (float(measure(gs.array(p), gs.array(target), classes=classes)) for p in (pred, other))
        assert ours == theirs


@law("segmentation.mean_iou", "segmentation.pixel_accuracy")
def test_accuracy_praises_who_sees_the_background_only(gs):
    """4 pixels of 100 are the object: to overlook it is right in 96 of 100 cases, and has a mean IoU of 0.48."""
    pred, target = np.zeros((2, 1, 10, 10), int)
    target[:, 4:6, 4:6] = 1
    pred, target = gs.array(pred), gs.array(target)
    assert float(gs.pixel_accuracy(pred, target, classes=2)) == 0.96
    assert float(gs.mean_iou(pred, target, classes=2)) == 0.48
    assert float(gs.mean_iou(pred, target, classes=21)) == 0.48, "classes that occur nowhere are left out"


@law("segmentation.mean_iou", "segmentation.pixel_accuracy")
def test_measures_of_nothing_are_nan(gs):
    """No pixel of which the truth is a class."""
    pred, target = gs.array(np.zeros((1, 2, 2), int)), gs.array(np.full((1, 2, 2), 255))
    with np.errstate(invalid="ignore"):
        assert math.isnan(gs.pixel_accuracy(pred, target, classes=2))
        assert math.isnan(gs.mean_iou(pred, target, classes=2))


# From a classifier to a map


@law("segmentation.convolutionalize")
@given(SEEDS, SMALL, SMALL, st.integers(1, 3), st.integers(1, 3))
def test_on_the_original_size_the_convolution_is_the_dense_layer(gs, seed, o, c, kh, kw):
    """The same numbers of the same weights."""
    x, weight, bias = draws(gs, seed, 2, c, kh, kw), draws(gs, seed + 1, o, c * kh * kw), draws(gs, seed + 2, o)
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.conv2d(x, gs.convolutionalize(w, kernel=(kh, kw)), b)[:, :, 0, 0],
        lambda gs, x, w, b: gs.linear(x.reshape(2, -1), w, b),
        x, weight, bias,
    )  # fmt: skip


@law("segmentation.convolutionalize")
def test_dense_layer_is_kept_and_not_dropped(gs):
    """4 x 4 x 16 to 10: 2,560 weights before and after, the same ones in the same order."""
    weight = np.arange(2560.0) % 128
    found = gs.numpy(gs.convolutionalize(gs.array(weight.reshape(10, 256)), kernel=4))
    assert found.shape == (10, 16, 4, 4)
    assert np.array_equal(found.reshape(-1), weight)


@law("segmentation.convolutionalize", "segmentation.heat_map")
@given(SEEDS, st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))
def test_map_has_what_the_classifier_says_of_every_window(gs, seed, c, more_h, more_w):
    """Convolution, ReLU, pooling by 2, dense layer: on a larger image a map, whose entries are those of the crops.

    Entry (i, j) belongs to the crop that begins at (2i, 2j); nothing is padded.
    """
    size, stride = 8, 2
    h, w = size + stride * more_h, size + stride * more_w
    x, first, dense = draws(gs, seed, 1, 1, h, w), draws(gs, seed + 1, c, 1, 3, 3), draws(gs, seed + 2, 2, c * 9)

    def features(gs, x, first):
        return gs.max_pool2d(gs.relu(gs.conv2d(x, first)), kernel=2)

    crops = [
        x[..., i : i + size, j : j + size] for i in range(0, 2 * more_h + 1, 2) for j in range(0, 2 * more_w + 1, 2)
    ]
    assert (more_h + 1, more_w + 1) == tuple(conv_output_size(n, size, stride=stride) for n in (h, w))
    assert_agree(
        gs,
        lambda gs, x, crops, first, dense: gs.conv2d(features(gs, x, first), gs.convolutionalize(dense, kernel=3))
        .reshape(2, -1).swapaxes(0, 1),
        lambda gs, x, crops, first, dense: gs.linear(features(gs, crops, first).reshape(len(crops), -1), dense),
        x, np.concatenate(crops), first, dense,
    )  # fmt: skip


@law("segmentation.heat_map")
@given(SEEDS, st.integers(0, 6), st.integers(0, 5))
def test_brightest_place_of_the_map_follows_the_object(gs, seed, i, j):
    """A classifier that was made for one thing finds it wherever it stands on an empty canvas."""
    thing = np.random.Generator(np.random.Philox(seed)).integers(1, 4, (1, 1, 3, 4)).astype(float)
    canvas = np.zeros((1, 1, 9, 9))
    canvas[..., i : i + 3, j : j + 4] = thing
    dense = gs.array(thing.reshape(1, -1))
    scores = gs.numpy(gs.conv2d(gs.array(canvas), gs.convolutionalize(dense, kernel=(3, 4))))[0, 0]
    assert scores.shape == (7, 6)
    assert np.unravel_index(scores.argmax(), scores.shape) == (i, j)


# Back to the size of the image


@law("segmentation.resize")
@given(inputs("resize"))
def test_resizing_to_the_same_size_changes_nothing(gs, case):
    (x,) = case.arguments
    assert np.array_equal(gs.numpy(gs.resize(gs.array(x), size=x.shape[-2:])), gs.numpy(gs.array(x)))


@law("segmentation.resize")
@given(inputs("resize"))
def test_interpolated_values_lie_between_those_of_the_image(gs, case):
    (x,) = case.arguments
    size = case.options["size"]
    assert_at_most(gs, lambda gs, x: gs.resize(x, size=size).max(), lambda gs, x: x.max(), x)
    assert_at_most(gs, lambda gs, x: x.min(), lambda gs, x: gs.resize(x, size=size).min(), x)


@law("segmentation.resize")
@given(inputs("resize"))
def test_height_and_width_are_alike(gs, case):
    """The image laid on its side, resized, and set up again."""
    (x,) = case.arguments
    size = case.options["size"]
    h, w = size if isinstance(size, tuple) else (size, size)
    assert_agree(
        gs,
        lambda gs, x, turned: gs.resize(x, size=(h, w)),
        lambda gs, x, turned: gs.resize(turned, size=(w, h)).swapaxes(2, 3),
        x, np.swapaxes(x, 2, 3),
    )  # fmt: skip


def ramp(gs: Any, seed: int, h: int, w: int) -> tuple[np.ndarray, Any]:
    """A plane over the pixels, and its value at any places: a few digits, so that all is exact in every precision."""
    a, b, c = np.random.Generator(np.random.Philox(seed)).integers(-3, 4, 3)

    def plane(rows, columns):
        return (a * rows[:, None] + b * columns + c)[None, None].astype(float)

    return plane(np.arange(h), np.arange(w)), plane


@law("segmentation.resize")
@given(SEEDS, st.integers(1, 6), st.integers(1, 6), st.sampled_from((1, 2, 4, 8)), st.sampled_from((1, 2, 4, 8)))
def test_planes_stay_planes(gs, seed, h, w, oh, ow):
    """Between the outermost centres a linear ramp is what it was, at the new centres (i + 1/2) h/H - 1/2."""
    x, plane = ramp(gs, seed, h, w)
    rows, columns = (np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1) for n, m in ((h, oh), (w, ow)))
    assert_agree(gs, lambda gs, x, y: gs.resize(x, size=(oh, ow)), lambda gs, x, y: y, x, plane(rows, columns))


@law("segmentation.bilinear_upsample")
@given(SEEDS, st.integers(3, 6), st.integers(3, 6), st.sampled_from((2, 4)))
def test_upsampling_keeps_planes_inside_and_darkens_the_border(gs, seed, h, w, f):
    x, plane = ramp(gs, seed, h, w)
    rows, columns = ((np.arange(f * n) + 0.5) / f - 0.5 for n in (h, w))
    inside = (..., slice(f, -f), slice(f, -f))
    expected = plane(rows, columns)
    assert_agree(
        gs, lambda gs, x, y: gs.bilinear_upsample(x, factor=f)[inside], lambda gs, x, y: y[inside], x, expected
    )
    bright = gs.numpy(gs.bilinear_upsample(gs.array(np.full((1, 1, h, w), 64.0)), factor=f))[0, 0]
    assert (bright[f:-f, f:-f] == 64).all()
    assert bright[0, 0] == 64 * ((1 + 1 / f) / 2) ** 2 == bright[-1, -1]


@law("segmentation.bilinear_upsample", "segmentation.resize")
@given(inputs("bilinear_upsample"))
def test_inside_upsampling_is_resizing(gs, case):
    """All but the outermost half of a pixel, into which the zeros around the image reach."""
    (x,) = case.arguments
    f = case.options["factor"]
    h, w = x.shape[-2:]
    inside = (..., slice(f // 2, f * h - f // 2), slice(f // 2, f * w - f // 2))
    assert_agree(
        gs,
        lambda gs, x: gs.bilinear_upsample(x, factor=f)[inside],
        lambda gs, x: gs.resize(x, size=(f * h, f * w))[inside],
        x,
    )


@law("segmentation.bilinear_upsample")
@given(inputs("bilinear_upsample"))
def test_upsampling_by_1_changes_nothing(gs, case):
    (x,) = case.arguments
    assert np.array_equal(gs.numpy(gs.bilinear_upsample(gs.array(x), factor=1)), gs.numpy(gs.array(x)))


@law("segmentation.bilinear_upsample")
@given(inputs("bilinear_upsample"))
def test_upsampling_is_a_transposed_convolution_with_a_tent(gs, case):
    """Step f, a kernel of 2f - (f mod 2), and as many zeros cut off as give f times the size."""
    (x,) = case.arguments
    f, c = case.options["factor"], x.shape[1]
    k = 2 * f - f % 2
    line = 1 - np.abs(np.arange(k) - (k - 1) / 2) / f
    kernel = np.broadcast_to(gs.precision.round(np.outer(line, line)), (c, 1, k, k))
    assert_agree(
        gs,
        lambda gs, x, w: gs.bilinear_upsample(x, factor=f),
        lambda gs, x, w: gs.conv_transpose2d(x, w, stride=f, padding=f // 2, groups=c),
        x, kernel,
    )  # fmt: skip


# Networks


def only_float64(gs: Any) -> None:
    if gs.precision.name != "float64":
        pytest.skip("a deep composition is judged in float64")


@law("segmentation.fcn")
def test_fcn_has_the_published_number_of_parameters():
    """Torchvision's fcn_resnet50 has 35,322,218 with its auxiliary head."""
    assert parameter_count(FCN(auxiliary=True)) == 35_322_218
    assert parameter_count(FCN()) == 32_957_013


@law("segmentation.fcn")
@given(fcns(), SEEDS, st.integers(1, 9), st.integers(1, 9))
def test_fcn_takes_images_of_any_size_and_returns_maps_of_it(gs, config, seed, h, w):
    """The parameters do not know the size."""
    params, buffers = (
        {name: gs.array(x) for name, x in table.items()} for table in state(gs, seed, config)
    )  # fmt: skip
    y = gs.fcn(config, params, buffers, gs.array(draws(gs, seed, 2, 2, h, w)))
    assert gs.numpy(y).shape == (2, config.n_classes, h, w) == config.output((2, 2, h, w))


@law("segmentation.fcn")
@given(SEEDS, st.integers(-2, 2), st.integers(-2, 2))
def test_fcn_moves_with_the_object_by_whole_strides(gs, seed, down, right):
    """An object on an empty canvas takes its scores along when it moves by multiples of the stride, inside."""
    only_float64(gs)
    config = FCN(2, ResNet(blocks=(1,), width=2, channels=1, bottleneck=False), stride=4)
    params, buffers = state(gs, seed, config)
    thing = np.zeros((1, 1, 96, 96))
    thing[..., 44:52, 44:52] = draws(gs, seed, 8, 8)
    moved = np.roll(thing, (4 * down, 4 * right), (2, 3))

    def scores(gs, params, buffers, x, i, j):
        return gs.fcn(config, params, buffers, x)[..., 32 + 4 * i : 64 + 4 * i, 32 + 4 * j : 64 + 4 * j]

    assert_agree(
        gs,
        lambda gs, p, b, x, y: scores(gs, p, b, x, 0, 0),
        lambda gs, p, b, x, y: scores(gs, p, b, y, down, right),
        params, buffers, thing, moved,
    )  # fmt: skip


@law("segmentation.fcn")
@given(SEEDS, st.booleans(), st.integers(9, 20), st.integers(9, 20))
def test_wider_kernels_see_what_steps_would_have_seen(gs, seed, bottleneck, h, w):
    """Every second place of the map with wider kernels is the map with steps, of the same parameters."""
    only_float64(gs)
    backbone = ResNet(blocks=(1, 2), width=2, channels=1, bottleneck=bottleneck)
    dense, coarse = (features(FCN(1, backbone, stride)) for stride in (4, 8))
    assert dense.parameters() == coarse.parameters()
    params, buffers = state(gs, seed, dense)
    assert_agree(
        gs,
        lambda gs, p, b, x: gs.forward(dense, p, b, x)[..., ::2, ::2],
        lambda gs, p, b, x: gs.forward(coarse, p, b, x),
        params, buffers, draws(gs, seed, 1, 1, h, w),
    )  # fmt: skip


def features(config: FCN) -> Single:
    """The network without its head, and not enlarged."""
    assert isinstance(config.network, AtInputSize)
    assert isinstance(config.network.body, Sequential)
    return Single(Sequential(config.network.body.layers[:-1]))


@law("segmentation.fcn")
@given(SEEDS)
def test_auxiliary_head_speaks_in_training_at_the_size_of_the_image(gs, seed):
    """And changes nothing of the output."""
    config = FCN(3, ResNet(blocks=(1, 1), width=2, channels=1, bottleneck=False), auxiliary=True)
    params, buffers = state(gs, seed, config)
    x = draws(gs, seed, 2, 1, 9, 14)
    uniform = {name: np.full(shape, 0.5) for name, shape in config.draws(x.shape).items()}
    params, buffers, uniform = ({k: gs.array(v) for k, v in table.items()} for table in (params, buffers, uniform))
    said = gs.forward_training(config, params, buffers, uniform, gs.array(x))
    assert [gs.numpy(heard).shape for heard in said.auxiliary] == [(2, 3, 9, 14)]
    assert gs.numpy(said.output).shape == (2, 3, 9, 14)
    alone = FCN(3, config.backbone)
    rest = [{name: table[name] for name in names} for table, names in (
        (params, alone.parameters()), (buffers, alone.buffers()), (uniform, alone.draws(x.shape)),
    )]  # fmt: skip
    output, auxiliary, _ = gs.forward_training(alone, *rest, gs.array(x))
    assert np.array_equal(gs.numpy(output), gs.numpy(said.output))
    assert auxiliary == ()


@law("segmentation.fcn")
def test_fcn_says_what_its_backbone_cannot(gs):
    with pytest.raises(DomainError, match="stride is 16, expected one of 4, 8"):
        FCN(2, ResNet(blocks=(1, 1)), stride=16)
    with pytest.raises(DomainError, match="needs a backbone of at least two stages"):
        FCN(2, ResNet(blocks=(1,)), stride=4, auxiliary=True)


@law("segmentation.unet")
def test_unet_is_that_of_the_paper():
    """572 x 572 become 388 x 388; 23 convolutional layers, 31,030,658 parameters."""
    assert UNet().output((1, 1, 572, 572)) == (1, 2, 388, 388)
    assert parameter_count(UNet()) == 31_030_658
    assert UNet().network.depth() == 23
    sizes = {row.name: row.output for row in UNet().table((1, 572, 572))}
    assert sizes["encoder1.2"] == (64, 568, 568)
    assert sizes["encoder4.2"] == (512, 64, 64)
    assert sizes["bottom.2"] == (1024, 28, 28)
    assert sizes["up4"] == (512, 56, 56)
    assert UNet(3, 7).output((1, 3, 572, 572))[1] == 7


@law("segmentation.unet")
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 7))
def test_padded_unet_keeps_the_size_but_for_a_remainder(depth, blocks, remainder):
    config = UNet(depth=depth, width=1, padding=1)
    assert config.output((1, 1, blocks * 2**depth, 2**depth)) == (1, 2, blocks * 2**depth, 2**depth)
    n = blocks * 2**depth + remainder % 2**depth
    assert config.output((1, 1, n, n))[2] == blocks * 2**depth
    with pytest.raises(ShapeError, match="the image is too small here"):
        config.output((1, 1, 2**depth - 1, 2**depth))


@law("segmentation.unet")
@given(SEEDS, st.integers(0, 3), st.integers(0, 3))
def test_tiles_of_a_large_image_fit_together(gs, seed, i, j):
    """Without padding a tile says of its middle what the whole image does: the overlap-tile strategy of the paper."""
    only_float64(gs)
    config = UNet(1, 2, width=2, depth=1)
    params, buffers = state(gs, seed, config)
    x = draws(gs, seed, 1, 1, 26, 26)
    tile = np.ascontiguousarray(x[..., 2 * i : 2 * i + 20, 2 * j : 2 * j + 20])
    assert_agree(
        gs,
        lambda gs, p, b, x, tile: gs.unet(config, p, b, x)[..., 2 * i : 2 * i + 4, 2 * j : 2 * j + 4],
        lambda gs, p, b, x, tile: gs.unet(config, p, b, tile),
        params, buffers, x, tile,
    )  # fmt: skip


@law("segmentation.unet")
@given(SEEDS)
def test_unet_without_its_skips_is_an_encoder_and_a_decoder(gs, seed):
    """Where the weights of the copied channels are 0; and where they are not, the copies are heard."""
    config = UNet(1, 2, width=2, depth=1, padding=1)
    params, buffers = state(gs, seed, config)
    x = draws(gs, seed + 9, 1, 1, 6, 6)
    deaf = {**params, "decoder1.0.weight": params["decoder1.0.weight"] * np.array([0, 0, 1, 1])[:, None, None]}

    def pair(gs, at, name, x):
        for i in (0, 2):
            x = gs.relu(gs.conv2d(x, at[f"{name}.{i}.weight"], at[f"{name}.{i}.bias"], padding=1))
        return x

    def encoder_decoder(gs, at, x):
        x = pair(gs, at, "bottom", gs.max_pool2d(pair(gs, at, "encoder1", x), kernel=2))
        x = gs.conv_transpose2d(x, at["up1.weight"], at["up1.bias"], stride=2)
        x = gs.relu(gs.conv2d(x, at["decoder1.0.weight"][:, 2:], at["decoder1.0.bias"], padding=1))
        x = gs.relu(gs.conv2d(x, at["decoder1.2.weight"], at["decoder1.2.bias"], padding=1))
        return gs.conv2d(x, at["head.weight"], at["head.bias"])

    assert_agree(gs, lambda gs, p, x: gs.unet(config, p, {}, x), encoder_decoder, deaf, x)
    assert buffers == {}
    loud = {**params, "decoder1.0.bias": np.full(2, 64.0), "decoder1.2.bias": np.full(2, 64.0)}  # no ReLU is shut
    loud |= {name: np.abs(loud[name]) for name in ("encoder1.2.bias", "decoder1.2.weight", "head.weight")}
    name = "decoder1.0.weight"
    told, untold = (
        gs.numpy(gs.unet(config, {k: gs.array(v) for k, v in table.items()}, {}, gs.array(x)))
        for table in (loud | {name: np.abs(p[name])} for p in (params, deaf))
    )
    assert (told >= untold).all()
    if gs.precision.name != "bfloat16":  # which may round the difference away
        assert not np.array_equal(told, untold)
