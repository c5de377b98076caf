"""Non-maximum suppression without a loop over boxes.

Boxes are taken in blocks, in the order of their scores. Inside a block "kept" is the one solution of: a box is kept
unless a kept one before it overlaps it. Put in for all boxes at once, again and again, it is reached after as many
rounds as the longest chain of suppressions has links, a handful in practice. Then all later boxes that overlap a kept
one of the block go at once, so that the next blocks are full of boxes that are still in question. Memory is one tile.
"""

import torch
from torch import Tensor

BLOCK, TILE = 256, 2048
"""Boxes of a block, and later boxes that are compared with it at a time: three such arrays stay in the cache."""


@torch.library.custom_op("gongsik::suppress", mutates_args=())
def suppress(boxes: Tensor, scores: Tensor, labels: Tensor | None, threshold: float, inclusive: bool) -> Tensor:
    """Which of the boxes [n 4] are kept. An operator of its own: how often it loops depends on values."""
    sorted_scores, order = scores.sort(descending=True, stable=True)
    order = order[~(sorted_scores.isnan() | boxes[order].isnan().any(-1))]
    x1, y1, x2, y2 = boxes[order].to(torch.promote_types(boxes.dtype, torch.float32)).T.contiguous()
    # shared > t (a + b - shared) without a division: (1 + t) shared > t a + t b. An area of 0 is no overlap, not 0/0.
    area = ((x2 - x1) * (y2 - y1)).clamp_(min=torch.finfo(x1.dtype).tiny).mul_(threshold)
    columns = torch.stack([x1, y1, x2, y2, area])
    group = None if labels is None else labels[order]
    buffers = columns.new_empty(3, BLOCK * TILE)

    def too_near(block, block_group, others, other_group):
        """By how much each pair [k m] overlaps too much: above 0, with `inclusive` at least 0."""
        k, m = block.shape[1], others.shape[1]
        shared, height, edge = (buffer[: k * m].view(k, m) for buffer in buffers)
        (ax1, ay1, ax2, ay2, a), (bx1, by1, bx2, by2, b) = block[:, :, None], others[:, None]
        torch.minimum(ax2, bx2, out=shared).sub_(torch.maximum(ax1, bx1, out=edge)).clamp_(min=0)
        torch.minimum(ay2, by2, out=height).sub_(torch.maximum(ay1, by1, out=edge)).clamp_(min=0)
        shared.mul_(height).mul_(1 + threshold).sub_(torch.add(a, b, out=edge))
        if block_group is not None:
            shared.masked_fill_(block_group[:, None] != other_group, -1)
        return shared

    def above(excess):
        return excess >= 0 if inclusive else excess > 0

    kept = []
    while order.numel():
        block, rest = columns[:, :BLOCK], columns[:, BLOCK:]
        own, other = (None, None) if group is None else (group[:BLOCK], group[BLOCK:])
        links = above(too_near(block, own, block, own)).triu_(1).to(block.dtype)  # [i j]: i comes first
        alive, before = torch.ones_like(block[0]), None
        while before is None or not torch.equal(alive, before):
            alive, before = (alive @ links == 0).to(block.dtype), alive
        stays = alive > 0
        kept.append(order[:BLOCK][stays])
        order = order[BLOCK:]
        if order.numel() == 0:
            break
        block, own = block[:, stays], None if own is None else own[stays]
        tiles = zip(rest.split(TILE, 1), [None] * len(order) if other is None else other.split(TILE), strict=False)
        left = torch.cat([~above(too_near(block, own, *tile).amax(0)) for tile in tiles]).nonzero()[:, 0]
        columns, order = rest.index_select(1, left), order[left]
        group = None if other is None else other[left]
    result = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    return result.index_fill_(0, torch.cat(kept), True) if kept else result


@suppress.register_fake
def _(boxes, scores, labels, threshold, inclusive):
    return torch.empty_like(scores, dtype=torch.bool)


@suppress.register_vmap
def _(info, in_dims, boxes, scores, labels, threshold, inclusive):
    """All examples at once: the boxes of each are a class of their own."""
    n = info.batch_size
    boxes, scores = (
        x.expand(n, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in zip((boxes, scores), in_dims, strict=False)
    )
    example = torch.arange(n, device=scores.device)[:, None]
    if labels is not None:
        labels = labels.expand(n, -1) if in_dims[2] is None else labels.movedim(in_dims[2], 0)
        labels = labels.unique(return_inverse=True)[1] * n
    labels = (example if labels is None else labels + example).expand(scores.shape)
    kept = suppress(boxes.reshape(-1, 4), scores.reshape(-1), labels.reshape(-1), threshold, inclusive)
    return kept.view(scores.shape), 0
