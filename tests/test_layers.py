"""Layers as data: sizes against torch's own modules, names, draws, depths and tables, and what a tree is made of."""

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, compare
from gongsik.conformance.bounded import PRECISIONS
from gongsik.reference import layers as reference_layers
from gongsik.spec import DomainError, ShapeError
from gongsik.spec.cnn import GoogLeNet, ResNet, SENet
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Auxiliary,
    AvgPool2d,
    BatchNorm2d,
    Condition,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    DualPath,
    Equalized,
    Fade,
    Flatten,
    Gate,
    InstanceNorm2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    MinibatchDeviation,
    Parallel,
    PartialConv2d,
    PixelNorm,
    RadialBasis,
    ReflectionPad2d,
    Residual,
    Sequential,
    Single,
    Subsampling,
    Unflatten,
    Upsample,
    ZeroChannels,
    flat,
    nest,
    sequence,
)
from gongsik.torch_impl.cnn import NetworkModule

FLOAT64 = PRECISIONS["float64"]
FEW = settings(max_examples=60, deadline=None, derandomize=True, database=None,
               suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])  # fmt: skip
SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
SMALL = st.integers(1, 4)


@st.composite
def windows(draw: st.DrawFn) -> dict[str, int]:
    kernel = draw(st.integers(1, 5))
    return {"kernel": kernel, "stride": draw(SMALL), "padding": draw(st.integers(0, kernel // 2))}


def assert_as_torch(layer: Layer, module: nn.Module, x: torch.Tensor) -> None:
    """The size is that of torch's module, or neither takes the image; and so are the values, in both backends."""
    try:
        expected = module(x)
    except RuntimeError:
        with pytest.raises(ShapeError):
            layer.output(tuple(x.shape[1:]))
        return
    assert layer.output(tuple(x.shape[1:])) == tuple(expected.shape[1:])
    params = {name: p.detach() for name, p in module.named_parameters()}
    ours = torch_impl.forward(Single(layer), params, {}, x)
    exact = Exact(FLOAT64)
    bounded = {name: exact.array(p.numpy()) for name, p in params.items()}
    of_reference = reference.forward(Single(layer), bounded, {}, exact.array(x.numpy()))
    for result in (ours, expected):
        verdict = compare(result.detach().numpy(), of_reference)
        assert verdict.agreed, verdict.message


def image(channels: int, size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@FEW
@given(windows(), SIZES, st.booleans())
def test_max_pool(options, size, ceil):
    """Also where the last window reaches over the edge (ceil mode)."""
    module = nn.MaxPool2d(options["kernel"], options["stride"], options["padding"], ceil_mode=ceil)
    assert_as_torch(MaxPool2d(**options, ceil=ceil), module, image(2, size))


@FEW
@given(windows(), SIZES)
def test_avg_pool(options, size):
    module = nn.AvgPool2d(options["kernel"], options["stride"], options["padding"])
    assert_as_torch(AvgPool2d(**options), module, image(2, size))


@FEW
@given(SMALL, SIZES)
def test_adaptive_avg_pool(parts, size):
    """Also of an image smaller than the number of parts."""
    assert_as_torch(AdaptiveAvgPool2d(parts), nn.AdaptiveAvgPool2d(parts), image(2, size))


@FEW
@given(st.tuples(SMALL, SMALL), st.tuples(SMALL, SMALL), st.integers(0, 2), SMALL, st.sampled_from((1, 2)), SIZES)
def test_conv(kernel, stride, padding, dilation, groups, size):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    module = nn.Conv2d(2, 4, kernel, **options).double()
    assert_as_torch(Conv2d(2, 4, kernel, **options), module, image(2, size))


@FEW
@given(SMALL, SMALL, st.integers(0, 1), SIZES)
def test_conv_transpose(kernel, stride, padding, size):
    smallest = (min(size) - 1) * stride - 2 * padding + kernel
    if smallest < 1:
        return
    beyond = stride - 1
    module = nn.ConvTranspose2d(3, 2, kernel, stride, padding, output_padding=beyond).double()
    layer = ConvTranspose2d(3, 2, kernel, stride=stride, padding=padding, output_padding=beyond)
    assert_as_torch(layer, module, image(3, size))


@FEW
@given(st.integers(0, 4), SIZES)
def test_reflection_pad(padding, size):
    """Also where the image is too small to be mirrored."""
    assert_as_torch(ReflectionPad2d(padding), nn.ReflectionPad2d(padding), image(2, size))


@FEW
@given(st.integers(1, 3), SIZES)
def test_upsample(factor, size):
    assert_as_torch(Upsample(factor), nn.Upsample(scale_factor=factor), image(2, size))


@FEW
@given(st.booleans(), SIZES.filter(lambda size: size != (1, 1)))
def test_instance_norm(affine, size):
    """Of one pixel torch refuses to take a variance."""
    module = nn.InstanceNorm2d(3, affine=affine).double()
    assert_as_torch(InstanceNorm2d(3, affine=affine), module, image(3, size))


@FEW
@given(st.sampled_from((0.0, 0.01, 0.2, 1.0)), SIZES)
def test_leaky_relu(slope, size):
    assert_as_torch(LeakyReLU(slope), nn.LeakyReLU(slope), image(2, size))


LAYERS: dict[str, tuple[Layer, tuple[int, ...]]] = {
    "conv": (Conv2d(3, 4, 3, stride=2, padding=1), (3, 7, 7)),
    "partial conv": (PartialConv2d(3, ((0, 1), (2,), (0, 1, 2)), 3), (3, 6, 7)),
    "conv transpose": (ConvTranspose2d(3, 2, 4, stride=2, padding=1), (3, 3, 4)),
    "batch norm": (BatchNorm2d(3, eps=1e-3, momentum=0.3), (3, 4, 4)),
    "linear": (Linear(6, 4), (6,)),
    "radial basis": (RadialBasis(6, 3), (6,)),
    "subsampling": (Subsampling(3), (3, 5, 4)),
    "zero channels": (ZeroChannels(5), (3, 2, 2)),
    "dropout": (Dropout(0.3), (3, 4, 4)),
    "residual": (Residual(Conv2d(3, 5, 1), sequence(Conv2d(3, 5, 1)), activation="relu"), (3, 4, 4)),
    "parallel": (Parallel((("", None), ("conv", Conv2d(2, 3, 3, padding=1))), split=True), (4, 4, 4)),
    "gate": (Gate(sequence(AdaptiveAvgPool2d(), Conv2d(3, 3, 1), Activation("sigmoid")), "se"), (3, 4, 4)),
    "dual path": (DualPath(sequence(a=Conv2d(5, 4, 3, padding=1)), 2), (5, 4, 4)),
    "auxiliary": (Auxiliary(sequence(f=Flatten(), fc=Linear(12, 2))), (3, 2, 2)),
    "instance norm": (InstanceNorm2d(3, affine=True, eps=1e-3), (3, 4, 4)),
    "pixel norm": (PixelNorm(), (3, 4, 4)),
    "minibatch deviation": (MinibatchDeviation(), (3, 4, 4)),
    "equalized": (Equalized(Conv2d(3, 4, 3, bias=False)), (3, 4, 4)),
    "fade": (Fade(sequence(a=Conv2d(3, 2, 1)), sequence(b=Conv2d(3, 2, 1), bn=BatchNorm2d(2))), (3, 4, 4)),
    "unflatten": (Unflatten((2, 3, 2)), (12,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_training_is_the_same_in_both_backends(name):
    """Output, auxiliary outputs and buffers of each layer, in training."""
    layer, sample = LAYERS[name]
    config, rng = Single(layer), np.random.default_rng(3)

    def arrays(table):
        return {key: rng.random(shape) if key.split(".")[-1] != "num_batches_tracked" else np.array(2)
                for key, shape in table.items()}  # fmt: skip

    shape = (4, *sample)
    given_arrays = [arrays(t) for t in (config.parameters(), config.buffers(), config.draws(shape))]
    x = rng.standard_normal(shape)
    params, buffers, draws = ({key: torch.tensor(a) for key, a in table.items()} for table in given_arrays)
    ours = torch_impl.forward_training(config, params, buffers, draws, torch.tensor(x))
    exact = Exact(FLOAT64)
    params, buffers, draws = ({key: exact.array(a) for key, a in table.items()} for table in given_arrays)
    expected = reference.forward_training(config, params, buffers, draws, exact.array(x))
    pairs = [(ours.output, expected.output), *zip(ours.auxiliary, expected.auxiliary, strict=True)]
    pairs += [(ours.buffers[key], expected.buffers[key]) for key in config.buffers()]
    assert len(ours.auxiliary) == (name == "auxiliary")
    for result, value in pairs:
        verdict = compare(result.numpy(), value)
        assert verdict.agreed, verdict.message
    assert config.output(shape) == tuple(ours.output.shape)


@pytest.mark.parametrize("name", LAYERS)
def test_module_has_the_names_and_shapes_of_the_layer(name):
    layer, sample = LAYERS[name]
    module = NetworkModule(layer)
    assert {key: tuple(p.shape) for key, p in module.named_parameters()} == dict(layer.parameters())
    assert {key: tuple(b.shape) for key, b in module.named_buffers()} == dict(layer.buffers())
    y = module.eval()(torch.randn(2, *sample))
    assert tuple(y.shape) == (2, *layer.output(sample))
    assert torch.isfinite(y).all()


def test_names_of_a_tree_are_paths_and_an_empty_name_adds_nothing():
    inner = Sequential((("conv", Conv2d(1, 1, 1, bias=False)), ("", sequence(bn=BatchNorm2d(1)))))
    tree = sequence(stage=sequence(inner, Residual(inner, sequence(Conv2d(1, 1, 1, bias=False)))))
    assert list(tree.parameters()) == [
        "stage.0.conv.weight", "stage.0.bn.weight", "stage.0.bn.bias", "stage.1.conv.weight", "stage.1.bn.weight",
        "stage.1.bn.bias", "stage.1.downsample.0.weight",
    ]  # fmt: skip
    assert list(tree.buffers())[:2] == ["stage.0.bn.running_mean", "stage.0.bn.running_var"]


def test_nest_and_flat_are_inverse():
    table = {"a.0.weight": 1, "a.0.bias": 2, "b": 3}
    assert nest(table) == {"a": {"0": {"weight": 1, "bias": 2}}, "b": 3}
    assert flat(nest(table), table) == table


def test_draws_have_the_shape_of_what_is_dropped():
    tree = sequence(conv=Conv2d(1, 2, 3), a=Dropout(), split=Parallel((("x", Dropout()), ("y", None)), split=True),
                    flatten=Flatten(), b=Dropout())  # fmt: skip
    drawn = {"a.uniform": (5, 2, 2, 3), "split.x.uniform": (5, 1, 2, 3), "b.uniform": (5, 12)}
    assert Single(tree).draws((5, 1, 4, 5)) == drawn


def test_depth_counts_layers_with_weights_on_the_longest_path():
    conv = Conv2d(1, 1, 1)
    assert sequence(conv, BatchNorm2d(1), Activation(), conv, Flatten(), Linear(1, 1)).depth() == 3
    assert Residual(sequence(conv, conv), conv).depth() == 2
    assert Parallel((("a", conv), ("b", sequence(conv, conv)), ("c", None))).depth() == 2
    assert sequence(Auxiliary(sequence(conv, conv)), conv).depth() == 1
    assert sequence(Subsampling(1), RadialBasis(1, 2)).depth() == 1


@pytest.mark.parametrize("config", [ResNet(18, width=4), SENet(50, width=4), GoogLeNet(width=0.1)])
def test_table_adds_up_to_the_parameters_and_to_the_output(config):
    rows = config.table((3, 224, 224))
    assert sum(row.parameters for row in rows) == sum(math.prod(shape) for shape in config.parameters().values())
    assert (1, *rows[-1].output) == config.output((1, 3, 224, 224)) == (1, 1000)
    named = {row.name for row in rows}
    assert {name.rpartition(".")[0] for name in config.parameters()} <= named


def test_multiply_adds_are_weights_times_places():
    rows = {row.name: row for row in sequence(
        a=Conv2d(4, 6, 3, padding=1, groups=2), b=ConvTranspose2d(6, 2, 2, stride=2), c=MaxPool2d(2), d=Flatten(),
        e=Linear(2 * 5 * 6, 7),
    ).rows((4, 5, 6))}  # fmt: skip
    assert rows["a"].multiply_adds == 9 * 2 * 6 * 30
    assert rows["b"].multiply_adds == 6 * 2 * 4 * 30
    assert [rows[name].multiply_adds for name in "cde"] == [0, 0, 60 * 7]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2d(3, 4, 3, groups=2), "groups is 2, expected a divisor of 3 and 4"),
        (lambda: MaxPool2d(2, padding=2), "padding is 2, expected at most half of the kernel"),
        (lambda: PartialConv2d(3, ((0, 3),), 1), r"an output sees \(0, 3\), expected inputs below 3"),
        (lambda: PartialConv2d(3, ((),), 1), r"an output sees \(\), expected"),
        (lambda: Dropout(1.5), r"p is 1.5, expected in \[0, 1\]"),
        (lambda: BatchNorm2d(3, eps=0.0), "eps is 0.0, expected > 0"),
        (lambda: Activation("rlu"), "name is 'rlu', expected one of"),
        (lambda: LeakyReLU(1.5), r"negative_slope is 1.5, expected in \[0, 1\]"),
        (lambda: InstanceNorm2d(3, eps=0.0), "InstanceNorm2d: eps is 0.0, expected > 0"),
        (lambda: PixelNorm(-1.0), "PixelNorm: eps is -1.0, expected > 0"),
        (lambda: MinibatchDeviation(0.0), "MinibatchDeviation: eps is 0.0, expected > 0"),
        (lambda: ConvTranspose2d(1, 1, 2, stride=2, output_padding=2), "output_padding is 2, expected an int below"),
        (lambda: Upsample(0), "factor is 0"),
        (lambda: Condition(0), "size is 0"),
    ],
)
def test_layer_out_of_its_range(make, message):
    with pytest.raises(DomainError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "sample", "message"),
    [
        (ZeroChannels(2), (3, 1, 1), "a sample has 3 channels, expected at most 2"),
        (Residual(Conv2d(1, 1, 3)), (1, 4, 4), r"the body returns \(1, 2, 2\), the shortcut \(1, 4, 4\)"),
        (Parallel((("", None), ("", Conv2d(1, 1, 3)))), (1, 4, 4), "expected equal heights and widths"),
        (DualPath(Conv2d(1, 1, 1), 2), (1, 4, 4), "expected equal sizes"),
        (Fade(Conv2d(1, 1, 1), Upsample()), (1, 4, 4), r"the old layers return \(1, 4, 4\), the new ones \(1, 8, 8\)"),
        (Unflatten((2, 2)), (5,), r"a sample has shape \(5,\), expected 4 features"),
        (ReflectionPad2d(2), (1, 2, 4), "the image is too small here: 2, expected at least 3"),
        (sequence(a=sequence(b=Linear(3, 2))), (4,), r"a.b.Linear\(3, 2\): a sample has shape \(4,\), expected \(3,\)"),
    ],
)
def test_sample_that_does_not_fit(layer, sample, message):
    with pytest.raises(ShapeError, match=message):
        layer.output(sample)


def test_a_layer_says_its_options_by_name():
    assert str(Conv2d(3, 8, 3, stride=2, bias=False)) == "Conv2d(3, 8, 3, stride=2, bias=False)"
    assert str(Activation("relu6")) == "relu6"


@pytest.mark.parametrize("project", [None, sequence(Linear(3, 2), LeakyReLU(0.2))])
@pytest.mark.parametrize("sample", [(4,), (4, 2, 3)])
def test_condition_comes_after_the_channels_at_all_places(project, sample):
    """In both backends, in training and after, and in the module; whoever gives none is told."""
    layer = sequence(Condition(3, project, "text"))
    k = 3 if project is None else 2
    assert layer.output(sample) == (4 + k, *sample[1:])
    rng = np.random.default_rng(0)
    x, given_beside = rng.standard_normal((2, *sample)), rng.standard_normal((2, 3))
    module = NetworkModule(layer).double()
    state = {name: p.detach() for name, p in module.named_parameters()}
    assert state.keys() == layer.parameters().keys()
    expected = torch.tensor(given_beside)
    if project is not None:
        expected = nn.functional.leaky_relu(nn.functional.linear(expected, *state.values()), 0.2)
    expected = expected.reshape(2, k, *(1 for _ in sample[1:])).expand(2, k, *sample[1:])
    heard = module(torch.tensor(x), condition=torch.tensor(given_beside)).detach().numpy()
    now = reference_layers.Pass(condition=given_beside)
    ours = reference_layers.run(layer, nest({name: p.numpy() for name, p in state.items()}), x, now)
    for said in (heard, ours):
        assert np.array_equal(said[:, :4], x)
        assert np.abs(said[:, 4:] - expected.detach().numpy()).max() <= 16 * FLOAT64.unit
    for backend, convert in ((reference, np.asarray), (torch_impl, torch.tensor)):
        params = {name: convert(p.numpy()) for name, p in state.items()}
        with pytest.raises(ShapeError, match="nothing is given beside x, expected 3 numbers for each sample"):
            backend.forward(Single(layer), params, {}, convert(x))
