"""Segmentation against what others wrote: torch, scikit-learn, torchvision; and the torch backend as a module."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from sklearn.metrics import accuracy_score, jaccard_score

from gongsik import reference, torch_impl
from gongsik.benchmarks.torchvision_models import models
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.conformance.strategies import Case, inputs
from gongsik.draws import Draws
from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.segmentation import FCN, UNet
from gongsik.torch_impl.layers import NetworkModule

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]
DRAWS = Draws(0)
Bottleneck, ResNetOfTorchvision = models.resnet.Bottleneck, models.resnet.ResNet
_fcn_resnet = models.segmentation.fcn._fcn_resnet


def assert_inside(result, name, *arguments, **options):
    """Somebody's result lies within the bound of the reference's, in float64."""
    verdict = compare(np.asarray(result), values(Exact(FLOAT64), name, Case(arguments, options)), FLOAT64)
    assert verdict.agreed, verdict.message
    return verdict.conclusive


def tensor(x):
    return torch.tensor(np.ascontiguousarray(x))


# Formulas


@FEW
@given(inputs("pixel_classification"))
def test_classes_are_those_of_torch(case):
    (score,) = case.arguments
    assert np.array_equal(reference.pixel_classification(score), tensor(score).argmax(1))


@FEW
@given(inputs("pixel_cross_entropy"))
def test_loss_is_that_of_torch(case):
    logits, target = case.arguments
    assert_inside(F.cross_entropy(tensor(logits), tensor(target)), "pixel_cross_entropy", logits, target)


@FEW
@given(inputs("mean_iou"))
def test_measures_are_those_of_scikit_learn(case):
    """Its Jaccard index of the classes that occur, on the pixels that count."""
    pred, target = case.arguments
    classes = case.options["classes"]
    p, t = pred[target < classes], target[target < classes]
    occurring = [k for k in range(classes) if k in p or k in t]
    expected = np.mean(jaccard_score(t, p, labels=occurring, average=None))  # pyright: ignore[reportArgumentType]
    assert abs(reference.mean_iou(pred, target, classes=classes) - expected) <= classes * FLOAT64.unit
    assert reference.pixel_accuracy(pred, target, classes=classes) == accuracy_score(t, p)


@FEW
@given(inputs("resize"))
def test_resizing_is_that_of_torch(case):
    (x,) = case.arguments
    size = case.options["size"]
    theirs = F.interpolate(tensor(x), size, mode="bilinear", align_corners=False)
    assert_inside(theirs, "resize", x, size=size)


@FEW
@given(inputs("bilinear_upsample"))
def test_upsampling_inside_is_that_of_torch(case):
    """Where no zeros of the border reach: F.interpolate, of which the first and the last half pixel are cut off."""
    (x,) = case.arguments
    f, half = case.options["factor"], case.options["factor"] // 2
    inside = (..., slice(half, f * x.shape[2] - half), slice(half, f * x.shape[3] - half))
    theirs = F.interpolate(tensor(x), scale_factor=f, mode="bilinear", align_corners=False)[inside]
    ours = values(Exact(FLOAT64), "resize", Case((x,), {"size": (f * x.shape[2], f * x.shape[3])}))[inside]
    verdict = compare(np.asarray(theirs), ours, FLOAT64)
    assert verdict.agreed, verdict.message
    # the transposed convolution itself, and zeros around the image in place of its border
    around = F.interpolate(F.pad(tensor(x), (1, 1, 1, 1)), scale_factor=f, mode="bilinear")[..., f:-f, f:-f]
    bound = values(Exact(FLOAT64), "resize", Case((np.pad(x, [(0, 0)] * 2 + [(1, 1)] * 2),), {
        "size": (f * (x.shape[2] + 2), f * (x.shape[3] + 2))}))[..., f:-f, f:-f]  # fmt: skip
    verdict = compare(reference.bilinear_upsample(x, factor=f), bound, FLOAT64)
    assert verdict.agreed, verdict.message
    assert compare(around.numpy(), bound, FLOAT64).agreed


# torchvision's FCN


def perturbed(module: torch.nn.Module) -> torch.nn.Module:
    """Every array moved from where it starts, so that none could be mistaken for another."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, x in module.state_dict().items():
            if x.dtype.is_floating_point:
                noise = torch.rand(x.shape, generator=generator, dtype=x.dtype)
                x.copy_(0.5 + noise if name.endswith("running_var") else x + (noise - 0.5) * (0.1 + x.abs().mean()))
            else:
                x.add_(7)
    return module.double()


def fcn_of(blocks, *, auxiliary):
    """Torchvision's FCN on a dilated ResNet of so many bottlenecks; with (3, 4, 6, 3) it is fcn_resnet50."""
    backbone = ResNetOfTorchvision(Bottleneck, list(blocks), replace_stride_with_dilation=[False, True, True])
    return _fcn_resnet(backbone, 5, auxiliary)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_names_and_shapes_are_those_of_torchvision(auxiliary):
    """On paper (torch's meta device): a checkpoint of theirs loads strictly."""
    with torch.device("meta"):
        model = models.segmentation.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=auxiliary)
    config = FCN(21, auxiliary=auxiliary)
    params, buffers = config.split(model.state_dict())
    assert params.keys() == dict(model.named_parameters()).keys()
    assert buffers.keys() == dict(model.named_buffers()).keys()


BLOCKS = (1, 2, 2, 2)
SMALL = ResNet(blocks=BLOCKS, bottleneck=True)
IMAGES = DRAWS.normal("images", (2, 3, 24, 17))


@pytest.mark.parametrize("auxiliary", [False, True])
def test_logits_are_those_of_torchvision(auxiliary):
    """After training: the function, and the module that has loaded the state dict; to the last bit."""
    theirs, config = perturbed(fcn_of(BLOCKS, auxiliary=auxiliary)).eval(), FCN(5, SMALL, auxiliary=auxiliary)
    ours, x = NetworkModule(config).double().eval(), tensor(IMAGES)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    with torch.no_grad():
        logits = theirs(x)["out"]
        assert torch.equal(ours(x), logits)
        assert torch.equal(torch_impl.fcn(config, *config.split(theirs.state_dict()), x), logits)


def test_logits_of_the_reference_lie_within_its_bound():
    """On weights of mostly one sign, whose sums do not cancel: errors stay far below the values."""
    theirs, config = perturbed(fcn_of(BLOCKS, auxiliary=False)).eval(), FCN(5, SMALL)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(parameter.abs())
        theirs.get_parameter("classifier.4.bias").zero_()
        x = tensor(np.abs(IMAGES[:1, :, :, :9]))
        logits = theirs(x)["out"].numpy()
    params, buffers = ({k: v.numpy() for k, v in table.items()} for table in config.split(theirs.state_dict()))
    expected = reference.fcn(config, params, buffers, Bounded(x.numpy(), None, FLOAT64))
    verdict = compare(logits, expected)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


class Dropped(torch.nn.Module):
    """Dropout by given draws, in place of torch's own."""

    def __init__(self, uniform):
        super().__init__()
        self.uniform = uniform

    def forward(self, x):
        return torch_impl.inverted_dropout(x, self.uniform, p=0.1)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_training_is_that_of_torchvision(auxiliary):
    """Logits of both heads, running statistics and gradients, to the last bit."""
    theirs, config = perturbed(fcn_of(BLOCKS, auxiliary=auxiliary)).train(), FCN(5, SMALL, auxiliary=auxiliary)
    params, buffers = config.split({name: x.clone() for name, x in theirs.state_dict().items()})
    uniform = {name: tensor(DRAWS.uniform(name, shape)) for name, shape in config.draws(IMAGES.shape).items()}
    for name, draws in uniform.items():
        getattr(theirs, name.split(".")[0])[3] = Dropped(draws)
    said = theirs(tensor(IMAGES))
    expected = [said["out"], *([said["aux"]] if auxiliary else [])]
    leaves = {name: x.requires_grad_() for name, x in params.items()}
    ours = torch_impl.forward_training(config, leaves, buffers, uniform, tensor(IMAGES))
    given = [ours.output, *ours.auxiliary]
    for mine, other in zip(given, expected, strict=True):
        assert torch.equal(mine, other)
    for name, moved in theirs.named_buffers():
        if not name.endswith("uniform"):
            assert torch.equal(ours.buffers[name], moved), name
    weights = tensor(DRAWS.normal("weights", tuple(expected[0].shape)))
    for mine, other in zip(given, expected, strict=True):  # one by one: sums of both could be taken in either order
        named = dict(theirs.named_parameters())
        pairs = [((y * weights).sum(), arrays) for y, arrays in ((mine, leaves), (other, named))]
        first, second = (
            dict(
                zip(
                    arrays,
                    torch.autograd.grad(y, list(arrays.values()), retain_graph=True, allow_unused=True),
                    strict=True,
                )
            )
            for y, arrays in pairs
        )
        for name in leaves:
            assert (first[name] is None) == (second[name] is None), name
            assert first[name] is None or torch.equal(first[name], second[name]), name


def test_training_of_the_reference_is_that_of_torch():
    """A small FCN in training on both backends: the reference against the one that is torchvision's bit for bit."""
    config = FCN(3, ResNet(blocks=(1, 1), width=4, channels=3), auxiliary=True)
    module = perturbed(NetworkModule(config))
    params, buffers = config.split(module.state_dict())
    uniform = {name: DRAWS.uniform(name, shape) for name, shape in config.draws(IMAGES.shape).items()}
    theirs = torch_impl.forward_training(
        config, params, buffers, {name: tensor(u) for name, u in uniform.items()}, tensor(IMAGES)
    )
    arrays = [{name: x.numpy() for name, x in table.items()} for table in (params, buffers)]
    ours = values(Exact(FLOAT64), "forward_training", Case((config, *arrays, uniform, IMAGES)))
    for other, mine in zip([theirs.output, *theirs.auxiliary], [ours.output, *ours.auxiliary], strict=True):
        verdict = compare(other.numpy(), mine, FLOAT64)
        assert verdict.agreed, verdict.message
        assert verdict.conclusive
    for name, mine in ours.buffers.items():
        assert compare(theirs.buffers[name].numpy(), mine, FLOAT64).agreed, name


# The torch backend as it is used


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
@pytest.mark.parametrize("config", [UNet(1, 3, width=4, depth=2, padding=1), FCN(
    3, ResNet(blocks=(1, 1), width=4, channels=1), auxiliary=True)], ids=["unet", "fcn"])  # fmt: skip
def test_modules_are_the_function_in_every_form(config):
    """One graph under torch.compile, channels-last, and under autocast."""
    torch.manual_seed(0)
    module, x = NetworkModule(config).double().eval(), tensor(DRAWS.normal("image", (2, 1, 24, 20)))
    params, buffers = config.split(module.state_dict())
    with torch.no_grad():
        expected = module(x)
        assert torch.equal(torch_impl.forward(config, params, buffers, x), expected)
        torch._dynamo.reset()
        traced = torch.compile(module, fullgraph=True, backend="eager")
        assert torch.equal(traced(x), expected)
        last = module.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))  # pyright: ignore[reportCallIssue]
        assert last.is_contiguous(memory_format=torch.channels_last)
        name = "unet" if isinstance(config, UNet) else "fcn"
        arrays = [{key: array.numpy() for key, array in table.items()} for table in (params, buffers)]
        assert_inside(last, name, config, *arrays, x.numpy())
        with torch.autocast("cpu", torch.bfloat16):
            assert module.float()(x.float()).shape == expected.shape
    torch._dynamo.reset()
    trained = torch.compile(module.double().train(), fullgraph=True, backend="eager")(x)
    assert isinstance(trained, tuple) == getattr(config, "auxiliary", False)
