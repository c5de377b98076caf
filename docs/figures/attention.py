"""Figures of the chapter on attention: every map in them is computed by the reference."""

import numpy as np
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import attention as gs
from gongsik.spec.attention import MultiHead, attention_cost

DRAWS = Draws(9)
WORDS = ("나는", "어제", "산", "책을", "오늘", "다시", "읽는다")


def plot_scaling() -> Figure:
    """Scores of random queries and keys by their width, and what the softmax makes of them."""
    figure = Figure(figsize=(6.6, 3.4))
    left, right = figure.subplots(1, 2)
    widths = [2**i for i in range(1, 11)]
    shares = {"그대로": [], "$\\sqrt{d_k}$로 나누어": []}
    for d in widths:
        query, key = DRAWS.normal(f"query{d}", (400, 1, d)), DRAWS.normal(f"key{d}", (400, 16, d))
        score = gs.dot_product_score(query, key)
        if d in (4, 64):
            left.hist(score.ravel(), bins=np.linspace(-30, 30, 61), density=True, histtype="step",
                      label=f"$d_k = {d}$", color=f"C{int(d == 64)}")  # fmt: skip
        for name, scale in zip(shares, (1.0, 1 / np.sqrt(d)), strict=True):
            shares[name].append(gs.attention_weights(score, scale=scale).max(-1).mean())
    left.set(title="내적의 분포", xlabel="점수 $q^\\top k$", ylabel="밀도")
    left.legend()
    for (name, share), style in zip(shares.items(), ("-", "--"), strict=True):
        right.semilogx(widths, share, style, base=2, marker=".", label=name)
    right.axhline(1 / 16, color="C5", linestyle=":", linewidth=1)
    right.set(title="가장 큰 가중치의 평균 (키 16개)", xlabel="$d_k$", ylim=(0, 1.02))
    right.legend()
    return figure


def plot_encodings() -> Figure:
    """Both layouts as pictures, and how alike two positions are by their distance."""
    position, d = np.arange(64.0), 64
    figure = Figure(figsize=(6.6, 5.4))
    grid = figure.add_gridspec(2, 2)
    tables = {
        "교차": gs.sinusoidal_positional_encoding(position, d=d),
        "연결": gs.concatenated_positional_encoding(position, d=d),
    }
    for i, (name, table) in enumerate(tables.items()):
        ax = figure.add_subplot(grid[0, i])
        ax.imshow(table, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        ax.set(title=name, xlabel="특징", ylabel="위치")
    ax = figure.add_subplot(grid[1, :])
    distance = np.arange(-31, 32)
    for start, style in ((31, "-"), (300, ":")):
        around = gs.sinusoidal_positional_encoding(start + distance.astype(float), d=d)
        here = gs.sinusoidal_positional_encoding(np.array([float(start)]), d=d)
        ax.plot(distance, gs.dot_product_score(here, around)[0], style, linewidth=2.4 - 0.6 * (style == "-"),
                label=f"위치 {start}에서")  # fmt: skip
    ax.set(title="두 위치의 내적 (교차)", xlabel="거리", ylabel="내적")
    ax.legend()
    return figure


def turn(shift: float, d: int) -> np.ndarray:
    """The matrix that moves an encoding of width d by so many positions: a rotation of each pair."""
    sin, cos = gs.sinusoidal_positional_encoding(np.array(shift), d=d).reshape(-1, 2).T
    rotation = np.zeros((d, d))
    even = np.arange(0, d, 2)
    rotation[even, even] = rotation[even + 1, even + 1] = cos
    rotation[even, even + 1], rotation[even + 1, even] = sin, -sin
    return rotation


def heads_by_position(shifts: tuple[float, ...], sharpness: tuple[float, ...], d: int) -> tuple[np.ndarray, ...]:
    """W^Q and W^K, one block of rows per head: each looks where its query, moved by its shift, points to."""
    wq = np.concatenate([s * turn(shift, d) for shift, s in zip(shifts, sharpness, strict=True)])
    return wq, np.concatenate([np.eye(d)] * len(shifts))


def plot_heads() -> Figure:
    """Four heads that nobody trained: the encoding of a position, turned, is that of another one."""
    d, shifts, sharpness = 32, (0.0, -1.0, 1.0, 0.0), (10.0, 10.0, 10.0, 0.1)
    x = gs.sinusoidal_positional_encoding(np.arange(float(len(WORDS))), d=d)
    wq, wk = heads_by_position(shifts, sharpness, d)
    query, key = (gs.split_heads(x @ w.T, n_heads=4) for w in (wq, wk))
    maps = gs.attention_weights(gs.dot_product_score(query, key), scale=1 / np.sqrt(d))
    figure = Figure(figsize=(6.6, 6.4))
    titles = ("제자리", "앞 낱말", "뒤 낱말", "고루")
    for ax, weights, title in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, maps, titles, strict=True):
        ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        ax.set(title=f"헤드: {title}", xticks=range(len(WORDS)), yticks=range(len(WORDS)))
        ax.set_xticklabels(WORDS, rotation=60, ha="right")
        ax.set_yticklabels(WORDS)
    figure.supxlabel("보이는 낱말 (키)")
    figure.supylabel("보는 낱말 (쿼리)")
    return figure


def plot_masks() -> Figure:
    """One map with no mask, with padding hidden, with the future hidden."""
    t, config = len(WORDS), MultiHead(16, 1, bias=False)
    params = {name: DRAWS.normal(name, shape) / 3 for name, shape in config.parameters().items()}
    x = DRAWS.normal("words", (t, 16))
    masks = {"마스크 없음": None, "패딩을 가림": np.arange(t) < t - 2, "미래를 가림": np.tri(t, dtype=bool)}
    figure = Figure(figsize=(6.6, 2.8))
    for ax, (title, mask) in zip(figure.subplots(1, 3, sharey=True), masks.items(), strict=True):
        ax.imshow(gs.multi_head_attention_weights(config, params, x, None, mask)[0], cmap="Blues", vmin=0, vmax=1)
        ax.set(title=title, xlabel="키", xticks=(), yticks=())
    figure.supylabel("쿼리")
    return figure


def plot_cost() -> Figure:
    """Multiply-adds of one layer by the number of tokens: what grows in step, and what grows with the square."""
    d, lengths = 512, [2**i for i in range(5, 15)]
    costs = [attention_cost(n, d, n_heads=8) for n in lengths]
    figure = Figure(figsize=(6.6, 3.6))
    ax = figure.subplots()
    ax.loglog(lengths, [c.projections for c in costs], base=2, label="사상 $4nd^2$")
    ax.loglog(lengths, [c.scores + c.mixing for c in costs], "--", base=2, label="점수와 섞기 $2n^2d$")
    ax.axvline(2 * d, color="C5", linestyle=":", linewidth=1)
    ax.set(xlabel="토큰 수 $n$", ylabel="곱셈-덧셈", yscale="log")
    ax.legend()
    return figure
