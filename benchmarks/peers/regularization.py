"""What a user would call instead of the regularizers: torch's own, or the lines that everybody writes."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from gongsik.benchmarks.peers import Contest, Data
from gongsik.benchmarks.peers.optimizer import _optimizer

DRAWS = "the draws are checked, in one pass"
ROWS = "the targets are checked, in two passes over them"
PLACES = "the places are checked"


def _images(data: Data) -> Tensor:
    return data.uniform(*data.of((4, 3, 8, 8), (64, 3, 32, 32), (32, 3, 224, 224)))


def _places(data: Data, high: int, n: int) -> Tensor:
    return data.integers(high, n)


def _units(data: Data) -> tuple[Tensor, Tensor]:
    n = data.of(2**6, 2**18, 2**22)
    return data.normal(n), data.uniform(n)


def regularized_objective(data: Data) -> Contest:
    loss, penalty = data.normal(2, data.of(1, 1, 1))[:, 0]
    return Contest((loss, penalty), {"loss + 0.01 * penalty": lambda loss, penalty: loss + 0.01 * penalty})


def l2_penalty(data: Data) -> Contest:
    def by_norms(params: object) -> Tensor:
        return torch.stack(torch._foreach_norm(tree_leaves(params))).square().sum() / 2  # pyright: ignore

    def by_hand(params: object) -> Tensor:
        return torch.stack([w.square().sum() for w in tree_leaves(params)]).sum() / 2

    peers = {"sum(w.square().sum()) / 2": by_hand, "torch._foreach_norm": by_norms}
    return Contest(tuple(data.trees(1)), peers)


def l1_penalty(data: Data) -> Contest:
    def by_hand(params: object) -> Tensor:
        return torch.stack([w.abs().sum() for w in tree_leaves(params)]).sum()

    def by_norms(params: object) -> Tensor:
        return torch.stack(torch._foreach_norm(tree_leaves(params), 1)).sum()  # pyright: ignore

    return Contest(tuple(data.trees(1)), {"sum(w.abs().sum())": by_hand, "torch._foreach_norm": by_norms})


def weight_decay(data: Data) -> Contest:
    return _optimizer(data, "regularization.weight_decay", torch.optim.SGD, "fused", weight_decay=1e-2)


def early_stopping(data: Data) -> Contest:
    return Contest((data.normal(data.of(1, 1, 1))[0],))


def horizontal_flip(data: Data) -> Contest:
    return Contest((_images(data),), {"torch.flip": lambda x: torch.flip(x, (-1,))})


def vertical_flip(data: Data) -> Contest:
    return Contest((_images(data),), {"torch.flip": lambda x: torch.flip(x, (-2,))})


def rotate(data: Data) -> Contest:
    return Contest((_images(data),), {"torch.rot90": lambda x: torch.rot90(x, 1, (-2, -1))})


def translate(data: Data) -> Contest:
    def by_hand(x: Tensor) -> Tensor:
        moved = torch.zeros_like(x)
        moved[..., 2:, 3:] = x[..., :-2, :-3]
        return moved

    return Contest((_images(data),), {"moved[..., 2:, 3:] = x[..., :-2, :-3]": by_hand}, {"shift": (2, 3)})


def random_crop(data: Data) -> Contest:
    x = _images(data)
    n, size = len(x), x.shape[-1] * 7 // 8
    places = [_places(data, x.shape[-1] - size + 1, n) for _ in range(2)]

    def by_hand(x: Tensor, top: Tensor, left: Tensor) -> Tensor:
        corners = zip(x, top.tolist(), left.tolist(), strict=True)
        return torch.stack([image[:, i : i + size, j : j + size] for image, i, j in corners])

    def by_index(x: Tensor, top: Tensor, left: Tensor) -> Tensor:
        windows = x.unfold(2, size, 1).unfold(3, size, 1)
        return windows[torch.arange(n, device=x.device), :, top, left]

    return Contest(
        (x, *places), {"torch.stack of slices": by_hand, "x.unfold(...)[...]": by_index}, {"size": size}, note=PLACES
    )


def to_grayscale(data: Data) -> Contest:
    def by_hand(x: Tensor) -> Tensor:
        red, green, blue = x.unbind(-3)
        return (0.299 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114).unsqueeze(-3)

    return Contest((_images(data),), {"as torchvision does": by_hand})


def color_jitter(data: Data) -> Contest:
    def by_hand(x: Tensor, uniform: Tensor) -> Tensor:
        c, b = (1 + 0.4 * (uniform - 0.5)).unbind(-1)
        c, b = c[:, None, None, None], b[:, None, None, None] - 1
        return (c * x + (1 - c) * x.mean((1, 2, 3), keepdim=True) + b).clamp(0, 1)

    x = _images(data)
    return Contest((x, data.uniform(len(x), 2)), {"(c * x + (1 - c) * mean + b).clamp(0, 1)": by_hand})


def input_noise(data: Data) -> Contest:
    x, normal = data.normal(2, data.of(2**6, 2**18, 2**22))
    return Contest((x, normal), {"x + 0.1 * normal": lambda x, normal: x + 0.1 * normal})


def weight_noise(data: Data) -> Contest:
    by_hand = partial(tree_map, lambda w, e: w + 0.1 * e)
    return Contest(tuple(data.trees(2)), {"w + 0.1 * e": by_hand})


def _targets(data: Data, n: int) -> Tensor:
    return F.one_hot(data.integers(10, n), 10).float()


def label_smoothing(data: Data) -> Contest:
    target = _targets(data, data.of(8, 1024, 2**18))
    return Contest((target,), {"0.9 * target + 0.1 / 10": lambda target: 0.9 * target + 0.01}, note=ROWS)


def mixup(data: Data) -> Contest:
    def by_hand(x: Tensor, target: Tensor, lam: Tensor, permutation: Tensor) -> tuple[Tensor, Tensor]:
        share = lam[:, None, None, None]
        return (
            share * x + (1 - share) * x[permutation],
            lam[:, None] * target + (1 - lam[:, None]) * target[permutation],
        )

    x = _images(data)
    n = len(x)
    arguments = (x, _targets(data, n), data.uniform(n), torch.arange(n, device=data.device).roll(1))
    return Contest(arguments, {"lam * x + (1 - lam) * x[permutation]": by_hand}, note=ROWS)


def _box(row: Tensor, column: Tensor, x: Tensor, size: int) -> Tensor:
    h, w = (torch.arange(n, device=x.device) for n in x.shape[-2:])
    i, j = (place - (middle - size // 2)[:, None] for place, middle in ((h, row), (w, column)))
    return (((i >= 0) & (i < size))[:, :, None] & ((j >= 0) & (j < size))[:, None, :])[:, None]


def cutout(data: Data) -> Contest:
    x = _images(data)
    size = x.shape[-1] // 2

    def by_mask(x: Tensor, row: Tensor, column: Tensor) -> Tensor:
        return x.masked_fill(_box(row, column, x, size), 0)

    places = [_places(data, x.shape[-1], len(x)) for _ in range(2)]
    return Contest((x, *places), {"x.masked_fill(box, 0)": by_mask}, {"size": size}, note=PLACES)


def cutmix(data: Data) -> Contest:
    x = _images(data)
    n, size = len(x), x.shape[-1] // 2

    def by_mask(x: Tensor, target: Tensor, row: Tensor, column: Tensor, permutation: Tensor) -> tuple[Tensor, Tensor]:
        box = _box(row, column, x, size)
        share = box.float().mean((1, 2, 3))[:, None]
        return torch.where(box, x[permutation], x), (1 - share) * target + share * target[permutation]

    places = [_places(data, x.shape[-1], n) for _ in range(2)]
    partner = torch.arange(n, device=data.device).roll(1)
    return Contest(
        (x, _targets(data, n), *places, partner), {"torch.where(box, ...)": by_mask}, {"size": size}, note=ROWS
    )


def dropout(data: Data) -> Contest:
    peers = {"h * (uniform >= 0.5)": lambda h, uniform: h * (uniform >= 0.5)}
    return Contest(_units(data), peers, note=DRAWS)


def inverted_dropout(data: Data) -> Contest:
    peers = {"h * (uniform >= 0.5) / 0.5": lambda h, uniform: h * (uniform >= 0.5) / 0.5}
    h, uniform = _units(data)
    drawn = {"F.dropout, which draws": (partial(F.dropout, h, 0.5), 12 * h.numel())}
    return Contest((h, uniform), peers, note=DRAWS, yardsticks=drawn if data.size != "small" else {})


def dropout_inference(data: Data) -> Contest:
    return Contest((_units(data)[0],), {"0.5 * h": lambda h: 0.5 * h})


def dropout_output_layer(data: Data) -> Contest:
    n, i, o = data.of((8, 16, 8), (256, 512, 256), (4096, 1024, 1024))

    def by_hand(h: Tensor, weight: Tensor, bias: Tensor, dropped: Tensor) -> Tensor:
        return h.masked_fill(dropped, 0) @ weight + bias

    h, dropped = data.normal(n, i), data.uniform(n, i) < 0.2
    peers = {"h.masked_fill(dropped, 0) @ weight + bias": by_hand}
    return Contest((h, data.normal(i, o), data.normal(o), dropped), peers, operations=2 * n * i * o)
