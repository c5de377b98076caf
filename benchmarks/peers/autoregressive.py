"""What a user would write instead of the autoregressive models: loops over pixels, rows and diagonals by hand."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.autoregressive import NADE, DiagonalBiLSTM, RealNADE, RowLSTM


def raster_order(data: Data) -> Contest:
    n = data.of(8, 256, 2048)
    row, column = torch.meshgrid(*2 * [torch.arange(n, device=data.device)], indexing="ij")
    return Contest((row.contiguous(), column.contiguous()), {"row * width + column": lambda i, j: i * n + j},
                   {"width": n}, note="rows and columns are checked, in one pass each")  # fmt: skip


def _params(data: Data, config: Any) -> dict[str, Tensor]:
    return {name: data.normal(*shape) / 16 for name, shape in config.parameters().items()}


def _nade(data: Data) -> tuple[NADE, dict[str, Tensor], int]:
    config = NADE(*data.of((16, 8), (784, 500), (784, 500)))
    return config, _params(data, config), data.of(4, 100, 1000)


def nade(data: Data) -> Contest:
    config, params, n = _nade(data)
    d, h = config.features, config.hidden

    def running_sum(config: NADE, p: Any, x: Tensor) -> Tensor:
        a, log_p = p["c"].expand(len(x), -1), torch.zeros_like(x[:, 0])
        for i in range(config.features):
            z = torch.sigmoid(a) @ p["alpha"][i] + p["b"][i]
            log_p = log_p - F.binary_cross_entropy_with_logits(z, x[:, i], reduction="none")
            a = a + x[:, i, None] * p["w"][:, i]
        return log_p

    def cumulative_sums(config: NADE, p: Any, x: Tensor) -> Tensor:
        """Of 28 pixels at a time: of all at once, they would take gigabytes."""
        a, logits = p["c"].expand(len(x), -1), []
        for start in range(0, config.features, 28):
            part = slice(start, start + 28)
            sums = a[:, None] + torch.cumsum(x[:, part, None] * p["w"].mT[part], 1)
            hidden = torch.sigmoid(torch.cat([a[:, None], sums[:, :-1]], 1))
            logits.append(torch.einsum("ndh,dh->nd", hidden, p["alpha"][part]))
            a = sums[:, -1]
        z = torch.cat(logits, 1) + p["b"]
        return -F.binary_cross_entropy_with_logits(z, x, reduction="none").sum(1)

    x = (data.uniform(n, d) < 0.3).float()
    peers = {"a running sum by hand": running_sum, "chunked cumulative sums": cumulative_sums}
    return Contest((config, params, x), peers, operations=4 * n * d * h, note="pixels are checked, in one pass")


def nade_sample(data: Data) -> Contest:
    config, params, n = _nade(data)

    def by_hand(config: NADE, p: Any, u: Tensor) -> Tensor:
        a, pixels = p["c"].expand(len(u), -1), []
        for i in range(config.features):
            x = (u[:, i] < torch.sigmoid(torch.sigmoid(a) @ p["alpha"][i] + p["b"][i])).float()
            pixels.append(x)
            a = a + x[:, None] * p["w"][:, i]
        return torch.stack(pixels, 1)

    return Contest((config, params, data.uniform(n, config.features)), {"by hand": by_hand},
                   operations=4 * n * config.features * config.hidden)  # fmt: skip


def real_nade(data: Data) -> Contest:
    config, n = data.of(RealNADE(8, 8, 2), RealNADE(64, 256, 10), RealNADE(784, 500, 10)), data.of(4, 100, 100)

    def by_hand(config: RealNADE, p: Any, x: Tensor) -> Tensor:
        a, log_p = p["c"].expand(len(x), -1), torch.zeros_like(x[:, 0])
        for i in range(config.features):
            hidden = torch.relu(p["rho"][i] * a)
            pi, mu, log_sigma = (
                F.linear(hidden, p[f"{part}.weight"][i], p[f"{part}.bias"][i]) for part in ("pi", "mu", "sigma")
            )
            components = torch.distributions.Normal(mu, log_sigma.exp(), validate_args=False)
            log_normal = components.log_prob(x[:, i, None])
            log_p = log_p + torch.logsumexp(torch.log_softmax(pi, -1) + log_normal, -1)
            a = a + x[:, i, None] * p["w"][:, i]
        return log_p

    d, h, k = config.features, config.hidden, config.components
    return Contest((config, _params(data, config), data.normal(n, d)), {"by hand": by_hand},
                   operations=2 * n * d * h * (1 + 3 * k))  # fmt: skip


def pixel_rnn_factorization(data: Data) -> Contest:
    n, k, side = data.of((2, 4, 4), (16, 256, 32), (64, 256, 32))

    def by_hand(logits: Tensor, x: Tensor) -> Tensor:
        return torch.log_softmax(logits, 2).gather(2, x[:, :, None]).sum((1, 2, 3, 4))

    return Contest((data.normal(n, 3, k, side, side), data.integers(k, n, 3, side, side)),
                   {"log_softmax, gather": by_hand}, note="levels are checked, in one pass")  # fmt: skip


def context_mask(data: Data) -> Contest:
    o, k = data.of((8, 3), (128, 7), (1024, 3))
    weight = data.normal(o, o, k, k)
    mask = torch.ones_like(weight)
    mask[:, :, k // 2, k // 2 :] = 0
    mask[:, :, k // 2 + 1 :] = 0
    return Contest((weight,), {"weight * mask, kept": lambda w: w * mask}, {"kind": "A"},
                   note="the mask was made before; a product with it leaves NaN where it should clear")  # fmt: skip


def _image(data: Data, config: Any) -> tuple[Any, dict[str, Tensor], Tensor]:
    n, side = data.of((2, 4), (16, 28), (64, 32))
    return config, _params(data, config), data.normal(n, config.in_channels, side, side)


def _gates(sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, candidate, o = sums.chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
    return torch.sigmoid(o) * torch.tanh(c), c


def row_lstm(data: Data) -> Contest:
    k = data.of(4, 32, 64)
    config, params, x = _image(data, RowLSTM(k, k))
    mask = torch.tensor([1.0, 1.0, 0.0], device=data.device)

    def by_hand(config: RowLSTM, p: Any, x: Tensor) -> Tensor:
        c = x.new_zeros(len(x), k, x.shape[-1])
        h, rows = torch.zeros_like(c), []
        for row in x.unbind(2):
            seen = F.conv1d(row, p["input_to_state.weight"][:, :, 0] * mask, p["input_to_state.bias"], padding=1)
            h, c = _gates(seen + F.conv1d(h, p["state_to_state.weight"][:, :, 0], padding=1), c)
            rows.append(h)
        return torch.stack(rows, 2)

    pixels = x.shape[0] * x.shape[2] * x.shape[3]
    return Contest((config, params, x), {"row by row, by hand": by_hand}, operations=2 * pixels * 4 * k * k * (2 + 3))


def diagonal_bilstm(data: Data) -> Contest:
    k = data.of(4, 32, 64)
    config, params, x = _image(data, DiagonalBiLSTM(k, k))

    def crossed(p: Any, side: str, x: Tensor) -> Tensor:
        n, _, height, w = x.shape
        y = x.new_zeros(n, 4 * k, height, w + height - 1)
        seen = F.conv2d(x, p[f"{side}.input_to_state.weight"], p[f"{side}.input_to_state.bias"])
        for r in range(height):
            y[:, :, r, r : r + w] = seen[:, :, r]
        c = x.new_zeros(n, k, height)
        h, columns = torch.zeros_like(c), []
        for column in y.unbind(-1):
            state = F.conv1d(F.pad(h, (1, 0)), p[f"{side}.state_to_state.weight"][..., 0])
            h, c = _gates(column + state, c)
            columns.append(h)
        z = torch.stack(columns, -1)
        return torch.stack([z[:, :, r, r : r + w] for r in range(height)], 2)

    def by_hand(config: DiagonalBiLSTM, p: Any, x: Tensor) -> Tensor:
        right = crossed(p, "from_right", x.flip(-1)).flip(-1)
        return crossed(p, "from_left", x) + nn.functional.pad(right, (0, 0, 1, 0))[:, :, :-1]

    pixels = x.shape[0] * x.shape[2] * x.shape[3]
    return Contest((config, params, x), {"both sides by hand": by_hand}, operations=2 * 2 * pixels * 4 * k * k * 3)


def skew(data: Data) -> Contest:
    n, c, side = data.of((2, 2, 4), (16, 128, 28), (64, 256, 32))

    def by_hand(x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        y = x.new_zeros(*x.shape[:-1], w + h - 1)
        for r in range(h):
            y[..., r, r : r + w] = x[..., r, :]
        return y

    return Contest((data.normal(n, c, side, side),), {"row by row": by_hand})


def unskew(data: Data) -> Contest:
    n, c, side = data.of((2, 2, 4), (16, 128, 28), (64, 256, 32))

    def by_hand(y: Tensor) -> Tensor:
        h, s = y.shape[-2:]
        return torch.stack([y[..., r, r : r + s - h + 1] for r in range(h)], -2)

    return Contest((data.normal(n, c, side, 2 * side - 1),), {"row by row": by_hand})
