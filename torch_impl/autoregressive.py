"""Autoregressive generative models in PyTorch: running sums, a few pixels at a time; LSTMs that do a row or a diagonal
of all images per step.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from gongsik.spec import autoregressive as spec
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import ADAPTER, implements, may_need_gradient

__all__ = [
    "context_mask", "diagonal_bilstm", "nade", "nade_sample", "pixel_rnn_factorization", "raster_order", "real_nade",
    "row_lstm", "skew", "unskew",
]  # fmt: skip


@implements(spec.raster_order)
def raster_order(row, column, /, *, width):
    return torch.add(column, row.long(), alpha=width)


# NADE


def _blocks(a: Tensor, xt: Tensor, wt: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """What the hidden layers of all pixels read, [m, n, h] for a block of m pixels at a time, and which they are.

    Small blocks keep the sums in the cache of a CPU, large ones keep a GPU busy. Within a block, a pixel's sum is the
    one before the block and a product with the pixels of the block before it.
    """
    n, h = a.shape
    size = max(1, (2**22 if a.is_cuda else 2**14) // max(n * h, 1))
    for start in range(0, len(xt), size):
        part = slice(start, start + size)
        x, w = xt[part], wt[part]  # [m, n], [m, h]
        m = len(x)
        yield part, a[None] if m == 1 else torch.baddbmm(a.expand(m, n, h), _earlier(x), w.expand(m, m, h))
        a = torch.addmm(a, x.mT, w)


def _earlier(x: Tensor) -> Tensor:
    """For each of m pixels [m, n] those before it, and zeros: [m, n, m]."""
    m, n = x.shape
    return x.mT[:, None].expand(n, m, m).tril(-1).transpose(0, 1)


def _logits(w, c, alpha, b, x):
    """Of the pixels' chances: [d, n]."""
    first = c.expand(len(x), -1)
    parts = [torch.bmm(torch.sigmoid(sums), alpha[part, :, None])[..., 0] for part, sums in _blocks(first, x.mT, w.mT)]
    return torch.cat(parts) + b[:, None]


def _log_likelihood(w, c, alpha, b, x):
    z = _logits(w, c, alpha, b, x)
    return F.softplus((1 - 2 * x.mT) * z, threshold=40).sum(0).neg()


class _Likelihood(torch.autograd.Function):
    """`_log_likelihood`, which keeps no hidden layer for the way back but makes each again.

    Going backwards, what arrives at the running sum adds up from the last pixel to the first. The sums themselves are
    found again in segments of root d pixels: memory for 2 root d hidden layers, not d.
    """

    @staticmethod
    def forward(ctx, w: Tensor, c: Tensor, alpha: Tensor, b: Tensor, x: Tensor) -> Tensor:
        wt, xt = w.mT.contiguous(), x.mT.contiguous()
        z = _logits(wt.mT, c, alpha, b, xt.mT)
        ctx.save_for_backward(w, c, alpha, b, x, z)
        return F.softplus((1 - 2 * xt) * z, threshold=40).sum(0).neg_()

    @staticmethod
    def backward(ctx, *grad_outputs: Tensor):
        w, c, alpha, b, x, z = ctx.saved_tensors
        (upstream,) = grad_outputs
        if torch.is_grad_enabled():  # a second derivative will be asked for: this one has to be recorded
            params = w, c, alpha, b
            asked = [p for p, needed in zip(params, ctx.needs_input_grad, strict=False) if needed]
            found = iter(torch.autograd.grad(_log_likelihood(*params, x), asked, upstream, create_graph=True))
            return *(next(found) if needed else None for needed in ctx.needs_input_grad[:4]), None
        d, n = z.shape
        wt, xt = w.mT.contiguous(), x.mT.contiguous()
        dz = (xt - torch.sigmoid(z)) * upstream  # [d, n]
        size = math.isqrt(d - 1) + 1
        starts = [c.expand(n, -1)]
        for start in range(0, d - size, size):
            starts.append(torch.addmm(starts[-1], xt[start : start + size].mT, wt[start : start + size]))
        later = torch.zeros_like(starts[0], memory_format=torch.contiguous_format)  # [n, h]
        d_alpha, dw = torch.empty_like(wt), torch.empty_like(wt)
        for j in reversed(range(len(starts))):
            segment = slice(j * size, (j + 1) * size)
            xs, dzs, alphas, ws, d_alphas, dws = (y[segment] for y in (xt, dz, alpha, wt, d_alpha, dw))
            for part, sums in reversed(list(_blocks(starts.pop(), xs, ws))):
                h = torch.sigmoid(sums)  # [m, n, h]
                torch.bmm(dzs[part, None], h, out=d_alphas[part, None])
                ds = torch.ops.aten.sigmoid_backward(dzs[part, :, None] * alphas[part, None], h)
                torch.mm(xs[part], later, out=dws[part])
                if len(h) > 1:
                    dws[part].addmm_(_earlier(xs[part]).flatten(0, 1).mT, ds.flatten(0, 1))
                    later += ds.sum(0)
                else:
                    later += ds[0]
        return dw.mT, later.sum(0), d_alpha, dz.sum(1), None


def _without_autocast(x: Tensor) -> torch.autocast:
    """In few digits a running sum would soon no longer feel what is added."""
    return torch.autocast(x.device.type, enabled=False)


@implements(spec.nade)
def nade(config, params, x, /):
    check_parameters("nade", config, params)
    spec.check_binary("nade", ADAPTER, x)
    w, c, alpha, b = (params[name] for name in ("w", "c", "alpha", "b"))
    x = x.to(w.dtype)
    traced = torch.compiler.is_compiling() or any(map(is_functorch_wrapped_tensor, (w, c, alpha, b, x)))
    by_hand = not traced and any(map(may_need_gradient, (w, c, alpha, b))) and not x.requires_grad
    likelihood = _Likelihood.apply if by_hand else _log_likelihood
    with _without_autocast(x):
        return likelihood(w, c, alpha, b, x)


@implements(spec.nade_sample)
@torch.no_grad()
def nade_sample(config, params, uniform, /):
    check_parameters("nade_sample", config, params)
    w, c, alpha, b = (params[name] for name in ("w", "c", "alpha", "b"))
    a, wt, draws = c.repeat(len(uniform), 1), w.mT.contiguous(), uniform.mT.contiguous()
    x = torch.empty_like(draws)
    with _without_autocast(uniform):
        for i in range(config.features):  # each decision changes the next chance, and nothing is waited for
            chance = torch.sigmoid(torch.sigmoid(a) @ alpha[i] + b[i])
            x[i] = draws[i] < chance
            a.addr_(x[i].to(a.dtype), wt[i])
    return x.mT.contiguous()


@implements(spec.real_nade)
def real_nade(config, params, x, /):
    check_parameters("real_nade", config, params)
    activation = {"relu": torch.relu, "sigmoid": torch.sigmoid}[config.activation]
    x, rho = x.to(params["w"].dtype), params["rho"][:, None, None]
    # of all three at once: [d, 3k, h] and [d, 1, 3k]
    weight = torch.cat([params[f"{part}.weight"] for part in ("pi", "mu", "sigma")], 1)
    bias = torch.cat([params[f"{part}.bias"] for part in ("pi", "mu", "sigma")], 1)[:, None]
    with _without_autocast(x):
        made = [
            torch.baddbmm(bias[part], activation(rho[part] * sums), weight[part].mT)
            for part, sums in _blocks(params["c"].expand(len(x), -1), x.mT, params["w"].mT)
        ]
        pi, mu, log_sigma = torch.cat(made).chunk(3, -1)  # [d, n, k]
        z = (x.mT[..., None] - mu) * torch.exp(-log_sigma)
        log_normal = -(z * z) / 2 - log_sigma - math.log(2 * math.pi) / 2
        return (torch.logsumexp(pi + log_normal, -1) - torch.logsumexp(pi, -1)).sum(0)


# PixelRNN


@implements(spec.pixel_rnn_factorization)
def pixel_rnn_factorization(logits, x, /):
    # Images and colours are samples of the kernel: the levels are then its second axis, and no array is moved.
    losses = F.cross_entropy(logits.flatten(0, 1), x.flatten(0, 1).long(), ignore_index=-(2**62), reduction="none")
    return -losses.view(len(x), -1).sum(-1)


@implements(spec.context_mask)
def context_mask(weight, /, *, kind, channels=1):
    (o, i, *kernel), flat = weight.shape, weight.flatten(2)  # in raster order
    size = flat.shape[-1]
    if channels == 1:  # what comes first stays, and no mask has to be made
        seen = flat[..., : size // 2 + (kind == "B")]
    else:
        groups = flat[..., size // 2].reshape(channels, o // channels, channels, i // channels)
        centre = groups.permute(1, 3, 0, 2).tril(-1 if kind == "A" else 0).permute(2, 0, 3, 1)
        seen = torch.cat([flat[..., : size // 2], centre.reshape(o, i, 1)], -1)
    return F.pad(seen, (0, size - seen.shape[-1])).unflatten(-1, kernel)


def _masked(weight: Tensor, channels: int) -> Tensor:
    """The mask of type B for every gate, of which each has its features in the order of the groups."""
    return torch.cat([context_mask(gate, kind="B", channels=channels) for gate in weight.chunk(4)])


def _step(s: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step from the sums of the gates i, f, the candidate, and o, which lie along the third axis from the end."""
    i, f, candidate, o = s.unbind(-3)
    c = torch.addcmul(torch.sigmoid(f) * c, torch.sigmoid(i), torch.tanh(candidate))
    return torch.sigmoid(o) * torch.tanh(c), c


@implements(spec.row_lstm)
def row_lstm(config, params, x, /):
    check_parameters("row_lstm", config, params)
    weight, margin = _masked(params["input_to_state.weight"], config.channels), config.kernel_size // 2
    seen = F.conv2d(x, weight, params["input_to_state.bias"], padding=(0, margin))  # of all rows at once
    k_ss, rows = params["state_to_state.weight"][:, :, 0], seen.unflatten(1, (4, -1)).unbind(-2)  # [n, 4, k, w]
    h, c = _step(rows[0], torch.zeros_like(rows[0][:, 0]))
    states = [h]
    for row in rows[1:]:
        h, c = _step(row + F.conv1d(h, k_ss, padding=margin).unflatten(1, (4, -1)), c)
        states.append(h)
    return torch.stack(states, 2)


@implements(spec.skew)
def skew(x, /):
    h, w = x.shape[-2:]
    # Rows that are h longer, cut again into rows that are h - 1 longer: each begins one further to the right.
    return F.pad(x, (0, h)).flatten(-2)[..., : h * (w + h - 1)].unflatten(-1, (h, w + h - 1))


@implements(spec.unskew)
def unskew(y, /):
    h, s = y.shape[-2:]
    return y.flatten(-2).unfold(-1, s - h + 1, s + 1)  # a view: each row begins one further to the right


@implements(spec.diagonal_bilstm)
def diagonal_bilstm(config, params, x, /):
    check_parameters("diagonal_bilstm", config, params)
    k_is, b, k_ss = (
        [params[f"{side}.{name}"] for side in ("from_left", "from_right")]
        for name in ("input_to_state.weight", "input_to_state.bias", "state_to_state.weight")
    )
    # Both directions in one: groups of the convolutions, of which the second sees the image from the other side.
    weight = torch.cat([_masked(part, config.channels) for part in k_is])
    seen = skew(F.conv2d(torch.cat([x, x.flip(-1)], 1), weight, torch.cat(b), groups=2))  # [n, 8k, h, w + h - 1]
    diagonals = seen.unflatten(1, (2, 4, -1)).unbind(-1)  # [n, 2, 4, k, h]
    kernel = torch.cat(k_ss)[..., 0]  # [8k, k, 2]
    h, c = _step(diagonals[0], torch.zeros_like(diagonals[0][:, :, 0]))
    states = [h]
    for diagonal in diagonals[1:]:
        sums = F.conv1d(F.pad(h, (1, 0)).flatten(1, 2), kernel, groups=2)  # the state of the row above, and its own
        h, c = _step(diagonal + sums.unflatten(1, (2, 4, -1)), c)
        states.append(h)
    from_left, from_right = unskew(torch.stack(states, -1)).unbind(1)  # [n, k, h, w]
    return from_left + F.pad(from_right.flip(-1), (0, 0, 1, 0))[..., :-1, :]
