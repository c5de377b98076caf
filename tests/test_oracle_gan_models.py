"""Networks of the GAN chapter against plain torch: modules as their authors publish them, and torch's own losses."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import nn

from gongsik import torch_impl
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case, inputs
from gongsik.draws import Draws
from gongsik.spec.architectures.conditional import DenseGenerator
from gongsik.spec.architectures.dcgan import DCGANDiscriminator, DCGANGenerator, TextDiscriminator
from gongsik.spec.architectures.infogan import InfoGANDiscriminator
from gongsik.spec.architectures.progressive import ProgressiveDiscriminator
from gongsik.spec.architectures.translation import CycleGANGenerator, PatchGAN, StarGANGenerator
from gongsik.torch_impl.layers import NetworkModule

FLOAT64 = PRECISIONS["float64"]
DRAWS = Draws(0)
FEW = settings(
    max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


def tensor(x):
    return torch.tensor(np.ascontiguousarray(x))


def seeded(module: nn.Module) -> nn.Module:
    """In float64, with parameters and running statistics that are not those it starts with."""
    module = module.double().eval()
    for i, array in enumerate(module.state_dict().values()):
        if array.dtype.is_floating_point and array.ndim <= 1:
            array.copy_(tensor(0.5 + DRAWS.uniform("state", tuple(array.shape), counter=i)))
    return module


def assert_same(config, module, *arguments: torch.Tensor, name="forward"):
    """Their state dict loads; both backends and our module say what they say, within the reference's bound."""
    module = seeded(module)
    params, buffers = config.split(module.state_dict())
    with torch.no_grad():
        theirs = module(*arguments)
    arrays = [{key: array.numpy() for key, array in table.items()} for table in (params, buffers)]
    expected = values(Exact(FLOAT64), name, Case((config, *arrays, *(a.numpy() for a in arguments)), {}))
    ours = getattr(torch_impl, name)(config, params, buffers, *arguments)
    own = NetworkModule(config).double().eval()
    own.load_state_dict(module.state_dict())
    x, condition = (*arguments, None)[:2]
    for result in (theirs, ours, own(x, condition=condition).detach()):
        verdict = compare(result.numpy(), expected, FLOAT64)
        assert verdict.agreed, verdict.message
    return verdict.conclusive


class Tutorial(nn.Module):
    """The generator or the discriminator of torch's tutorial on DCGAN, at another size."""

    def __init__(self, *layers: nn.Module, noise: bool = False):
        super().__init__()
        self.main, self.noise = nn.Sequential(*layers), noise

    def forward(self, x):
        return self.main(x[:, :, None, None] if self.noise else x).flatten(1).unflatten(1, self.shape(x))

    def shape(self, x):
        return (2, 16, 16) if self.noise else (1,)


def test_dcgan_is_that_of_the_tutorial_of_torch():
    g = Tutorial(
        nn.ConvTranspose2d(5, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(True),
        nn.ConvTranspose2d(4, 2, 4, 2, 1, bias=False), nn.Tanh(), noise=True,
    )  # fmt: skip
    assert assert_same(DCGANGenerator(16, 2, 4, z=5), g, tensor(DRAWS.normal("z", (3, 5))), name="dcgan")
    d = Tutorial(
        nn.Conv2d(2, 4, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(4, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(8, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
    )  # fmt: skip
    images = tensor(DRAWS.normal("images", (3, 2, 16, 16)))
    assert assert_same(DCGANDiscriminator(16, 2, 4, sigmoid=True), d, images, name="dcgan")


def test_checkpoints_of_the_tutorial_fit():
    """Names and shapes at its own size, on paper."""
    names = [f"main.{i}.weight" for i in (0, 3, 6, 9, 12)]
    assert [name for name, s in DCGANGenerator().parameters().items() if len(s) == 4] == names
    names = [f"main.{i}.weight" for i in (0, 2, 5, 8, 11)]
    assert [name for name, s in DCGANDiscriminator().parameters().items() if len(s) == 4] == names


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(5, 4), nn.LeakyReLU(0.2), nn.Linear(4, 3), nn.LeakyReLU(0.2),
                                   nn.Linear(3, 12), nn.Tanh())  # fmt: skip

    def forward(self, z, y):
        return self.model(torch.cat((z, y), -1)).view(-1, 3, 2, 2)


def test_conditional_gan_is_a_network_of_what_is_laid_side_by_side():
    z, y = tensor(DRAWS.normal("z", (4, 3))), tensor(np.eye(2)[[0, 1, 1, 0]])
    assert assert_same(DenseGenerator(2, 3, (3, 2, 2), (4, 3)), Dense(), z, y, name="conditional_gan")


class Reader(nn.ModuleDict):
    """Trunk and heads of an InfoGAN, as modules of their own."""

    def __init__(self):
        trunk = {
            "conv1": nn.Conv2d(1, 2, 4, 2, 1), "conv2": nn.Conv2d(2, 4, 4, 2, 1, bias=False), "bn2": nn.BatchNorm2d(4),
            "conv3": nn.Conv2d(4, 6, 2, bias=False), "bn3": nn.BatchNorm2d(6),
        }  # fmt: skip
        reader = {
            "conv1": nn.Conv2d(6, 128, 1, bias=False), "bn1": nn.BatchNorm2d(128), "conv_disc": nn.Conv2d(128, 3, 1),
            "conv_mu": nn.Conv2d(128, 2, 1), "conv_var": nn.Conv2d(128, 2, 1),
        }  # fmt: skip
        parts = {"discriminator": trunk, "netD": {"conv": nn.Conv2d(6, 1, 1)}, "netQ": reader}
        super().__init__({name: nn.ModuleDict(part) for name, part in parts.items()})

    def forward(self, x):
        d, q = (dict(self[part].named_children()) for part in ("discriminator", "netQ"))
        x = F.leaky_relu(d["conv1"](x), 0.1)
        x = F.leaky_relu(d["bn2"](d["conv2"](x)), 0.1)
        x = F.leaky_relu(d["bn3"](d["conv3"](x)), 0.1)
        y = F.leaky_relu(q["bn1"](q["conv1"](x)), 0.1)
        real = self.get_submodule("netD.conv")(x)
        return torch.cat([real, *(q[f"conv_{code}"](y) for code in ("disc", "mu", "var"))], 1).flatten(1)


def test_infogan_has_one_trunk_and_two_heads():
    config = InfoGANDiscriminator(3, 2, 8, 1, 2, 6)
    assert assert_same(config, Reader(), tensor(DRAWS.normal("images", (3, 1, 8, 8))), name="infogan")


class Residual(nn.Module):
    def __init__(self, name, *layers):
        super().__init__()
        self.name = name
        self.add_module(name, nn.Sequential(*layers))

    def forward(self, x):
        return x + getattr(self, self.name)(x)


class Model(nn.Module):
    def __init__(self, name, *layers):
        super().__init__()
        self.name = name
        self.add_module(name, nn.Sequential(*layers))

    def forward(self, x, c=None):
        if c is not None:
            x = torch.cat([x, c[:, :, None, None].repeat(1, 1, x.shape[2], x.shape[3])], 1)
        return getattr(self, self.name)(x)


def test_cyclegan_is_that_of_its_authors():
    """The residual generator, with the names of its checkpoints, and the judge of patches."""
    norm, pad = nn.InstanceNorm2d, nn.ReflectionPad2d
    block = Residual("conv_block", pad(1), nn.Conv2d(8, 8, 3), norm(8), nn.ReLU(), pad(1), nn.Conv2d(8, 8, 3), norm(8))
    g = Model(
        "model", pad(3), nn.Conv2d(1, 2, 7), norm(2), nn.ReLU(), nn.Conv2d(2, 4, 3, 2, 1), norm(4), nn.ReLU(),
        nn.Conv2d(4, 8, 3, 2, 1), norm(8), nn.ReLU(), block,
        nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1), norm(4), nn.ReLU(),
        nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1), norm(2), nn.ReLU(), pad(3), nn.Conv2d(2, 1, 7), nn.Tanh(),
    )  # fmt: skip
    assert_same(CycleGANGenerator(1, 2, 1), g, tensor(DRAWS.normal("images", (2, 1, 12, 16))))
    d = Model(
        "model", nn.Conv2d(1, 2, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(2, 4, 4, 2, 1), norm(4), nn.LeakyReLU(0.2),
        nn.Conv2d(4, 8, 4, 1, 1), norm(8), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 1, 1),
    )  # fmt: skip
    assert assert_same(PatchGAN(1, 2, 2), d, tensor(DRAWS.normal("images", (2, 1, 24, 24))))


def test_stargan_generator_is_that_of_its_authors():
    """But for running statistics, which theirs keep for every image's own."""

    def norm(c):
        return nn.InstanceNorm2d(c, affine=True)

    def conv(a, b, *options):
        return nn.Conv2d(a, b, *options, bias=False)

    up = [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in ((8, 4), (4, 2))]
    g = Model(
        "main", conv(3, 2, 7, 1, 3), norm(2), nn.ReLU(), conv(2, 4, 4, 2, 1), norm(4), nn.ReLU(), conv(4, 8, 4, 2, 1),
        norm(8), nn.ReLU(), Residual("main", conv(8, 8, 3, 1, 1), norm(8), nn.ReLU(), conv(8, 8, 3, 1, 1), norm(8)),
        up[0], norm(4), nn.ReLU(), up[1], norm(2), nn.ReLU(), conv(2, 1, 7, 1, 3), nn.Tanh(),
    )  # fmt: skip
    x, c = tensor(DRAWS.normal("images", (2, 1, 12, 12))), tensor(np.eye(2))
    assert_same(StarGANGenerator(2, 1, 2, 1), g, x, c, name="conditional_gan")


def test_progressive_critic_layer_by_layer():
    """Equalized by hand, with the deviation of the batch by torch.std."""
    config = ProgressiveDiscriminator(2, True, (3, 2, 2), 1)
    params = {name: tensor(DRAWS.normal(name, shape)) for name, shape in config.parameters().items()}
    x = tensor(DRAWS.normal("images", (3, 1, 16, 16)))

    def layer(x, name, f=F.conv2d, **options):
        weight = params[f"{name}.module.weight"]
        return f(x, weight * math.sqrt(2 / weight[0].numel()), params[f"{name}.module.bias"], **options)

    def leaky(x, name, **options):
        return F.leaky_relu(layer(x, name, **options), 0.2)

    def halved(x, i):
        x = leaky(x, f"scaleLayers.{i}.0", padding=1)
        return F.avg_pool2d(leaky(x, f"scaleLayers.{i}.1", padding=1), 2)

    new, old = halved(leaky(x, "fromRGBLayers.2"), 1), leaky(F.avg_pool2d(x, 2), "fromRGBLayers.1")
    y = halved(0.75 * old + 0.25 * new, 0)
    deviation = (y.std(0, unbiased=False) ** 2 + 1e-8).sqrt().mean()
    y = leaky(torch.cat([y, deviation.expand(3, 1, 4, 4)], 1), "groupScaleZero.0", padding=1)
    y = layer(leaky(y.flatten(1), "groupScaleZero.1", f=F.linear), "decisionLayer", f=F.linear)
    arrays = {name: array.numpy() for name, array in params.items()}
    case = Case((config, arrays, {"alpha": np.array(0.25)}, x.numpy()), {})
    verdict = compare(y.numpy(), values(Exact(FLOAT64), "progressive_gan", case), FLOAT64)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


class Fitting(nn.Module):
    """A discriminator that looks at image and sentence."""

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(1, 2, 4, 2, 1, bias=False), nn.LeakyReLU(0.2))
        self.projection = nn.Sequential(nn.Linear(5, 3), nn.LeakyReLU(0.2))
        self.joint = nn.Sequential(
            nn.Conv2d(5, 2, 1, bias=False), nn.BatchNorm2d(2), nn.LeakyReLU(0.2), nn.Conv2d(2, 1, 4)
        )

    def forward(self, x, text):
        text = self.projection(text)[:, :, None, None].repeat(1, 1, 4, 4)
        return self.joint(torch.cat([self.main(x), text], 1)).flatten(1)


def test_sentence_joins_the_image_at_4_by_4_places():
    x, text = tensor(DRAWS.normal("images", (2, 1, 8, 8))), tensor(DRAWS.normal("text", (2, 5)))
    assert assert_same(TextDiscriminator(5, 3, 8, 1, 2), Fitting(), x, text, name="text_to_image")


def bce(logit, label):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label))


LOSSES = {
    "cycle_consistency_loss": lambda x, u, y, v: F.l1_loss(u, x) + F.l1_loss(v, y),
    "mutual_information_bound": lambda q, c: math.log(q.shape[1]) - F.cross_entropy(q, c),
    "matching_aware_loss": lambda r, m, f: bce(r, 1.0) + (bce(m, 0.0) + bce(f, 0.0)) / 2,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_torch(name):
    @FEW
    @given(inputs(name))
    def check(case):
        expected = values(Exact(FLOAT64), name, case)
        verdict = compare(LOSSES[name](*map(tensor, case.arguments)).numpy(), expected, FLOAT64)
        assert verdict.agreed, verdict.message

    check()


@FEW
@given(inputs("jigsaw"))
def test_puzzles_are_cut_like_patches_of_torch(case):
    """F.unfold cuts, an index orders, F.fold lays."""
    x, order = map(tensor, case.arguments)
    h, w = (size // case.options["grid"] for size in x.shape[2:])
    parts = F.unfold(x, (h, w), stride=(h, w))  # [n c*h*w grid*grid]
    laid = torch.stack([parts[i][:, order[i]] for i in range(len(x))])
    expected = F.fold(laid, tuple(x.shape[2:]), (h, w), stride=(h, w))
    assert torch.equal(torch_impl.jigsaw(x, order, **case.options), expected)


def test_every_kind_of_player_is_one_graph():
    """Compiled without a break, in training and after, with the same numbers; and under autocast it computes."""
    image = (1, 8, 8)
    configs = {
        DCGANGenerator(8, 1, 2, z=3): (3,), DCGANDiscriminator(8, 1, 2): image, CycleGANGenerator(1, 2, 1): image,
        InfoGANDiscriminator(3, 1, 8, 1, 2, 4): image, ProgressiveDiscriminator(1, True, (3, 2), 1): image,
    }  # fmt: skip
    for (config, shape), training in itertools.product(configs.items(), (False, True)):
        torch._dynamo.reset()
        module = NetworkModule(config).double().train(training)
        other = NetworkModule(config).double().train(training)
        other.load_state_dict(module.state_dict())
        x = tensor(DRAWS.normal("x", (3, *shape)))
        compiled = torch.compile(other, fullgraph=True, backend="eager")
        assert torch.equal(compiled(x), module(x)), config
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.isfinite(NetworkModule(config)(x.float())).all()
