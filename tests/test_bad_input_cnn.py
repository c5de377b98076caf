"""What networks refuse, and the one clear error for it: in both backends, for every model."""

import functools

import numpy as np
import pytest
import torch

from gongsik import checkpoint, reference, torch_impl
from gongsik.spec import DomainError, DtypeError, ShapeError, cnn
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
    MLPConv,
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
    TransitionLayer,
)  # fmt: skip
from gongsik.spec.layers import Architecture

SMALL = ResNet(18, n_classes=2, width=2, blocks=(1, 1))


def arrays(config: Architecture) -> tuple[dict, dict]:
    params, buffers = ({name: np.ones(shape) for name, shape in table.items()}
                       for table in (config.parameters(), config.buffers()))  # fmt: skip
    return params, {name: np.array(1) if name.endswith("tracked") else array for name, array in buffers.items()}


@pytest.fixture(params=["reference", "torch"])
def call(request):
    """Call a formula of a backend with NumPy arrays."""
    backend = {"reference": reference, "torch": torch_impl}[request.param]

    def convert(value):
        if isinstance(value, dict):
            return {name: convert(array) for name, array in value.items()}
        if isinstance(value, np.ndarray) and request.param == "torch":
            return torch.tensor(value)
        return value

    return lambda name, *arguments, **options: getattr(backend, name)(*map(convert, arguments), **options)


@pytest.mark.parametrize(
    ("name", "config", "shape", "message"),
    [
        ("vgg", VGG(11, width=1, hidden=2), (1, 3, 16, 16), "features.20.MaxPool2d(2): the image is too small here: 1"),
        ("vgg", VGG(11, width=1, hidden=2), (1, 3, 32, 8), "features.15.MaxPool2d(2): the image is too small here: 1"),
        ("alexnet", AlexNet(maps=(2, 2, 2, 2, 2), hidden=2), (1, 3, 32, 32), "features.12.MaxPool2d(3, stride=2): "),
        ("lenet5", LeNet5(), (1, 1, 28, 28), "c5.Conv2d(16, 120, 5): the image is too small here: 4, expected"),
        ("lenet5", LeNet5(), (1, 1, 36, 36), "f6.Linear(120, 84): a sample has shape (480,), expected (120,)"),
        ("densenet", DenseNet(blocks=(1, 1, 1, 1), growth=1), (1, 3, 16, 16), "features.transition3.pool.AvgPool2d(2)"),
        ("network_in_network", NetworkInNetwork(2, width=0.01), (1, 3, 10, 10), "mlpconv1.0.Conv2d(3, 1, 11"),
        ("resnet", SMALL, (1, 1, 32, 32), "conv1.Conv2d(3, 2, 7, stride=2, padding=3, bias=False): a sample has shape"),
        ("simple_cnn", SimpleCNN(), (1, 1, 32, 32), "fc1.Linear(784, 64): a sample has shape (1024,), expected (784,)"),
        ("residual_block", ResidualBlock(3, 3), (1, 2, 4, 4), "conv1.Conv2d(3, 3, 3, padding=1, bias=False): a sample"),
        ("transition_layer", TransitionLayer(4), (1, 4, 1, 1), "pool.AvgPool2d(2): the image is too small here: 1"),
    ],
)  # fmt: skip
def test_image_that_does_not_fit_names_the_layer(call, name, config, shape, message):
    with pytest.raises(ShapeError) as error:
        call(name, config, *arrays(config), np.ones(shape))
    assert message in str(error.value)
    assert str(error.value).startswith(f"{name}: x of shape {shape} does not fit {config}")


@pytest.mark.parametrize("name", ["resnet", "forward"])
def test_missing_extra_and_misshapen_tensors_are_named_at_once(call, name):
    params, buffers = arrays(SMALL)
    del params["fc.bias"], buffers["bn1.running_mean"]
    params["conv1.weight"], params["head.weight"] = np.ones((2, 3, 3, 3)), np.ones(2)
    with pytest.raises(ShapeError) as error:
        call(name, SMALL, params, buffers, np.ones((1, 3, 32, 32)))
    shape = "conv1.weight has shape (2, 3, 3, 3), expected (2, 3, 7, 7)"
    for part in ("no fc.bias", "no place for head.weight", shape):
        assert part in str(error.value)
    params, _ = arrays(SMALL)
    with pytest.raises(ShapeError, match=r"buffers do not fit .*: no bn1.running_mean$"):
        call(name, SMALL, params, buffers, np.ones((1, 3, 32, 32)))


def test_checkpoint_that_does_not_fit_names_all_that_is_wrong(tmp_path):
    state = {**arrays(SMALL)[0], **arrays(SMALL)[1]}
    expected = {**SMALL.parameters(), **SMALL.buffers()}
    checkpoint.save(tmp_path / "good.safetensors", state)
    loaded = checkpoint.load(tmp_path / "good.safetensors", expected).params
    assert [part.keys() for part in SMALL.split(loaded)] == [SMALL.parameters().keys(), SMALL.buffers().keys()]
    del state["fc.bias"]
    state["bn1.running_var"], state["aux.weight"] = np.ones(3), np.ones(1)
    checkpoint.save(tmp_path / "bad.safetensors", state)
    parts = "no fc.bias", "no place for aux.weight", "bn1.running_var has shape (3,), expected (2,)"
    with pytest.raises(checkpoint.CheckpointError) as error:
        checkpoint.load(tmp_path / "bad.safetensors", expected)
    with pytest.raises(ShapeError) as split_error:
        SMALL.split(state)
    for part in parts:
        assert part in str(error.value)
        assert part in str(split_error.value)


def test_dicts_and_arrays_of_another_kind(call):
    params, buffers = arrays(SMALL)
    with pytest.raises(DtypeError, match="resnet: params is of type list, expected a dict of arrays by name"):
        call("resnet", SMALL, list(params), buffers, np.ones((1, 3, 32, 32)))
    with pytest.raises(DtypeError, match=r"resnet: x .*float"):
        call("resnet", SMALL, params, buffers, np.ones((1, 3, 32, 32), int))
    with pytest.raises(ShapeError, match=r"resnet: x has shape \(3, 32, 32\), expected \(n, c, h, w\)"):
        call("resnet", SMALL, params, buffers, np.ones((3, 32, 32)))
    with pytest.raises(DtypeError, match="resnet: config"):
        call("resnet", VGG(11, width=1, hidden=1), params, buffers, np.ones((1, 3, 32, 32)))


def test_training_needs_two_values_per_channel(call):
    params, buffers = arrays(SMALL)
    with pytest.raises(DomainError, match="batch_norm"):
        call("forward_training", SMALL, params, buffers, {}, np.ones((1, 3, 8, 8)))  # 1 x 1 in the second stage
    call("forward_training", SMALL, params, buffers, {}, np.ones((2, 3, 8, 8)))


def test_training_needs_all_draws(call):
    config = VGG(11, 2, width=1, hidden=2)
    params, buffers = arrays(config)
    x, draws = np.ones((2, 3, 32, 32)), {"classifier.2.uniform": np.full((2, 2), 0.5), "extra": np.ones(1)}
    with pytest.raises(ShapeError, match=r"draws do not fit .*: no classifier.5.uniform; no place for extra"):
        call("forward_training", config, params, buffers, draws, x)


def test_auxiliary_weight_is_not_negative(call):
    with pytest.raises(DomainError, match=r"auxiliary_loss: weight is -0.1, expected a float >= 0"):
        call("auxiliary_loss", np.array(1.0), np.ones(2), weight=-0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNet(20), "ResNet: depth is 20, expected one of 18, 34, 50, 101, 152"),
        (lambda: ResNet(shortcut="none"), "BottleneckBlock: shortcut is 'none', expected one of"),  # pyright: ignore[reportArgumentType]
        (lambda: VGG(12), "VGG: depth is 12, expected one of 11, 13, 16, 19"),  # pyright: ignore[reportArgumentType]
        (lambda: DenseNet(122), "DenseNet: depth is 122, expected one of 121, 169, 201"),
        (lambda: DPN(93), "DPN: depth is 93, expected one of 92"),
        (lambda: AlexNet(3), "AlexNet: towers is 3, expected one of 1, 2"),  # pyright: ignore[reportArgumentType]
        (lambda: LeNet5("classic"), "LeNet5: form is 'classic', expected one of 'paper', 'dense'"),  # pyright: ignore[reportArgumentType]
        (lambda: LeNet5(activation="rlu"), "Activation: name is 'rlu', expected one of"),
        (lambda: ShuffleNet(5), "ShuffleNet: groups is 5, expected one of 1, 2, 3, 4, 8"),
        (lambda: ShuffleNetV2(1.2), "ShuffleNetV2: scale is 1.2, expected one of"),  # pyright: ignore[reportArgumentType]
        (lambda: ShuffleNetV2(maps=(2, 3, 4, 4, 4)), "a stage has 3 channels, expected an even number"),
        (lambda: ShuffleNetUnit(3, 6, groups=3), "ShuffleNetUnit: c_out is 6, expected c_in = 3"),
        (lambda: ShuffleNetUnit(6, 6, stride=2), "ShuffleNetUnit: c_out is 6, expected more than c_in = 6"),
        (lambda: ShuffleNetUnit(6, 12, stride=3), "ShuffleNetUnit: stride is 3, expected one of 1, 2"),
        (lambda: DualPathBlock(2, 2, residual=4, growth=1), "DualPathBlock: .* expected a projection"),
        (lambda: MnasNet(0.0), "MnasNet: alpha is 0.0, expected > 0"),
        (lambda: TransitionLayer(4, compression=0.1), "Conv2d: c_out is 0, expected an int >= 1"),
        (lambda: GoogLeNet(0), "Linear: n_out is 0, expected an int >= 1"),
        (lambda: MobileNet(n_classes=0), "Linear: n_out is 0, expected an int >= 1"),
        (lambda: MobileNetV2(channels=0), "Conv2d: c_in is 0, expected an int >= 1"),
        (lambda: BottleneckBlock(4, 0), "c_out is 0, expected an int >= 1"),
        (lambda: DenseBlock(0, 2, 2), "Conv2d: c_in is 0, expected an int >= 1"),
        (lambda: InceptionBlock(3, 0, (1, 1), (1, 1), 1), "Conv2d: c_out is 0, expected an int >= 1"),
        (lambda: MLPConv(3, (2, 0)), "Conv2d: c_out is 0, expected an int >= 1"),
        (lambda: AuxiliaryClassifier(3, hidden=0), "Linear: n_out is 0, expected an int >= 1"),
        (lambda: SENet(50, reduction=0), "squeeze_excitation: reduction is 0, expected an int >= 1"),
        (functools.partial(cnn.dense_connections, -1), "dense_connections: layers is -1, expected an int >= 0"),
        (functools.partial(cnn.stacked_3x3_parameters, 0, 2), "stacked_3x3_parameters: kernel is 0, expected an int"),
        (functools.partial(cnn.dense_channel_growth, 64, 0, 1), "growth is 0, expected an int >= 1"),
        (functools.partial(cnn.alexnet_memory, batch=0), "alexnet_memory: batch is 0, expected an int >= 1"),
    ],
)  # fmt: skip
def test_configuration_out_of_its_range(make, message):
    with pytest.raises(DomainError, match=message):
        make()


def test_number_of_classes_is_an_int():
    with pytest.raises(DtypeError, match=r"Linear: n_out is 10.0, expected an int"):
        ResNet(18, 10.0)  # pyright: ignore[reportArgumentType]
