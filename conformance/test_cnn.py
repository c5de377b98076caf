"""Laws of the chapter on architectures of convolutional networks."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most, check_values, convert
from gongsik.conformance.cases.cnn import fitting, states
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import Case, inputs, make
from gongsik.reference.layers import Pass, run
from gongsik.spec import ShapeError
from gongsik.spec.cnn import (
    DPN,
    VGG,
    AlexNet,
    AuxiliaryClassifier,
    BottleneckBlock,
    DenseBlock,
    DenseNet,
    DualPathBlock,
    GoogLeNet,
    InceptionBlock,
    LeNet5,
    MnasNet,
    MobileNet,
    MobileNetV2,
    NetworkInNetwork,
    ResidualBlock,
    ResNet,
    SENet,
    ShuffleNet,
    ShuffleNetUnit,
    ShuffleNetV2,
    SimpleCNN,
    alexnet_memory,
    alexnet_parameter_table,
    dense_channel_growth,
    dense_connections,
    depth_table,
    stacked_3x3_parameters,
)
from gongsik.spec.convolution import bottleneck_count, receptive_field
from gongsik.spec.layers import (
    Activation,
    Auxiliary,
    BatchNorm2d,
    ChannelShuffle,
    Conv2d,
    Dropout,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Parallel,
    Residual,
    Sequential,
    Single,
    Tree,
    flat,
    nest,
    sequence,
)
from gongsik.spec.model import parameter_count
from gongsik.spec.network import MLP

SEEDS = st.integers(0, 2**32 - 1)
MODELS = (
    "forward", "simple_cnn", "lenet5", "alexnet", "vgg", "network_in_network", "googlenet", "resnet", "densenet",
    "dpn", "senet", "mobilenet", "mobilenet_v2", "shufflenet", "shufflenet_v2", "mnasnet",
)  # fmt: skip

BLOCKS = (
    "mlpconv", "inception_block", "residual_block", "bottleneck_block", "dense_block", "transition_layer",
    "dual_path_block", "shufflenet_unit",
)  # fmt: skip


def numbers(gs: Any, seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, gs.precision.name)


def same(gs: Any, a: Any, b: Any) -> bool:
    return np.array_equal(gs.numpy(a), gs.numpy(b))


def drawn(gs: Any, data: st.DataObject, config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers for a configuration."""
    return data.draw(states(gs.precision, config))


def call(gs: Any, name: str, *arguments: Any) -> Any:
    """A formula of NumPy's arrays."""
    return getattr(gs, name)(*convert(arguments, gs))


def trees_of(layer: Layer) -> Iterator[Layer]:
    """A layer, and all that it is made of."""
    yield layer
    for _, child in layer.children() if isinstance(layer, Tree) else ():
        yield from trees_of(child)


def leaves(layer: Layer) -> Iterator[Layer]:
    """All layers of a tree that are made of no others."""
    return (part for part in trees_of(layer) if not isinstance(part, Tree))


def kinds(config: Any, kind: type[Layer]) -> list[Any]:
    return [layer for layer in leaves(config.network) if isinstance(layer, kind)]


def sizes(config: Any, *sample: int) -> list[int]:
    """The heights through which a square image goes, each once."""
    return [size for size, _ in itertools.groupby(row.output[1] for row in config.table(sample) if len(row.output) > 1)]


# What a block is made of, in the formulas of other chapters


def conv(gs: Any, p: Any, name: str, x: Any, **options: Any) -> Any:
    return gs.conv2d(x, p[f"{name}.weight"], p.get(f"{name}.bias"), **options)


def norm(gs: Any, p: Any, b: Any, name: str, x: Any, eps: float = 1e-5) -> Any:
    statistics = b[f"{name}.running_mean"], b[f"{name}.running_var"]
    return gs.batch_norm_inference(x, *statistics, p[f"{name}.weight"], p[f"{name}.bias"], eps=eps)


# Any network


def visits(layer: Layer, at: Any, x: np.ndarray) -> Iterator[tuple[Layer, Any, np.ndarray]]:
    """Every layer of a tree but chains, with its arrays and what the reference gives it in evaluation."""
    if not isinstance(layer, Sequential):
        yield layer, at, x
    branches = layer.branches if isinstance(layer, Parallel) else layer.children() if isinstance(layer, Tree) else ()
    for i, (name, child) in enumerate(branches):
        if child is None:
            continue
        scope = at.get(name, {}) if name else at
        split = isinstance(layer, Parallel) and layer.split
        share = np.split(x, len(branches), axis=1)[i] if split else x
        yield from visits(child, scope, share)
        if isinstance(layer, Sequential):
            x = run(child, scope, x, Pass())


@law(
    "cnn.forward", "cnn.simple_cnn", "cnn.lenet5", "cnn.alexnet", "cnn.vgg", "cnn.network_in_network", "cnn.googlenet",
    "cnn.resnet", "cnn.densenet", "cnn.dpn", "cnn.senet", "cnn.mobilenet", "cnn.mobilenet_v2", "cnn.shufflenet",
    "cnn.shufflenet_v2", "cnn.mnasnet",
)  # fmt: skip
@pytest.mark.parametrize("model", MODELS)
def test_network_agrees_layer_by_layer(gs, model, tally):
    """Each layer and block, on the reference's own activations: in any precision, where a whole net says nothing."""

    @given(inputs(model), st.integers(0, 1000))
    def check(case, start):
        config, params, buffers, x = case.arguments
        with np.errstate(all="ignore"):
            parts = [part for part in visits(config.network, nest(params | buffers), x) if part[0].depth() <= 3]
            step = max(1, len(parts) // 6)  # a few of each network; others of the next
            for layer, at, seen in parts[start % step :: step]:
                arrays = flat(at, layer.parameters()), flat(at, layer.buffers())
                verdict = check_values(gs, "forward", Case((Single(layer), *arrays, gs.precision.round(seen))))
                assert verdict.agreed, f"{layer}: {verdict.message}"
                tally["executed"] += 1
                tally["inconclusive"] += not verdict.conclusive

    check()
    assert tally["executed"] > 2 * tally["inconclusive"], "most layers said nothing"


@law("cnn.forward")
@given(inputs("forward"), st.integers(0, 5))
def test_network_is_the_composition_of_its_parts(gs, case, cut):
    """F = g after h, wherever the chain is cut."""
    config, params, buffers, x = case.arguments
    layers = config.network.layers
    parts = [Single(Sequential(layers[:cut])), Single(Sequential(layers[cut:]))]

    def in_parts(gs, params, buffers, x):
        for part in parts:
            arrays = ({name: table[name] for name in names} for table, names in zip(
                (params, buffers), (part.parameters(), part.buffers()), strict=True))  # fmt: skip
            x = gs.forward(part, *arrays, x)
        return x

    assert_agree(
        gs, lambda gs, params, buffers, x: gs.forward(config, params, buffers, x), in_parts, params, buffers, x
    )


@law("cnn.forward_training")
@given(st.data(), SEEDS, st.integers(2, 4), st.sampled_from((0.0, 0.25, 1.0)))
def test_training_moves_the_running_statistics_by_the_momentum(gs, data, seed, n, momentum):
    """R' = (1 - m) r + m b, with the batch's mean and unbiased variance; one more batch has been tracked."""
    config = Single(BatchNorm2d(2, momentum=momentum))
    params, buffers = drawn(gs, data, config)
    x = numbers(gs, seed, n, 2, 3, 2)
    after = call(gs, "forward_training", config, params, buffers, {}, x).buffers
    assert int(gs.numpy(after["num_batches_tracked"])) == int(buffers["num_batches_tracked"]) + 1

    def moved(gs, params, buffers, x):
        after = gs.forward_training(config, params, buffers, {}, x).buffers
        return after["running_mean"], after["running_var"]

    def by_hand(gs, params, buffers, x):
        mean = x.mean((0, 2, 3))
        deviation = x - mean.reshape(1, 2, 1, 1)
        var = (deviation * deviation).sum((0, 2, 3)) / (6 * n - 1)
        statistics = zip(("running_mean", "running_var"), (mean, var), strict=True)
        return tuple((1 - momentum) * buffers[name] + momentum * batch for name, batch in statistics)

    assert_agree(gs, moved, by_hand, params, buffers, x)


@law("cnn.forward_training")
@given(SEEDS, st.sampled_from((0.25, 0.5)))
def test_what_is_dropped_is_0_and_the_rest_grows(gs, seed, p):
    """Draws below p drop, the others divide by 1 - p; without training nothing happens, exactly."""
    config, x = Single(Dropout(p)), numbers(gs, seed, 2, 3, 4)
    u = gs.precision.round(np.random.Generator(np.random.Philox(seed)).random(x.shape))
    found = gs.numpy(call(gs, "forward_training", config, {}, {}, {"uniform": u}, x).output)
    assert np.array_equal(found == 0, (u < p) | (x == 0))
    assert_agree(
        gs,
        lambda gs, u, x: gs.forward_training(config, {}, {}, {"uniform": u}, x).output * (1 - p),
        lambda gs, u, x: x,
        np.where(u < p, 1.0, u), x,
    )  # fmt: skip
    assert same(gs, call(gs, "forward", config, {}, {}, x), gs.array(x))


@law("cnn.forward_training")
@given(st.data(), SEEDS)
def test_heads_speak_in_training_only_and_in_order(gs, data, seed):
    """The first head says what it makes of x, the second of 2 x; neither changes what passes by."""
    head = Auxiliary(sequence(Linear(3, 2)))
    double = Residual(Sequential())
    config = Single(sequence(first=head, double=double, second=head))
    params, _ = drawn(gs, data, config)
    x = numbers(gs, seed, 2, 3)
    output, (first, second), _ = call(gs, "forward_training", config, params, {}, {}, x)
    assert same(gs, output, call(gs, "forward", config, params, {}, x))
    assert same(gs, output, gs.array(2 * x))
    one, two = (
        {name.removeprefix(f"{which}."): array for name, array in params.items() if name.startswith(which)}
        for which in ("first", "second")
    )
    assert same(gs, first, call(gs, "forward", Single(head.head), one, {}, x))
    assert same(gs, second, call(gs, "forward", Single(head.head), two, {}, 2 * x))


@law(
    "cnn.mlpconv", "cnn.inception_block", "cnn.residual_block", "cnn.bottleneck_block", "cnn.dense_block",
    "cnn.transition_layer", "cnn.dual_path_block", "cnn.shufflenet_unit",
)  # fmt: skip
@pytest.mark.parametrize("name", BLOCKS)
def test_block_is_its_tree(gs, name):
    """What a block's formula says and what its tree of layers computes are one."""

    @given(inputs(name))
    def check(case):
        block, tree = (lambda gs, *a, name=name: getattr(gs, name)(*a) for name in (name, "forward"))
        assert_agree(gs, block, tree, *case.arguments)

    check()


# The first ones


@law("cnn.simple_cnn")
@given(inputs("simple_cnn"))
def test_rows_are_distributions(gs, case):
    """The softmax at the end makes each row sum to 1; nothing is negative."""
    assert_agree(gs, lambda gs, *a: gs.simple_cnn(*a).sum(-1), lambda gs, *a: 1.0, *case.arguments)
    assert (gs.numpy(call(gs, "simple_cnn", *case.arguments)) >= 0).all()


@law("cnn.simple_cnn")
@given(st.integers(4, 64), st.integers(4, 64))
def test_only_the_perceptron_depends_on_the_size(n, m):
    """Parameters of the convolutions are those of any size, and two poolings leave a quarter of each side."""
    tables = [SimpleCNN(size=size).parameters() for size in (n, m)]
    for name in ("conv1.weight", "conv2.weight", "fc1.bias", "fc2.weight"):
        assert tables[0][name] == tables[1][name]
    assert tables[0]["fc1.weight"][1] == 16 * (n // 2 // 2) ** 2
    with pytest.raises(ShapeError):
        SimpleCNN(size=n).output((1, 1, n + 4, n + 4))


@law("cnn.lenet5")
def test_lenet_has_60000_parameters():
    """Five layers with weights; with all of C3's connections and a dense output, 61,706 parameters; 28 is too small."""
    assert parameter_count(LeNet5()) == 60_000
    dense = LeNet5("dense")
    assert parameter_count(dense) == 61_706
    for config in (LeNet5(), dense):
        assert config.network.depth() == 5
        assert sizes(config, 1, 32, 32) == [28, 14, 10, 5, 1]
        with pytest.raises(ShapeError, match="too small"):
            config.output((1, 1, 28, 28))


@law("cnn.lenet5")
@given(inputs("lenet5"))
def test_output_of_the_paper_is_a_distance(gs, case):
    """-||f - w_i||^2 is never above 0."""
    config, *arrays = case.arguments
    if config.form == "paper":
        assert (gs.numpy(call(gs, "lenet5", config, *arrays)) <= 0).all()


@law("cnn.alexnet")
def test_alexnet_is_as_published():
    """60,965,224 parameters in two towers, 227-55-27-13-6; the second, fourth and fifth convolution see one tower."""
    towers = AlexNet(towers=2)
    assert parameter_count(towers) == 60_965_224
    assert parameter_count(AlexNet()) == 61_100_840
    assert sizes(towers, 3, 227, 227) == [55, 27, 13, 6]
    assert [layer.groups for layer in kinds(towers, Conv2d)] == [1, 2, 1, 2, 2]
    for config in (towers, AlexNet()):
        assert config.network.depth() == 8


@law("cnn.alexnet")
def test_alexnet_normalizes_before_it_pools():
    """Conv, ReLU, norm, pool, twice; and the order matters: of two channels over two pixels."""
    order = [type(layer) for layer in leaves(AlexNet(towers=2).network)]
    assert order[:8] == 2 * [Conv2d, Activation, LocalResponseNorm, MaxPool2d]


def two_towers(gs: Any, seed: int) -> tuple[AlexNet, dict[str, Any], np.ndarray]:
    """A thin AlexNet in two towers, its parameters, and a photograph's worth of noise."""
    config = AlexNet(towers=2, n_classes=3, channels=1, maps=(4, 4, 2, 4, 2), hidden=3)
    return config, fitting(gs.precision, config, seed)[0], numbers(gs, seed + 1000, 1, 1, 227, 227)


@law("cnn.alexnet")
@pytest.mark.parametrize("seed", [1, 2])
def test_two_towers_agree(gs, seed):
    """The form of the paper, whose images are too large to be drawn by the hundred."""
    config, params, x = two_towers(gs, seed)
    verdict = check_values(gs, "alexnet", Case((config, params, {}, x)))
    assert verdict.agreed, verdict.message
    assert verdict.conclusive or gs.precision.name != "float64"


@law("cnn.alexnet")
@given(SEEDS)
def test_towers_do_not_see_each_other_in_the_second_convolution(gs, seed):
    """Each half of its channels is the convolution of one half of what comes in."""
    config, params, _ = two_towers(gs, seed)
    second = {name.removeprefix("conv2."): array for name, array in params.items() if name.startswith("conv2.")}
    x = numbers(gs, seed + 2000, 1, 4, 6, 6)
    cut = kinds(config, Conv2d)[1]
    one = Conv2d(2, 2, cut.kernel, padding=cut.padding)

    def halves(gs, p, x):
        y = gs.forward(Single(cut), p, {}, x)
        return y[:, :2], y[:, 2:]

    def alone(gs, p, x):
        first, second = ({name: array[part] for name, array in p.items()} for part in (slice(2), slice(2, 4)))
        return gs.forward(Single(one), first, {}, x[:, :2]), gs.forward(Single(one), second, {}, x[:, 2:])

    assert_agree(gs, halves, alone, second, x)


@law("cnn.alexnet_parameter_table")
def test_weights_of_alexnet_are_those_of_the_notes():
    """307k in the second convolution, 16M and 4M at the end; fc6 has 37,748,736, not the notes' 177M."""
    table = alexnet_parameter_table()
    assert list(table.values()) == [
        11**2 * 3 * 48 * 2, 5**2 * 48 * 128 * 2, 3**2 * 256 * 384, 3**2 * 192 * 192 * 2, 3**2 * 192 * 128 * 2,
        6 * 6 * 256 * 4096, 4096 * 4096, 4096 * 1000,
    ]  # fmt: skip
    convolutions = [n for name, n in table.items() if name.startswith("conv")]
    assert convolutions == [34_848, 307_200, 884_736, 663_552, 442_368]
    assert sum(convolutions) == 2_332_704
    assert [table[name] for name in ("fc6", "fc7", "fc8")] == [37_748_736, 16_777_216, 4_096_000]
    assert sum(table.values()) == 60_954_656


@law("cnn.alexnet_memory")
def test_activations_of_alexnet_lie_in_its_convolutions():
    """So many values per layer; more than nine in ten before the first fully connected layer."""
    values = alexnet_memory(bytes_per_value=1)
    assert list(values.values()) == [
        154_587, 290_400, 69_984, 186_624, 43_264, 64_896, 64_896, 43_264, 9_216, 4_096, 4_096, 1_000,
    ]  # fmt: skip
    dense = sum(n for name, n in values.items() if name.startswith("fc"))
    assert 10 * dense < sum(values.values())
    weights = alexnet_parameter_table()
    assert 0.9 * sum(weights.values()) < sum(n for name, n in weights.items() if name.startswith("fc"))


@law("cnn.alexnet_memory")
@given(st.integers(1, 512), st.sampled_from((2, 4, 8)))
def test_memory_grows_with_the_batch_and_with_the_width_of_numbers(batch, size):
    """It is proportional to both; 4 bytes unless said otherwise."""
    one = alexnet_memory()
    assert alexnet_memory(batch=batch, bytes_per_value=size) == {name: n // 4 * batch * size for name, n in one.items()}


@law("cnn.vgg")
@pytest.mark.parametrize(
    ("depth", "parameters"), [(11, 132_863_336), (13, 133_047_848), (16, 138_357_544), (19, 143_667_240)]
)
def test_vgg_is_nothing_but_3x3(depth, parameters):
    """As many layers with weights as its name says; 224-112-56-28-14-7."""
    config = VGG(depth)
    assert parameter_count(config) == parameters
    assert config.network.depth() == depth
    assert {(layer.kernel, layer.padding, layer.stride) for layer in kinds(config, Conv2d)} == {(3, 1, 1)}
    assert sizes(config, 3, 224, 224) == [224, 112, 56, 28, 14, 7]


@law("cnn.stacked_3x3_parameters")
def test_stacked_kernels_are_cheaper_than_large_ones():
    """18 versus 25, 27 versus 49; with 128 channels 294,912 versus 409,600."""
    assert [stacked_3x3_parameters(*case) for case in ((3, 2), (5, 1), (3, 3), (7, 1))] == [18, 25, 27, 49]
    assert stacked_3x3_parameters(3, 2, channels=128) == 294_912
    assert stacked_3x3_parameters(5, 1, channels=128) == 409_600


@law("cnn.stacked_3x3_parameters")
@given(st.integers(2, 9), st.integers(1, 512))
def test_stacked_kernels_see_as_far_at_any_number_of_channels(times, channels):
    """So many 3x3 see as far as one kernel of 2 n + 1, with fewer weights, by the same factor for every C."""
    large = 2 * times + 1
    assert receptive_field(times * [(3,)]) == receptive_field([(large,)]) == large
    stacked = stacked_3x3_parameters(3, times, channels=channels)
    assert stacked < stacked_3x3_parameters(large, 1, channels=channels)
    assert stacked == channels**2 * stacked_3x3_parameters(3, times)
    config = Single(sequence(*(Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(times))))
    assert parameter_count(config) == stacked


# Networks in the network


@law("cnn.mlpconv", "cnn.network_in_network")
@given(inputs("mlpconv"))
def test_mlpconv_is_a_perceptron_that_slides(gs, case):
    """In its first place it is the perceptron of the patch there, with a ReLU at its end."""
    config, params, buffers, x = case.arguments
    if config.padding or isinstance(config.kernel, tuple):
        return
    perceptron = MLP((config.c_in * config.kernel**2, *config.widths), "relu")
    names = zip(perceptron.layers, (f"{2 * i}" for i in range(len(config.widths))), strict=True)
    pairs = list(names)

    def slid(gs, params, buffers, x):
        return gs.mlpconv(config, params, buffers, x)[:, :, 0, 0]

    def alone(gs, params, buffers, x):
        k = config.kernel
        patch = x[:, :, :k, :k].reshape(len(x), config.c_in * k * k)
        arrays = {}
        for ours, theirs in pairs:
            weight = params[f"{theirs}.weight"]
            arrays |= {f"{ours}.weight": weight.reshape(len(weight), -1), f"{ours}.bias": params[f"{theirs}.bias"]}
        return gs.relu(gs.mlp(perceptron, arrays, patch))

    assert_agree(gs, slid, alone, params, buffers, x)


@law("cnn.network_in_network")
@given(inputs("network_in_network"))
def test_score_of_a_class_is_the_mean_of_its_map(gs, case):
    """Global average pooling: without it and the flattening there is a map per class."""
    config, params, buffers, x = case.arguments
    maps = Single(Sequential(config.network.layers[:-2]))  # pyright: ignore[reportAttributeAccessIssue]
    assert_agree(
        gs,
        lambda gs, *a: gs.network_in_network(config, *a),
        lambda gs, *a: gs.forward(maps, *a).mean((2, 3)),
        params, buffers, x,
    )  # fmt: skip


@law("cnn.network_in_network")
def test_network_in_network_has_no_fully_connected_layer():
    """Twelve convolutions, of which eight are 1x1, and 7,595,176 parameters."""
    config = NetworkInNetwork()
    assert not kinds(config, Linear)
    assert [layer.kernel for layer in kinds(config, Conv2d)] == [11, 1, 1, 5, 1, 1, 3, 1, 1, 3, 1, 1]
    assert parameter_count(config) == 7_595_176


BRANCHES = ("branch1", "branch2", "branch3", "branch4")


@law("cnn.inception_block")
@given(inputs("inception_block"))
def test_inception_is_four_branches_side_by_side(gs, case):
    """1x1; 1x1 and 3x3; 1x1 and 5x5 (3x3 in checkpoints); pooling and 1x1: each fills its slice of the channels."""
    config, params, buffers, x = case.arguments
    large = 3 if config.norm else 5

    def step(gs, p, b, name, x, k):
        if config.norm:
            return gs.relu(norm(gs, p, b, f"{name}.bn", conv(gs, p, f"{name}.conv", x, padding=k // 2), eps=1e-3))
        return gs.relu(conv(gs, p, f"{name}.conv", x, padding=k // 2))

    def by_hand(gs, p, b, x):
        pooled = gs.max_pool2d(x, kernel=3, stride=1, padding=1)
        return (
            step(gs, p, b, "branch1", x, 1),
            step(gs, p, b, "branch2.1", step(gs, p, b, "branch2.0", x, 1), 3),
            step(gs, p, b, "branch3.1", step(gs, p, b, "branch3.0", x, 1), large),
            step(gs, p, b, "branch4.1", pooled, 1),
        )

    def slices(gs, p, b, x):
        y = gs.inception_block(config, p, b, x)
        ends = np.cumsum([0, config.c1, config.c3[1], config.c5[1], config.cp]).tolist()
        return tuple(y[:, start:end] for start, end in itertools.pairwise(ends))

    assert_agree(gs, slices, by_hand, params, buffers, x)


@law("cnn.inception_block")
@given(inputs("inception_block"), st.sampled_from(BRANCHES))
def test_branches_are_independent(gs, case, branch):
    """A branch of zeros has zeros in its slice; the others stay what they are, exactly."""
    config, params, buffers, x = case.arguments
    without = {name: array * (not name.startswith(branch)) for name, array in params.items()}
    whole, cut = (gs.numpy(call(gs, "inception_block", config, p, buffers, x)) for p in (params, without))
    ends = np.cumsum([0, config.c1, config.c3[1], config.c5[1], config.cp])
    for name, start, end in zip(BRANCHES, ends, ends[1:], strict=False):
        expected = 0 * whole[:, start:end] if name == branch else whole[:, start:end]
        assert np.array_equal(cut[:, start:end], expected)


@law("cnn.inception_block")
def test_inception_3a_has_256_channels():
    """64 + 128 + 32 + 32: without the branch of pooling it would be 224."""
    block = InceptionBlock(192, 64, (96, 128), (16, 32), 32)
    assert block.output((1, 192, 28, 28)) == (1, 256, 28, 28)
    assert block.c_out == 256


@law("cnn.googlenet")
def test_googlenet_is_as_published():
    """22 layers, 224-112-56-28-14-7-1, and a ninth of AlexNet's parameters."""
    config = GoogLeNet(auxiliary=False)
    assert parameter_count(config) == 6_998_552
    assert parameter_count(GoogLeNet(auxiliary=False, norm=True)) == 6_624_904
    assert parameter_count(GoogLeNet(norm=True)) == 13_004_888
    assert config.network.depth() == GoogLeNet().network.depth() == 22
    assert sizes(config, 3, 224, 224) == [112, 56, 28, 14, 7, 1]
    assert round(parameter_count(config) / parameter_count(AlexNet(towers=2)), 3) == 0.115


@law("cnn.googlenet", "cnn.auxiliary_classifier")
@given(inputs("googlenet"))
def test_auxiliary_classifiers_have_no_say_in_the_end(gs, case):
    """NaN in all their parameters changes nothing in evaluation."""
    config, params, buffers, x = case.arguments
    spoiled = {name: array * (np.nan if name.startswith("aux") else 1) for name, array in params.items()}
    results = (call(gs, "googlenet", config, p, buffers, x) for p in (params, spoiled))
    assert same(gs, *results)


@law("cnn.auxiliary_classifier")
@given(inputs("auxiliary_classifier"))
def test_auxiliary_classifier_is_what_a_network_hears_in_training(gs, case):
    """Beside a network that does nothing, it says the same, exactly."""
    config, params, buffers, draws, x = case.arguments
    beside = Single(Auxiliary(config.network))
    passed = call(gs, "forward_training", beside, params, buffers, draws, x)
    assert same(gs, passed.auxiliary[0], call(gs, "auxiliary_classifier", *case.arguments))
    assert same(gs, passed.output, gs.array(x))


@law("cnn.auxiliary_classifier")
def test_auxiliary_classifier_sees_16_places():
    """A map of 14 x 14 becomes 4 x 4; 2 heads cost GoogLeNet 6,379,984 parameters with batch normalization."""
    rows = AuxiliaryClassifier(512).table((512, 14, 14))
    assert rows[0].output == (512, 4, 4)
    heads = parameter_count(GoogLeNet(norm=True)) - parameter_count(GoogLeNet(norm=True, auxiliary=False))
    assert heads == sum(parameter_count(AuxiliaryClassifier(c, norm=True)) for c in (512, 528)) == 6_379_984


@law("cnn.auxiliary_loss", "cnn.auxiliary_classifier")
@given(SEEDS, st.integers(1, 3), st.sampled_from((0.3, 0.0, 1.0)))
def test_auxiliary_losses_come_with_less_weight(gs, seed, k, weight):
    """L = L_main + w (L_1 + ... + L_k), and the gradients are 1 and w; with w = 0 there is the main loss."""
    main, others = numbers(gs, seed), numbers(gs, seed + 1, k)
    assert_agree(
        gs,
        lambda gs, main, others: gs.value_and_grad(lambda p: gs.auxiliary_loss(*p, weight=weight))((main, others)),
        lambda gs, main, others: (main + weight * others.sum(), (1 + 0 * main, weight + 0 * others)),
        main, others,
    )  # fmt: skip


# Residual networks


def residual_body(gs: Any, config: Any, p: Any, b: Any, x: Any) -> Any:
    """F(x), and what goes past it, by the formulas of other chapters."""
    beside, n = x, len(config.convolutions())
    for i, c in enumerate(config.convolutions(), 1):
        if config.preactivation:
            x = gs.relu(norm(gs, p, b, f"bn{i}", x))
            beside = x if i == 1 and config.projects else beside
        x = conv(gs, p, f"conv{i}", x, stride=c.stride, padding=c.padding)
        if not config.preactivation:
            x = norm(gs, p, b, f"bn{i}", x)
            x = gs.relu(x) if i < n else x
    if config.reduction is not None:
        squared = (p[f"se.{name}.weight"] for name in ("fc1", "fc2"))
        w1, w2 = (w.reshape(w.shape[:2]) for w in squared)
        x = gs.se_block(x, w1, w2, p["se.fc1.bias"], p["se.fc2.bias"])
    if config.projects:
        beside = gs.projection_shortcut(beside, p["downsample.0.weight"], stride=config.stride)
        beside = beside if config.preactivation else norm(gs, p, b, "downsample.1", beside)
    else:
        beside = beside[:, :, :: config.stride, :: config.stride]
    return x, beside


@law("cnn.residual_block", "cnn.bottleneck_block", "cnn.projection_shortcut", "cnn.senet")
@pytest.mark.parametrize("name", ["residual_block", "bottleneck_block"])
def test_residual_block_adds_after_the_normalization_and_before_the_activation(gs, name):
    """Y = relu(F(x) + x), with W_s x where the shape changes; with preactivation the sum is the end."""

    @given(inputs(name))
    def check(case):
        config, params, buffers, x = case.arguments

        def by_hand(gs, p, b, x):
            y, beside = residual_body(gs, config, p, b, x)
            c = beside.shape[1]
            y = y[:, :c] + beside, y[:, c:]  # new channels get zeros
            return y if config.preactivation else tuple(gs.relu(part) for part in y)

        def block(gs, p, b, x):
            y = getattr(gs, name)(config, p, b, x)
            c = y.shape[1] if config.projects else config.c_in
            return y[:, :c], y[:, c:]

        assert_agree(gs, block, by_hand, params, buffers, x)

    check()


@law("cnn.residual_block")
@given(st.data(), SEEDS, st.sampled_from((ResidualBlock, BottleneckBlock)), st.booleans())
def test_block_of_zeros_does_nothing(gs, data, seed, kind, preactivation):
    """With F = 0 the block is the identity, exactly: for x >= 0, and before an activation for every x."""
    config = kind(4, 4 if kind is ResidualBlock else 1, preactivation=preactivation)
    params, buffers = drawn(gs, data, config)
    last = [name for name in params if name.startswith(("bn", "conv"))]
    at = max(name[: name.index(".")] for name in last if name.startswith("conv" if preactivation else "bn"))
    params = {name: array * (not name.startswith(f"{at}.")) for name, array in params.items()}
    x = numbers(gs, seed, 2, 4, 3, 3)
    x = x if preactivation else np.abs(x)
    name = "residual_block" if kind is ResidualBlock else "bottleneck_block"
    assert same(gs, call(gs, name, config, params, buffers, x), gs.array(x))


@law("cnn.residual_block", "cnn.residual_gradient")
@given(st.data(), SEEDS)
def test_gradient_of_a_block_is_the_upstream_and_what_the_body_sends_back(gs, data, seed):
    """The vector-Jacobian product of x + F(x) is g + J_F^T g."""
    body = ResidualBlock(3, 3, preactivation=True)
    params, buffers = drawn(gs, data, body)
    chain = Single(body.network.body)  # pyright: ignore[reportAttributeAccessIssue]
    x, g = numbers(gs, seed, 2, 3, 3, 3), numbers(gs, seed + 1, 2, 3, 3, 3)

    def by(run):
        return lambda gs, p, b, x, g: gs.value_and_grad(lambda x: (run(gs, p, b, x) * g).sum())(x)[1]

    back = by(lambda gs, p, b, x: gs.forward(chain, p, b, x))
    assert_agree(
        gs,
        by(lambda gs, p, b, x: gs.residual_block(body, p, b, x)),
        lambda gs, p, b, x, g: g + back(gs, p, b, x, g),
        params, buffers, x, g,
    )  # fmt: skip


@law("cnn.projection_shortcut")
@given(inputs("projection_shortcut"))
def test_projection_is_a_1x1_convolution(gs, case):
    """It mixes channels place by place, at every stride-th place."""
    x, weight = case.arguments
    stride = case.options["stride"]
    assert_agree(
        gs,
        lambda gs, x, w: gs.projection_shortcut(x, w, stride=stride),
        lambda gs, x, w: gs.pointwise_conv2d(x, w[:, :, 0, 0])[:, :, ::stride, ::stride],
        x, weight,
    )  # fmt: skip


@law("cnn.projection_shortcut")
@given(SEEDS, st.integers(1, 4), st.integers(1, 3))
def test_unit_matrix_projects_nothing(gs, seed, c, stride):
    """W_s = I is the identity shortcut, exactly; a block has a projection only where the shape changes."""
    x = numbers(gs, seed, 2, c, 3, 4)
    found = gs.projection_shortcut(gs.array(x), gs.array(np.eye(c)[:, :, None, None]), stride=stride)
    assert same(gs, found, gs.array(x[:, :, ::stride, ::stride]))
    assert ResidualBlock(c, c, stride).projects == (stride > 1)
    assert ResidualBlock(c, c + 1).projects
    assert not ResidualBlock(c, c + 1, shortcut="zeros").projects


@law("cnn.bottleneck_block")
def test_bottleneck_has_a_seventeenth_of_the_weights():
    """From 256 channels to 64 and back: 69,632 weights, where two 3x3 have 1,179,648."""
    block, plain = BottleneckBlock(256, 64), ResidualBlock(256, 256)
    weights = [sum(math.prod(s) for s in c.parameters().values() if len(s) > 1) for c in (block, plain)]
    assert weights == [69_632, 1_179_648]
    assert weights[0] == bottleneck_count(3, 256, 64, 64)[1] + 64 * 256
    assert block.output((1, 256, 14, 14)) == (1, 256, 14, 14)


@law("cnn.bottleneck_block")
def test_depth_is_not_receptive_field():
    """A bottleneck is deeper than two 3x3 and sees less: 3 pixels, not 5."""
    seen = {}
    for kind, channels in ((BottleneckBlock, 1), (ResidualBlock, 4)):
        config = kind(4, channels)
        seen[config.network.depth()] = receptive_field([(layer.kernel,) for layer in kinds(config, Conv2d)])
    assert seen == {3: 3, 2: 5}


@law("cnn.resnet")
@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)],
)
def test_resnet_is_as_published(depth, parameters):
    """As many layers with weights as its name says; 224-112-56-28-14-7-1."""
    config = ResNet(depth)
    assert parameter_count(config) == parameters
    assert config.network.depth() == depth
    assert sizes(config, 3, 224, 224) == [112, 56, 28, 14, 7, 1]
    assert parameter_count(ResNet(depth, shortcut="zeros")) < parameters


def chain(length: int, residual: bool) -> Single:
    """So many 1x1 convolutions of three channels, each with what goes past it or without."""
    layer = Conv2d(3, 3, 1, bias=False)
    named = ((f"{i}", Residual(layer) if residual else layer) for i in range(length))
    return Single(Sequential(tuple(named)))


@law("cnn.residual_gradient")
@given(SEEDS)
def test_gradient_survives_a_hundred_residual_blocks(gs, seed):
    """With 100 maps of norm 1/128 at most a third of it can be lost; without what goes past them nothing is left."""
    rng = np.random.Generator(np.random.Philox(seed))
    length, norms = 100, {}
    weights = rng.uniform(-1, 1, (length, 3, 3, 1, 1)) / 3 / 128  # rows and columns sum to at most 1/128
    params = {f"{i}.weight": gs.precision.round(w) for i, w in enumerate(weights)}
    g = numbers(gs, seed, 1, 3, 1, 1)
    for residual in (True, False):
        config = chain(length, residual)
        given_params, given_g = convert((params, g), gs)

        def value(x, config=config, p=given_params, g=given_g):
            return (gs.forward(config, p, {}, x) * g).sum()

        gradient = gs.numpy(gs.value_and_grad(value)(gs.array(np.ones((1, 3, 1, 1))))[1])
        norms[residual] = float(np.linalg.norm(gradient.astype(np.float64)))
    size = float(np.linalg.norm(g))
    assert (1 - 1 / 128) ** 100 * size / 2 <= norms[True] <= 2 * (1 + 1 / 128) ** 100 * size
    assert norms[False] <= size * 128.0**-99


@law("cnn.residual_gradient")
@given(SEEDS, st.integers(1, 20))
def test_identity_part_of_the_gradient_is_exact(gs, seed, length):
    """Where the Jacobians of the bodies are 0, the gradient arrives at the first layer as it left the last."""
    params = {f"{i}.weight": np.zeros((3, 3, 1, 1)) for i in range(length)}
    config, g = chain(length, True), numbers(gs, seed, 2, 3, 2, 2)
    p, upstream = convert((params, g), gs)

    def value(x):
        return (gs.forward(config, p, {}, x) * upstream).sum()

    _, gradient = gs.value_and_grad(value)(gs.array(numbers(gs, seed + 1, 2, 3, 2, 2)))
    assert same(gs, gradient, upstream)


@law("cnn.residual_paths")
@given(st.data(), SEEDS, st.integers(1, 4))
def test_residual_net_is_the_sum_over_its_paths(gs, data, seed, length):
    """For linear bodies: each of the 2^L subsets of the blocks is a path, and the net is their sum."""
    config = chain(length, True)
    params, _ = drawn(gs, data, config)
    x = numbers(gs, seed, 2, 3, 2, 2)

    def over_paths(gs, p, x):
        total = 0 * x
        for path in itertools.product((False, True), repeat=length):
            y = x
            for i in itertools.compress(range(length), path):
                y = gs.conv2d(y, p[f"{i}.weight"])
            total = total + y
        return total

    assert_agree(gs, lambda gs, p, x: gs.forward(config, p, {}, x), over_paths, params, x)


@law("cnn.residual_paths")
@given(SEEDS, st.integers(1, 10), st.sampled_from((0.25, 0.5, 1.0)))
def test_lengths_of_paths_are_binomial(gs, seed, length, t):
    """With F = t at each block, the paths of length k contribute C(L, k) t^k: together (1 + t)^L."""
    params = {f"{i}.weight": t * np.eye(3)[:, :, None, None] for i in range(length)}
    config = chain(length, True)
    assert_agree(
        gs,
        lambda gs, p, x: gs.forward(config, p, {}, x),
        lambda gs, p, x: sum(math.comb(length, k) * t**k for k in range(length + 1)) * x,
        params, numbers(gs, seed, 1, 3, 2, 2),
    )  # fmt: skip


# Networks that keep what they have


@law("cnn.dense_block")
@given(inputs("dense_block"))
def test_each_layer_sees_all_before_it(gs, case):
    """The input is the first slice, exactly; each further slice is what its layer makes of all slices before."""
    config, params, buffers, x = case.arguments

    def slices(gs, p, b, x):
        y = gs.dense_block(config, p, b, x)
        starts = range(config.c_in, config.c_out, config.growth)
        return tuple(y[:, c : c + config.growth] for c in starts)

    def by_hand(gs, p, b, x):
        y, made = gs.dense_block(config, p, b, x), []
        for i in range(config.layers):
            name, z = f"denselayer{i + 1}", y[:, : config.c_in + i * config.growth]
            z = gs.relu(norm(gs, p, b, f"{name}.norm1", z))
            if config.bottleneck is None:
                made.append(conv(gs, p, f"{name}.conv1", z, padding=1))
            else:
                z = gs.relu(norm(gs, p, b, f"{name}.norm2", conv(gs, p, f"{name}.conv1", z)))
                made.append(conv(gs, p, f"{name}.conv2", z, padding=1))
        return tuple(made)

    assert same(gs, call(gs, "dense_block", *case.arguments)[:, : config.c_in], gs.array(x))
    assert_agree(gs, slices, by_hand, params, buffers, x)


@law("cnn.dense_block", "cnn.dense_channel_growth")
@given(st.integers(1, 64), st.integers(1, 32), st.integers(1, 8))
def test_channels_grow_by_a_constant(stem, growth, layers):
    """c_l = k0 + l k: the layers of a block see these, and the differences, not the ratios, are constant."""
    channels = dense_channel_growth(stem, growth, layers)
    assert np.diff(channels).tolist() == layers * [growth]
    config = DenseBlock(stem, growth, layers)
    assert [layer.c_in for layer in kinds(config, Conv2d)] == channels[:-1]
    assert config.c_out == channels[-1] == config.output((1, stem, 2, 2))[1]


@law("cnn.dense_channel_growth")
def test_growth_is_not_geometric():
    """64, 96, 128, 160: the ratios fall."""
    assert dense_channel_growth(64, 32, 3) == [64, 96, 128, 160]
    ratios = np.divide(*np.array([dense_channel_growth(64, 32, 3)[i : i + 3] for i in (1, 0)], float))
    assert ratios.round(2).tolist() == [1.5, 1.33, 1.25]


@law("cnn.dense_connections")
@given(st.integers(0, 60))
def test_layer_l_has_l_inputs(layers):
    """1 + 2 + ... + L; five layers have 15 connections."""
    assert dense_connections(layers) == sum(range(layers + 1))
    assert dense_connections(5) == 15


@law("cnn.transition_layer")
@given(inputs("transition_layer"))
def test_mixing_channels_and_averaging_places_commute(gs, case):
    """1x1 and pooling in either order, after the activation; half of each side and a part of the channels is left."""
    config, params, buffers, x = case.arguments

    def by_hand(gs, p, b, x):
        z = gs.avg_pool2d(gs.relu(norm(gs, p, b, "norm", x)), kernel=2)
        return conv(gs, p, "conv", z)

    assert_agree(gs, lambda gs, *a: gs.transition_layer(config, *a), by_hand, params, buffers, x)
    n, c, h, w = x.shape
    assert call(gs, "transition_layer", *case.arguments).shape == (n, int(config.compression * c), h // 2, w // 2)


@law("cnn.densenet", "cnn.transition_layer")
@pytest.mark.parametrize(("depth", "parameters"), [(121, 7_978_856), (169, 14_149_480), (201, 20_013_928)])
def test_densenet_is_as_published(depth, parameters):
    """As many layers with weights as its name says; DenseNet-121 goes 64-256-128-512-256-1024-512-1024."""
    config = DenseNet(depth)
    assert parameter_count(config) == parameters
    assert config.network.depth() == depth
    if depth == 121:
        layers = config.network.layers[0][1].layers  # pyright: ignore[reportAttributeAccessIssue]
        shape, trace = (3, 224, 224), []
        for name, layer in layers:
            shape = layer.output(shape)
            trace += [shape[0]] if name == "conv0" or name.startswith(("dense", "transition")) else []
        assert trace == [64, 256, 128, 512, 256, 1024, 512, 1024]


@law("cnn.dual_path_block")
@given(inputs("dual_path_block"))
def test_one_path_is_added_and_the_other_grows(gs, case):
    """[r | d] becomes [r + F_r | d | F_d]: with growth 0 a residual block, with residual width 0 a dense one."""
    config, params, buffers, x = case.arguments
    r = config.residual

    def step(gs, p, b, name, x, **options):
        return conv(gs, p, f"{name}.conv", gs.relu(norm(gs, p, b, f"{name}.bn", x, eps=1e-3)), **options)

    def parts(gs, p, b, x):
        y = gs.dual_path_block(config, p, b, x)
        return y[:, :r], y[:, r : -config.growth or None], y[:, y.shape[1] - config.growth :]

    def by_hand(gs, p, b, x):
        body = step(gs, p, b, "c1x1_a", x)
        body = step(gs, p, b, "c3x3_b", body, stride=config.stride, padding=1, groups=config.groups)
        body = step(gs, p, b, "c1x1_c", body)
        past = step(gs, p, b, f"c1x1_w_s{config.stride}", x, stride=config.stride) if config.project else x
        return body[:, :r] + past[:, :r], past[:, r:], body[:, r:]

    assert_agree(gs, parts, by_hand, params, buffers, x)


@law("cnn.dual_path_block", "cnn.dpn")
def test_residual_width_stays_and_dense_width_grows():
    """In DPN-92 each block adds its growth; 37,668,392 parameters."""
    config = DPN(92)
    assert parameter_count(config) == 37_668_392
    assert config.network.depth() == 92
    first = DualPathBlock(64, 96, 256, 16, groups=32, project=True)
    later = DualPathBlock(first.c_out, 96, 256, 16, groups=32)
    assert (first.c_out, later.c_out) == (256 + 3 * 16, 256 + 4 * 16)


# Networks that weigh their channels


@law("cnn.squeeze")
@given(inputs("squeeze"), SEEDS, st.sampled_from((-2.0, 0.5)))
def test_squeezing_is_global_average_pooling_and_linear(gs, case, seed, a):
    """z(a u + v) = a z(u) + z(v)."""
    (u,) = case.arguments
    v = numbers(gs, seed, *u.shape)
    assert_agree(gs, lambda gs, u: gs.squeeze(u), lambda gs, u: gs.global_avg_pool2d(u), u)
    assert_agree(gs, lambda gs, u, v: gs.squeeze(a * u + v), lambda gs, u, v: a * gs.squeeze(u) + gs.squeeze(v), u, v)


@law("cnn.excitation")
@given(inputs("excitation"))
def test_excitation_lies_between_0_and_1(gs, case):
    """It is a sigmoid of a two-layer perceptron; with W_2 = 0 and no bias it is 1/2 everywhere, exactly."""
    z, w1, w2, b1, _ = case.arguments
    s = gs.numpy(call(gs, "excitation", *case.arguments))
    assert ((s >= 0) & (s <= 1)).all()
    half = gs.numpy(call(gs, "excitation", z, w1, 0 * w2, b1, None))
    assert (half == 0.5).all()
    assert_agree(
        gs,
        lambda gs, *a: gs.excitation(*a),
        lambda gs, z, w1, w2, b1, b2: gs.sigmoid(gs.linear(gs.relu(gs.linear(z, w1, b1)), w2, b2)),
        *case.arguments,
    )


@law("cnn.excitation", "cnn.se_block")
@given(st.integers(1, 32), st.sampled_from((1, 2, 4, 16)))
def test_excitation_costs_two_small_matrices(c, reduction):
    """2 C^2 / r weights, where r divides C."""
    config = ResidualBlock(c * reduction, c * reduction, reduction=reduction)
    shapes = (shape for name, shape in config.parameters().items() if name.startswith("se.") and len(shape) > 1)
    assert sum(map(math.prod, shapes)) == 2 * (c * reduction) ** 2 // reduction


@law("cnn.se_block")
@given(inputs("se_block"))
def test_block_scales_each_channel_by_one_number(gs, case):
    """x_c = s_c u_c with s = excitation(squeeze(u)); the shape is kept and nothing grows."""
    assert_agree(
        gs,
        lambda gs, *a: gs.se_block(*a),
        lambda gs, u, *w: u * gs.excitation(gs.squeeze(u), *w).reshape(*u.shape[:2], 1, 1),
        *case.arguments,
    )
    assert_at_most(gs, lambda gs, *a: abs(gs.se_block(*a)), lambda gs, u, *w: abs(u), *case.arguments)


@law("cnn.se_block")
@given(inputs("se_block"), SEEDS)
def test_block_does_not_mind_where_pixels_are(gs, case, seed):
    """Pixels that change places take their values with them."""
    u, *weights = case.arguments
    n, c, h, w = u.shape
    order = np.random.Generator(np.random.Philox(seed)).permutation(h * w)

    def moved(x):
        return x.reshape(n, c, h * w)[:, :, order].reshape(n, c, h, w)

    assert_agree(
        gs, lambda gs, u, *w: gs.se_block(moved(u), *w), lambda gs, u, *w: moved(gs.se_block(u, *w)), u, *weights
    )


@law("cnn.senet")
@given(inputs("senet"))
def test_open_gates_make_a_resnet(gs, case):
    """Where all that is excited is 1, it is the ResNet without, exactly."""
    config, params, buffers, x = case.arguments

    def opened(name, array):
        if ".se." in name and "fc2" in name:
            return 0 * array + 64.0 * name.endswith("bias")  # whose sigmoid rounds to 1
        return array

    gated = {name: opened(name, array) for name, array in params.items()}
    plain = ResNet(**{field.name: getattr(config, field.name) for field in fields(ResNet) if field.init})
    without = {name: array for name, array in params.items() if ".se." not in name}
    assert same(gs, call(gs, "senet", config, gated, buffers, x), call(gs, "resnet", plain, without, buffers, x))


@law("cnn.senet")
def test_gates_cost_a_tenth():
    """SE-ResNet-50 has 28,088,024 parameters: 2/r of the squared channels of each block, and biases, more."""
    config, plain = SENet(50), ResNet(50)
    assert parameter_count(config) == 28_088_024
    more = parameter_count(config) - parameter_count(plain)
    blocks = zip((256, 512, 1024, 2048), (3, 4, 6, 3), strict=True)
    assert more == sum(n * (2 * c * c // 16 + c + c // 16) for c, n in blocks)
    assert more < 0.1 * parameter_count(plain)


# Small networks


@law("cnn.mobilenet")
def test_mobilenet_is_as_published():
    """28 layers, 4,231,976 parameters, and an eighth of what full 3x3 convolutions would cost."""
    config = MobileNet()
    assert parameter_count(config) == 4_231_976
    assert config.network.depth() == 28
    _, *pairs, _ = (row for row in config.table((3, 224, 224)) if row.multiply_adds)
    cost = sum(row.multiply_adds for row in pairs)
    full = sum(
        depthwise.multiply_adds * pointwise.output[0]
        for depthwise, pointwise in zip(pairs[::2], pairs[1::2], strict=True)
    )
    assert 8 < full / cost < 9


@law("cnn.mobilenet")
@given(st.sampled_from((0.25, 0.5, 0.75, 1.0)))
def test_width_scales_channels(width):
    """All of them by the same factor; the weights of pointwise convolutions by its square."""
    full, thin = (kinds(MobileNet(width=w), Conv2d) for w in (1.0, width))
    assert [layer.c_out for layer in thin] == [int(width * layer.c_out) for layer in full]
    of = [math.prod(layers[-1].parameters()["weight"]) for layers in (full, thin)]
    assert of[1] == width**2 * of[0]


@law("cnn.mobilenet", "cnn.mobilenet_v2")
def test_every_large_kernel_sees_one_channel():
    """Beside the first convolution, kernels are depthwise or 1x1; MobileNet v2 has 3,504,872 parameters."""
    for config in (MobileNet(), MobileNetV2()):
        for layer in kinds(config, Conv2d)[1:]:
            assert layer.groups == layer.c_in if layer.kernel == 3 else (layer.kernel, layer.groups) == (1, 1)
    assert parameter_count(MobileNetV2()) == 3_504_872


@law("cnn.shufflenet_unit")
@given(inputs("shufflenet_unit"))
def test_unit_is_two_grouped_convolutions_with_a_shuffle_between(gs, case):
    """1x1 in groups, shuffle, depthwise 3x3, 1x1 in groups; added at stride 1, beside the averages at stride 2."""
    config, params, buffers, x = case.arguments
    g = config.groups

    def by_hand(gs, p, b, x):
        y = conv(gs, p, "conv1", x, groups=g if config.grouped_entry else 1)
        y = gs.channel_shuffle(gs.relu(norm(gs, p, b, "bn1", y)), groups=g)
        y = norm(gs, p, b, "bn2", conv(gs, p, "conv2", y, stride=config.stride, padding=1, groups=y.shape[1]))
        y = norm(gs, p, b, "bn3", conv(gs, p, "conv3", y, groups=g))
        if config.stride == 1:
            return (gs.relu(x + y),)
        return gs.relu(gs.avg_pool2d(x, kernel=3, stride=2, padding=1)), gs.relu(y)

    def parts(gs, p, b, x):
        y = gs.shufflenet_unit(config, p, b, x)
        return (y,) if config.stride == 1 else (y[:, : config.c_in], y[:, config.c_in :])

    assert_agree(gs, parts, by_hand, params, buffers, x)


@law("cnn.shufflenet_unit")
@given(st.sampled_from((1, 2, 3, 4, 6)), st.integers(1, 4))
def test_more_groups_cost_less(groups, times):
    """A unit keeps its shape at stride 1, halves it at stride 2; g groups divide the pointwise weights by g."""
    c = 48 * times
    units = [ShuffleNetUnit(c, c, g) for g in (1, groups)]
    assert all(unit.output((1, c, 8, 8)) == (1, c, 8, 8) for unit in units)
    assert ShuffleNetUnit(c, 2 * c, groups, stride=2).output((1, c, 8, 8)) == (1, 2 * c, 4, 4)
    convolutions = ([layer for layer in kinds(unit, Conv2d) if layer.kernel == 1] for unit in units)
    pointwise, grouped = (sum(math.prod(layer.parameters()["weight"]) for layer in each) for each in convolutions)
    assert pointwise == groups * grouped


@law("cnn.shufflenet")
@pytest.mark.parametrize(("groups", "channels"), [(1, 144), (2, 200), (3, 240), (4, 272), (8, 384)])
def test_more_groups_pay_for_more_channels(groups, channels):
    """The stages have c, 2 c and 4 c channels; whatever the groups, the cost is about 140 million."""
    config = ShuffleNet(groups)
    stages = [layer for name, layer in config.network.layers if name.startswith("stage")]  # pyright: ignore[reportAttributeAccessIssue]
    shape, trace = (24, 56, 56), []
    for stage in stages:
        shape = stage.output(shape)
        trace.append(shape)
    assert trace == [(channels, 28, 28), (2 * channels, 14, 14), (4 * channels, 7, 7)]
    cost = sum(row.multiply_adds for row in config.table((3, 224, 224)))
    assert 125e6 < cost < 145e6


@law("cnn.shufflenet")
@given(inputs("shufflenet"))
def test_one_group_has_nothing_to_shuffle(gs, case):
    """With g = 1 the shuffles are the identity: a plain net of depthwise separable residual blocks, exactly."""
    config, params, buffers, x = case.arguments

    def unshuffled(layer):
        match layer:
            case ChannelShuffle(groups=1):
                return Sequential()
            case Sequential():
                return Sequential(tuple((name, unshuffled(child)) for name, child in layer.layers))
            case Residual():
                return replace(layer, body=unshuffled(layer.body))
            case Parallel():
                return replace(layer, branches=tuple((name, unshuffled(child)) for name, child in layer.branches))
        return layer

    plain = Single(unshuffled(config.network))
    assert same(
        gs,
        call(gs, "shufflenet", config, params, buffers, x),
        call(gs, "forward", plain, params, buffers, x),
    )


@law("cnn.shufflenet_v2")
def test_second_shufflenet_is_as_published():
    """2,278,604 parameters; half of the channels pass by each unit of stride 1 untouched."""
    config = ShuffleNetV2(1.0)
    assert parameter_count(config) == 2_278_604
    halves = [layer for layer in trees_of(config.network) if isinstance(layer, Parallel) and layer.split]
    assert len(halves) == 3 + 7 + 3
    assert all(layer.branches[0][1] is None for layer in halves)


@law("cnn.mnasnet")
def test_mnasnet_is_as_published():
    """4,383,312 parameters; the search has chosen kernels 3 and 5, and expansions 3 and 6."""
    config = MnasNet()
    assert parameter_count(config) == 4_383_312
    layers = kinds(config, Conv2d)
    assert {layer.kernel for layer in layers if layer.groups > 1} == {3, 5}
    pairs = ((before, after) for before, after in itertools.pairwise(layers) if before.kernel == 1 and after.groups > 1)
    expansions = {before.c_out // before.c_in for before, _ in pairs}
    assert expansions == {3, 6}


@law("cnn.depth_table")
def test_depths_are_those_of_the_notes():
    """5, 8, 16 and 19, 22, 152; poolings, normalizations and activations do not count."""
    assert depth_table() == {
        "LeNet-5": 5, "AlexNet": 8, "VGG-16": 16, "VGG-19": 19, "GoogLeNet": 22, "ResNet-152": 152
    }  # fmt: skip
    assert VGG(16, norm=True).network.depth() == VGG(16).network.depth()
    for config in (VGG(16), AlexNet(towers=2)):
        weighted = [layer for layer in leaves(config.network) if layer.depth()]
        assert len(weighted) == config.network.depth()
        assert {type(layer) for layer in weighted} == {Conv2d, Linear}
