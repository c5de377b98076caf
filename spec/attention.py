"""Attention: every place of a sequence asks all places at once, and mixes what they answer by how well they fit.

A sequence is [*batch t d]: tokens, features; the batch axes are free. Weights of projections are [out in], as in
`network.linear`. A mask is an array of booleans that can be broadcast to [*batch t s]: true where query i may look at
key j. A query that may look at nothing gets weights, result and gradient 0.
"""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Bool, Float, Int

from gongsik.spec.array import Array, Finite, Positive
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="어텐션", en="Attention")

Mask: TypeAlias = Bool[Array, "..."]
"""Of a shape that can be broadcast to (*batch, t, s): true where query i may look at key j."""

Queries: TypeAlias = Annotated[Float[Array, "*batch t d"], Finite(nan=False)]
Keys: TypeAlias = Annotated[Float[Array, "*batch s d"], Finite(nan=False)]
Values: TypeAlias = Annotated[Float[Array, "*batch s e"], Finite(nan=False)]
Matrix: TypeAlias = Annotated[Float[Array, "k d"], Finite(nan=False)]
ValueMatrix: TypeAlias = Annotated[Float[Array, "e d"], Finite(nan=False)]


def check_mask(formula: str, mask: Any, shape: tuple[int, ...], /) -> None:
    """Hold a mask, if there is one, against the shape of the weights.

    Raises
    ------
    ShapeError
        If the mask cannot be broadcast to that shape.
    """
    if mask is None:
        return
    given = tuple(mask.shape)
    tail = shape[len(shape) - len(given) :] if len(given) <= len(shape) else ()
    if given != tail and (len(given) > len(shape) or any(n not in (1, m) for n, m in zip(given, tail, strict=True))):
        raise ShapeError(f"{formula}: mask has shape {given}, expected one that can be broadcast to {tuple(shape)}")


class Projections(NamedTuple):
    """What a token asks, what it is found by, and what it answers."""

    query: Float[Array, "*batch k"]
    key: Float[Array, "*batch k"]
    value: Float[Array, "*batch e"]


@formula(
    ko="Q, K, V 생성",
    en="Query, key and value projections",
    tex=r"Q = X W^Q, \qquad K = X W^K, \qquad V = X W^V",
    notes=("000#좀 더 자세한 벡터 처리 예시", "003#자기 주목", "004#Trasformer",
           "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.2",
    differentiable=True,
)  # fmt: skip
def qkv_projection(
    x: Float[Array, "*batch d"], wq: Float[Array, "k d"], wk: Float[Array, "k d"], wv: Float[Array, "e d"], /
) -> Projections:
    """Make three vectors of every token, by weights that all tokens share.

    Shapes
    ------
    x : (*batch, d)
    wq, wk : (k, d), an output per row: W^Q and W^K of the formula are their transposes
    wv : (e, d)
    returns : a `Projections` of query (*batch, k), key (*batch, k), value (*batch, e)

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.

    Examples
    --------
    >>> x, eye = gs.asarray([[1.0, 0.0], [2.0, 1.0]]), gs.asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> gs.to_numpy(gs.qkv_projection(x, eye, 3 * eye, eye[:1]).key)
    array([[3., 0.],
           [6., 3.]])
    """
    ...


@formula(
    ko="내적 점수",
    en="Dot-product score",
    tex=r"s_{ij} = q_i^\top k_j",
    notes=("000#좀 더 자세한 벡터 처리 예시 (Score)", "004#Attention"),
    source="Luong, Pham & Manning 2015, section 3.1",
    differentiable=True,
)
def dot_product_score(
    query: Float[Array, "*batch t d"], key: Float[Array, "*batch s d"], /
) -> Float[Array, "*batch t s"]:
    """Say of every query and every key how much they point the same way.

    Shapes
    ------
    query : (*batch, t, d)
    key : (*batch, s, d)
    returns : (*batch, t, s), a query per row

    Source
    ------
    Luong, Pham & Manning 2015, "Effective approaches to attention-based neural machine translation", section 3.1.

    Examples
    --------
    >>> query, key = gs.asarray([[1.0, 0.0]]), gs.asarray([[2.0, 5.0], [0.0, 3.0], [-1.0, 1.0]])
    >>> gs.to_numpy(gs.dot_product_score(query, key))
    array([[ 2.,  0., -1.]])
    """
    ...


scaling_variance = law(
    "attention.scaling_variance",
    ko="√d로 나누는 이유",
    en="Why divide by sqrt(d_k)",
    tex=r"q, k \sim (0, I)\ \text{indep.} \;\Rightarrow\; \mathrm{Var}(q^\top k) = d_k, \qquad "
    r"\mathrm{Var}\big(q^\top k / \sqrt{d_k}\big) = 1",
    notes=("000#좀 더 자세한 벡터 처리 예시 (Normalize)",),
    source="Vaswani et al. 2017, section 3.2.1, footnote 4",
)


@formula(
    ko="어텐션 가중치",
    en="Attention weights",
    tex=r"\alpha_{ij} = \frac{e^{s_{ij} / \sqrt{d_k}}}{\sum_l e^{s_{il} / \sqrt{d_k}}}",
    notes=("000#좀 더 자세한 벡터 처리 예시", "004#Attention", "004#Trasformer"),
    source="Vaswani et al. 2017, eq. 1",
    differentiable=True,
)
def attention_weights(
    score: Float[Array, "*batch t s"], mask: Mask | None = None, /, *, scale: Positive[float] = 1.0
) -> Float[Array, "*batch t s"]:
    """Turn scores into shares: every row is positive and sums to 1, over the keys that its query may look at.

    Shapes
    ------
    score : (*batch, t, s)
    mask : can be broadcast to (*batch, t, s); true where query i may look at key j; None: everywhere
    returns : (*batch, t, s); 0 where the mask is false, and so 0 throughout in a row that it leaves empty

    Options
    -------
    scale : above 0; what the scores are multiplied by first, in scaled attention 1 / sqrt(d)

    Raises
    ------
    ShapeError
        If the mask cannot be broadcast to the scores.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", eq. 1 and section 3.2.3.

    Examples
    --------
    >>> score, mask = gs.asarray([[8.0, 8.0, 0.0]]), gs.asarray([[True, True, False]])
    >>> gs.to_numpy(gs.attention_weights(score, mask))
    array([[0.5, 0.5, 0. ]])
    """
    ...


@formula(
    ko="스케일드 내적 어텐션",
    en="Scaled dot-product attention",
    tex=r"\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\Big( \frac{Q K^\top}{\sqrt{d_k}} \Big) V",
    notes=("000#좀 더 자세한 벡터 처리 예시", "003#자기 주목", "004#Trasformer",
           "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, eq. 1",
    errata=(
        Erratum(
            key="attention_no_scale",
            place="004#Trasformer",
            stated="내적을 그대로 소프트맥스에 넣는다.",
            right="내적을 $\\sqrt{d_k}$로 나눈 다음 넣는다. 『딥러닝 기본』은 나눈다. $d_k = 64$이고 점수가 8과 0이면 "
            "나눈 가중치는 0.731과 0.269이고, 나누지 않으면 0.99966과 0.00034이다.",
            setup="q, k = np.full((1, 64), 0.125), np.stack([np.ones(64), np.zeros(64)])",
            stated_value="gs.scaled_dot_product_attention(q, k, np.eye(2), scale=1.0).round(5).tolist()",
            right_value="gs.scaled_dot_product_attention(q, k, np.eye(2)).round(5).tolist()",
        ),
        Erratum(
            key="wq_wk_inner_product",
            place="004#Trasformer",
            stated="가중치 행렬 $W_Q$와 $W_K$를 서로 내적해서 소프트맥스에 넣는다.",
            right="내적하는 것은 그 행렬로 만든 쿼리 벡터 $x W_Q$와 키 벡터들 $x W_K$이다. 두 행렬의 내적은 입력을 "
            "보지도 않으므로 문장이 바뀌어도 그대로이다.",
            setup="x, wq, wk = np.array([[1.0, 0.0]]), np.diag([1.0, 5.0]), np.diag([2.0, 7.0])\n"
            "q, k, _ = gs.qkv_projection(x, wq, wk, np.eye(2))",
            stated_value="float((wq * wk).sum())",
            right_value="float(gs.dot_product_score(q, k)[0, 0])",
        ),
    ),
    differentiable=True,
)  # fmt: skip
def scaled_dot_product_attention(
    query: Queries, key: Keys, value: Values, mask: Mask | None = None, /,
    *, scale: Positive[float] | None = None, causal: bool = False,
) -> Float[Array, "*batch t e"]:  # fmt: skip
    """Mix the values for every query, each with the weight that its key has for that query.

    Shapes
    ------
    query : (*batch, t, d), finite
    key : (*batch, s, d), finite
    value : (*batch, s, e), finite also where the mask hides it: 0 times infinity is no 0
    mask : can be broadcast to (*batch, t, s); true where query i may look at key j; None: everywhere
    returns : (*batch, t, e); 0 for a query that may look at nothing

    Options
    -------
    scale : above 0; what the scores are multiplied by; by default 1 / sqrt(d)
    causal : whether what is later is hidden, beside what the mask hides: the queries belong to the last t of the s
        places, and each may look at its own place and those before

    Raises
    ------
    ShapeError
        If the mask cannot be broadcast to (*batch, t, s).

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", eq. 1.

    Examples
    --------
    >>> query, key, value = gs.asarray([[0.0, 0.0]]), gs.asarray([[1.0, 2.0], [3.0, 4.0]]), gs.asarray([[8.0], [4.0]])
    >>> gs.to_numpy(gs.scaled_dot_product_attention(query, key, value))
    array([[6.]])
    """
    ...


value_dimension = law(
    "attention.value_dimension",
    ko="V 차원의 독립성",
    en="The value dimension is free",
    tex=r"V \in \mathbb R^{s \times d_v} \;\Rightarrow\; Z \in \mathbb R^{t \times d_v}",
    notes=("000#좀 더 자세한 벡터 처리 예시",),
    source="Vaswani et al. 2017, section 3.2.1",
)


@formula(
    ko="자기 주목",
    en="Self-attention",
    tex=r"Z = \mathrm{softmax}\Big( \frac{X W^Q (X W^K)^\top}{\sqrt{d_k}} \Big)\, X W^V",
    notes=("000#어떻게 encoder는 한번에 n개의 입력을 동시에 처리하는가?", "000#img 인코딩 벡터 생성",
           "003#자기 주목", "004#Trasformer"),
    source="Vaswani et al. 2017, section 3.2.3",
    errata=(
        Erratum(
            key="self_attention_is_transformer",
            place="004#Trasformer",
            stated="Q, K, V를 만들어 섞고 $W_O$를 곱하는 과정이 트랜스포머이다.",
            right="그것은 트랜스포머의 한 부분층인 (멀티 헤드) 자기 주목이다. 트랜스포머에는 잔차 연결, 층 정규화, "
            "위치별 순방향 층, 위치 인코딩, 마스크, 인코더-디코더 어텐션이 더 있다.",
        ),
    ),
    kind="model",
    differentiable=True,
)  # fmt: skip
def self_attention(
    x: Queries, wq: Matrix, wk: Matrix, wv: ValueMatrix, mask: Mask | None = None, /
) -> Float[Array, "*batch t e"]:
    """Let every token of a sequence look at all tokens of the same sequence.

    Shapes
    ------
    x : (*batch, t, d), finite
    wq, wk : (k, d), an output per row
    wv : (e, d)
    mask : can be broadcast to (*batch, t, t); true where token i may look at token j; None: everywhere
    returns : (*batch, t, e); 0 for a token that may look at nothing

    Raises
    ------
    ShapeError
        If the mask cannot be broadcast to (*batch, t, t).

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.3.

    Examples
    --------
    >>> x, nothing = gs.asarray([[1.0, 0.0], [0.0, 1.0]]), gs.asarray([[0.0, 0.0]])
    >>> gs.to_numpy(gs.self_attention(x, nothing, nothing, x))  # with all scores 0 the mean of all tokens
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    ...


permutation_equivariance = law(
    "attention.permutation_equivariance",
    ko="순열 등변성",
    en="Permutation equivariance of self-attention",
    tex=r"\mathrm{SA}(P X) = P\, \mathrm{SA}(X)",
    notes=("000#Multi-headed attention(MHA) (3. POSITIONAL ENCODDING)",),
    source="Lee et al. 2019, property 1",
    errata=(
        Erratum(
            key="order_same_value",
            place="000#Multi-headed attention(MHA) (3. POSITIONAL ENCODDING)",
            stated="단어의 순서를 바꾸어도 같은 값이 나온다.",
            right="출력도 단어를 따라 순서가 바뀐다. 단어마다 제 벡터를 그대로 지니는 것이지, 자리마다 같은 값이 "
            "나오는 것이 아니다.",
            setup="x, eye = np.array([[1.0, 0.0], [0.0, 2.0]]), np.eye(2)\nz = gs.self_attention(x, eye, eye, eye)",
            stated_value="z.round(3).tolist()",
            right_value="gs.self_attention(x[::-1], eye, eye, eye).round(3).tolist()",
        ),
    ),
)


@formula(
    ko="사인 위치 인코딩(교차)",
    en="Sinusoidal positional encoding (interleaved)",
    tex=r"PE_{(pos, 2i)} = \sin\frac{pos}{10000^{2i/d}}, \qquad PE_{(pos, 2i+1)} = \cos\frac{pos}{10000^{2i/d}}",
    notes=("000#Positional encoding 구하는 법 2 (img)", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.5",
    requires=(("d % 2 == 0", "d to be even: a sine and a cosine per frequency"),),
)
def sinusoidal_positional_encoding(
    position: Float[Array, "*shape"], /, *, d: Annotated[int, Ge(2)], base: Positive[float] = 10000.0
) -> Float[Array, "*shape d"]:
    """Write a position as the hands of d/2 clocks, each slower than the one before; sine and cosine side by side.

    Shapes
    ------
    position : (*shape), mostly 0, 1, 2, ...; real numbers, so that the result has their dtype
    returns : (*shape, d)

    Options
    -------
    d : even, at least 2; how many numbers describe a position
    base : above 0; frequency i is base ** (-2i / d)

    Raises
    ------
    DomainError
        If d is odd.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.5.

    Examples
    --------
    >>> gs.to_numpy(gs.sinusoidal_positional_encoding(gs.asarray([0.0, 1.0]), d=4)).round(4)
    array([[0.    , 1.    , 0.    , 1.    ],
           [0.8415, 0.5403, 0.01  , 1.    ]])
    """
    ...


@formula(
    ko="사인 위치 인코딩(연결)",
    en="Sinusoidal positional encoding (concatenated)",
    tex=r"PE_{pos} = \big[ \sin(pos\,\omega_0), \dots, \sin(pos\,\omega_{d/2-1}),\ \cos(pos\,\omega_0), \dots, "
    r"\cos(pos\,\omega_{d/2-1}) \big], \qquad \omega_i = 10000^{-i / (d/2 - 1)}",
    notes=("000#positioinal encoding 벡터 구하는 법1 (img)",),
    source="Vaswani et al. 2018, get_timing_signal_1d",
    requires=(("d % 2 == 0", "d to be even: a sine and a cosine per frequency"),),
)
def concatenated_positional_encoding(
    position: Float[Array, "*shape"], /, *, d: Annotated[int, Ge(2)], base: Positive[float] = 10000.0
) -> Float[Array, "*shape d"]:
    """Write a position by d/2 clocks, first all sines, then all cosines; the slowest runs at 1/base exactly.

    Shapes
    ------
    position : (*shape), mostly 0, 1, 2, ...; real numbers, so that the result has their dtype
    returns : (*shape, d)

    Options
    -------
    d : even, at least 2; how many numbers describe a position
    base : above 0; frequency i is base ** (-i / (d/2 - 1)), and 1 where there is only one

    Raises
    ------
    DomainError
        If d is odd.

    Source
    ------
    Vaswani et al. 2018, "Tensor2Tensor for neural machine translation", get_timing_signal_1d.

    Examples
    --------
    >>> gs.to_numpy(gs.concatenated_positional_encoding(gs.asarray([0.0, 1.0]), d=4)).round(4).tolist()
    [[0.0, 0.0, 1.0, 1.0], [0.8415, 0.0001, 0.5403, 1.0]]
    """
    ...


@formula(
    ko="위치 인코딩 더하기",
    en="Adding positional encodings",
    tex=r"\tilde x_{pos} = x_{pos} + PE_{pos}",
    notes=("000#Multi-headed attention(MHA) (3.)", "004#Transformer 작동 원리(with 번역)",
           "004#ViT(Vision Transformer)"),
    source="Vaswani et al. 2017, section 3.5",
    differentiable=True,
)  # fmt: skip
def add_positional_encoding(
    x: Float[Array, "*batch t d"], encoding: Float[Array, "t d"], /
) -> Float[Array, "*batch t d"]:
    """Add to every token the vector of its place, the same in every sequence.

    Shapes
    ------
    x : (*batch, t, d)
    encoding : (t, d), computed or learned; of a longer table, its first t rows
    returns : (*batch, t, d)

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.5.

    Examples
    --------
    >>> x, encoding = gs.asarray([[5.0, 5.0], [5.0, 5.0]]), gs.asarray([[0.0, 1.0], [1.0, 0.0]])
    >>> gs.to_numpy(gs.add_positional_encoding(x, encoding))  # the same word at two places
    array([[5., 6.],
           [6., 5.]])
    """
    ...


@formula(
    ko="인과 마스크",
    en="Causal (look-ahead) mask",
    tex=r"M_{ij} = \begin{cases} 0 & j \le i \\ -\infty & j > i \end{cases}",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.2.3",
)
def causal_mask(query: Int[Array, "*batch t"], key: Int[Array, "*batch s"], /) -> Bool[Array, "*batch t s"]:
    """Hide what is later: true (0 of the formula) where the key is not behind the query, false (minus infinity) else.

    Shapes
    ------
    query : (*batch, t), integers, the positions of the queries
    key : (*batch, s), integers, those of the keys; for a whole sequence both are 0, 1, ..., t - 1
    returns : (*batch, t, s)

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.3.

    Examples
    --------
    >>> position = gs.asarray([0, 1, 2])
    >>> gs.to_numpy(gs.causal_mask(position, position)).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    ...


@formula(
    ko="마스크드 자기 주목",
    en="Masked self-attention",
    tex=r"Z = \mathrm{softmax}\Big( \frac{Q K^\top}{\sqrt{d_k}} + M \Big) V, \qquad Q = X W^Q,\ K = X W^K,\ V = X W^V",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.2.3",
    kind="model",
    differentiable=True,
)
def masked_self_attention(x: Queries, wq: Matrix, wk: Matrix, wv: ValueMatrix, /) -> Float[Array, "*batch t e"]:
    """Let every token look at itself and at what came before it.

    Shapes
    ------
    x : (*batch, t, d), finite
    wq, wk : (k, d), an output per row
    wv : (e, d)
    returns : (*batch, t, e)

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.3.

    Examples
    --------
    >>> x, eye, nothing = gs.asarray([[2.0], [4.0], [9.0]]), gs.asarray([[1.0]]), gs.asarray([[0.0]])
    >>> gs.to_numpy(gs.masked_self_attention(x, nothing, nothing, eye))  # the mean of what came so far
    array([[2.],
           [3.],
           [5.]])
    """
    ...


# Several heads


@count(
    ko="헤드 차원 나누기",
    en="Head width",
    tex=r"d_{head} = d / h",
    notes=("000#Multi-headed attention(MHA)",),
    source="Vaswani et al. 2017, section 3.2.2",
    errata=(
        Erratum(
            key="head_index_off_by_one",
            place="000#Multi-headed attention(MHA)",
            stated="100차원을 열로 나눈 벡터 열 개가 $z_0$부터 $z_{10}$까지이다.",
            right="$z_0$부터 $z_9$까지이다. $z_{10}$까지 세면 열한 개이고, 이으면 110차원이 된다.",
            setup="from gongsik.spec.attention import head_dimension",
            stated_value="len(range(0, 10 + 1)) * head_dimension(100, 10)",
            right_value="len(range(0, 9 + 1)) * head_dimension(100, 10)",
        ),
    ),
)
def head_dimension(d: int, n_heads: int, /) -> int:
    """How wide each head is, so that all heads side by side are as wide as the input.

    Raises
    ------
    DtypeError
        If a number is no int.
    DomainError
        If a number is below 1, or the heads do not divide the width.

    Examples
    --------
    >>> head_dimension(100, 10), head_dimension(512, 8)
    (10, 64)
    """
    _check_numbers("head_dimension", d=d, n_heads=n_heads)
    if d % n_heads:
        raise DomainError(f"head_dimension: d is {d}, expected a multiple of n_heads, which is {n_heads}")
    return d // n_heads


def _check_numbers(formula: str, **numbers: Any) -> None:
    for name, value in numbers.items():
        if type(value) is not int:
            raise DtypeError(f"{formula}: {name} is {value!r}, expected an int")
        if value < 1:
            raise DomainError(f"{formula}: {name} is {value}, expected an int >= 1")


@formula(
    ko="헤드로 나누기",
    en="Splitting into heads",
    tex=r"[z_0 \Vert \dots \Vert z_{h-1}] \mapsto (z_0, \dots, z_{h-1})",
    notes=("000#Multi-headed attention(MHA)",),
    source="Vaswani et al. 2017, section 3.2.2",
    requires=(("d % n_heads == 0", "a width that n_heads divides"),),
    differentiable=True,
)
def split_heads(
    x: Float[Array, "*batch t d"], /, *, n_heads: Annotated[int, Ge(1)]
) -> Float[Array, "*batch n_heads t d//n_heads"]:
    """Cut the features of every token into as many parts as there are heads, and make the heads an axis of the batch.

    Shapes
    ------
    x : (*batch, t, d)
    returns : (*batch, n_heads, t, d // n_heads); head i has the i-th part

    Options
    -------
    n_heads : at least 1, a divisor of d

    Raises
    ------
    DomainError
        If the heads do not divide the width.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.

    Examples
    --------
    >>> gs.to_numpy(gs.split_heads(gs.asarray([[1.0, 2.0, 3.0, 4.0]]), n_heads=2))
    array([[[1., 2.]],
    <BLANKLINE>
           [[3., 4.]]])
    """
    ...


@formula(
    ko="출력 사상",
    en="Output projection",
    tex=r"Z = [z_0 \Vert \dots \Vert z_{h-1}]\, W^O",
    notes=("000#Multi-headed attention(MHA)", "004#Trasformer"),
    source="Vaswani et al. 2017, section 3.2.2",
    differentiable=True,
)
def output_projection(
    heads: Float[Array, "*batch h t e"], weight: Float[Array, "o h*e"], bias: Float[Array, "o"] | None = None, /
) -> Float[Array, "*batch t o"]:
    """Put the heads of every token side by side, and bring them to the width of the output.

    Shapes
    ------
    heads : (*batch, h, t, e)
    weight : (o, h * e), an output per row: W^O of the formula is its transpose
    bias : (o,) or None
    returns : (*batch, t, o)

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.

    Examples
    --------
    >>> heads = gs.asarray([[[1.0, 2.0]], [[3.0, 4.0]]])
    >>> gs.to_numpy(gs.output_projection(heads, gs.asarray([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])))
    array([[10.,  4.]])
    """
    ...


@dataclass(frozen=True)
class MultiHead:
    """Configuration of multi-head attention.

    Parameters
    ----------
    d_model : int
        Width of the tokens, of the output, and of all heads together.
    n_heads : int
        How many heads share that width.
    bias : bool
        Whether the projections have a bias.

    Raises
    ------
    DomainError
        If the heads do not divide the width, or a number is below 1.
    DtypeError
        If a number is no int.
    """

    d_model: int = 512
    n_heads: int = 8
    bias: bool = True

    def __post_init__(self) -> None:
        _check_numbers("MultiHead", d_model=self.d_model, n_heads=self.n_heads)
        if self.d_model % self.n_heads:
            raise DomainError(
                f"MultiHead: d_model is {self.d_model}, expected a multiple of n_heads, which is {self.n_heads}"
            )

    @property
    def d_head(self) -> int:
        return head_dimension(self.d_model, self.n_heads)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters, by the names of torch.nn.MultiheadAttention; W^Q, W^K, W^V are rows of one matrix.

        >>> MultiHead(6, 2).parameters()
        {'in_proj_weight': (18, 6), 'in_proj_bias': (18,), 'out_proj.weight': (6, 6), 'out_proj.bias': (6,)}
        """
        d = self.d_model
        if not self.bias:
            return {"in_proj_weight": (3 * d, d), "out_proj.weight": (d, d)}
        return {
            "in_proj_weight": (3 * d, d),
            "in_proj_bias": (3 * d,),
            "out_proj.weight": (d, d),
            "out_proj.bias": (d,),
        }


@formula(
    ko="멀티 헤드 어텐션",
    en="Multi-head attention",
    tex=r"\mathrm{MHA}(X) = [Z_1 \Vert \dots \Vert Z_h]\, W^O, \qquad "
    r"Z_i = \mathrm{Attention}(X W^Q_i,\ X W^K_i,\ X W^V_i)",
    notes=("000#Multi-headed attention(MHA)", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.2.2",
    errata=(
        Erratum(
            key="mha_slices_input",
            place="000#Multi-headed attention(MHA)",
            stated="실제로는 입력 임베딩을 $n$조각으로 나누어 조각마다 어텐션을 하고 다시 잇는다.",
            right="나누는 것은 입력이 아니라 사상한 결과이다. 헤드마다 입력 전체를 보고 너비 $d/h$의 쿼리, 키, 밸류를 "
            "만든다. 입력을 자르면 조각끼리는 섞이지 않고, $d = 100$, $h = 10$일 때 쿼리의 가중치가 10,000개가 아니라 "
            "1,000개가 된다.",
            setup="d, h = 100, 10",
            stated_value="h * (d // h) ** 2",
            right_value="gs.split_heads(np.ones((d, d)), n_heads=h).size",
        ),
    ),
    kind="model",
    differentiable=True,
)
def multi_head_attention(
    config: MultiHead, params: Parameters, x: Annotated[Float[Array, "*batch t config.d_model"], Finite(nan=False)],
    memory: Annotated[Float[Array, "*batch s config.d_model"], Finite(nan=False)] | None = None,
    mask: Mask | None = None, /, *, causal: bool = False,
) -> Float[Array, "*batch t config.d_model"]:  # fmt: skip
    """Look several times at once, each time with other projections, and bring what was seen together.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, d_model), finite; what asks
    memory : (*batch, s, d_model), finite; what is looked at: another sequence, or None for x itself
    mask : can be broadcast to (*batch, t, s), for all heads; true where token i may look at j; None: everywhere
    returns : (*batch, t, d_model); for a token that may look at nothing, the bias of the output

    Options
    -------
    causal : whether what is later is hidden, as in `scaled_dot_product_attention`

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named; if the mask cannot be broadcast.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.

    Examples
    --------
    >>> from gongsik.spec.attention import MultiHead
    >>> none, eye = np.zeros((4, 2)), np.eye(2)
    >>> params = {"in_proj_weight": gs.asarray(np.concatenate([none, eye])), "out_proj.weight": gs.asarray(eye)}
    >>> gs.to_numpy(gs.multi_head_attention(MultiHead(2, 2, bias=False), params, gs.asarray([[1.0, 0.0], [3.0, 8.0]])))
    array([[2., 4.],
           [2., 4.]])
    """
    ...


@formula(
    ko="헤드별 어텐션 가중치",
    en="Attention weights of every head",
    tex=r"\alpha^{(i)} = \mathrm{softmax}\Big( \frac{X W^Q_i (X W^K_i)^\top}{\sqrt{d_{head}}} \Big)",
    notes=("000#Multi-headed attention(MHA)",),
    source="Vaswani et al. 2017, section 3.2.2 and appendix",
    kind="model",
    differentiable=True,
)
def multi_head_attention_weights(
    config: MultiHead, params: Parameters, x: Float[Array, "*batch t config.d_model"],
    memory: Float[Array, "*batch s config.d_model"] | None = None, mask: Mask | None = None, /,
    *, causal: bool = False,
) -> Float[Array, "*batch config.n_heads t s"]:  # fmt: skip
    """The map of what every head of `multi_head_attention` looks at, which that function never writes down.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, d_model)
    memory : (*batch, s, d_model), or None for x itself
    mask : can be broadcast to (*batch, t, s); true where token i may look at j; None: everywhere
    returns : (*batch, n_heads, t, s)

    Options
    -------
    causal : whether what is later is hidden, as in `scaled_dot_product_attention`

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named; if the mask cannot be broadcast.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2, and the maps of its appendix.

    Examples
    --------
    >>> from gongsik.spec.attention import MultiHead
    >>> params = {"in_proj_weight": gs.asarray(np.zeros((6, 2))), "out_proj.weight": gs.asarray(np.eye(2))}
    >>> x = gs.asarray([[1.0, 0.0], [3.0, 8.0]])
    >>> gs.to_numpy(gs.multi_head_attention_weights(MultiHead(2, 1, bias=False), params, x, causal=True))
    array([[[1. , 0. ],
            [0.5, 0.5]]])
    """
    ...


@formula(
    ko="인코더-디코더 어텐션",
    en="Cross-attention",
    tex=r"Q = X W^Q, \quad K = H W^K, \quad V = H W^V, \qquad "
    r"Z = \mathrm{softmax}\Big( \frac{Q K^\top}{\sqrt{d_k}} \Big) V",
    notes=("000#decoder와 encoder 사이에는 어떤 정보가 교환되는가?", "000#decoder는 어떻게 결과값을 만들어 내는가?",
           "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.2.3",
    errata=(
        Erratum(
            key="encoder_sends_kv",
            place="000#decoder와 encoder 사이에는 어떤 정보가 교환되는가?",
            stated="맨 위 인코더가 키와 밸류, 두 벡터를 디코더 층들로 보낸다.",
            right="인코더가 보내는 것은 출력 $H$ 하나이다. 디코더는 층마다 제 $W^K$, $W^V$로 키와 밸류를 따로 만든다. "
            "두 층의 $W^K$가 다르면 키도 다르므로 하나를 나누어 쓸 수 없다.",
            setup="h, eye = np.array([[1.0, 2.0]]), np.eye(2)\n"
            "first, second = (gs.qkv_projection(h, eye, wk, eye).key for wk in (eye, 2 * eye))",
            stated_value="True",
            right_value="bool((first == second).all())",
        ),
    ),
    kind="model",
    differentiable=True,
)  # fmt: skip
def cross_attention(
    x: Queries, memory: Annotated[Float[Array, "*batch s m"], Finite(nan=False)], wq: Matrix,
    wk: Annotated[Float[Array, "k m"], Finite(nan=False)], wv: Annotated[Float[Array, "e m"], Finite(nan=False)],
    mask: Mask | None = None, /,
) -> Float[Array, "*batch t e"]:  # fmt: skip
    """Let the tokens of one sequence look at another sequence: queries from here, keys and values from there.

    Shapes
    ------
    x : (*batch, t, d), finite
    memory : (*batch, s, m), finite; of any length and width
    wq : (k, d), an output per row
    wk : (k, m)
    wv : (e, m)
    mask : can be broadcast to (*batch, t, s); true where token i may look at j of the memory; None: everywhere
    returns : (*batch, t, e); 0 for a token that may look at nothing

    Raises
    ------
    ShapeError
        If the mask cannot be broadcast to (*batch, t, s).

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.3.

    Examples
    --------
    >>> x, memory = gs.asarray([[1.0]]), gs.asarray([[0.0, 8.0], [0.0, 4.0], [0.0, 3.0]])
    >>> wq, wk, wv = gs.asarray([[5.0]]), gs.asarray([[1.0, 0.0]]), gs.asarray([[0.0, 1.0]])
    >>> gs.to_numpy(gs.cross_attention(x, memory, wq, wk, wv))  # all keys are 0: the mean
    array([[5.]])
    """
    ...


# Attention over the states of a recurrent encoder


class Attended(NamedTuple):
    """What was looked up, and where it was found."""

    context: Float[Array, "*batch d"]
    weights: Float[Array, "*batch s"]


@formula(
    ko="seq2seq 어텐션",
    en="Attention in seq2seq",
    tex=r"e_{ti} = s_t^\top h_i, \qquad \alpha_t = \mathrm{softmax}(e_t), \qquad a_t = \sum_i \alpha_{ti} h_i",
    notes=("004#Attention",),
    source="Luong, Pham & Manning 2015, section 3.1",
    errata=(
        Erratum(
            key="attention_key_weight",
            place="004#Attention",
            stated="쿼리와 키의 유사도가 가중치이고, 이 가중치를 다시 키와 내적해 소프트맥스에 넣는다.",
            right="유사도는 점수이고 한 번만 소프트맥스를 지난다. 나온 가중치는 키(밸류)를 더할 때 곱한다. 쿼리가 "
            "1이고 키가 2와 0이면 가중치는 0.881과 0.119이고, 점수에 키를 한 번 더 곱하면 0.982와 0.018이 된다.",
            setup="q, keys = np.array([1.0]), np.array([[2.0], [0.0]])",
            stated_value="gs.softmax((keys @ q) * keys[:, 0]).round(3).tolist()",
            right_value="gs.seq2seq_attention(q, keys).weights.round(3).tolist()",
        ),
    ),
    kind="model",
    differentiable=True,
)
def seq2seq_attention(
    query: Float[Array, "*batch d"], states: Float[Array, "*batch s d"], mask: Bool[Array, "*batch s"] | None = None, /
) -> Attended:
    """Look with the state of a decoder at all states of an encoder, and mix these by how well they fit.

    Shapes
    ------
    query : (*batch, d), the state of the decoder
    states : (*batch, s, d), those of the encoder
    mask : (*batch, s), true where a state is real and no padding; None: everywhere
    returns : an `Attended` of context (*batch, d) and weights (*batch, s); both 0 where the mask hides all states

    Source
    ------
    Luong, Pham & Manning 2015, "Effective approaches to attention-based neural machine translation", section 3.1.

    Examples
    --------
    >>> context, weights = gs.seq2seq_attention(gs.asarray([0.0, 1.0]), gs.asarray([[4.0, 1.0], [8.0, 1.0]]))
    >>> gs.to_numpy(context), gs.to_numpy(weights)
    (array([6., 1.]), array([0.5, 0.5]))
    """
    ...


@formula(
    ko="어텐션 은닉 상태",
    en="Attentional hidden state",
    tex=r"\tilde s_t = \tanh(W_c\, [a_t \Vert s_t] + b)",
    notes=("004#Attention",),
    source="Luong, Pham & Manning 2015, eq. 5",
    differentiable=True,
)
def attentional_hidden_state(
    context: Float[Array, "*batch c"], query: Float[Array, "*batch d"], weight: Float[Array, "o c+d"],
    bias: Float[Array, "o"], /,
) -> Float[Array, "*batch o"]:  # fmt: skip
    """Make of what was looked up and of the decoder's own state the state that it goes on with.

    Shapes
    ------
    context : (*batch, c)
    query : (*batch, d)
    weight : (o, c + d), an output per row
    bias : (o,); Luong's formula has none: 0
    returns : (*batch, o)

    Source
    ------
    Luong, Pham & Manning 2015, "Effective approaches to attention-based neural machine translation", eq. 5.

    Examples
    --------
    >>> context, query, bias = gs.asarray([4.0]), gs.asarray([0.0]), gs.asarray([0.0])
    >>> gs.to_numpy(gs.attentional_hidden_state(context, query, gs.asarray([[0.0, 1.0]]), bias))  # looks away
    array([0.])
    """
    ...


# What it costs


class AttentionCost(NamedTuple):
    """Multiply-adds of one layer of attention, by what they are for, and how many weights it writes down.

    Attributes
    ----------
    projections : int
        Of queries, keys, values and the output: 4 n d^2.
    scores, mixing : int
        Of all scores, and of the weighted sums of the values: n^2 d each, for any number of heads.
    weights : int
        Entries of the attention maps: n^2 per head.
    """

    projections: int
    scores: int
    mixing: int
    weights: int


@count(
    ko="어텐션 계산량",
    en="Cost of self-attention",
    tex=r"O(n^2 d)\ \text{time}, \qquad O(n^2)\ \text{memory}",
    notes=("000#Transformer 구조의 장단점",),
    source="Vaswani et al. 2017, table 1",
)
def attention_cost(n: int, d: int, /, *, n_heads: int = 1) -> AttentionCost:
    """What self-attention over n tokens of width d costs.

    Options
    -------
    n_heads : how many heads share the width

    Raises
    ------
    DomainError
        If a number is below 1, or the heads do not divide the width.

    Examples
    --------
    >>> attention_cost(1000, 512, n_heads=8)
    AttentionCost(projections=1048576000, scores=512000000, mixing=512000000, weights=8000000)
    """
    _check_numbers("attention_cost", n=n)
    per_head = n * n * head_dimension(d, n_heads)
    table = MultiHead(d, n_heads, bias=False).parameters()
    return AttentionCost(
        n * sum(prod(shape) for shape in table.values()), n_heads * per_head, n_heads * per_head, n_heads * n * n
    )
