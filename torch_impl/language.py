"""Language models in PyTorch. What is looked up goes through `F.embedding`, whose gradient adds up by rows."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor

from gongsik.spec import language as spec
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.attention import attentional_hidden_state, scaled_dot_product_attention
from gongsik.torch_impl.recurrent import GRUModule, gru

__all__ = [
    "SentenceEncoderModule",
    "Seq2SeqModule",
    "cbow",
    "cooccurrence_matrix",
    "glove",
    "greedy_decode",
    "language_model_loss",
    "n_gram_counts",
    "n_gram_model",
    "negative_sampling_loss",
    "sentence_encoder",
    "seq2seq",
    "seq2seq_decoder",
    "seq2seq_encoder",
    "skip_gram",
    "teacher_forcing",
    "word_embedding",
    "wordpiece",
]

PADDING = -100
"""A target that costs nothing."""


def _real(lengths, t):
    """Which of t places are those of real words, [s, t]."""
    return torch.arange(t, device=lengths.device) < lengths[:, None]


# Counting: n-grams


def _codes(words, vocab):
    """One integer per n-gram, ordered as they are: the words, given one place after the other, are its digits."""
    codes = words[0].long()
    for word in words[1:]:
        codes = codes * vocab + word
    return codes


def _windows(seq, n):
    """The first words of all n-grams, the second ones, and so on, [s, t - n + 1] each; no copies."""
    last = seq.shape[1] - n + 1
    return [seq[:, j : j + last] for j in range(n)]


def _runs(codes):
    """Of sorted numbers: where each run of equal ones begins, and to which run each belongs."""
    first = torch.cat([codes.new_ones(1, dtype=torch.bool), codes[1:] != codes[:-1]])
    return first, first.cumsum(0) - 1


def _traced(x):
    """Whether a compiler or a transformation of torch.func looks on, which take fewer operations."""
    return torch.compiler.is_compiling() or is_functorch_wrapped_tensor(x)


def _sorted(codes, values):
    """Sort numbers below `values`, in four bytes each where that is enough: it takes half as long."""
    narrow = codes.int() if values <= 2**31 else codes
    if codes.is_cpu and not _traced(codes):  # NumPy sorts with vector instructions, three times as fast as torch
        return torch.from_numpy(np.sort(narrow.numpy()))
    return narrow.sort().values


@implements(spec.n_gram_counts)
def n_gram_counts(seq, lengths=None, /, *, n=2, vocab):
    codes, beyond = _codes(_windows(seq, n), vocab), vocab**n
    if lengths is not None:
        codes = torch.where(_real(lengths, seq.shape[1])[:, n - 1 :], codes, beyond)
    codes = _sorted(codes.flatten(), beyond + 1)
    first, run = _runs(codes)
    length = torch.zeros_like(run).scatter_add(0, run, torch.ones_like(run))
    digits, rest = [], codes.clamp(max=beyond - 1)
    for _ in range(n - 1):
        above = rest // vocab
        digits.append(rest - above * vocab)  # a remainder is a second division
        rest = above
    gram = torch.stack([rest, *digits[::-1]], 1).long()
    counts = first & (codes < beyond)
    if _traced(codes):
        return spec.NGramCounts(gram, torch.where(counts, length[run], 0))
    # The lengths of the runs, in their order, go to where the runs begin: half the time of looking each up.
    return spec.NGramCounts(gram, torch.zeros_like(run).masked_scatter_(counts, length))


def _totals(keys, count, wanted):
    """For every wanted key the sum of the counts that have it; the keys are sorted."""
    run = _runs(keys)[1]
    total = torch.zeros_like(count).index_add(0, run, count)
    at = torch.searchsorted(keys, wanted.contiguous()).clamp(max=len(keys) - 1)
    return torch.where(keys[at] == wanted, total[run[at]], 0)


@implements(spec.n_gram_model)
def n_gram_model(gram, count, seq, /, *, vocab, alpha=0.0):
    codes, order = _codes(gram.unbind(1), vocab).sort()
    count, words = count[order], _codes(_windows(seq, gram.shape[1]), vocab)
    together = _totals(codes, count, words) + alpha
    alone = _totals(codes // vocab, count, words // vocab) + alpha * vocab
    return torch.log(together / torch.where(alone > 0, alone, 1))


# Pieces of words


@implements(spec.wordpiece)
def wordpiece(words, vocab, /, *, unknown="[UNK]", longest=100):
    spec.check_words(words, vocab, unknown)
    known: dict[str, list[int]] = {}  # a text has few different words
    piece, word = [], []
    for i, text in enumerate(words):
        if text not in known:
            known[text] = (_pieces(text, vocab) if len(text) <= longest else []) or [vocab[unknown]]
        piece += known[text]
        word += [i] * len(known[text])
    return spec.Pieces(torch.tensor(piece), torch.tensor(word))


def _pieces(text, vocab):
    """Numbers of the pieces; none if a part of the word is in no piece."""
    found, start, mark = [], 0, ""
    while start < len(text):
        end = len(text)
        while end > start and mark + text[start:end] not in vocab:
            end -= 1
        if end == start:
            return []
        found.append(vocab[mark + text[start:end]])
        start, mark = end, "##"
    return found


# Words as vectors


@implements(spec.word_embedding)
def word_embedding(ids, table, /):
    return F.embedding(ids, table)


@implements(spec.cbow)
def cbow(context, v_in, u_out, present=None, /):
    vectors = F.embedding(context, v_in)  # [n, c, d]
    if present is None:
        return F.linear(vectors.mean(1), u_out)
    number = present.sum(1, keepdim=True).clamp(min=1)
    return F.linear(torch.where(present[..., None], vectors, 0).sum(1) / number, u_out)


@implements(spec.skip_gram)
def skip_gram(center, v_in, u_out, /):
    return F.linear(F.embedding(center, v_in), u_out)


@implements(spec.negative_sampling_loss)
def negative_sampling_loss(center, context, noise, v_in, u_out, /):
    v = F.embedding(center, v_in)  # [n, d]
    # The true word and the drawn ones side by side: one product for all.
    others = F.embedding(torch.cat([context[:, None], noise], 1), u_out)  # [n, 1 + k, d]
    score = (others @ v[..., None])[..., 0]  # [n, 1 + k]
    # not F.softplus, which takes e^-20 for nothing
    return -(F.logsigmoid(score[:, 0]) + F.logsigmoid(-score[:, 1:]).sum(-1)).mean()


@implements(spec.cooccurrence_matrix)
def cooccurrence_matrix(seq, weight, lengths=None, /, *, vocab, normalize=False):
    real = None if lengths is None else _real(lengths, seq.shape[1])
    x = weight.new_zeros(vocab, vocab)
    for distance in range(1, min(len(weight), seq.shape[1] - 1) + 1):
        # Counts are whole numbers: exact, in whatever order they are added up.
        codes = _codes([seq[:, :-distance], seq[:, distance:]], vocab)
        once = torch.ones_like(codes) if real is None else real[:, distance:].long()
        counts = codes.new_zeros(vocab**2).scatter_add(0, codes.flatten(), once.flatten())
        x = torch.addcmul(x, weight[distance - 1], counts.view(vocab, vocab).to(weight.dtype))
    x = x + x.mT
    if not normalize:
        return x
    total = x.sum(-1, keepdim=True)
    return x / torch.where(total == 0, 1, total)


@implements(spec.glove)
def glove(w, w_tilde, b, b_tilde, row, column, x, /, *, x_max=100.0, alpha=0.75):
    f = (x / x_max).pow(alpha).clamp(max=1)
    product = torch.linalg.vecdot(F.embedding(row, w), F.embedding(column, w_tilde))
    score = product + b[row] + b_tilde[column]
    residual = torch.where(x > 0, score - torch.where(x > 0, x, 1).log(), 0)
    return (f * residual**2).sum()


# Sentences


def _part(params, prefix):
    """The parameters whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): tensor for name, tensor in params.items() if name.startswith(prefix)}


def _read(gru_config, params, ids, lengths):
    """The states of a GRU at every word, and at the last real one."""
    states = gru(gru_config, _part(params, "gru."), F.embedding(ids, params["embedding.weight"])).output
    if lengths is None:
        return states, states[:, -1]
    return states, states[torch.arange(len(ids), device=ids.device), lengths - 1]


@implements(spec.sentence_encoder)
def sentence_encoder(config, params, ids, lengths=None, /):
    check_parameters("sentence_encoder", config, params)
    _, vector = _read(config.gru, params, ids, lengths)
    return spec.Sentence(vector, torch.sigmoid(F.linear(vector, params["linear.weight"], params["linear.bias"])))


def _cross_entropy(logits, target, reduction):
    return F.cross_entropy(logits.flatten(0, 1), target.flatten().long(), reduction=reduction, ignore_index=PADDING)


@implements(spec.language_model_loss)
def language_model_loss(logits, ids, lengths=None, /):
    # The targets move to the left, and the last place has none: moving the logits would copy them.
    target = F.pad(ids[:, 1:], (0, 1), value=PADDING)
    if lengths is not None:
        target = torch.where(_real(lengths - 1, ids.shape[1]), target, PADDING)
    return _cross_entropy(logits, target, "mean")


# One sequence made of another


@implements(spec.seq2seq_encoder)
def seq2seq_encoder(config, params, source, lengths=None, /):
    check_parameters("seq2seq_encoder", config, params)
    return spec.Encoded(*_read(config.gru, _part(params, "encoder."), source, lengths))


@implements(spec.seq2seq_decoder)
def seq2seq_decoder(config, params, ids, h, states=None, visible=None, /):
    check_parameters("seq2seq_decoder", config, params)
    params = _part(params, "decoder.")
    output, last = gru(config.gru, _part(params, "gru."), F.embedding(ids, params["embedding.weight"]), h[None])
    if config.attention:  # of all steps at once, because none waits for what another has looked up
        mask = None if visible is None else visible[:, None, :]  # [s, 1, u]
        context = scaled_dot_product_attention(output, states, states, mask, scale=1.0)
        output = attentional_hidden_state(context, output, params["attention.weight"], params["attention.bias"])
    return spec.Decoded(F.linear(output, params["linear.weight"], params["linear.bias"]), last[0])


@implements(spec.seq2seq)
def seq2seq(config, params, source, target, lengths=None, /):
    states, context = seq2seq_encoder(config, params, source, lengths)
    visible = None if lengths is None else _real(lengths, source.shape[1])
    return seq2seq_decoder(config, params, target, context, states, visible).logits


@implements(spec.teacher_forcing)
def teacher_forcing(decoder, state, start, target, lengths=None, /):
    logits = decoder(state, torch.cat([start[:, None], target[:, :-1]], 1))  # [s, t, v]
    if lengths is not None:
        target = torch.where(_real(lengths, target.shape[1]), target, PADDING)
    return _cross_entropy(logits, target, "sum") / len(target)


@implements(spec.greedy_decode)
def greedy_decode(step, state, start, /, *, eos, max_length):
    word, over, said = start, torch.zeros_like(start, dtype=torch.bool), []
    for _ in range(max_length):  # never shorter, because asking whether all are over would wait for the device
        logits, state = step(state, word)
        word = torch.where(over, eos, logits.argmax(-1))
        over = over | (word == eos)
        said.append(word)
    return torch.stack(said, 1)


class _Reader(nn.Module):
    """An embedding and a GRU, with the names that the formulas ask for."""

    def __init__(self, vocab: int, config: spec.GRU) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, config.input_size)
        self.gru = GRUModule(config)


class SentenceEncoderModule(_Reader):
    """`sentence_encoder` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : SentenceEncoder
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.language import SentenceEncoder
    >>> module = SentenceEncoderModule(SentenceEncoder(vocab=10, embedding_size=2, hidden_size=3))
    >>> list(module(torch.tensor([[1, 2, 3]])).vector.shape)
    [1, 3]
    """

    def __init__(self, config: spec.SentenceEncoder, /) -> None:
        super().__init__(config.vocab, config.gru)
        self.config = config
        self.linear = nn.Linear(config.hidden_size, config.outputs)

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> spec.Sentence:
        return sentence_encoder(self.config, dict(self.named_parameters()), ids, lengths)


class Seq2SeqModule(nn.Module):
    """`seq2seq` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : Seq2Seq
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.language import Seq2Seq
    >>> config = Seq2Seq(source_vocab=5, target_vocab=6, embedding_size=2, hidden_size=3, attention=True)
    >>> list(Seq2SeqModule(config)(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 4]])).shape)
    [1, 2, 6]
    """

    def __init__(self, config: spec.Seq2Seq, /) -> None:
        super().__init__()
        self.config = config
        self.encoder = _Reader(config.source_vocab, config.gru)
        self.decoder = _Reader(config.target_vocab, config.gru)
        if config.attention:
            self.decoder.attention = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.decoder.linear = nn.Linear(config.hidden_size, config.target_vocab)

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        return seq2seq(self.config, dict(self.named_parameters()), source, target, lengths)
