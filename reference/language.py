"""Language models in NumPy."""

import numpy as np

from gongsik.reference.activation import sigmoid
from gongsik.reference.arrays import implements
from gongsik.reference.attention import attentional_hidden_state, scaled_dot_product_attention
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.reference.network import linear
from gongsik.reference.recurrent import gru
from gongsik.spec import language as spec
from gongsik.spec.model import check_parameters

__all__ = [
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


# Counting: n-grams


def _codes(gram, vocab):
    """One integer per n-gram, ordered as they are: its words are the digits of a number to the base `vocab`."""
    powers = vocab ** np.arange(gram.shape[-1])[::-1]
    return (gram * powers).sum(-1)


@implements(spec.n_gram_counts)
def n_gram_counts(seq, lengths=None, /, *, n=2, vocab):
    s, t = seq.shape
    codes = _codes(np.lib.stride_tricks.sliding_window_view(seq, n, axis=1), vocab)  # [s, t - n + 1]
    lengths = np.full(s, t) if lengths is None else lengths
    inside = np.arange(n, t + 1) <= lengths[:, None]
    codes = np.sort(np.where(inside, codes, vocab**n).reshape(-1))  # those beyond the end of a sentence last
    first, last = np.searchsorted(codes, codes, "left"), np.searchsorted(codes, codes, "right")
    counts = (first == np.arange(len(codes))) & (codes < vocab**n)
    digits = np.minimum(codes, vocab**n - 1)[:, None] // vocab ** np.arange(n)[::-1]
    return spec.NGramCounts(digits % vocab, np.where(counts, last - first, 0))


@implements(spec.n_gram_model)
def n_gram_model(gram, count, seq, /, *, vocab, alpha=0.0):
    seen = _codes(gram, vocab)  # [m]
    words = _codes(np.lib.stride_tricks.sliding_window_view(seq, gram.shape[1], axis=1), vocab)[..., None]
    together = np.where(seen == words, count, 0).sum(-1)  # [s, t - n + 1]
    alone = np.where(seen // vocab == words // vocab, count, 0).sum(-1)  # the last digit is the last word
    possible = alone + alpha * vocab
    return np.log((together + alpha) / np.where(possible > 0, possible, 1))


# Pieces of words


@implements(spec.wordpiece)
def wordpiece(words, vocab, /, *, unknown="[UNK]", longest=100):
    spec.check_words(words, vocab, unknown)
    found = []
    for i, word in enumerate(words):
        pieces = _pieces(word, vocab) if len(word) <= longest else None
        found.extend((vocab[piece], i) for piece in pieces or [unknown])
    piece, word = zip(*found, strict=True)
    return spec.Pieces(np.array(piece), np.array(word))


def _pieces(word, vocab):
    """The longest piece of the vocabulary that the word begins with, then of what is left; None where there is none."""
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        fitting = (end for end in range(len(word), start, -1) if prefix + word[start:end] in vocab)
        end = next(fitting, None)
        if end is None:
            return None
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


# Words as vectors


@implements(spec.word_embedding)
def word_embedding(ids, table, /):
    return table[ids]


@implements(spec.cbow)
def cbow(context, v_in, u_out, present=None, /):
    vectors = v_in[context]  # [n, c, d]
    if present is None:
        mean = vectors.mean(1)
    else:
        number = np.maximum(present.sum(1), 1)[:, None].astype(v_in.dtype)
        mean = np.where(present[..., None], vectors, 0).sum(1) / number
    return mean @ u_out.T


@implements(spec.skip_gram)
def skip_gram(center, v_in, u_out, /):
    return v_in[center] @ u_out.T


@implements(spec.negative_sampling_loss)
def negative_sampling_loss(center, context, noise, v_in, u_out, /):
    v = v_in[center]  # [n, d]
    true = (v * u_out[context]).sum(-1)  # [n]
    drawn = (v[:, None] * u_out[noise]).sum(-1)  # [n, k]
    return (_minus_log_sigmoid(true) + _minus_log_sigmoid(-drawn).sum(-1)).mean()


def _minus_log_sigmoid(s):
    return np.logaddexp(0, -s)


@implements(spec.cooccurrence_matrix)
def cooccurrence_matrix(seq, weight, lengths=None, /, *, vocab, normalize=False):
    s, t = seq.shape
    real = np.arange(t) < (np.full(s, t) if lengths is None else lengths)[:, None]
    x = np.zeros((vocab, vocab), weight.dtype)
    for distance in range(1, min(len(weight), t - 1) + 1):
        pairs = (seq[:, :-distance] * vocab + seq[:, distance:])[real[:, distance:]]
        counts = np.bincount(pairs, minlength=vocab**2).reshape(vocab, vocab)
        x = x + weight[distance - 1] * counts.astype(weight.dtype)
    x = x + x.T
    if not normalize:
        return x
    total = x.sum(-1, keepdims=True)
    return x / np.where(total == 0, 1, total)


@implements(spec.glove)
def glove(w, w_tilde, b, b_tilde, row, column, x, /, *, x_max=100.0, alpha=0.75):
    f = np.minimum(1, (x / x_max) ** alpha)
    score = (w[row] * w_tilde[column]).sum(-1) + b[row] + b_tilde[column]
    residual = np.where(x > 0, score - np.log(np.where(x > 0, x, 1)), 0)
    return (f * residual**2).sum()


# Sentences


def _part(params, prefix):
    """The parameters whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): array for name, array in params.items() if name.startswith(prefix)}


def _read(gru_config, params, ids, lengths):
    """The states of a GRU at every word, and at the last real one."""
    states = gru(gru_config, _part(params, "gru."), word_embedding(ids, params["embedding.weight"])).output
    last = states[:, -1] if lengths is None else states[np.arange(len(ids)), lengths - 1]
    return states, last


@implements(spec.sentence_encoder)
def sentence_encoder(config, params, ids, lengths=None, /):
    check_parameters("sentence_encoder", config, params)
    _, vector = _read(config.gru, params, ids, lengths)
    return spec.Sentence(vector, sigmoid(linear(vector, params["linear.weight"], params["linear.bias"])))


@implements(spec.language_model_loss)
def language_model_loss(logits, ids, lengths=None, /):
    s, t = ids.shape
    real = np.arange(1, t) < (np.full(s, t) if lengths is None else lengths)[:, None]  # [s, t - 1]
    return softmax_cross_entropy(logits[:, :-1][real], ids[:, 1:][real])


# One sequence made of another


@implements(spec.seq2seq_encoder)
def seq2seq_encoder(config, params, source, lengths=None, /):
    check_parameters("seq2seq_encoder", config, params)
    return spec.Encoded(*_read(config.gru, _part(params, "encoder."), source, lengths))


@implements(spec.seq2seq_decoder)
def seq2seq_decoder(config, params, ids, h, states=None, visible=None, /):
    check_parameters("seq2seq_decoder", config, params)
    params = _part(params, "decoder.")
    x = word_embedding(ids, params["embedding.weight"])
    output, last = gru(config.gru, _part(params, "gru."), x, h[None])
    if config.attention:
        mask = None if visible is None else visible[:, None, :]  # [s, 1, u]: every step sees the same
        context = scaled_dot_product_attention(output, states, states, mask, scale=1.0)
        output = attentional_hidden_state(context, output, params["attention.weight"], params["attention.bias"])
    return spec.Decoded(linear(output, params["linear.weight"], params["linear.bias"]), last[0])


@implements(spec.seq2seq)
def seq2seq(config, params, source, target, lengths=None, /):
    states, context = seq2seq_encoder(config, params, source, lengths)
    visible = None if lengths is None else np.arange(source.shape[1]) < lengths[:, None]
    return seq2seq_decoder(config, params, target, context, states, visible).logits


@implements(spec.teacher_forcing)
def teacher_forcing(decoder, state, start, target, lengths=None, /):
    s, t = target.shape
    logits = decoder(state, np.concatenate([start[:, None], target[:, :-1]], 1))  # [s, t, v]
    real = np.arange(t) < (np.full(s, t) if lengths is None else lengths)[:, None]
    return softmax_cross_entropy(logits[real], target[real], reduction="sum") / s


@implements(spec.greedy_decode)
def greedy_decode(step, state, start, /, *, eos, max_length):
    word, over, said = start, np.zeros(len(start), bool), []
    for _ in range(max_length):
        logits, state = step(state, word)
        word = np.where(over, eos, np.argmax(logits, -1))
        over = over | (word == eos)
        said.append(word)
    return np.stack(said, 1)
