"""What bad input of segmentation gets: one clear error, the same in both backends."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.segmentation import FCN, UNet

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
MAPS, LABELS = np.zeros((1, 3, 2, 2)), np.zeros((1, 2, 2), int)


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "arguments", "options", "kind", "says"),
    [
        ("pixel_classification", (MAPS[0],), {}, ShapeError, "score has shape (3, 2, 2), expected (n, k, h, w)"),
        ("pixel_classification", (MAPS[:, :0],), {}, ShapeError, "with k at least 1"),
        ("pixel_cross_entropy", (MAPS, LABELS + 3), {}, DomainError, "target"),
        ("pixel_cross_entropy", (MAPS, LABELS - 1), {}, DomainError, "target"),
        ("pixel_cross_entropy", (MAPS, LABELS[:, :1]), {}, ShapeError, "target has shape (1, 1, 2)"),
        ("pixel_cross_entropy", (MAPS, LABELS.astype(float)), {}, DtypeError, "target has dtype"),
        ("pixel_cross_entropy", (MAPS[..., :0], LABELS[..., :0]), {}, ShapeError, "logits has shape (1, 3, 2, 0)"),
        ("pixel_accuracy", (LABELS, LABELS[..., :1]), {"classes": 2}, ShapeError, "target has shape (1, 2, 1)"),
        ("pixel_accuracy", (LABELS - 1, LABELS), {"classes": 2}, DomainError, "pred"),
        ("mean_iou", (LABELS, LABELS), {"classes": 0}, DomainError, "classes is 0, expected an int > 0"),
        ("mean_iou", (LABELS, LABELS - 1), {"classes": 2}, DomainError, "target"),
        ("mean_iou", (LABELS, MAPS[0]), {"classes": 2}, DtypeError, "target has dtype"),
        ("convolutionalize", (np.zeros((2, 12)),), {"kernel": (2, 5)}, DomainError, "a kernel whose area divides"),
        ("convolutionalize", (np.zeros((2, 12)),), {"kernel": 0}, DomainError, "kernel is 0"),
        ("resize", (MAPS,), {"size": 0}, DomainError, "size is 0"),
        ("resize", (MAPS,), {"size": (2, 0)}, DomainError, "size is (2, 0)"),
        ("resize", (MAPS,), {"size": 2.5}, DtypeError, "size is 2.5"),
        ("resize", (MAPS[..., :0],), {"size": 2}, ShapeError, "x has shape (1, 3, 2, 0)"),
        ("bilinear_upsample", (MAPS,), {"factor": 0}, DomainError, "factor is 0"),
        ("bilinear_upsample", (MAPS,), {"factor": 1.5}, DtypeError, "factor is 1.5"),
        ("bilinear_upsample", (MAPS[0],), {"factor": 2}, ShapeError, "x has shape (3, 2, 2)"),
    ],
)
def test_formula_refuses(bk, name, arguments, options, kind, says):
    found, message = refusal(bk, name, *arguments, **options)
    assert found is kind
    assert says in message


def arrays(config):
    return tuple({name: np.ones(shape) for name, shape in t.items()} for t in (config.parameters(), config.buffers()))


def given(bk, config):
    return tuple({name: bk.asarray(x) for name, x in table.items()} for table in arrays(config))


def test_an_image_smaller_than_the_network_names_the_layer(bk):
    config = UNet(1, 2, width=1, depth=2)
    kind, message = refusal(bk, "unet", config, *given(bk, config), np.ones((1, 1, 14, 14)))
    assert kind is ShapeError
    assert message.startswith("x of shape (1, 1, 14, 14) does not fit UNet(")
    assert "MaxPool2d(2): the image is too small here: 1, expected at least 2" in message
    config = UNet(1, 2, width=1, depth=2, padding=1)
    assert "the image is too small here: 1, expected at least 2" in refusal(
        bk, "unet", config, *given(bk, config), np.ones((1, 1, 3, 3))
    )[1]  # fmt: skip


def test_all_that_is_wrong_with_a_checkpoint_is_said_at_once(bk):
    """Missing, unknown and misshapen arrays, with the paths of a nested backbone."""
    config = FCN(2, ResNet(blocks=(1,), width=2, channels=1, bottleneck=False), stride=4)
    params, buffers = given(bk, config)
    del params["backbone.conv1.weight"]
    params["backbone.fc.weight"] = params.pop("classifier.4.bias")
    params["classifier.0.weight"] = params["classifier.0.weight"][:, :1]
    kind, message = refusal(bk, "fcn", config, params, buffers, np.ones((1, 1, 8, 8)))
    assert kind is ShapeError
    for words in (
        "no backbone.conv1.weight, classifier.4.bias", "no place for backbone.fc.weight",
        "classifier.0.weight has shape (1, 1, 3, 3), expected (1, 2, 3, 3)",
    ):  # fmt: skip
        assert words in message
    with pytest.raises(ShapeError, match=r"no backbone\.conv1\.weight, classifier\.4\.bias"):
        config.split(params | buffers)


def test_an_image_of_other_channels_is_refused(bk):
    config = FCN(2, ResNet(blocks=(1,), width=2, channels=1, bottleneck=False), stride=4)
    kind, message = refusal(bk, "fcn", config, *given(bk, config), np.ones((1, 3, 8, 8)))
    assert kind is ShapeError
    assert "backbone.conv1" in message
    assert "a sample has shape (3, 8, 8), expected (1, h, w)" in message


def test_configurations_refuse_what_is_no_network():
    with pytest.raises(DomainError, match="UNet: depth is 0, expected an int >= 1"):
        UNet(depth=0)
    with pytest.raises(DomainError, match="c_out is 0"):
        UNet(n_classes=0)
    with pytest.raises(DomainError, match="FCN: stride is 12, expected one of 4, 8, 16, 32"):
        FCN(stride=12)
