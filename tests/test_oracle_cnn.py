"""The architectures against torchvision's and timm's: names, counts, and what comes out for the same arrays.

The torch backend calls the kernels that torchvision's modules call, in the same order: it is held to the last bit. The
reference is held to its error bound, on weights that keep the bound close to the values: of mostly one sign, so that
sums do not cancel and errors grow no faster than what they are errors of, be the network ever so deep.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gongsik import reference, torch_impl
from gongsik.benchmarks.torchvision_models import models
from gongsik.conformance.agreement import compare
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.spec import cnn
from gongsik.spec.layers import Architecture
from gongsik.spec.model import parameter_count

FLOAT64 = PRECISIONS["float64"]


def timm_model(name: str, **options: Any) -> nn.Module:
    import timm  # which imports torchvision, and so comes after it

    return timm.create_model(name, **options)


FULL: dict[str, tuple[Any, Architecture]] = {
    "alexnet": (models.alexnet, cnn.AlexNet()),
    **{f"vgg{d}": (getattr(models, f"vgg{d}"), cnn.VGG(d)) for d in (11, 13, 16, 19)},
    **{f"vgg{d}_bn": (getattr(models, f"vgg{d}_bn"), cnn.VGG(d, norm=True)) for d in (11, 13, 16, 19)},
    "googlenet": (lambda: models.GoogLeNet(init_weights=False), cnn.GoogLeNet(norm=True)),
    "googlenet without heads": (
        lambda: models.GoogLeNet(init_weights=False, aux_logits=False), cnn.GoogLeNet(norm=True, auxiliary=False)
    ),
    **{f"resnet{d}": (getattr(models, f"resnet{d}"), cnn.ResNet(d)) for d in (18, 34, 50, 101, 152)},
    **{f"densenet{d}": (getattr(models, f"densenet{d}"), cnn.DenseNet(d)) for d in (121, 169, 201)},
    "mobilenet_v2": (models.mobilenet_v2, cnn.MobileNetV2()),
    **{f"mobilenet_v2 x {w}": (lambda w=w: models.mobilenet_v2(width_mult=w), cnn.MobileNetV2(w)) for w in (0.5, 1.4)},
    "shufflenet_v2_x0_5": (models.shufflenet_v2_x0_5, cnn.ShuffleNetV2(0.5)),
    "shufflenet_v2_x1_0": (models.shufflenet_v2_x1_0, cnn.ShuffleNetV2(1.0)),
    "shufflenet_v2_x1_5": (models.shufflenet_v2_x1_5, cnn.ShuffleNetV2(1.5)),
    "shufflenet_v2_x2_0": (models.shufflenet_v2_x2_0, cnn.ShuffleNetV2(2.0)),
    "mnasnet0_5": (models.mnasnet0_5, cnn.MnasNet(0.5)),
    "mnasnet0_75": (models.mnasnet0_75, cnn.MnasNet(0.75)),
    "mnasnet1_0": (models.mnasnet1_0, cnn.MnasNet(1.0)),
    "mnasnet1_3": (models.mnasnet1_3, cnn.MnasNet(1.3)),
    "timm dpn92": (lambda: timm_model("dpn92"), cnn.DPN(92)),
    "timm seresnet50": (lambda: timm_model("seresnet50"), cnn.SENet(50)),
    "timm mobilenetv1": (lambda: timm_model("mobilenetv1_100"), cnn.MobileNet()),
}  # fmt: skip
"""Their networks of full size, which exist on paper only (torch's meta device), and ours."""


@pytest.mark.parametrize("name", FULL)
def test_names_and_shapes_are_theirs(name):
    """So their checkpoints load strictly, and the counts are the published ones."""
    make, ours = FULL[name]
    with torch.device("meta"):
        model = make()
    params, buffers = ours.split(model.state_dict())
    assert params.keys() == dict(model.named_parameters()).keys()
    assert buffers.keys() == dict(model.named_buffers()).keys()
    assert parameter_count(ours) == sum(p.numel() for p in model.parameters())


def narrow(model: Any, features: int) -> nn.Module:
    """An AlexNet or a VGG with 32 units in its hidden layers: the full ones have 4,096."""
    layers = [i for i, layer in enumerate(model.classifier) if isinstance(layer, nn.Linear)]
    for i, n_in, n_out in zip(layers, (features, 32, 32), (32, 32, 10), strict=True):
        model.classifier[i] = nn.Linear(n_in, n_out)
    return model


def narrow_vgg(stages: str, *, batch_norm: bool = False) -> nn.Module:
    """Torchvision's VGG with an eighth of the channels."""
    from torchvision.models.vgg import VGG, cfgs, make_layers

    maps: Any = [c if isinstance(c, str) else c // 8 for c in cfgs[stages]]
    return narrow(VGG(make_layers(maps, batch_norm), init_weights=False), 64 * 7 * 7)


class Pair(NamedTuple):
    """A network of somebody else, ours, and the size of an image."""

    theirs: Any
    ours: Architecture
    size: int = 32


TEN: dict[str, Any] = {"num_classes": 10}
PAIRS = {
    "alexnet": Pair(lambda: narrow(models.alexnet(), 256 * 6 * 6), cnn.AlexNet(n_classes=10, hidden=32), 64),
    "vgg11": Pair(lambda: narrow_vgg("A"), cnn.VGG(11, 10, width=8, hidden=32)),
    "vgg13_bn": Pair(lambda: narrow_vgg("B", batch_norm=True), cnn.VGG(13, 10, norm=True, width=8, hidden=32)),
    "vgg19": Pair(lambda: narrow_vgg("E"), cnn.VGG(19, 10, width=8, hidden=32)),
    "googlenet": Pair(lambda: models.GoogLeNet(**TEN, init_weights=False), cnn.GoogLeNet(10, norm=True), 48),
    "resnet18": Pair(lambda: models.resnet18(**TEN), cnn.ResNet(18, 10)),
    "resnet50": Pair(lambda: models.resnet50(**TEN), cnn.ResNet(50, 10)),
    "densenet121": Pair(lambda: models.densenet121(**TEN), cnn.DenseNet(121, 10)),
    "mobilenet_v2 x 0.5": Pair(lambda: models.mobilenet_v2(**TEN, width_mult=0.5), cnn.MobileNetV2(0.5, 10)),
    "shufflenet_v2_x1_0": Pair(lambda: models.shufflenet_v2_x1_0(**TEN), cnn.ShuffleNetV2(1.0, 10)),
    "mnasnet0_5": Pair(lambda: models.mnasnet0_5(**TEN), cnn.MnasNet(0.5, 10)),
    "timm dpn92": Pair(lambda: timm_model("dpn92", **TEN), cnn.DPN(92, 10)),
    "timm seresnet50": Pair(lambda: timm_model("seresnet50", **TEN), cnn.SENet(50, 10)),
    "timm mobilenetv1": Pair(lambda: timm_model("mobilenetv1_100", **TEN), cnn.MobileNet(n_classes=10)),
}


def made(pair: Pair, seed: int = 0) -> nn.Module:
    """Their network, with every parameter and every buffer at random."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pair.theirs().double()
    rng = np.random.default_rng(seed)
    for name, tensor in model.state_dict().items():
        shape = tuple(tensor.shape)
        if name.endswith("num_batches_tracked"):
            array = np.array(rng.integers(1, 9))
        elif name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            array = rng.uniform(0.5, 1.5, shape)
        elif len(shape) > 1:  # mostly of one sign
            array = (1 + rng.standard_normal(shape) / 2) / np.prod(shape[1:])
        else:
            array = rng.standard_normal(shape) / 8
        tensor.copy_(torch.tensor(array))
    return model


def image(pair: Pair, n: int = 2) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).standard_normal((n, 3, pair.size, pair.size)))


def split(pair: Pair, model: nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Their state dict as our parameters and buffers: strictly, every name and shape."""
    return pair.ours.split({name: tensor.clone() for name, tensor in model.state_dict().items()})


@pytest.mark.parametrize("name", PAIRS)
def test_logits_are_theirs_to_the_last_bit(name):
    pair = PAIRS[name]
    model, x = made(pair).eval().float(), image(pair).float()
    params, buffers = split(pair, model)
    with torch.no_grad():
        assert torch.equal(torch_impl.forward(pair.ours, params, buffers, x), model(x))


@pytest.mark.parametrize("name", PAIRS)
def test_training_is_theirs_to_the_last_bit(name, monkeypatch):
    """Logits, what auxiliary heads say, and the buffers afterwards; dropout draws what we draw."""
    pair = PAIRS[name]
    model, x = made(pair).train(), image(pair, 3)
    params, buffers = split(pair, model)
    rng = np.random.default_rng(2)
    draws = {name: torch.tensor(rng.random(shape)) for name, shape in pair.ours.draws(tuple(x.shape)).items()}
    waiting = iter(draws.values())

    def dropout(x, p=0.5, training=True, inplace=False):
        return torch_impl.inverted_dropout(x, next(waiting), p=p) if p else x

    monkeypatch.setattr(F, "dropout", dropout)
    ours = torch_impl.forward_training(pair.ours, params, buffers, draws, x)
    theirs = model(x)
    output, *auxiliary = theirs if isinstance(theirs, tuple) else (theirs,)
    assert next(waiting, None) is None, "they draw as often as we do"
    assert torch.equal(ours.output, output)
    assert len(ours.auxiliary) == len(auxiliary)
    for head, expected in zip(ours.auxiliary, reversed(auxiliary), strict=True):  # theirs count from the last
        assert torch.equal(head, expected)
    state = model.state_dict()
    for name, buffer in ours.buffers.items():
        assert torch.equal(buffer, state[name]), name


@pytest.mark.parametrize("name", PAIRS)
def test_logits_of_the_reference_lie_within_its_bound(name):
    pair = PAIRS[name]
    model, x = made(pair).eval(), image(pair, 1)
    params, buffers = (
        {name: Bounded(t.numpy(), None, FLOAT64) if t.is_floating_point() else t.numpy() for name, t in part.items()}
        for part in split(pair, model)
    )
    expected = reference.forward(pair.ours, params, buffers, Bounded(x.numpy(), None, FLOAT64))
    with torch.no_grad():
        verdict = compare(model(x).numpy(), expected)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive
    digits = expected.error.max() / np.abs(expected.value).max()
    assert digits < PRECISIONS["float32"].unit, "so near that not even float32 would do"
