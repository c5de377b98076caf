"""Transformers: layers of attention and of thinking about every token by itself, and the models that are made of them.

Tokens are [*batch t d]; ids of tokens [n t]. A mask of a layer or a stack is that of the chapter on attention: true
where query i may look at key j. A model that takes ids has a mask [n t] instead, true where a token is real.

All is evaluation unless `draws` are given: uniform numbers by name, as ``config.draws(shape)`` says, by which training
drops units and attention weights.
"""

from typing import Annotated, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Bool, Float, Int

from gongsik.spec.architectures.bert import Bert, BertClassifier, BertPretraining
from gongsik.spec.architectures.gpt import GPT
from gongsik.spec.architectures.transformer import (
    Activation,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
)
from gongsik.spec.architectures.vit import ViT
from gongsik.spec.array import Array, Finite, Labels, NonNegative, Probability, Uniform
from gongsik.spec.attention import Mask
from gongsik.spec.formula import Chapter, Erratum, formula, law
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="트랜스포머", en="Transformers")

Tokens: TypeAlias = Annotated[Float[Array, "*batch t config.d_model"], Finite(nan=False)]
Memory: TypeAlias = Annotated[Float[Array, "*batch s config.d_model"], Finite(nan=False)]
MemoryMask: TypeAlias = Bool[Array, "*looked_at"]
"""Of a shape that can be broadcast to (*batch, t, s): true where token i may look at key j of a memory."""
Padding: TypeAlias = Bool[Array, "n t"]


@formula(
    ko="위치별 순전파층",
    en="Position-wise feed-forward layer",
    tex=r"\mathrm{FFN}(x) = \max(0, x W_1 + b_1)\, W_2 + b_2",
    notes=("000#어떻게 encoder는 한번에 n개의 입력을 동시에 처리하는가?", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, eq. 2",
    kind="model",
    differentiable=True,
)
def feed_forward(
    x: Float[Array, "*batch d"], w1: Float[Array, "f d"], b1: Float[Array, "f"], w2: Float[Array, "o f"],
    b2: Float[Array, "o"], /, *, activation: Activation = "relu",
) -> Float[Array, "*batch o"]:  # fmt: skip
    """Think about every token by itself: widen it, cut off what is negative, and bring it back.

    Shapes
    ------
    x : (*batch, d)
    w1 : (f, d), an output per row: W_1 of the formula is its transpose
    b1 : (f,)
    w2 : (o, f); in a transformer o is d
    b2 : (o,)
    returns : (*batch, o)

    Options
    -------
    activation : "relu"; "gelu", x times the probability that a standard normal number is below it, as in BERT; or
        "gelu_tanh", its approximation, as in GPT

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", eq. 2; Hendrycks & Gimpel 2016, "Gaussian error linear units".

    Examples
    --------
    >>> w1, w2 = gs.asarray([[1.0], [-1.0]]), gs.asarray([[1.0, 1.0]])
    >>> x, zeros = gs.asarray([[-3.0], [0.0], [2.0]]), gs.asarray([0.0, 0.0])
    >>> gs.to_numpy(gs.feed_forward(x, w1, zeros, w2, zeros[:1]))  # the size, of two rectified halves
    array([[3.],
           [0.],
           [2.]])
    """
    ...


@formula(
    ko="인코더 층",
    en="Encoder layer",
    tex=r"y = \mathrm{LN}\big(x + \mathrm{MHA}(x)\big), \qquad z = \mathrm{LN}\big(y + \mathrm{FFN}(y)\big)",
    notes=("000#Transformer", "000#전체적인 encoder의 과정 (img)", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.1",
    kind="model",
    differentiable=("params", "x"),
)
def encoder_layer(
    config: EncoderLayer, params: Parameters, x: Tokens, mask: Mask | None = None, draws: Parameters | None = None, /,
    *, causal: bool = False,
) -> Float[Array, "*batch t config.d_model"]:  # fmt: skip
    """Let every token look at all, then think about each by itself; both times add to what was there, and normalize.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, config.d_model), at least one token, finite
    mask : can be broadcast to (*batch, t, t), for all heads; true where token i may look at j; None: everywhere
    draws : in training, dict of uniform numbers as `config.draws(x.shape)` says; None: nothing is dropped
    returns : (*batch, t, config.d_model)

    Options
    -------
    causal : whether what is later is hidden, beside what the mask hides

    Raises
    ------
    ShapeError
        If parameters or draws are missing, unknown or of another shape, all of them named; if the mask cannot be
        broadcast; if there is no token.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.1; with `norm_first`, Xiong et al. 2020, "On layer
    normalization in the transformer architecture".

    Examples
    --------
    >>> from gongsik.spec.transformer import EncoderLayer
    >>> config = EncoderLayer(2, 1, 3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params |= {name: gs.asarray(np.ones(2)) for name in ("norm1.weight", "norm2.weight")}
    >>> gs.to_numpy(gs.encoder_layer(config, params, gs.asarray([[3.0, 5.0], [8.0, 2.0]]))).round(4)
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    ...


@formula(
    ko="인코더",
    en="Transformer encoder stack",
    tex=r"H = \mathrm{Enc}_L \circ \dots \circ \mathrm{Enc}_1\, (X + PE)",
    notes=("000#Transformer", "003#BERT", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.1",
    kind="model",
    differentiable=("params", "x"),
    deep=True,
)
def encoder(
    config: Encoder, params: Parameters, x: Tokens, mask: Mask | None = None, draws: Parameters | None = None, /,
    *, causal: bool = False,
) -> Float[Array, "*batch t config.d_model"]:  # fmt: skip
    """Run tokens, to which their positions have been added, through layers that differ in their parameters only.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, config.d_model), at least one token, finite
    mask : can be broadcast to (*batch, t, t), for all heads and layers; true where token i may look at j; None:
        everywhere
    draws : in training, dict of uniform numbers as `config.draws(x.shape)` says; None: nothing is dropped
    returns : (*batch, t, config.d_model); x itself if there is no layer and no normalization

    Options
    -------
    causal : whether what is later is hidden, beside what the mask hides: what GPT is made of

    Raises
    ------
    ShapeError
        If parameters or draws are missing, unknown or of another shape, all of them named; if the mask cannot be
        broadcast; if there is no token.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.1.

    Examples
    --------
    >>> from gongsik.spec.transformer import Encoder, EncoderLayer
    >>> x = gs.asarray([[3.0, 5.0], [8.0, 2.0]])
    >>> gs.to_numpy(gs.encoder(Encoder(EncoderLayer(2, 1, 3), 0), {}, x))
    array([[3., 5.],
           [8., 2.]])
    """
    ...


class EncoderStates(NamedTuple):
    """What a stack knows after each layer, beginning with its input, and what each head of each layer looks at."""

    hidden: Float[Array, "l *batch t d"]
    weights: Float[Array, "m *batch h t t"]


@formula(
    ko="층별 은닉 상태와 어텐션 지도",
    en="Hidden states and attention maps of a stack",
    tex=r"H_0 = X, \quad H_l = \mathrm{Enc}_l(H_{l-1}), \qquad "
    r"\alpha_{l,i} = \mathrm{softmax}\Big( \frac{Q_{l,i} K_{l,i}^\top}{\sqrt{d_{head}}} \Big)",
    notes=("000#전체적인 encoder의 과정 (img)",),
    source="Vaswani et al. 2017, appendix",
    kind="model",
    differentiable=("params", "x"),
    deep=True,
    requires=(("config.n_layers >= 1", "at least one layer"),),
)
def encoder_states(
    config: Encoder, params: Parameters, x: Tokens, mask: Mask | None = None, /, *, causal: bool = False
) -> EncoderStates:
    """Look into a stack: all that `encoder` computes on its way, and the weights that it never writes down.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, config.d_model), at least one token, finite
    mask : can be broadcast to (*batch, t, t), for all heads and layers; true where token i may look at j; None:
        everywhere
    returns : an `EncoderStates` of hidden (config.n_layers + 1, *batch, t, config.d_model), of which the first is x and
        the last what `encoder` returns, and weights (config.n_layers, *batch, n_heads, t, t)

    Options
    -------
    causal : as of `encoder`

    Raises
    ------
    ShapeError
        As `encoder`.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.1 and the maps of its appendix.

    Examples
    --------
    >>> from gongsik.spec.transformer import Encoder, EncoderLayer
    >>> config = Encoder(EncoderLayer(2, 1, 3))
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> states = gs.encoder_states(config, params, gs.asarray(np.ones((4, 2))))
    >>> tuple(states.hidden.shape), tuple(states.weights.shape)
    ((7, 4, 2), (6, 1, 4, 4))
    """
    ...


@formula(
    ko="디코더 층",
    en="Decoder layer",
    tex=r"y = \mathrm{LN}\big(x + \mathrm{MHA}_{masked}(x)\big), \quad "
    r"z = \mathrm{LN}\big(y + \mathrm{MHA}(y, H)\big), \quad w = \mathrm{LN}\big(z + \mathrm{FFN}(z)\big)",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3.1",
    kind="model",
    differentiable=("params", "x", "memory"),
)
def decoder_layer(
    config: DecoderLayer, params: Parameters, x: Tokens, memory: Memory, mask: Mask | None = None,
    memory_mask: MemoryMask | None = None, draws: Parameters | None = None, /,
) -> Float[Array, "*batch t config.d_model"]:  # fmt: skip
    """Let every token look at its own past, then at a memory, then think about each by itself.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, config.d_model), at least one token, finite
    memory : (*batch, s, config.d_model), at least one token, finite: what the encoder made of the source
    mask : can be broadcast to (*batch, t, t); hides tokens beside those that are later, which are hidden anyway
    memory_mask : can be broadcast to (*batch, t, s); true where token i may look at j of the memory; None: everywhere
    draws : in training, dict of uniform numbers as `config.draws(x.shape, s)` says; None: nothing is dropped
    returns : (*batch, t, config.d_model)

    Raises
    ------
    ShapeError
        If parameters or draws are missing, unknown or of another shape, all of them named; if a mask cannot be
        broadcast; if there is no token.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.1.

    Examples
    --------
    >>> from gongsik.spec.transformer import DecoderLayer
    >>> config = DecoderLayer(2, 1, 3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params |= {f"norm{i}.weight": gs.asarray(np.ones(2)) for i in (1, 2, 3)}
    >>> params["multihead_attn.out_proj.bias"] = gs.asarray([9.0, 0.0])  # whatever the memory says
    >>> gs.to_numpy(gs.decoder_layer(config, params, gs.asarray([[3.0, 5.0]]), gs.asarray([[0.0, 0.0]]))).round(4)
    array([[ 1., -1.]])
    """
    ...


@formula(
    ko="디코더",
    en="Transformer decoder stack",
    tex=r"\mathrm{Dec}(Y, H) = \mathrm{Dec}_L(\cdot, H) \circ \dots \circ \mathrm{Dec}_1(\cdot, H)\, (Y + PE)",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "003#GPT"),
    source="Vaswani et al. 2017, section 3.1",
    kind="model",
    differentiable=("params", "x", "memory"),
    deep=True,
)
def decoder(
    config: Decoder, params: Parameters, x: Tokens, memory: Memory, mask: Mask | None = None,
    memory_mask: MemoryMask | None = None, draws: Parameters | None = None, /,
) -> Float[Array, "*batch t config.d_model"]:  # fmt: skip
    """Run tokens through layers that all look at the same memory, each with projections of its own.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, t, config.d_model), at least one token, finite
    memory : (*batch, s, config.d_model), at least one token, finite
    mask : can be broadcast to (*batch, t, t); hides tokens beside those that are later, which are hidden anyway
    memory_mask : can be broadcast to (*batch, t, s); true where token i may look at j of the memory; None: everywhere
    draws : in training, dict of uniform numbers as `config.draws(x.shape, s)` says; None: nothing is dropped
    returns : (*batch, t, config.d_model)

    Raises
    ------
    ShapeError
        As `decoder_layer`.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3.1.

    Examples
    --------
    >>> from gongsik.spec.transformer import Decoder, DecoderLayer
    >>> x, memory = gs.asarray([[3.0, 5.0]]), gs.asarray([[0.0, 1.0], [1.0, 0.0]])
    >>> gs.to_numpy(gs.decoder(Decoder(DecoderLayer(2, 1, 3), 0), {}, x, memory))
    array([[3., 5.]])
    """
    ...


@formula(
    ko="트랜스포머",
    en="Transformer encoder-decoder",
    tex=r"z = \mathrm{Dec}\big(y_{<t}, \mathrm{Enc}(x)\big)\, W + b, \qquad "
    r"p(y_t \mid y_{<t}, x) = \mathrm{softmax}(z_t)",
    notes=("000#딥러닝의 역사", "000#Transformer", "001#Transformer", "003#Transformer 모델",
           "004#Transformer 작동 원리(with 번역)"),
    source="Vaswani et al. 2017, section 3 and fig. 1",
    kind="model",
    differentiable=("params",),
    deep=True,
)  # fmt: skip
def transformer(
    config: Transformer, params: Parameters,
    source: Annotated[Int[Array, "n s"], Labels("config.source_size")],
    target: Annotated[Int[Array, "n t"], Labels("config.target_size")],
    source_mask: Bool[Array, "n s"] | None = None, target_mask: Bool[Array, "n t"] | None = None,
    draws: Parameters | None = None, /,
) -> Float[Array, "n t config.target_size"]:  # fmt: skip
    """Say of every place of a target what may come next, given the source and what stands before, all places at once.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    source : (n, s), ids of the tokens to read, at least one
    target : (n, t), ids of the tokens written so far, at least one; in training the right ones, moved by one place
    source_mask : (n, s), true where a token is real and no padding; None: everywhere
    target_mask : (n, t), the same for the target
    draws : in training, dict of uniform numbers as `config.draws(source.shape, target.shape)` says; None: nothing is
        dropped
    returns : (n, t, config.target_size), logits: their softmax is a distribution over the next token

    Raises
    ------
    ShapeError
        If parameters or draws are missing, unknown or of another shape, all of them named; if there is no token.
    DomainError
        If an id is not in its vocabulary.

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", section 3; positions are sinusoidal, so no length is too long.

    Examples
    --------
    >>> from gongsik.spec.transformer import Transformer
    >>> config = Transformer(5, 3, 4, 2, 8, 1, 1)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params["output.bias"] = gs.asarray([1.0, 2.0, 3.0])
    >>> gs.to_numpy(gs.transformer(config, params, gs.asarray([[4, 0, 1]]), gs.asarray([[0, 2]])))
    array([[[1., 2., 3.],
            [1., 2., 3.]]])
    """
    ...


parallel_training = law(
    "transformer.parallel_training",
    ko="병렬 학습과 순차 생성의 일치",
    en="Masked parallel pass equals step-by-step pass",
    tex=r"\mathrm{Dec}(y_{1:T})_t = \mathrm{Dec}(y_{1:t})_t",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "003#Transformer 모델 (병렬 처리)"),
    source="Vaswani et al. 2017, section 3.1",
)

contextual_representation = law(
    "transformer.contextual_representation",
    ko="문맥 의존 표현",
    en="Contextual representations",
    tex=r"z_i(x_i, \text{context}_1) \ne z_i(x_i, \text{context}_2)",
    notes=("000#Transformer 구조의 장단점", "004#Trasformer"),
    source="Peters et al. 2018; Devlin et al. 2019",
)


@formula(
    ko="CLS 토큰 집계",
    en="CLS token aggregation",
    tex=r"z_{cls} = \mathrm{Enc}([e_{cls}; x_1, \dots, x_n])_0, \qquad \hat y = \mathrm{softmax}(z_{cls} W + b)",
    notes=("004#Token Aggregation", "004#ViT(Vision Transformer)"),
    source="Devlin et al. 2019, section 3",
    kind="model",
    differentiable=True,
)
def cls_token(x: Float[Array, "*batch t d"], cls: Float[Array, "d"], /) -> Float[Array, "*batch t+1 d"]:
    """Put a learned token before every sequence: what an encoder makes of it can sum up all others.

    Shapes
    ------
    x : (*batch, t, d)
    cls : (d,), the same for all sequences
    returns : (*batch, t + 1, d); an encoder's output at place 0 is z_cls

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.

    Examples
    --------
    >>> gs.to_numpy(gs.cls_token(gs.asarray([[1.0, 2.0]]), gs.asarray([8.0, 9.0])))
    array([[8., 9.],
           [1., 2.]])
    """
    ...


# BERT


@formula(
    ko="BERT 입력 임베딩",
    en="BERT input embedding",
    tex=r"e_i = E_{tok}[w_i] + E_{seg}[s_i] + E_{pos}[i]",
    notes=("004#BERT",),
    source="Devlin et al. 2019, section 3 and fig. 2",
    differentiable=True,
    requires=(("t <= m", "no more tokens than the table of positions has rows, m"),),
)
def bert_embedding(
    ids: Annotated[Int[Array, "*batch t"], Labels("v")], segments: Annotated[Int[Array, "*batch t"], Labels("g")],
    tokens: Float[Array, "v d"], segment: Float[Array, "g d"], position: Float[Array, "m d"], /,
) -> Float[Array, "*batch t d"]:  # fmt: skip
    """Say by one vector which token stands somewhere, in which of the sentences, and where: the sum of three lookups.

    Shapes
    ------
    ids : (*batch, t), tokens, from 0 to v - 1
    segments : (*batch, t), sentences, from 0 to g - 1: 0 in the first, 1 in the second
    tokens : (v, d), a vector per token
    segment : (g, d)
    position : (m, d), m >= t
    returns : (*batch, t, d)

    Raises
    ------
    ShapeError
        If there are more tokens than positions.
    DomainError
        If a token or a sentence is not in its table.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.

    Examples
    --------
    >>> tokens, segment = gs.asarray([[100.0], [200.0]]), gs.asarray([[10.0], [20.0]])
    >>> position = gs.asarray([[0.0], [1.0], [2.0], [3.0]])
    >>> gs.to_numpy(gs.bert_embedding(gs.asarray([0, 1, 1]), gs.asarray([0, 0, 1]), tokens, segment, position)).ravel()
    array([110., 211., 222.])
    """
    ...


class MaskedTokens(NamedTuple):
    """What the model gets to read, and which places it has to say the token of."""

    ids: Int[Array, "*batch t"]
    chosen: Bool[Array, "*batch t"]


@formula(
    ko="토큰 가리기",
    en="Masking tokens",
    tex=r"\tilde w_i = \begin{cases} [\mathrm{MASK}] & i \in M,\ 80\,\% \\ \text{random} & i \in M,\ 10\,\% \\ "
    r"w_i & \text{else} \end{cases} \qquad P(i \in M) = 0.15",
    notes=("004#BERT",),
    source="Devlin et al. 2019, section 3.1 and appendix A.1",
    kind="algorithm",
    stochastic=True,
    requires=(("masked + random <= 1", "masked and random to be at most 1 together"),),
)
def mask_tokens(
    ids: Annotated[Int[Array, "*batch t"], Ge(0)], pick: Annotated[Float[Array, "*batch t"], Uniform],
    way: Annotated[Float[Array, "*batch t"], Uniform], other: Annotated[Int[Array, "*batch t"], Ge(0)],
    allowed: Bool[Array, "*batch t"] | None = None, /,
    *, mask_id: Annotated[int, Ge(0)], rate: Annotated[float, Probability] = 0.15,
    masked: Annotated[float, Probability] = 0.8, random: Annotated[float, Probability] = 0.1,
) -> MaskedTokens:  # fmt: skip
    """Choose tokens that a model has to guess, and hide most of them; the others it cannot tell from unchosen ones.

    Shapes
    ------
    ids : (*batch, t), tokens, at least 0
    pick : (*batch, t), uniform draws: below `rate` a token is chosen
    way : (*batch, t), uniform draws of what becomes of it: the lowest are masked, the next ones get another token
    other : (*batch, t), drawn uniformly from all tokens
    allowed : (*batch, t), true where a token may be chosen (no padding, no sign of the model's own); None: everywhere
    returns : a `MaskedTokens` of ids and chosen, both (*batch, t)

    Options
    -------
    mask_id : the token [MASK]
    rate : from 0 to 1, how many are chosen
    masked, random : from 0 to 1, at most 1 together; how many of those become [MASK] or another token

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.1 and appendix A.1.

    Examples
    --------
    >>> ids, other = gs.asarray([11, 12, 13, 14]), gs.asarray([21, 22, 23, 24])
    >>> pick, way = gs.asarray([0.5, 0.1, 0.1, 0.1]), gs.asarray([0.3, 0.3, 0.85, 0.95])
    >>> masked, chosen = gs.mask_tokens(ids, pick, way, other, mask_id=0)
    >>> gs.to_numpy(masked), gs.to_numpy(chosen)
    (array([11,  0, 23, 14]), array([False,  True,  True,  True]))
    """
    ...


@formula(
    ko="마스크 언어 모델",
    en="Masked language modelling",
    tex=r"L = -\frac{1}{|M|} \sum_{i \in M} \log p(w_i \mid \tilde w), \qquad "
    r"p(\cdot \mid \tilde w) = \mathrm{softmax}(z_i)",
    notes=("004#BERT",),
    source="Devlin et al. 2019, section 3.1",
    kind="algorithm",
    differentiable=True,
)
def masked_language_model(
    logits: Float[Array, "*batch t v"], ids: Annotated[Int[Array, "*batch t"], Labels("v")],
    chosen: Bool[Array, "*batch t"], /,
) -> Float[Array, ""]:  # fmt: skip
    """Average how surprising the hidden tokens are; what was not chosen costs nothing.

    Shapes
    ------
    logits : (*batch, t, v), what a model says of the tokens that `mask_tokens` left it
    ids : (*batch, t), the tokens that stood there before, from 0 to v - 1
    chosen : (*batch, t), which of them it has to say
    returns : (), the mean over those; 0 if there are none

    Raises
    ------
    DomainError
        If a token is out of range.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.1.

    Examples
    --------
    >>> logits, ids = gs.asarray([[0.0, 0.0], [-100.0, 100.0]]), gs.asarray([0, 0])
    >>> round(float(gs.masked_language_model(logits, ids, gs.asarray([True, False]))), 4)  # ln 2; no other is asked
    0.6931
    >>> float(gs.masked_language_model(logits, ids, gs.asarray([False, False])))
    0.0
    """
    ...


class SentencePairs(NamedTuple):
    """Which sentence is put after each, and whether it is another than the next one."""

    second: Int[Array, "n"]
    label: Int[Array, "n"]


@formula(
    ko="문장 쌍 뽑기",
    en="Drawing pairs of sentences",
    tex=r"\mathrm{second}_i = \begin{cases} i + 1 & u_i < \tfrac12 \\ j \ne i + 1,\ j \sim \mathrm{Uniform} & "
    r"\text{else} \end{cases}",
    notes=("004#BERT", "003#BERT (두 개의 문장)"),
    source="Devlin et al. 2019, section 3.1",
    kind="algorithm",
    stochastic=True,
)
def next_sentence_pairs(
    uniform: Annotated[Float[Array, "n"], Uniform],
    other: Annotated[Int[Array, "n"], Labels("n")],
    /,
) -> SentencePairs:
    """Pair every sentence of a text but the last with the next one or, half of the time, with any other.

    Shapes
    ------
    uniform : (n,), draws, for a text of n + 1 sentences: below 1/2 the next sentence follows
    other : (n,), drawn uniformly from 0 to n - 1: which of the sentences, the next one left out, follows else
    returns : a `SentencePairs` of second (n,), from 0 to n, and label (n,), 0 for the next sentence and 1 for another

    Raises
    ------
    DomainError
        If `other` is out of range.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.1.

    Examples
    --------
    >>> second, label = gs.next_sentence_pairs(gs.asarray([0.2, 0.7, 0.7]), gs.asarray([2, 1, 2]))
    >>> gs.to_numpy(second), gs.to_numpy(label)  # of the sentences 0, 1, 3 without that after 1, the one in place 1
    (array([1, 1, 2]), array([0, 1, 1]))
    """
    ...


@formula(
    ko="다음 문장 예측",
    en="Next sentence prediction",
    tex=r"p(\mathrm{IsNext} \mid z_{cls}) = \mathrm{softmax}(W z_{cls} + b)_0 = \sigma\big((w_0 - w_1)^\top z_{cls} "
    r"+ b_0 - b_1\big), \qquad L = -\frac1n \sum_i \log p(c_i \mid z_{cls}^{(i)})",
    notes=("004#BERT", "003#BERT (두 개의 문장)"),
    source="Devlin et al. 2019, section 3.1",
    kind="algorithm",
    differentiable=True,
    nonempty=True,
)
def next_sentence_prediction(
    pooled: Float[Array, "n d"], label: Annotated[Int[Array, "n"], Labels("2")], weight: Float[Array, "2 d"],
    bias: Float[Array, "2"], /,
) -> Float[Array, ""]:  # fmt: skip
    """Average how surprised a linear layer is by whether the second sentence of each pair follows the first.

    Shapes
    ------
    pooled : (n, d), what BERT makes of the first token of each pair
    label : (n,), 0 if the second sentence is the next one, 1 if it is another
    weight : (2, d), an output per row
    bias : (2,)
    returns : ()

    Raises
    ------
    DomainError
        If a label is neither 0 nor 1.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.1.

    Examples
    --------
    >>> pooled, weight = gs.asarray([[1.0], [-1.0]]), gs.asarray([[0.0], [0.0]])
    >>> round(float(gs.next_sentence_prediction(pooled, gs.asarray([0, 1]), weight, gs.asarray([0.0, 0.0]))), 4)
    0.6931
    """
    ...


class BertOutput(NamedTuple):
    """What BERT makes of every token, and of the first one by one more layer, for all that is about the whole."""

    hidden: Float[Array, "n t d"]
    pooled: Float[Array, "n d"]


Ids: TypeAlias = Annotated[Int[Array, "n t"], Labels("config.vocab_size")]
Segments: TypeAlias = Annotated[Int[Array, "n t"], Labels("config.n_segments")]
BertIds: TypeAlias = Annotated[Int[Array, "n t"], Labels("config.bert.vocab_size")]
BertSegments: TypeAlias = Annotated[Int[Array, "n t"], Labels("config.bert.n_segments")]


@formula(
    ko="BERT",
    en="BERT",
    tex=r"H = \mathrm{Enc}\big(\mathrm{LN}(E_{tok} + E_{seg} + E_{pos})\big), \qquad z_{cls} = \tanh(W H_0 + b)",
    notes=("000#딥러닝의 역사", "003#BERT", "004#BERT"),
    source="Devlin et al. 2019, section 3",
    kind="model",
    differentiable=("params",),
    deep=True,
    requires=(("t <= config.max_length", "at most config.max_length tokens"),),
)
def bert(
    config: Bert, params: Parameters, ids: Ids, segments: Segments | None = None, mask: Padding | None = None,
    draws: Parameters | None = None, /,
) -> BertOutput:  # fmt: skip
    """Read one or two sentences, every token in the light of all others on both sides of it.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says: those of transformers.BertModel
    ids : (n, t), tokens, from 1 to config.max_length of them; the first is [CLS]
    segments : (n, t), 0 in the first sentence, 1 in the second; None: 0
    mask : (n, t), true where a token is real and no padding; None: everywhere
    draws : in training, dict of uniform numbers as `config.draws(ids.shape)` says; None: nothing is dropped
    returns : a `BertOutput` of hidden (n, t, config.d_model) and pooled (n, config.d_model)

    Raises
    ------
    ShapeError
        If parameters or draws are missing, unknown or of another shape, all of them named; if there is no token, or
        more than the table of positions has.
    DomainError
        If a token or a segment is not in its table.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.

    Examples
    --------
    >>> from gongsik.spec.transformer import Bert
    >>> config = Bert(11, 4, 2, 8, 2, max_length=6)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> hidden, pooled = gs.bert(config, params, gs.asarray([[1, 7, 2], [1, 10, 2]]))
    >>> tuple(hidden.shape), tuple(pooled.shape)
    ((2, 3, 4), (2, 4))
    """
    ...


class BertHeads(NamedTuple):
    """Logits of which token stands at every place, and of whether the second sentence follows: 0 if so, 1 if not."""

    tokens: Float[Array, "n t v"]
    follows: Float[Array, "n 2"]


@formula(
    ko="BERT 사전 학습",
    en="BERT with the heads of its two tasks",
    tex=r"z_i = \mathrm{LN}\big(\mathrm{GELU}(W h_i + c)\big)\, E_{tok}^\top + b, \qquad z_{next} = V z_{cls} + d",
    notes=("004#BERT",),
    source="Devlin et al. 2019, section 3.1",
    kind="model",
    differentiable=("params",),
    deep=True,
    requires=(("t <= config.bert.max_length", "at most config.bert.max_length tokens"),),
)
def bert_pretraining(
    config: BertPretraining, params: Parameters, ids: BertIds, segments: BertSegments | None = None,
    mask: Padding | None = None, draws: Parameters | None = None, /,
) -> BertHeads:  # fmt: skip
    """Let BERT say which tokens were hidden, by the vectors with which it reads them, and whether a sentence follows.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says: those of transformers.BertForPreTraining
    ids, segments, mask, draws : as of `bert`
    returns : a `BertHeads` of tokens (n, t, vocab_size) and follows (n, 2)

    Raises
    ------
    ShapeError, DomainError
        As `bert`.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 3.1.

    Examples
    --------
    >>> from gongsik.spec.transformer import Bert, BertPretraining
    >>> config = BertPretraining(Bert(3, 4, 2, 8, 1, max_length=6))
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params["cls.predictions.bias"] = gs.asarray([1.0, 2.0, 3.0])
    >>> gs.to_numpy(gs.bert_pretraining(config, params, gs.asarray([[0, 1]])).tokens)
    array([[[1., 2., 3.],
            [1., 2., 3.]]])
    """
    ...


@formula(
    ko="BERT 미세조정 분류기",
    en="BERT with one classification layer",
    tex=r"z = W z_{cls} + b, \qquad \hat y = \mathrm{softmax}(z)",
    notes=("003#BERT", "000#딥러닝의 역사 (fine-tuned NLP models)"),
    source="Devlin et al. 2019, section 4.1",
    kind="model",
    differentiable=("params",),
    deep=True,
    requires=(("t <= config.bert.max_length", "at most config.bert.max_length tokens"),),
)
def bert_classifier(
    config: BertClassifier, params: Parameters, ids: BertIds, segments: BertSegments | None = None,
    mask: Padding | None = None, draws: Parameters | None = None, /,
) -> Float[Array, "n config.n_classes"]:  # fmt: skip
    """Put one linear layer on what BERT makes of the first token: all that a new task adds.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says: those of
        transformers.BertForSequenceClassification
    ids, segments, mask, draws : as of `bert`
    returns : (n, config.n_classes), logits: their softmax is a distribution over the classes

    Raises
    ------
    ShapeError, DomainError
        As `bert`.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section 4.1.

    Examples
    --------
    >>> from gongsik.spec.transformer import Bert, BertClassifier
    >>> config = BertClassifier(Bert(11, 4, 2, 8, 1, max_length=6), 3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params["classifier.bias"] = gs.asarray([1.0, 2.0, 3.0])
    >>> gs.to_numpy(gs.bert_classifier(config, params, gs.asarray([[1, 7, 2]])))
    array([[1., 2., 3.]])
    """
    ...


# GPT: only back


@formula(
    ko="GPT",
    en="GPT (decoder-only language model)",
    tex=r"h = \mathrm{Dec}_{masked}(E_{tok}[w] + E_{pos}), \qquad p(w_{t+1} \mid w_{\le t}) = "
    r"\mathrm{softmax}(h_t E_{tok}^\top)",
    notes=("000#딥러닝의 역사 (GPT-X)", "003#GPT"),
    source="Radford et al. 2019, section 2.3",
    errata=(
        Erratum(
            key="gpt_is_bert_model",
            place="000#딥러닝의 역사 (GPT-X)",
            stated="GPT-X는 OpenAI에서 만든 BERT 언어 모델이다.",
            right="GPT는 BERT가 아니다. BERT는 양쪽을 다 보는 인코더이고, GPT는 앞만 보는 디코더이다. 둘째 토큰을 "
            "바꾸면 BERT의 첫째 출력은 달라지지만 GPT의 첫째 출력은 그대로이다.",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=("params",),
    requires=(("t <= config.max_length", "at most config.max_length tokens"),),
)
def gpt(
    config: GPT, params: Parameters, ids: Ids, mask: Padding | None = None, draws: Parameters | None = None, /
) -> Float[Array, "n t config.vocab_size"]:  # fmt: skip
    """Say after every token which one comes next, having seen what came before and nothing else.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    ids : (n, t), tokens, from 0 to config.vocab_size - 1
    mask : (n, t), true where there is a token and no padding; None: everywhere
    draws : dict of uniform draws as `config.draws` says: as in training; None: nothing is dropped
    returns : (n, t, config.vocab_size), logits

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape, all of them named.
    DomainError
        If a text is longer than the table of positions, or a token is not in the vocabulary.

    Source
    ------
    Radford et al. 2018, "Improving language understanding by generative pre-training", section 3.1; Radford et al.
    2019, "Language models are unsupervised multitask learners", section 2.3, with the normalization before each part.

    Examples
    --------
    >>> from gongsik.spec.architectures.gpt import GPT
    >>> config = GPT(vocab_size=5, d_model=4, n_heads=2, d_ff=8, n_layers=1, max_length=3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> tuple(gs.gpt(config, params, gs.asarray([[4, 0, 1]])).shape)
    (1, 3, 5)
    """
    ...


class Step(NamedTuple):
    """What `gpt_step` says, and what it remembers.

    Attributes
    ----------
    logits : array
        Of the next token, after every new one.
    keys, values : array
        What every layer has made of every token so far; what lies behind means nothing.
    length : array
        How many tokens of each sample that is.
    """

    logits: Float[Array, "n t v"]
    keys: Float[Array, "l n h s d"]
    values: Float[Array, "l n h s d"]
    length: Int[Array, "n"]


def cache_shape(config: GPT, n: int, capacity: int | None = None, /) -> tuple[int, ...]:
    """The shape of the keys that `gpt_step` remembers, and of the values: one row per layer, sample, head and token.

    >>> cache_shape(GPT(), 1, 64)
    (12, 1, 12, 64, 64)
    """
    return (config.n_layers, n, config.n_heads, capacity or config.max_length, config.d_head)


Cache: TypeAlias = Annotated[Float[Array, "config.n_layers n config.n_heads s config.d_head"], Finite(nan=False)]


@formula(
    ko="키-값 캐시로 한 걸음",
    en="One step of GPT with a key-value cache",
    tex=r"(K_l, V_l) \leftarrow ([K_l; k_t], [V_l; v_t]), \qquad z_t = \mathrm{softmax}\Big( \frac{q_t K_l^\top}"
    r"{\sqrt{d_k}} \Big) V_l",
    source="Shazeer 2019, section 2.4",
    kind="algorithm",
    deep=True,
    differentiable=("params", "keys", "values"),
    requires=(
        ("config.n_layers >= 1", "a layer that remembers"),
        ("(keys is None) == (values is None) == (length is None)", "keys, values and length, or none of them"),
        ("keys is not None or t <= (capacity or config.max_length)", "a cache that holds the tokens"),
        ("(s if keys is not None else capacity or 1) <= config.max_length", "a cache no longer than the table of "
         "positions"),
    ),
)  # fmt: skip
def gpt_step(
    config: GPT, params: Parameters, ids: Ids,
    keys: Cache | None = None, values: Cache | None = None,
    length: Annotated[Int[Array, "n"], Labels("s - t + 1")] | None = None, /,
    *, capacity: Annotated[int, Ge(1)] | None = None, overwrite: bool = False,
) -> Step:  # fmt: skip
    """Read a few more tokens, mostly one, with what was kept of those before: what `gpt` says of the whole text.

    The keys and values of a token depend on those before it only, so that they never change again. To keep them is to
    do for a token what it costs to do one token.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    ids : (n, t), the new tokens, from 0 to config.vocab_size - 1
    keys, values : (n_layers, n, n_heads, s, d_head), finite; what the last step has returned; None: at the start
    length : (n,), from 0 to s - t, how many tokens of each sample they hold; samples may differ
    returns : a `Step` of logits (n, t, config.vocab_size), and the next keys, values and length

    Options
    -------
    capacity : at least 1, s of the cache that the first call makes; None: config.max_length
    overwrite : whether the next keys and values may be written over the given ones, which nobody needs any more: then
        nothing is copied. No gradient goes through it

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape, all of them named.
    DomainError
        If the cache is full, longer than the table of positions, or given in part; if there is no layer; if a token is
        not in the vocabulary.

    Source
    ------
    Shazeer 2019, "Fast transformer decoding: one write-head is all you need", section 2.4, of incremental attention.

    Examples
    --------
    >>> from gongsik.spec.architectures.gpt import GPT
    >>> config = GPT(vocab_size=5, d_model=4, n_heads=2, d_ff=8, n_layers=1, max_length=3)
    >>> params = {name: gs.asarray(np.ones(shape)) for name, shape in config.parameters().items()}
    >>> first, *cache = gs.gpt_step(config, params, gs.asarray([[4, 0]]))
    >>> second, *cache = gs.gpt_step(config, params, gs.asarray([[1]]), *cache)
    >>> whole = gs.gpt(config, params, gs.asarray([[4, 0, 1]]))
    >>> bool(abs(second[:, 0] - whole[:, 2]).max() < 1e-9), gs.to_numpy(cache[-1])
    (True, array([3]))
    """
    ...


# Saying the next word


@formula(
    ko="출력층과 단어 샘플링",
    en="Output softmax and sampling",
    tex=r"w \sim \mathrm{Cat}\big( \mathrm{softmax}(z / \tau) \big): \qquad "
    r"w = \min \Big\{ j : \textstyle\sum_{i \le j} p_i > u \Big\}, \quad u \sim U[0, 1)",
    notes=("000#img decoder 학습의 최종 과정", "004#Transformer 작동 원리(with 번역)"),
    source="Fan, Lewis & Dauphin 2018, section 5.4",
    kind="algorithm",
    stochastic=True,
)
def output_sampling(
    logits: Float[Array, "*batch v"], uniform: Annotated[Float[Array, "*batch"], Uniform], /,
    *, temperature: NonNegative[float] = 1.0, top_k: Annotated[int, Ge(1)] | None = None,
) -> Int[Array, "*batch"]:  # fmt: skip
    """Choose a word by chance, each with its probability: [0, 1) is cut into a piece per word, and u falls into one.

    Shapes
    ------
    logits : (*batch, v), a score per word; minus infinity for a word that must not come, but not for all
    uniform : (*batch), draws from [0, 1)
    returns : (*batch), integers from 0 to v - 1

    Options
    -------
    temperature : at least 0; what the logits are divided by: below 1 the likely words gain, above 1 the others do; at 0
        the most likely word is chosen, of equal ones the first
    top_k : at least 1; only words are chosen with a logit as large as the k largest; None: any word

    Source
    ------
    Fan, Lewis & Dauphin 2018, "Hierarchical neural story generation", section 5.4, of the k largest; Ackley, Hinton &
    Sejnowski 1985, "A learning algorithm for Boltzmann machines", of the temperature.

    Examples
    --------
    >>> logits = gs.asarray(np.log([[0.5, 0.25, 0.25]] * 4))
    >>> uniform = gs.asarray([0.0, 0.49, 0.51, 0.99])
    >>> gs.to_numpy(gs.output_sampling(logits, uniform))
    array([0, 0, 1, 2])
    >>> gs.to_numpy(gs.output_sampling(logits, uniform, temperature=0.0))
    array([0, 0, 0, 0])
    """
    ...


# Images as sentences


@formula(
    ko="패치 임베딩",
    en="Patch embedding",
    tex=r"e_p = E\, \mathrm{vec}(x_p) + b, \qquad N = \frac{HW}{P^2}",
    notes=("000#Transform 모델의 근황 (img)", "004#ViT(Vision Transformer)"),
    source="Dosovitskiy et al. 2021, eq. 1",
    requires=(
        ("h % p == 0", "patches that cover the height"),
        ("w % q == 0", "patches that cover the width"),
    ),
    differentiable=True,
    axes={"t": "(h // p) * (w // q)"},
)
def patch_embedding(
    x: Float[Array, "n c h w"], weight: Float[Array, "d c p q"], bias: Float[Array, "d"] | None = None, /
) -> Float[Array, "n t d"]:
    """Cut images into patches, row after row, and make of each patch a vector, by weights that all patches share.

    Shapes
    ------
    x : (n, c, h, w)
    weight : (d, c, p, q), of patches of p x q pixels, each of at least one
    bias : (d,) or None
    returns : (n, (h / p) * (w / q), d)

    Raises
    ------
    DomainError
        If the patches do not cover the image exactly.

    Source
    ------
    Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale", eq. 1.

    Examples
    --------
    >>> image = gs.asarray(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> gs.to_numpy(gs.patch_embedding(image, gs.asarray(np.full((1, 1, 2, 2), 0.25))))[0, :, 0]  # means
    array([ 2.5,  4.5, 10.5, 12.5])
    """
    ...


@formula(
    ko="비전 트랜스포머",
    en="Vision Transformer",
    tex=r"z_0 = [x_{cls}; x_1 E; \dots; x_N E] + E_{pos}, \qquad \hat y = W\, \mathrm{LN}(\mathrm{Enc}(z_0))_0 + b",
    notes=("000#Transform 모델의 근황", "004#ViT(Vision Transformer)"),
    source="Dosovitskiy et al. 2021, eq. 1-4",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
)
def vit(
    config: ViT, params: Parameters,
    x: Annotated[Float[Array, "n config.channels config.image_size config.image_size"], Finite(nan=False)],
    draws: Parameters | None = None, /,
) -> Float[Array, "n config.n_classes"]:  # fmt: skip
    """Read the patches of an image as the words of a sentence, and ask a token of its own what they say.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.channels, config.image_size, config.image_size), finite
    draws : dict of uniform draws as `config.draws` says: as in training; None: nothing is dropped
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape, all of them named; if the image is of another size.

    Source
    ------
    Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale", eq. 1-4.

    Examples
    --------
    >>> from gongsik.spec.architectures.vit import ViT
    >>> config = ViT(image_size=4, patch_size=2, channels=1, n_classes=3, d_model=4, n_heads=2, d_ff=8, n_layers=1)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> gs.to_numpy(gs.vit(config, params, gs.asarray(np.ones((2, 1, 4, 4)))))
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    ...
