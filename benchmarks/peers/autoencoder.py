"""What a user would write instead of autoencoders: modules of torch, and losses put together from its functions."""

import math
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.autoencoder import VAE, AdversarialAutoencoder, Autoencoder, LatentModel

PIXELS = "the images are checked, in two passes over them"


def _sizes(data: Data) -> tuple[int, ...]:
    return data.of((16, 8, 2), (784, 400, 20), (784, 400, 20))


def _params(config: LatentModel, data: Data) -> dict[str, Tensor]:
    return {name: data.normal(*shape) / math.sqrt(shape[-1]) for name, shape in config.parameters().items()}


def _images(data: Data) -> Tensor:
    return data.uniform(*data.of((4, 16), (128, 784), (4096, 784)))


def _stack(sizes: tuple[int, ...], params: dict[str, Tensor], name: str, last: type[nn.Module] | None) -> nn.Sequential:
    """The module that one writes for it, with our weights."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    module = nn.Sequential(*layers[:-1], *([last()] if last else []))
    state = {key.removeprefix(f"{name}."): p for key, p in params.items() if key.startswith(f"{name}.")}
    module.load_state_dict(state)
    return module.to(next(iter(params.values())).device)


def autoencoder(data: Data) -> Contest:
    sizes = _sizes(data)
    config = Autoencoder(sizes)
    params = _params(config, data)
    encoder, decoder = _stack(sizes, params, "encoder", None), _stack(sizes[::-1], params, "decoder", nn.Sigmoid)

    def peer(config: Any, params: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            code = encoder(x)
            return code, decoder(code)

    return Contest((config, params, _images(data)), {"nn.Sequential": peer})


def decode(data: Data) -> Contest:
    sizes = _sizes(data)
    config = Autoencoder(sizes)
    params = _params(config, data)
    decoder = _stack(sizes[::-1], params, "decoder", nn.Sigmoid)

    def peer(config: Any, params: Any, z: Tensor) -> Tensor:
        with torch.no_grad():
            return decoder(z)

    return Contest((config, params, data.normal(len(_images(data)), sizes[-1])), {"nn.Sequential": peer})


def denoising_autoencoder(data: Data) -> Contest:
    sizes = _sizes(data)
    config = Autoencoder(sizes)
    params, x = _params(config, data), _images(data)
    encoder, decoder = _stack(sizes, params, "encoder", None), _stack(sizes[::-1], params, "decoder", nn.Sigmoid)

    def peer(config: Any, params: Any, x: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            code = encoder(x + 0.1 * normal)
            return code, decoder(code)

    return Contest((config, params, x, data.normal(*x.shape)), {"nn.Sequential": peer})


def reconstruction_loss(data: Data) -> Contest:
    x = _images(data)
    peers = {
        "F.binary_cross_entropy_with_logits": lambda output, x: (
            F.binary_cross_entropy_with_logits(output, x, reduction="sum") / len(x)
        )
    }
    return Contest((data.normal(*x.shape), x), peers, {"kind": "bce"}, note=PIXELS)


def _by_hand(output: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, x.expand_as(output), reduction="none").sum(-1).mean(0)


def reconstruction_term(data: Data) -> Contest:
    x = _images(data)
    output = data.normal(5, *x.shape)
    peers = {"F.binary_cross_entropy_with_logits(...).sum(-1).mean(0)": lambda output, x: -_by_hand(output, x)}
    return Contest((output, x), peers, note=PIXELS)


def _codes(data: Data, k: int = 20) -> tuple[Tensor, Tensor]:
    n = len(_images(data))
    return data.normal(n, k), data.normal(n, k).roll(1)


def _kl(mu: Tensor, log_var: Tensor) -> Tensor:
    return -0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum(-1)


def gaussian_kl(data: Data) -> Contest:
    k = data.of(2, 512, 1024)

    def distributions(mu: Tensor, log_var: Tensor) -> Tensor:
        q = torch.distributions.Normal(mu, (log_var / 2).exp(), validate_args=False)
        p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu), validate_args=False)
        return torch.distributions.kl_divergence(q, p).sum(-1)

    peers = {"-0.5 * (1 + log_var - mu^2 - e^log_var)": _kl, "kl_divergence": distributions}
    return Contest(_codes(data, k), peers, note="e^log_var - 1 in one function, which near the prior loses no digits")


def elbo(data: Data) -> Contest:
    x = _images(data)
    output = data.normal(5, *x.shape)

    def peer(output: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        return -_by_hand(output, x) - _kl(mu, log_var)

    return Contest(
        (output, x, *_codes(data)), {"F.binary_cross_entropy_with_logits and -0.5 * (...)": peer}, note=PIXELS
    )


def vae_loss(data: Data) -> Contest:
    x = _images(data)

    def peer(output: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        bce = F.binary_cross_entropy_with_logits(output, x, reduction="sum")
        return (bce + _kl(mu, log_var).sum()) / len(x)

    def from_probabilities(output: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        bce = F.binary_cross_entropy(torch.sigmoid(output), x, reduction="sum")
        return (bce + _kl(mu, log_var).sum()) / len(x)

    peers = {"F.binary_cross_entropy_with_logits and KL": peer, "F.binary_cross_entropy and KL": from_probabilities}
    return Contest((data.normal(*x.shape), x, *_codes(data)), peers, note=PIXELS)


def reparameterize(data: Data) -> Contest:
    mu, log_var = _codes(data, data.of(2, 512, 1024))
    peers = {"mu + (log_var / 2).exp() * eps": lambda mu, log_var, eps: mu + (log_var / 2).exp() * eps}
    return Contest((mu, log_var, data.normal(*mu.shape).roll(2)), peers)


def vae(data: Data) -> Contest:
    sizes = _sizes(data)
    config = VAE(sizes)
    params, x = _params(config, data), _images(data)
    encoder, decoder = _stack(sizes[:-1], params, "encoder", nn.ReLU), _stack(sizes[::-1], params, "decoder", None)

    def peer(config: Any, params: Any, x: Tensor, eps: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():
            hidden = encoder(x)
            mu, log_var = (F.linear(hidden, params[f"{n}.weight"], params[f"{n}.bias"]) for n in ("mean", "log_var"))
            code = mu + (0.5 * log_var).exp() * eps
            return mu, log_var, code, decoder(code)

    return Contest((config, params, x, data.normal(len(x), sizes[-1])), {"nn.Sequential": peer})


def adversarial_autoencoder(data: Data) -> Contest:
    sizes = _sizes(data)
    config = AdversarialAutoencoder(sizes, hidden=(32,))
    params, x = _params(config, data), _images(data)
    encoder, decoder = _stack(sizes, params, "encoder", None), _stack(sizes[::-1], params, "decoder", nn.Sigmoid)
    discriminator = _stack((sizes[-1], 32, 1), params, "discriminator", None)

    def peer(config: Any, params: Any, x: Tensor, prior: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():
            code = encoder(x)
            real, fake = discriminator(prior), discriminator(code)
            bce, ones = F.binary_cross_entropy_with_logits, torch.ones_like(fake)
            restored = ((decoder(code) - x) ** 2).sum(1).mean()
            return restored, bce(real, torch.ones_like(real)) + bce(fake, 0 * ones), bce(fake, ones)

    return Contest((config, params, x, data.normal(len(x), sizes[-1])), {"nn.Sequential": peer})


def latent_arithmetic(data: Data) -> Contest:
    codes = data.normal(*data.of((16, 2), (2048, 64), (65536, 256)))
    label = data.integers(2, len(codes)) > 0

    def peer(z: Tensor, codes: Tensor, label: Tensor) -> Tensor:
        return z + (codes[label].mean(0) - codes[~label].mean(0))

    return Contest((codes[:8], codes, label), {"codes[label].mean(0) - codes[~label].mean(0)": peer})


def latent_interpolation(data: Data) -> Contest:
    a = data.normal(*data.of((2, 2), (64, 512), (512, 1024)))

    def peer(a: Tensor, b: Tensor) -> Tensor:
        alpha = torch.linspace(0, 1, 9, device=a.device)[:, None, None]
        return (1 - alpha) * a + alpha * b

    return Contest((a, a.roll(1, 0)), {"(1 - alpha) * a + alpha * b": peer}, {"steps": 9})
