"""What a user would write instead of the formulas of adversarial networks: torch's kernels, and the usual lines."""

import itertools
import math
from typing import Any

import numpy as np
import scipy.spatial.distance
import scipy.stats
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik import torch_impl
from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.architectures.conditional import DenseGenerator
from gongsik.spec.architectures.dcgan import DCGANGenerator, PuzzleGAN, TextGenerator
from gongsik.spec.architectures.infogan import InfoGANGenerator
from gongsik.spec.architectures.progressive import ProgressiveGenerator
from gongsik.spec.architectures.translation import CycleGAN, StarGAN
from gongsik.spec.gan import Game, Played, Players
from gongsik.spec.tree import leaves, map_leaves
from gongsik.torch_impl.layers import NetworkModule

RANGE = "the probabilities are checked, in a pass over each"


def _logits(data: Data) -> tuple[Tensor, Tensor]:
    logits = data.normal(data.of(2**6, 2**16, 2**22))
    return logits, logits.roll(1)


def _bce(logit: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label))


def value_function(data: Data) -> Contest:
    real = data.uniform(data.of(2**6, 2**16, 2**22)) * 0.9 + 0.05
    peers = {"D.log().mean() + (1 - D).log().mean()": lambda p, q: p.log().mean() + (1 - q).log().mean()}
    return Contest((real, real.roll(1)), peers, note=RANGE)


def discriminator_loss(data: Data) -> Contest:
    def two_losses(real: Tensor, fake: Tensor) -> Tensor:
        return _bce(real, 1.0) + _bce(fake, 0.0)

    return Contest(_logits(data), {"F.binary_cross_entropy_with_logits, twice": two_losses})


def generator_loss(data: Data) -> Contest:
    peers = {"-F.binary_cross_entropy_with_logits(..., 0)": lambda fake: -_bce(fake, 0.0)}
    return Contest(_logits(data)[:1], peers)


def non_saturating_generator_loss(data: Data) -> Contest:
    peers = {"F.binary_cross_entropy_with_logits(..., 1)": lambda fake: _bce(fake, 1.0)}
    return Contest(_logits(data)[:1], peers)


def _mlp(params: dict[str, Any], x: Any) -> Any:
    """One hidden layer with a leaky ReLU of slope 0.2, in the arithmetic of every array."""
    h = x @ params["0.weight"].T + params["0.bias"]
    return (0.6 * h + 0.4 * abs(h)) @ params["2.weight"].T


def _network(data: Data, *widths: int) -> dict[str, Tensor]:
    n_in, hidden, n_out = widths
    return {
        "0.weight": data.normal(hidden, n_in) / n_in**0.5,
        "0.bias": torch.zeros(hidden, device=data.device),
        "2.weight": data.normal(n_out, hidden) / hidden**0.5,
    }


def alternating_training(data: Data) -> Contest:
    """Ten rounds, beside modules and torch.optim as the usual program has them: both players' backward() in full."""
    n, d, hidden, latent = data.of((8, 8, 8, 4), (64, 64, 256, 16), (256, 784, 1024, 64))
    rounds = data.of(10, 10, 3)
    players = Players(_network(data, latent, hidden, d), _network(data, d, hidden, 1))
    x, z = data.normal(rounds, n, d), data.normal(rounds, n, latent)

    def step(params: Any, grads: Any, state: Any) -> Any:
        return map_leaves(lambda w, g: w - 0.01 * g, params, grads), ()

    game = Game(
        _mlp,
        lambda d, fake, real: _mlp(d, fake).mean() - _mlp(d, real).mean(),
        lambda d, fake, real: -_mlp(d, fake).mean(),
        step,
        step,
    )

    def usual(game: Game, players: Players, batches: tuple, draws: tuple) -> Played:
        g, d = (map_leaves(lambda p: p.clone().requires_grad_(), params) for params in players[:2])
        of_g, of_d = (torch.optim.SGD(leaves(p), lr=0.01) for p in (g, d))
        d_losses, g_losses = [], []
        for real, noise in zip(batches[0], draws[0], strict=True):
            of_d.zero_grad()
            loss = _mlp(d, _mlp(g, noise).detach()).mean() - _mlp(d, real).mean()
            loss.backward()
            of_d.step()
            d_losses.append(loss.detach())
            of_g.zero_grad()
            loss = -_mlp(d, _mlp(g, noise)).mean()
            loss.backward()
            of_g.step()
            g_losses.append(loss.detach())
        g, d = (map_leaves(torch.detach, params) for params in (g, d))
        return Played(Players(g, d, (), ()), torch.stack(d_losses)[:, None], torch.stack(g_losses))

    return Contest((game, players, (x,), (z,)), {"modules, torch.optim.SGD and backward()": usual})


def feature_matching(data: Data) -> Contest:
    n, d = data.of((8, 8), (256, 512), (4096, 1024))
    real = data.normal(n, d)
    peers = {"((x.mean(0) - y.mean(0)) ** 2).sum()": lambda x, y: ((x.mean(0) - y.mean(0)) ** 2).sum()}
    return Contest((real, real.roll(1, 1) + 1), peers)


def minibatch_discrimination(data: Data) -> Contest:
    n, a, b, c = data.of((8, 8, 4, 3), (64, 256, 32, 8), (256, 1024, 64, 16))

    def usual(features: Tensor, kernel: Tensor) -> Tensor:
        m = (features @ kernel.reshape(a, -1)).reshape(-1, b, c)
        return torch.exp(-(m[None] - m[:, None]).abs().sum(3)).sum(0)

    return Contest((data.normal(n, a) / a, data.normal(a, b, c)), {"differences of all pairs, [n, n, b, c]": usual})


def historical_averaging(data: Data) -> Contest:
    theta, mean = data.trees(2)
    state = torch_impl.historical_averaging(mean)[1]._replace(count=torch.tensor(7))

    def usual(theta: Any, state: Any) -> Any:
        pairs = list(zip(leaves(theta), leaves(state.mean), strict=True))
        penalty = sum(((w - m) ** 2).sum() for w, m in pairs)
        map_leaves(lambda w, m: m + (w - m) / (state.count + 1), theta, state.mean)  # the new mean
        return penalty

    return Contest((theta, state), {"a loop over the parameters": usual})


def wasserstein_distance(data: Data) -> Contest:
    """Beside SciPy, and beside the matching in order, which only equal numbers have."""
    n = data.of(2**5, 2**12, 2**20)
    x, y = data.normal(n), data.normal(n).roll(1) * 2 + 0.5

    def matched(x: Tensor, y: Tensor) -> Tensor:
        return (x.sort().values - y.sort().values).abs().mean()

    def of_numbers(x: Tensor, y: Tensor) -> Tensor:
        return torch.tensor(scipy.stats.wasserstein_distance(x.cpu().numpy(), y.cpu().numpy()), dtype=x.dtype)

    peers = {"(x.sort() - y.sort()).abs().mean()": matched, "scipy.stats.wasserstein_distance": of_numbers}
    note = "for any two numbers of points, in the order of all together; half of it is one sort"
    return Contest((x, y), peers, arrays={"scipy.stats.wasserstein_distance": scipy.stats.wasserstein_distance},
                   note=note)  # fmt: skip


def critic_loss(data: Data) -> Contest:
    return Contest(_logits(data), {"fake.mean() - real.mean()": lambda real, fake: fake.mean() - real.mean()})


def critic_generator_loss(data: Data) -> Contest:
    return Contest(_logits(data)[:1], {"-fake.mean()": lambda fake: -fake.mean()})


def lipschitz_constant(data: Data) -> Contest:
    w = data.normal(*data.of((8, 8), (128, 256), (512, 1024)))
    peers = {
        "torch.linalg.matrix_norm(ord=2)": lambda w: torch.linalg.matrix_norm(w, ord=2),
        "torch.linalg.svdvals(w)[0]": lambda w: torch.linalg.svdvals(w)[0],
    }
    return Contest((w,), peers, arrays={"numpy.linalg.norm(w, 2)": lambda w: np.linalg.norm(w, 2)})


def lipschitz_lower_bound(data: Data) -> Contest:
    n, d = data.of((8, 4), (256, 64), (2048, 64))
    x = data.normal(n, d)

    def of_pairs(x: Tensor, fx: Tensor) -> Tensor:
        i, j = torch.triu_indices(n, n, 1)
        return ((fx[i] - fx[j]).norm(dim=1) / (x[i] - x[j]).norm(dim=1)).max()

    def of_numbers(x: Any, fx: Any) -> Any:
        return (scipy.spatial.distance.pdist(fx) / scipy.spatial.distance.pdist(x)).max()

    peers = {"differences of all pairs": of_pairs, "F.pdist": lambda x, fx: (F.pdist(fx) / F.pdist(x)).max()}
    return Contest((x, torch.tanh(x)), peers, arrays={"scipy.spatial.distance.pdist": of_numbers})


def weight_clipping(data: Data) -> Contest:
    (params,) = data.trees(1)
    peers = {"torch.clamp, one by one": lambda params: map_leaves(lambda w: torch.clamp(w, -0.01, 0.01), params)}
    return Contest((params,), peers)


def gradient_penalty(data: Data) -> Contest:
    n, d, hidden = data.of((8, 8, 8), (64, 64, 256), (256, 784, 1024))
    params = _network(data, d, hidden, 1)
    real = data.normal(n, d)

    def usual(critic: Any, params: Any, real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
        x = (u[:, None] * real + (1 - u[:, None]) * fake).requires_grad_()
        score = critic(params, x)
        (slope,) = torch.autograd.grad(score, x, torch.ones_like(score), create_graph=True)
        return (10.0 * ((slope.norm(2, dim=1) - 1) ** 2).mean()).detach()

    return Contest((_mlp, params, real, real.roll(1), data.uniform(n)), {"torch.autograd.grad(create_graph)": usual})


# Models


def _arrays(config: Any, data: Data) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    module = NetworkModule(config).to(data.device).eval()
    return config.split({name: array.detach() for name, array in module.state_dict().items()})


class PlainDCGAN(nn.Module):
    """The generator as one writes it with modules of torch."""

    def __init__(self, z: int, size: int, width: int, channels: int = 3):
        super().__init__()
        c = width * size // 8
        layers = [nn.ConvTranspose2d(z, c, 4, bias=False), nn.BatchNorm2d(c), nn.ReLU(True)]
        while c > width:
            layers += [nn.ConvTranspose2d(c, c // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(c // 2), nn.ReLU(True)]
            c //= 2
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(c, channels, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z[:, :, None, None])


def _module(config: Any, module: nn.Module, x: Tensor, name: str, *more: Tensor) -> Contest:
    module = module.to(x.device).eval()
    params, buffers = config.split({key: array.detach() for key, array in module.state_dict().items()})

    def peer(config: Any, params: Any, buffers: Any, *arguments: Tensor) -> Tensor:
        with torch.no_grad():
            return module(*arguments)

    return Contest((config, params, buffers, x, *more), {name: peer})


def dcgan(data: Data) -> Contest:
    size, width, n = data.of((8, 4, 1), (32, 32, 4), (64, 64, 16))
    return _module(DCGANGenerator(size, width=width), PlainDCGAN(100, size, width), data.normal(n, 100), "nn.Module")


def conditional_input(data: Data) -> Contest:
    n, c, h, k = data.of((1, 1, 8, 4), (8, 16, 32, 10), (32, 64, 128, 10))

    def by_hand(x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([x, y[:, :, None, None].repeat(1, 1, x.shape[2], x.shape[3])], 1)

    return Contest((data.normal(n, c, h, h), data.normal(n, k)), {"torch.cat of y.repeat": by_hand})


class PlainConditional(nn.Module):
    def __init__(self, config: DenseGenerator):
        super().__init__()
        sizes = config.z + config.classes, *config.hidden
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Linear(a, b), nn.LeakyReLU(0.2, inplace=True)]
        self.shape = config.shape
        self.model = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(config.shape)), nn.Tanh())

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.model(torch.cat([z, y], 1)).view(-1, *self.shape)


def conditional_gan(data: Data) -> Contest:
    config = data.of(DenseGenerator(2, 4, (1, 8, 8), (8,)), DenseGenerator(), DenseGenerator())
    n = data.of(1, 16, 256)
    y = data.normal(n, config.classes)
    return _module(config, PlainConditional(config), data.normal(n, config.z), "nn.Module", y)


def conditional_training(data: Data) -> Contest:
    config = data.of(DenseGenerator(2, 4, (1, 8, 8), (8,)), DenseGenerator(), DenseGenerator())
    n = data.of(1, 16, 256)
    module = PlainConditional(config).to(data.device).train()
    params, _ = config.split({name: array.detach() for name, array in module.state_dict().items()})

    def peer(config: Any, params: Any, buffers: Any, draws: Any, z: Tensor, y: Tensor) -> Any:
        with torch.no_grad():
            return module(z, y), (), {}

    return Contest(
        (config, params, {}, {}, data.normal(n, config.z), data.normal(n, config.classes)), {"nn.Module": peer}
    )


class PlainInfoGAN(nn.Module):
    def __init__(self, config: InfoGANGenerator):
        super().__init__()
        c, h = config.width, config.hidden
        self.tconv1, self.bn1 = nn.ConvTranspose2d(config.features, h, 1, bias=False), nn.BatchNorm2d(h)
        self.tconv2, self.bn2 = nn.ConvTranspose2d(h, 2 * c, config.size // 4, bias=False), nn.BatchNorm2d(2 * c)
        self.tconv3, self.bn3 = nn.ConvTranspose2d(2 * c, c, 4, 2, 1, bias=False), nn.BatchNorm2d(c)
        self.tconv4 = nn.ConvTranspose2d(c, config.channels, 4, 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.tconv1(x[:, :, None, None])))
        x = F.relu(self.bn3(self.tconv3(F.relu(self.bn2(self.tconv2(x))))))
        return torch.sigmoid(self.tconv4(x))


def infogan(data: Data) -> Contest:
    config = data.of(InfoGANGenerator(2, 0, 8, width=2, hidden=8, noise=2), InfoGANGenerator(), InfoGANGenerator())
    return _module(config, PlainInfoGAN(config), data.normal(data.of(1, 4, 64), config.features), "nn.Module")


def mutual_information_bound(data: Data) -> Contest:
    n, k = data.of((4, 2), (256, 10), (65536, 10))

    def by_hand(logits: Tensor, code: Tensor) -> Tensor:
        return math.log(k) - F.cross_entropy(logits, code)

    return Contest((data.normal(n, k), data.integers(k, n)), {"log k - F.cross_entropy": by_hand})


def infogan_loss(data: Data) -> Contest:
    n, k = data.of((4, 2), (256, 10), (65536, 10))

    def by_hand(logit: Tensor, logits: Tensor, code: Tensor) -> Tensor:
        fooled = F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        return fooled + F.cross_entropy(logits, code) - math.log(k)

    arguments = data.normal(n), data.normal(n, k), data.integers(k, n)
    return Contest(arguments, {"F.binary_cross_entropy_with_logits + F.cross_entropy": by_hand})


def cycle_consistency_loss(data: Data) -> Contest:
    x = data.normal(*data.of((1, 1, 8, 8), (4, 3, 64, 64), (8, 3, 256, 256)))
    peers = {"F.l1_loss twice": lambda x, u, y, v: F.l1_loss(u, x) + F.l1_loss(v, y)}
    return Contest((x, x + 1, -x, x - 1), peers)


def cyclegan(data: Data) -> Contest:
    config = data.of(CycleGAN(1, 2, 0, 1), CycleGAN(3, 16, 2, 2), CycleGAN(3, 32, 6, 3))
    params, _ = _arrays(config, data)
    shape = 1, config.channels, *data.of((8, 8), (32, 32), (96, 96))
    modules = {name: NetworkModule(config.discriminator if "D" in name else config.generator).to(data.device)
               for name in ("G", "F", "D_X", "D_Y")}  # fmt: skip
    for name, module in modules.items():
        module.load_state_dict({key.partition(".")[2]: p for key, p in params.items() if key.startswith(f"{name}.")})

    def by_hand(config: Any, params: Any, x: Tensor, y: Tensor) -> Any:
        """As it is often written, every player's loss for itself: the discriminators see the fakes once more."""
        G, back, D_X, D_Y = modules.values()
        with torch.no_grad():
            fake_y, fake_x = G(x), back(y)
            judged = D_Y(fake_y), D_X(fake_x)
            fooled = sum(F.mse_loss(s, torch.ones_like(s)) for s in judged)
            loss = fooled + 10 * (F.l1_loss(back(fake_y), x) + F.l1_loss(G(fake_x), y))
            seen = ((D_Y(y), D_Y(fake_y)), (D_X(x), D_X(fake_x)))
            told = sum(F.mse_loss(r, torch.ones_like(r)) + F.mse_loss(f, torch.zeros_like(f)) for r, f in seen)
            return loss, told / 2

    return Contest((config, params, data.normal(*shape), data.uniform(*shape)), {"four modules, loss by loss": by_hand})


def stargan(data: Data) -> Contest:
    config = data.of(StarGAN(2, 8, 1, 2, 0, 2), StarGAN(3, 32, 3, 16, 2, 3), StarGAN(5, 64, 3, 32, 4, 4))
    params, _ = _arrays(config, data)
    n, k = data.of(1, 2, 4), config.domains
    modules = {"G": NetworkModule(config.generator), "D": NetworkModule(config.discriminator)}
    for name, module in modules.items():
        module.to(data.device).load_state_dict({key[2:]: p for key, p in params.items() if key.startswith(f"{name}.")})

    def by_hand(config: Any, params: Any, x: Tensor, domain: Tensor, target: Tensor) -> Any:
        """As it is often written, every player's loss for itself: the critic sees the fakes once more."""
        G, D = modules.values()
        c, back = (F.one_hot(label, k).to(x.dtype) for label in (target, domain))
        with torch.no_grad():
            fake = G(x, condition=c)
            said = D(fake)
            loss = F.cross_entropy(said[:, -k:], target) - said[:, :-k].mean()
            loss = loss + 10 * F.l1_loss(G(fake, condition=back), x)
            real, seen = D(x), D(fake)
            told = seen[:, :-k].mean() - real[:, :-k].mean() + F.cross_entropy(real[:, -k:], domain)
            return loss, told

    x = data.normal(n, config.channels, config.size, config.size)
    labels = data.integers(k, n), (data.integers(k, n) + 1) % k
    return Contest((config, params, x, *labels), {"two modules, loss by loss": by_hand})


def fade_in(data: Data) -> Contest:
    n, c, h = data.of((1, 1, 4), (4, 3, 64), (8, 3, 512))
    low, high = data.normal(n, c, h, h), data.uniform(n, c, 2 * h, 2 * h)

    def by_hand(low: Tensor, high: Tensor, alpha: Tensor) -> Tensor:
        return (1 - alpha) * F.interpolate(low, scale_factor=2) + alpha * high

    return Contest(
        (low, high, torch.tensor(0.25, device=data.device)), {"(1 - alpha) F.interpolate + alpha high": by_hand}
    )


def progressive_gan(data: Data) -> Contest:
    stage, widths, n = data.of((1, (4, 4), 1), (3, (32,) * 4, 2), (5, (128, 128, 128, 64, 32, 16), 4))
    config = ProgressiveGenerator(stage, widths=widths, z=widths[0])
    params, _ = _arrays(config, data)

    def block(x: Tensor, name: str) -> Tensor:
        weight = params[f"{name}.module.weight"]
        x = F.conv2d(x, weight * math.sqrt(2 / weight[0].numel()), params[f"{name}.module.bias"], padding=1)
        x = F.leaky_relu(x, 0.2)
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()

    def by_hand(config: Any, params_: Any, buffers: Any, z: Tensor) -> Tensor:
        z = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
        weight = params["formatLayer.module.weight"]
        x = F.linear(z, weight * math.sqrt(2 / weight.shape[1]), params["formatLayer.module.bias"])
        x = F.leaky_relu(x, 0.2).view(len(z), -1, 4, 4)
        x = block(x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt(), "groupScale0.0")
        for i in range(stage):
            x = block(block(F.interpolate(x, scale_factor=2), f"scaleLayers.{i}.0"), f"scaleLayers.{i}.1")
        weight = params[f"toRGBLayers.{stage}.module.weight"]
        return F.conv2d(x, weight * math.sqrt(2 / weight.shape[1]), params[f"toRGBLayers.{stage}.module.bias"])

    return Contest((config, params, {}, data.normal(n, widths[0])), {"F.conv2d, layer by layer": by_hand})


class PlainTextGenerator(PlainDCGAN):
    def __init__(self, config: TextGenerator):
        super().__init__(config.z + config.projected, config.size, config.width)
        self.projection = nn.Sequential(nn.Linear(config.text, config.projected), nn.LeakyReLU(0.2))

    def forward(self, z: Tensor, text: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().forward(torch.cat([z, self.projection(text)], 1))


def text_to_image(data: Data) -> Contest:
    size, width, n = data.of((8, 4, 1), (32, 32, 4), (64, 64, 16))
    config = TextGenerator(size=size, width=width)
    return _module(config, PlainTextGenerator(config), data.normal(n, 100), "nn.Module", data.normal(n, config.text))


def matching_aware_loss(data: Data) -> Contest:
    s = data.normal(*data.of((4,), (1024,), (2**20,)))

    def by_hand(real: Tensor, mismatched: Tensor, fake: Tensor) -> Tensor:
        no = [F.binary_cross_entropy_with_logits(s, torch.zeros_like(s)) for s in (mismatched, fake)]
        return F.binary_cross_entropy_with_logits(real, torch.ones_like(real)) + (no[0] + no[1]) / 2

    return Contest((s, s + 1, -s), {"F.binary_cross_entropy_with_logits three times": by_hand})


def jigsaw(data: Data) -> Contest:
    n, c, h = data.of((1, 1, 6), (8, 3, 66), (32, 3, 255))
    order = torch.stack([torch.randperm(9, generator=torch.Generator().manual_seed(i)) for i in range(n)])

    def by_hand(x: Tensor, order: Tensor) -> Tensor:
        parts = F.unfold(x, h // 3, stride=h // 3)  # [n c*part*part 9]
        laid = parts.gather(2, order[:, None].expand(-1, parts.shape[1], -1))
        return F.fold(laid, (h, h), h // 3, stride=h // 3)

    return Contest((data.normal(n, c, h, h), order.to(data.device)), {"F.unfold, gather, F.fold": by_hand})


class PlainPuzzleGAN(PlainDCGAN):
    def __init__(self, config: PuzzleGAN):
        super().__init__(config.bottleneck, config.size, config.width)
        c = config.width
        layers = [nn.Conv2d(3, c, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        while c < config.width * config.size // 8:
            layers += [nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * c), nn.LeakyReLU(0.2, True)]
            c *= 2
        middle = (
            nn.Conv2d(c, config.bottleneck, 4, bias=False),
            nn.BatchNorm2d(config.bottleneck),
            nn.LeakyReLU(0.2, True),
        )
        self.main = nn.Sequential(*layers, *middle, *self.main)

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z)


def puzzle_gan(data: Data) -> Contest:
    size, width, bottleneck, n = data.of((8, 4, 8, 1), (32, 32, 256, 4), (64, 64, 1000, 16))
    config = PuzzleGAN(size, width=width, bottleneck=bottleneck)
    return _module(config, PlainPuzzleGAN(config), data.normal(n, 3, size, size), "nn.Module")


def restoration_loss(data: Data) -> Contest:
    x = data.normal(*data.of((1, 1, 8, 8), (4, 3, 64, 64), (8, 3, 256, 256)))

    def by_hand(restored: Tensor, x: Tensor, logit: Tensor) -> Tensor:
        fooled = F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        return 0.999 * F.mse_loss(restored, x) + 0.001 * fooled

    return Contest((x, -x, x[:, 0, 0, 0].clone()), {"F.mse_loss + F.binary_cross_entropy_with_logits": by_hand})
