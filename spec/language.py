"""Language: words as numbers, what comes next in a text, and one sequence made of another.

A text is an array of word numbers, [s t] for s sentences of t words; shorter sentences are padded, and `lengths` says
how many words of each are real. What a formula needs as a vocabulary is its size: `vocab`, or the rows of a table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Bool, Float, Int

from gongsik.spec.array import Array, Labels, NonNegative, Positive, Probability
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters
from gongsik.spec.recurrent import GRU

CHAPTER = Chapter(ko="언어 모형", en="Language models")

Text: TypeAlias = Annotated[Int[Array, "s t"], Labels("vocab")]
Lengths: TypeAlias = Annotated[Int[Array, "s"], Labels("t", first=1)]
"""How many words of each sentence are real; what follows is padding."""

Vectors: TypeAlias = Float[Array, "v d"]


def _check_sizes(config: Any, *names: str) -> None:
    for name in names:
        size = getattr(config, name)
        if type(size) is not int:
            raise DtypeError(f"{type(config).__name__}: {name} is {size!r}, expected an int")
        if size < 1:
            raise DomainError(f"{type(config).__name__}: {name} is {size}, expected an int >= 1")


# Counting: n-grams


class NGramCounts(NamedTuple):
    """Every n-gram of a text in lexicographic order, and how often it occurs.

    There are as many rows as places in the text, so that their number is known beforehand: an n-gram that occurs three
    times has three rows, the first of which counts 3, the others 0. So have places where a sentence is over.
    """

    gram: Int[Array, "m k"]
    count: Int[Array, "m"]


@formula(
    ko="n-그램 세기",
    en="n-gram counts",
    tex=r"c(w_1, \dots, w_n) = \#\{t : (x_{t-n+1}, \dots, x_t) = (w_1, \dots, w_n)\}",
    notes=("004#n-gram",),
    source="Shannon 1948, section 3",
    kind="algorithm",
    requires=(
        ("n <= t", "at least n words in a row"),
        ("vocab**n < 2**63", "vocab**n below 2**63, so that one integer can name an n-gram"),
    ),
)
def n_gram_counts(
    seq: Text, lengths: Lengths | None = None, /, *, n: Annotated[int, Ge(1)] = 2, vocab: Annotated[int, Ge(1)]
) -> NGramCounts:
    """Count every run of n words within a sentence.

    Shapes
    ------
    seq : (s, t), numbers of words, from 0 to vocab - 1; t >= n
    lengths : (s,), from 1 to t: how many words of each sentence are real; all if it is not given
    returns : an `NGramCounts` of gram (s * (t - n + 1), n), in lexicographic order, and count (s * (t - n + 1),)

    Options
    -------
    n : at least 1
    vocab : at least 1; how many words there are

    Raises
    ------
    DomainError
        If a word or a length is out of range, if no sentence can have n words, or if vocab ** n is 2 ** 63 or more.

    Source
    ------
    Shannon 1948, "A mathematical theory of communication", section 3.

    Examples
    --------
    >>> gram, count = gs.n_gram_counts(gs.asarray([[0, 1, 0, 1, 1]]), n=2, vocab=2)  # a b a b b
    >>> gs.to_numpy(gram).tolist(), gs.to_numpy(count).tolist()
    ([[0, 1], [0, 1], [1, 0], [1, 1]], [2, 0, 1, 1])
    """
    ...


@formula(
    ko="n-그램 언어 모델",
    en="n-gram language model",
    tex=r"p(w_t \mid w_{t-n+1}, \dots, w_{t-1}) = \frac{c(w_{t-n+1}, \dots, w_t) + \alpha}"
    r"{\sum_{w} c(w_{t-n+1}, \dots, w_{t-1}, w) + \alpha V}",
    notes=("004#n-gram",),
    source="Shannon 1948, section 3; Jurafsky & Martin 2025, eq. 3.12, 3.25",
    errata=(
        Erratum(
            key="ngram_larger_n_better",
            place="004#n-gram",
            stated="n이 커질수록 더 많은 문맥을 반영하여 성능이 좋아진다.",
            right="데이터가 넉넉할 때만 그렇다. n이 크면 본 적 없는 n-그램이 늘고 그 확률은 0이다. a b c를 배운 "
            "바이그램에게 a c는 불가능하지만, 유니그램에게는 확률 $1/3$인 낱말이 둘 이어진 것이다.",
            setup="train, test, p = np.array([[0, 1, 2]]), np.array([[0, 2]]), {}\n"
            "with np.errstate(divide='ignore'):\n"
            "    for n in (1, 2):\n"
            "        gram, count = gs.n_gram_counts(train, n=n, vocab=3)\n"
            "        p[n] = float(np.exp(gs.n_gram_model(gram, count * 1.0, test, vocab=3)).prod())",
            stated_value="True",
            right_value="p[2] >= p[1]",
        ),
    ),
    kind="model",
    requires=(
        ("k <= t", "at least as many words as the n-grams have"),
        ("vocab**k < 2**63", "vocab**n below 2**63, so that one integer can name an n-gram"),
    ),
)
def n_gram_model(
    gram: Annotated[Int[Array, "m k"], Labels("vocab")], count: NonNegative[Float[Array, "m"]], seq: Text, /,
    *, vocab: Annotated[int, Ge(1)], alpha: NonNegative[float] = 0.0,
) -> Float[Array, "s t-k+1"]:  # fmt: skip
    """Give the log-probability of every word of a text, given the n - 1 before it; the first n - 1 are given.

    Shapes
    ------
    gram : (m, n), n-grams in any order, as of `n_gram_counts`; n is read off
    count : (m,), how often each occurs, at least 0; real numbers, so that the result has their dtype. An n-gram that is
        there several times has the sum of its counts
    seq : (s, t), numbers of words, from 0 to vocab - 1; t >= n
    returns : (s, t - n + 1), for the words from the n-th on; their sum is the log-probability of the sentence. Minus
        infinity for what never followed, and for everything after words that never occurred, where alpha is 0

    Options
    -------
    vocab : at least 1; how many words there are
    alpha : at least 0; what every possible n-gram is counted beyond its count: 0 for shares as they were seen
        (maximum likelihood), 1 for Laplace's rule of succession

    Raises
    ------
    DomainError
        If a word is out of range, a count negative, the text shorter than n, or vocab ** n is 2 ** 63 or more.

    Source
    ------
    Jurafsky & Martin 2025, "Speech and language processing", eq. 3.12 and 3.25.

    Examples
    --------
    >>> gram, count = gs.asarray([[0, 1], [0, 2], [2, 2]]), gs.asarray([3.0, 1.0, 5.0])
    >>> p = np.exp(gs.to_numpy(gs.n_gram_model(gram, count, gs.asarray([[0, 1], [0, 2]]), vocab=3)))
    >>> [round(float(x), 6) for x in p[:, 0]]
    [0.75, 0.25]
    """
    ...


n_gram_markov = law(
    "language.n_gram_markov",
    ko="n-그램의 마르코프 가정",
    en="Markov assumption of n-grams",
    tex=r"p(w_t \mid w_1, \dots, w_{t-1}) \approx p(w_t \mid w_{t-n+1}, \dots, w_{t-1})",
    notes=("004#n-gram",),
    source="Markov 1913; Shannon 1948, section 3",
)


class TableSize(NamedTuple):
    """How many n-grams there can be, and how many of their probabilities can be chosen freely."""

    entries: int
    free_parameters: int


@count(
    ko="n-그램 테이블 크기",
    en="Size of an n-gram table",
    tex=r"V^n\ \text{entries}, \qquad V^{n-1} (V - 1)\ \text{free parameters}",
    notes=("004#n-gram",),
    source="Jurafsky & Martin 2025, section 3.1",
)
def n_gram_table_size(v: int, n: int, /) -> TableSize:
    """How large a table of the probabilities of all n-grams is. Each of its rows sums to 1, which costs one freedom.

    Raises
    ------
    DomainError
        If a number is below 1.
    DtypeError
        If a number is no int.

    Examples
    --------
    >>> n_gram_table_size(50_000, 2)
    TableSize(entries=2500000000, free_parameters=2499950000)
    """
    for name, number in (("v", v), ("n", n)):
        if type(number) is not int:
            raise DtypeError(f"n_gram_table_size: {name} is {number!r}, expected an int")
        if number < 1:
            raise DomainError(f"n_gram_table_size: {name} is {number}, expected an int >= 1")
    return TableSize(v**n, v ** (n - 1) * (v - 1))


# Pieces of words


class Pieces(NamedTuple):
    """Numbers of the pieces, word after word, and the word to which each belongs."""

    piece: Int[Array, "m"]
    word: Int[Array, "m"]


@formula(
    ko="WordPiece 토큰화",
    en="WordPiece tokenisation",
    tex=r"p_1 = \max\{p \in \mathcal V : p \sqsubseteq w\}, \quad "
    r"p_{i+1} = \max\{p : \texttt{\#\#}p \in \mathcal V,\ p_1 \cdots p_i\, p \sqsubseteq w\}",
    notes=("003#BERT",),
    source="Schuster & Nakajima 2012; Devlin et al. 2019, section 3",
    kind="algorithm",
)
def wordpiece(words: tuple, vocab: dict, /, *, unknown: str = "[UNK]", longest: Annotated[int, Ge(1)] = 100) -> Pieces:
    """Cut words into the longest pieces that a vocabulary has, from the left; a piece within a word begins with ##.

    Shapes
    ------
    words : a tuple of strings, none empty
    vocab : dict from pieces to their numbers; it has `unknown`
    returns : a `Pieces` of piece (m,) and word (m,)

    Options
    -------
    unknown : the piece that a word becomes of which some part is in no piece
    longest : at least 1; a word of more characters is unknown

    Raises
    ------
    DtypeError
        If the words are no tuple of strings, or the vocabulary is no dict.
    DomainError
        If there are no words, a word is empty, or the vocabulary has no `unknown`.

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers for language understanding", section 3;
    the pieces are those of Schuster & Nakajima 2012, "Japanese and Korean voice search".

    Examples
    --------
    >>> vocab = {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "##a": 4}
    >>> piece, word = gs.wordpiece(("unaffable", "unseen"), vocab)
    >>> gs.to_numpy(piece).tolist(), gs.to_numpy(word).tolist()
    ([1, 2, 3, 0], [0, 0, 0, 1])
    """
    ...


def check_words(words: tuple, vocab: dict, unknown: str, /) -> None:
    """Hold words and vocabulary of `wordpiece` against what it asks for.

    Raises
    ------
    DtypeError
        If a word is no string.
    DomainError
        If there are no words, a word is empty, or the vocabulary has no `unknown`.
    """
    if not words:
        raise DomainError("wordpiece: words is empty, expected at least one word")
    for i, word in enumerate(words):
        if not isinstance(word, str):
            raise DtypeError(f"wordpiece: words[{i}] is {word!r}, expected a str")
        if not word:
            raise DomainError(f"wordpiece: words[{i}] is empty, expected at least one character")
    if unknown not in vocab:
        raise DomainError(f"wordpiece: vocab has no {unknown!r}, which an unknown word becomes")


# Words as vectors


@formula(
    ko="단어 임베딩",
    en="Word embedding lookup",
    tex=r"e(w) = E^\top \mathrm{onehot}(w) = E_{w,:}",
    notes=("000#좀 더 자세한 벡터 처리 예시", "004#Word Embedding", "004#Transformer 작동 원리(with 번역)"),
    source="Bengio, Ducharme, Vincent & Jauvin 2003, section 2",
    differentiable=True,
)
def word_embedding(ids: Annotated[Int[Array, "*batch"], Labels("v")], table: Vectors, /) -> Float[Array, "*batch d"]:
    """Look up the vector of every word.

    Shapes
    ------
    ids : (*batch), numbers of words, from 0 to v - 1
    table : (v, d), a word per row
    returns : (*batch, d)

    Raises
    ------
    DomainError
        If a word has no row.

    Source
    ------
    Bengio, Ducharme, Vincent & Jauvin 2003, "A neural probabilistic language model", section 2.

    Examples
    --------
    >>> gs.to_numpy(gs.word_embedding(gs.asarray([2, 0]), gs.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])))
    array([[5., 6.],
           [1., 2.]])
    """
    ...


@formula(
    ko="Word2Vec CBOW",
    en="Continuous bag of words",
    tex=r"p(w_t \mid \mathrm{ctx}) = \mathrm{softmax}\Bigl(U\, \frac{1}{2m} \sum_{0 < |j| \le m} v_{w_{t+j}}\Bigr)",
    notes=("004#Word Embedding (Word2Vec)",),
    source="Mikolov, Chen, Corrado & Dean 2013, section 3.1",
    kind="model",
    differentiable=True,
)
def cbow(
    context: Annotated[Int[Array, "n c"], Labels("v")], v_in: Vectors, u_out: Vectors,
    present: Bool[Array, "n c"] | None = None, /,
) -> Float[Array, "n v"]:  # fmt: skip
    """Score every word as the one in the middle of others, by the mean of their vectors: their order does not matter.

    Shapes
    ------
    context : (n, c), numbers of the words around, c = 2m
    v_in : (v, d), a vector of each word where it is read
    u_out : (v, d), a vector of each word where it is predicted
    present : (n, c), false where the text has no such word, at its ends; all are there if it is not given
    returns : (n, v), logits; 0 where no word is there

    Raises
    ------
    DomainError
        If a word has no row.

    Source
    ------
    Mikolov, Chen, Corrado & Dean 2013, "Efficient estimation of word representations in vector space", section 3.1.

    Examples
    --------
    >>> v_in, u_out = gs.asarray([[2.0], [4.0], [0.0]]), gs.asarray([[1.0], [0.0], [-1.0]])
    >>> gs.to_numpy(gs.cbow(gs.asarray([[0, 1]]), v_in, u_out))
    array([[ 3.,  0., -3.]])
    """
    ...


@formula(
    ko="Word2Vec Skip-gram",
    en="Skip-gram",
    tex=r"\prod_{0 < |j| \le m} p(w_{t+j} \mid w_t), \qquad "
    r"p(o \mid c) = \frac{e^{u_o^\top v_c}}{\sum_w e^{u_w^\top v_c}}",
    notes=("004#Word Embedding (Word2Vec)",),
    source="Mikolov, Sutskever, Chen, Corrado & Dean 2013, eq. 1-2",
    kind="model",
    differentiable=True,
)
def skip_gram(center: Annotated[Int[Array, "n"], Labels("v")], v_in: Vectors, u_out: Vectors, /) -> Float[Array, "n v"]:
    """Score every word as one of those around a given word.

    Shapes
    ------
    center : (n,), numbers of the words in the middle
    v_in, u_out : (v, d), a vector of each word where it is read, and where it is predicted
    returns : (n, v), logits; the same for every place around the word

    Raises
    ------
    DomainError
        If a word has no row.

    Source
    ------
    Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed representations of words and phrases and their
    compositionality", eq. 1-2.

    Examples
    --------
    >>> v_in, u_out = gs.asarray([[2.0], [4.0], [0.0]]), gs.asarray([[1.0], [0.0], [-1.0]])
    >>> gs.to_numpy(gs.skip_gram(gs.asarray([1, 0]), v_in, u_out))
    array([[ 4.,  0., -4.],
           [ 2.,  0., -2.]])
    """
    ...


@formula(
    ko="네거티브 샘플링",
    en="Negative sampling",
    tex=r"L = -\frac1n \sum_{i=1}^{n} \Bigl[\log \sigma(u_{o_i}^\top v_{c_i}) + "
    r"\sum_{j=1}^{k} \log \sigma(-u_{w_{ij}}^\top v_{c_i})\Bigr], \qquad w_{ij} \sim P_n",
    notes=("004#Word Embedding (Word2Vec)",),
    source="Mikolov, Sutskever, Chen, Corrado & Dean 2013, eq. 4",
    differentiable=True,
    stochastic=True,
)
def negative_sampling_loss(
    center: Annotated[Int[Array, "n"], Labels("v")], context: Annotated[Int[Array, "n"], Labels("v")],
    noise: Annotated[Int[Array, "n k"], Labels("v")], v_in: Vectors, u_out: Vectors, /,
) -> Float[Array, ""]:  # fmt: skip
    """Tell pairs of a text from pairs that were drawn: a few scores per pair in place of a softmax over all words.

    Shapes
    ------
    center, context : (n,), pairs of words that are near each other
    noise : (n, k), words drawn for each pair, mostly by their frequency to the power 3/4
    v_in, u_out : (v, d), a vector of each word where it is read, and where it is predicted
    returns : (), the mean over the pairs

    Raises
    ------
    DomainError
        If a word has no row.

    Source
    ------
    Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed representations of words and phrases and their
    compositionality", eq. 4.

    Examples
    --------
    >>> vectors = gs.asarray([[0.0], [1.0]])
    >>> loss = gs.negative_sampling_loss(gs.asarray([0]), gs.asarray([1]), gs.asarray([[0, 1]]), vectors, vectors)
    >>> round(float(loss / np.log(2.0)), 6)  # three scores of 0
    3.0
    """
    ...


@formula(
    ko="동시출현 행렬",
    en="Co-occurrence matrix",
    tex=r"X_{ij} = \sum_{t} \sum_{0 < |\delta| \le m} a_{|\delta|}\, \mathbb 1[w_t = i,\ w_{t+\delta} = j], \qquad "
    r"P_{ij} = \frac{X_{ij}}{\sum_k X_{ik}}",
    notes=("004#Word Embedding (GloVe)",),
    source="Pennington, Socher & Manning 2014, sections 3 and 4.2",
    kind="algorithm",
)
def cooccurrence_matrix(
    seq: Text, weight: Float[Array, "window"], lengths: Lengths | None = None, /,
    *, vocab: Annotated[int, Ge(1)], normalize: bool = False,
) -> Float[Array, "vocab vocab"]:  # fmt: skip
    """Count for every two words how often one is within the window around the other.

    Shapes
    ------
    seq : (s, t), numbers of words, from 0 to vocab - 1
    weight : (window,), what words 1, 2, ... places apart count: 1 for plain counts, one over the distance for GloVe's
    lengths : (s,), from 1 to t: how many words of each sentence are real; all if it is not given
    returns : (vocab, vocab), symmetric: X; P if `normalize`

    Options
    -------
    vocab : at least 1; how many words there are
    normalize : whether each row is divided by its sum, so that it says how probable each word is near that of the row;
        a row without any stays 0

    Raises
    ------
    DomainError
        If a word or a length is out of range.

    Source
    ------
    Pennington, Socher & Manning 2014, "GloVe: global vectors for word representation", sections 3 and 4.2.

    Examples
    --------
    >>> text, weight = gs.asarray([[0, 1, 2, 1]]), gs.asarray([1.0, 0.5])
    >>> gs.to_numpy(gs.cooccurrence_matrix(text, weight, vocab=3))
    array([[0. , 1. , 0.5],
           [1. , 1. , 2. ],
           [0.5, 2. , 0. ]])
    """
    ...


@formula(
    ko="GloVe",
    en="GloVe objective",
    tex=r"J = \sum_{i,j} f(X_{ij}) \bigl(w_i^\top \tilde w_j + b_i + \tilde b_j - \log X_{ij}\bigr)^2, \qquad "
    r"f(x) = \min\Bigl(1, \bigl(\tfrac{x}{x_{\max}}\bigr)^{3/4}\Bigr)",
    notes=("004#Word Embedding (GloVe)", "004#RNN(Recurrent Neural Networks)",
           "004#Transformer 작동 원리(with 번역)"),
    source="Pennington, Socher & Manning 2014, eq. 8-9",
    kind="model",
    differentiable=("w", "w_tilde", "b", "b_tilde"),
)  # fmt: skip
def glove(
    w: Vectors, w_tilde: Vectors, b: Float[Array, "v"], b_tilde: Float[Array, "v"],
    row: Annotated[Int[Array, "m"], Labels("v")], column: Annotated[Int[Array, "m"], Labels("v")],
    x: NonNegative[Float[Array, "m"]], /,
    *, x_max: Positive[float] = 100.0, alpha: Annotated[float, Probability] = 0.75,
) -> Float[Array, ""]:  # fmt: skip
    """Ask of every two words that the product of their vectors is the logarithm of how often they meet.

    Shapes
    ------
    w, w_tilde : (v, d), a vector of each word as row and as column
    b, b_tilde : (v,)
    row, column : (m,), the places of the co-occurrence matrix that are not 0
    x : (m,), what is there, at least 0; a 0 contributes nothing
    returns : (), the sum over the m places

    Options
    -------
    x_max : above 0; from this count on all count alike
    alpha : from 0 to 1; the power of the count by which less frequent pairs are weighed

    Raises
    ------
    DomainError
        If a place is outside of the matrix, or a count is negative.

    Source
    ------
    Pennington, Socher & Manning 2014, "GloVe: global vectors for word representation", eq. 8-9.

    Examples
    --------
    >>> vectors, zero = gs.asarray([[1.0], [2.0]]), gs.asarray([0.0, 0.0])
    >>> x = gs.asarray([100.0 * np.exp(2.0), 0.0])  # the logarithm is 2 + log 100, the product 2
    >>> loss = gs.glove(vectors, vectors, zero, zero, gs.asarray([0, 1]), gs.asarray([1, 1]), x)
    >>> round(float(loss / np.log(100.0) ** 2), 6)
    1.0
    """
    ...


# Sentences


@dataclass(frozen=True)
class SentenceEncoder:
    """Configuration of a network that reads a sentence and answers once.

    Parameters
    ----------
    vocab, embedding_size, hidden_size : int
        Words, numbers per word, numbers per sentence.
    outputs : int
        How many questions are answered by a probability.

    Raises
    ------
    DomainError
        If a size is below 1.
    DtypeError
        If a size is no int.
    """

    vocab: int
    embedding_size: int
    hidden_size: int
    outputs: int = 1

    def __post_init__(self) -> None:
        _check_sizes(self, "vocab", "embedding_size", "hidden_size", "outputs")

    @property
    def gru(self) -> GRU:
        return GRU(self.embedding_size, self.hidden_size)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters by name.

        >>> SentenceEncoder(10, 2, 3).parameters()["embedding.weight"]
        (10, 2)
        """
        table: dict[str, tuple[int, ...]] = {"embedding.weight": (self.vocab, self.embedding_size)}
        table |= {f"gru.{name}": shape for name, shape in self.gru.parameters().items()}
        table["linear.weight"] = (self.outputs, self.hidden_size)
        table["linear.bias"] = (self.outputs,)
        return table


class Sentence(NamedTuple):
    """A sentence as one vector, and the probabilities that are read off it."""

    vector: Float[Array, "s k"]
    probability: Float[Array, "s o"]


@formula(
    ko="문장 인코더(감성 분석)",
    en="Sentence encoder (many-to-one)",
    tex=r"s = h_T, \qquad \hat y = \sigma(W s + b)",
    notes=("003#재귀 신경망에서 입력과 출력의 대응 형태 (c)",
           "004#RNN(Recurrent Neural Networks) (Sentiment Analysis)"),
    source="Cho et al. 2014, section 2.2",
    kind="model",
    differentiable=True,
)  # fmt: skip
def sentence_encoder(
    config: SentenceEncoder, params: Parameters, ids: Annotated[Int[Array, "s t"], Labels("config.vocab")],
    lengths: Lengths | None = None, /,
) -> Sentence:  # fmt: skip
    """Read a sentence of any length word by word, and keep the last state: one vector of fixed size.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    ids : (s, t), numbers of words, from 0 to config.vocab - 1
    lengths : (s,), from 1 to t: how many words of each sentence are real; all if it is not given
    returns : a `Sentence` of vector (s, config.hidden_size) and probability (s, config.outputs)

    Raises
    ------
    ShapeError
        If a sentence has no word; if parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a word or a length is out of range.

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    section 2.2.

    Examples
    --------
    >>> from gongsik.spec.language import SentenceEncoder
    >>> config = SentenceEncoder(vocab=5, embedding_size=2, hidden_size=3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> vector, probability = gs.sentence_encoder(config, params, gs.asarray([[1, 2, 3, 4]]))
    >>> tuple(vector.shape), float(probability[0, 0])
    ((1, 3), 0.5)
    """
    ...


@formula(
    ko="언어 모델 손실",
    en="Next-word cross-entropy",
    tex=r"L = -\frac{1}{T} \sum_{t} \log p(w_{t+1} \mid w_{\le t}), \qquad "
    r"p(w_{t+1} \mid w_{\le t}) = \mathrm{softmax}(z_t)_{w_{t+1}}",
    notes=("003#재귀 신경망에서 입력과 출력의 대응 형태 (a)", "004#RNN(Recurrent Neural Networks) (Many-to-many)"),
    source="Bengio, Ducharme, Vincent & Jauvin 2003, eq. 1",
    differentiable=True,
    requires=(("t >= 2", "at least two words, so that there is a next one"),),
)
def language_model_loss(
    logits: Float[Array, "s t v"], ids: Annotated[Int[Array, "s t"], Labels("v")],
    lengths: Annotated[Int[Array, "s"], Labels("t - 1", first=2)] | None = None, /,
) -> Float[Array, ""]:  # fmt: skip
    """Average how surprising each word is to the logits of the place before it.

    Shapes
    ------
    logits : (s, t, v); those of the last place say what comes after the end, and are not used
    ids : (s, t), the words that were read, from 0 to v - 1; they are the targets, too, one place to the left
    lengths : (s,), from 2 to t: how many words of each sentence are real; all if it is not given
    returns : (), the mean over all words that have one before them; e to its power is the perplexity

    Raises
    ------
    DomainError
        If there are fewer than two words, or a word or a length is out of range.

    Source
    ------
    Bengio, Ducharme, Vincent & Jauvin 2003, "A neural probabilistic language model", section 2.

    Examples
    --------
    >>> nothing_known = gs.asarray(np.zeros((1, 3, 8)))
    >>> loss = gs.language_model_loss(nothing_known, gs.asarray([[5, 1, 7]]))
    >>> round(float(np.exp(gs.to_numpy(loss))), 6)  # as good as a die with 8 sides
    8.0
    """
    ...


# One sequence made of another


@dataclass(frozen=True)
class Seq2Seq:
    """Configuration of an encoder and a decoder.

    Parameters
    ----------
    source_vocab, target_vocab : int
        How many words there are on either side.
    embedding_size, hidden_size : int
        Numbers per word and per state; the same on both sides.
    attention : bool
        Whether each step of the decoder looks at all states of the encoder, not at the last one only.

    Raises
    ------
    DomainError
        If a size is below 1.
    DtypeError
        If a size is no int.
    """

    source_vocab: int
    target_vocab: int
    embedding_size: int
    hidden_size: int
    attention: bool = False

    def __post_init__(self) -> None:
        _check_sizes(self, "source_vocab", "target_vocab", "embedding_size", "hidden_size")

    @property
    def gru(self) -> GRU:
        """That of the encoder, and that of the decoder."""
        return GRU(self.embedding_size, self.hidden_size)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters by name.

        >>> [name for name in Seq2Seq(5, 6, 2, 3, attention=True).parameters() if "gru" not in name]
        ... # doctest: +NORMALIZE_WHITESPACE
        ['encoder.embedding.weight', 'decoder.embedding.weight', 'decoder.attention.weight', 'decoder.attention.bias',
         'decoder.linear.weight', 'decoder.linear.bias']
        """
        table: dict[str, tuple[int, ...]] = {}
        for side, vocab in (("encoder", self.source_vocab), ("decoder", self.target_vocab)):
            table[f"{side}.embedding.weight"] = (vocab, self.embedding_size)
            table |= {f"{side}.gru.{name}": shape for name, shape in self.gru.parameters().items()}
        if self.attention:
            table["decoder.attention.weight"] = (self.hidden_size, 2 * self.hidden_size)
            table["decoder.attention.bias"] = (self.hidden_size,)
        table["decoder.linear.weight"] = (self.target_vocab, self.hidden_size)
        table["decoder.linear.bias"] = (self.target_vocab,)
        return table


class Encoded(NamedTuple):
    """The states of the encoder at every word, and the one at the last, which is the context."""

    states: Float[Array, "s t k"]
    context: Float[Array, "s k"]


class Decoded(NamedTuple):
    """Scores of the next word at every place, and the state after the last place."""

    logits: Float[Array, "s t v"]
    h: Float[Array, "s k"]


SourceIds: TypeAlias = Annotated[Int[Array, "s t"], Labels("config.source_vocab")]


@formula(
    ko="seq2seq 인코더",
    en="Encoder of a sequence-to-sequence model",
    tex=r"h_t = \mathrm{GRUcell}(E_{x_t}, h_{t-1}), \qquad c = h_T",
    notes=("004#Machine Translation Problem(seq2seq)",),
    source="Cho et al. 2014, section 2.2",
    kind="model",
    differentiable=True,
)
def seq2seq_encoder(
    config: Seq2Seq, params: Parameters, source: SourceIds, lengths: Lengths | None = None, /
) -> Encoded:
    """Read a sentence to its end before a word is written.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    source : (s, t), numbers of words, from 0 to config.source_vocab - 1
    lengths : (s,), from 1 to t: how many words of each sentence are real; all if it is not given
    returns : an `Encoded` of states (s, t, config.hidden_size) and context (s, config.hidden_size)

    Raises
    ------
    ShapeError
        If a sentence has no word; if parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a word or a length is out of range.

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    section 2.2.

    Examples
    --------
    >>> from gongsik.spec.language import Seq2Seq
    >>> config = Seq2Seq(source_vocab=5, target_vocab=6, embedding_size=2, hidden_size=3)
    >>> params = {name: gs.asarray(np.ones(shape)) for name, shape in config.parameters().items()}
    >>> states, context = gs.seq2seq_encoder(config, params, gs.asarray([[1, 2, 4, 0]]), gs.asarray([3]))
    >>> tuple(states.shape), bool((context == states[:, 2]).all())
    ((1, 4, 3), True)
    """
    ...


@formula(
    ko="seq2seq 디코더",
    en="Decoder of a sequence-to-sequence model",
    tex=r"s_t = \mathrm{GRUcell}(E'_{y_{t-1}}, s_{t-1}), \quad s_0 = c, \qquad "
    r"p(y_t \mid y_{<t}, c) = \mathrm{softmax}(W s_t + b)",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "004#Machine Translation Problem(seq2seq)"),
    source="Cho et al. 2014, section 2.2; Luong, Pham & Manning 2015, section 3.1",
    kind="model",
    differentiable=True,
    requires=(("not config.attention or states is not None", "the states of the encoder, for attention"),),
)
def seq2seq_decoder(
    config: Seq2Seq, params: Parameters, ids: Annotated[Int[Array, "s t"], Labels("config.target_vocab")],
    h: Float[Array, "s config.hidden_size"], states: Float[Array, "s u config.hidden_size"] | None = None,
    visible: Bool[Array, "s u"] | None = None, /,
) -> Decoded:  # fmt: skip
    """Say after each word that was written which comes next, given what was read.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    ids : (s, t), the words that were written, the first of them a sign for the start
    h : (s, config.hidden_size), the state before the first: the context, or what an earlier call returned
    states : (s, u, config.hidden_size), those of the encoder; needed for attention, and else not looked at
    visible : (s, u), true where a state is that of a real word; all if it is not given
    returns : a `Decoded` of logits (s, t, config.target_vocab) and h (s, config.hidden_size)

    Raises
    ------
    ShapeError
        If there is no word; if parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a word is out of range, or states are missing that attention needs.

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    section 2.2; with attention Luong, Pham & Manning 2015, "Effective approaches to attention-based neural machine
    translation", section 3.1, with the dot product and without feeding the attentional state back.

    Examples
    --------
    >>> from gongsik.spec.language import Seq2Seq
    >>> config = Seq2Seq(source_vocab=5, target_vocab=6, embedding_size=2, hidden_size=3)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> logits, h = gs.seq2seq_decoder(config, params, gs.asarray([[0, 4]]), gs.asarray([[8.0, 4.0, 0.0]]))
    >>> tuple(logits.shape), gs.to_numpy(h)  # an update gate of 1/2, twice
    ((1, 2, 6), array([[2., 1., 0.]]))
    """
    ...


@formula(
    ko="seq2seq 인코더-디코더",
    en="Sequence-to-sequence encoder-decoder",
    tex=r"c = \mathrm{enc}(x_{1:T}), \qquad p(y \mid x) = \prod_t p(y_t \mid y_{<t}, c)",
    notes=("000#딥러닝의 역사 (Encoder/Decorder)", "003#재귀 신경망에서 입력과 출력의 대응 형태 (b)",
           "003#Transformer 모델", "004#Machine Translation Problem(seq2seq)"),
    source="Sutskever, Vinyals & Le 2014, eq. 1; Cho et al. 2014",
    kind="model",
    differentiable=True,
)  # fmt: skip
def seq2seq(
    config: Seq2Seq, params: Parameters, source: SourceIds,
    target: Annotated[Int[Array, "s u"], Labels("config.target_vocab")], lengths: Lengths | None = None, /,
) -> Float[Array, "s u config.target_vocab"]:  # fmt: skip
    """Read one sequence, then score another one word by word; neither needs to be as long as the other.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    source : (s, t), numbers of words, from 0 to config.source_vocab - 1
    target : (s, u), numbers from 0 to config.target_vocab - 1: a sign for the start, then all words but the last
    lengths : (s,), from 1 to t: how many words of each source are real; all if it is not given
    returns : (s, u, config.target_vocab), logits; those of place j are of the word that follows target[:, j]

    Raises
    ------
    ShapeError
        If a sequence has no word; if parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a word or a length is out of range.

    Source
    ------
    Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks", eq. 1.

    Examples
    --------
    >>> from gongsik.spec.language import Seq2Seq
    >>> config = Seq2Seq(source_vocab=5, target_vocab=6, embedding_size=2, hidden_size=3, attention=True)
    >>> params = {name: gs.asarray(np.ones(shape)) for name, shape in config.parameters().items()}
    >>> tuple(gs.seq2seq(config, params, gs.asarray([[1, 2, 4, 0]]), gs.asarray([[0, 3]])).shape)
    (1, 2, 6)
    """
    ...


@formula(
    ko="교사 강요",
    en="Teacher forcing",
    tex=r"L = -\sum_t \log p(y_t^\star \mid y^\star_{<t}, x)",
    notes=("004#Machine Translation Problem(seq2seq)",),
    source="Williams & Zipser 1989, section 3",
    errata=(
        Erratum(
            key="teacher_forcing_first_word",
            place="004#Machine Translation Problem(seq2seq)",
            stated="첫 단어는 정답을 넣어 주어야 한다.",
            right="첫 단어만이 아니라 학습의 모든 걸음에서 바로 앞의 정답을 넣는다. 정답이 a b c d이면 디코더의 "
            "입력은 SOS a b c이다. 첫 단어만 넣어 주고 모델이 늘 x를 내면 입력이 SOS a x x가 된다.",
            setup="seen, (a, b, c, d, x) = [], range(1, 6)\n"
            "always_x = lambda state, ids: seen.append(ids.tolist()) or np.eye(6)[np.full(ids.shape, x)]\n"
            "loss = gs.teacher_forcing(always_x, None, np.array([0]), np.array([[a, b, c, d]]))",
            stated_value="[[0, a, x, x]]",
            right_value="seen[0]",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def teacher_forcing(
    decoder: Callable[..., Any], state: object, start: Annotated[Int[Array, "s"], Ge(0)],
    target: Annotated[Int[Array, "s t"], Ge(0)], lengths: Lengths | None = None, /,
) -> Float[Array, ""]:  # fmt: skip
    """Show a decoder the right words before each one that it has to say, whatever it would have said itself.

    All steps are then known beforehand: one call computes them, and the loss is a sum of independent terms.

    Shapes
    ------
    decoder : a function of (state, ids), ids (s, t), that returns logits (s, t, v)
    state : whatever the decoder takes
    start : (s,), the sign for the start
    target : (s, t), the right words, from 0 to v - 1
    lengths : (s,), from 1 to t: how many words of each target are real; all if it is not given
    returns : (), the mean over the s sequences of the sum over their words

    Raises
    ------
    DomainError
        If a word is negative, or a length out of range.

    Source
    ------
    Williams & Zipser 1989, "A learning algorithm for continually running fully recurrent neural networks", section 3.

    Examples
    --------
    >>> decoder = lambda state, ids: gs.asarray(np.zeros((1, 3, 8)))
    >>> loss = gs.teacher_forcing(decoder, None, gs.asarray([0]), gs.asarray([[5, 1, 7]]))
    >>> round(float(np.exp(gs.to_numpy(loss))), 6)  # 8 * 8 * 8
    512.0
    """
    ...


@formula(
    ko="자기회귀 탐욕 디코딩",
    en="Greedy autoregressive decoding",
    tex=r"\hat y_t = \arg\max_w p(w \mid \hat y_{<t}, x), \qquad \hat y_0 = \mathrm{SOS}, \quad \text{stop at EOS}",
    notes=("000#decoder는 어떻게 결과값을 만들어 내는가?", "004#Machine Translation Problem(seq2seq)"),
    source="Sutskever, Vinyals & Le 2014, section 3.2",
    kind="algorithm",
)
def greedy_decode(
    step: Callable[..., Any], state: object, start: Annotated[Int[Array, "s"], Ge(0)], /,
    *, eos: Annotated[int, Ge(0)], max_length: Annotated[int, Ge(1)],
) -> Int[Array, "s max_length"]:  # fmt: skip
    """Say the most probable word, read it, and go on.

    Shapes
    ------
    step : a function of (state, word), word (s,), that returns logits (s, v) and the next state
    state : whatever the step takes first
    start : (s,), the sign for the start
    returns : (s, max_length); after the first `eos` of a row everything is `eos`

    Options
    -------
    eos : at least 0; the sign for the end
    max_length : at least 1; how many words are said at most

    Source
    ------
    Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks", section 3.2, with a beam of 1.

    Examples
    --------
    >>> after = gs.asarray([[0.0, 9.0, 0.0, 0.0], [0.0, 0.0, 9.0, 0.0], [0.0, 0.0, 0.0, 9.0], [9.0, 0.0, 0.0, 0.0]])
    >>> count_up = lambda state, word: (after[word], state)
    >>> gs.to_numpy(gs.greedy_decode(count_up, None, gs.asarray([0, 2]), eos=3, max_length=4))
    array([[1, 2, 3, 3],
           [3, 3, 3, 3]])
    """
    ...


error_propagation = law(
    "language.error_propagation",
    ko="오류 전파(노출 편향)",
    en="Error propagation in free running",
    tex=r"\Pr(\text{all right up to}\ T) = (1 - \epsilon)^T",
    notes=("004#Machine Translation Problem(seq2seq)",),
    source="Bengio, Vinyals, Jaitly & Shazeer 2015, section 2.4",
)
