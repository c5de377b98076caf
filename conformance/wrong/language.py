"""Classic mistakes in language models."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import language as right
from gongsik.reference.activation import sigmoid
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.spec import language as spec

# Counting


@wrong("language.n_gram_counts", "n-grams run on from one sentence into the next")
def counts_across_sentences(seq, lengths=None, /, *, n=2, vocab):
    found = right.n_gram_counts(seq.reshape(1, -1), n=n, vocab=vocab)
    return spec.NGramCounts(*(part[: len(seq) * (seq.shape[1] - n + 1)] for part in found))


@wrong("language.n_gram_counts", "padding is counted like words")
def counts_with_padding(seq, lengths=None, /, *, n=2, vocab):
    return right.n_gram_counts(seq, n=n, vocab=vocab)


@wrong("language.n_gram_counts", "every place counts the whole: an n-gram that occurs twice counts four times")
def counts_repeated(seq, lengths=None, /, *, n=2, vocab):
    gram, count = right.n_gram_counts(seq, lengths, n=n, vocab=vocab)
    run = np.cumsum(count > 0) - 1
    return spec.NGramCounts(gram, count[count > 0][np.maximum(run, 0)] if count.any() else count)


@wrong("language.n_gram_model", "divided by all n-grams, not by those with the same words before")
def model_joint(gram, count, seq, /, *, vocab, alpha=0.0):
    return np.log((_counted(gram, count, seq, vocab) + alpha) / (count.sum() + alpha * vocab))


@wrong("language.n_gram_model", "smoothed above, not below")
def model_half_smoothed(gram, count, seq, /, *, vocab, alpha=0.0):
    together, alone = _counted(gram, count, seq, vocab), _counted(gram[:, :-1], count, seq[:, :-1], vocab)
    return np.log((together + alpha) / np.where(alone > 0, alone, 1))


def _counted(gram, count, seq, vocab):
    if not gram.shape[1]:
        return count.sum() + np.zeros((len(seq), seq.shape[1] + 1), count.dtype)
    words = right._codes(np.lib.stride_tricks.sliding_window_view(seq, gram.shape[1], axis=1), vocab)
    return np.where(right._codes(gram, vocab) == words[..., None], count, 0).sum(-1)


@wrong("language.n_gram_model", "probabilities, no logarithm")
def model_probability(gram, count, seq, /, *, vocab, alpha=0.0):
    return np.exp(right.n_gram_model(gram, count, seq, vocab=vocab, alpha=alpha))


@wrong("language.wordpiece", "the shortest piece that fits")
def wordpiece_shortest(words, vocab, /, *, unknown="[UNK]", longest=100):
    def cut(word):
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = [end for end in range(start + 1, len(word) + 1) if prefix + word[start:end] in vocab]
            if not ends:
                return [unknown]
            pieces.append(prefix + word[start : ends[0]])
            start = ends[0]
        return pieces

    return _joined(words, vocab, cut)


@wrong("language.wordpiece", "what was found before an unknown part is kept")
def wordpiece_partial(words, vocab, /, *, unknown="[UNK]", longest=100):
    def cut(word):
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = [end for end in range(len(word), start, -1) if prefix + word[start:end] in vocab]
            if not ends:
                return [*pieces, unknown]
            pieces.append(prefix + word[start : ends[0]])
            start = ends[0]
        return pieces

    return _joined(words, vocab, cut)


@wrong("language.wordpiece", "pieces within a word are looked up without ##")
def wordpiece_without_mark(words, vocab, /, *, unknown="[UNK]", longest=100):
    def cut(word):
        pieces, start = [], 0
        while start < len(word):
            ends = [end for end in range(len(word), start, -1) if word[start:end] in vocab]
            if not ends:
                return [unknown]
            pieces.append(word[start : ends[0]])
            start = ends[0]
        return pieces

    return _joined(words, vocab, cut)


def _joined(words, vocab, cut):
    found = [(vocab[piece], i) for i, word in enumerate(words) for piece in cut(word)]
    piece, word = zip(*found, strict=True)
    return spec.Pieces(np.array(piece), np.array(word))


# Words as vectors


@wrong("language.word_embedding", "the row before")
def embedding_off_by_one(ids, table, /):
    return table[ids - 1]


@wrong("language.word_embedding", "a column in place of a row, where there is one")
def embedding_columns(ids, table, /):
    return table[ids % table.shape[0]] if table.shape[0] != table.shape[1] else table.T[ids]


@wrong("language.word_embedding", "word 0 is taken for padding")
def embedding_padding(ids, table, /):
    return np.where((ids == 0)[..., None], 0, table[ids])


@wrong("language.cbow", "the vectors are added up, not averaged")
def cbow_sum(context, v_in, u_out, present=None, /):
    vectors = v_in[context] if present is None else np.where(present[..., None], v_in[context], 0)
    return vectors.sum(1) @ u_out.T


@wrong("language.cbow", "words that are not there count in the mean")
def cbow_padded_mean(context, v_in, u_out, present=None, /):
    vectors = v_in[context] if present is None else np.where(present[..., None], v_in[context], 0)
    return vectors.mean(1) @ u_out.T


@wrong("language.cbow", "one table for both")
def cbow_tied(context, v_in, u_out, present=None, /):
    return right.cbow(context, v_in, v_in, present)


@wrong("language.skip_gram", "one table for both")
def skip_gram_tied(center, v_in, u_out, /):
    return v_in[center] @ v_in.T


@wrong("language.skip_gram", "the tables change places")
def skip_gram_swapped(center, v_in, u_out, /):
    return u_out[center] @ v_in.T


@wrong("language.negative_sampling_loss", "drawn words are pulled nearer, too")
def negative_sampling_sign(center, context, noise, v_in, u_out, /):
    v = v_in[center]
    drawn = (v[:, None] * u_out[noise]).sum(-1)
    true = (v * u_out[context]).sum(-1)
    return (np.logaddexp(0, -true) + np.logaddexp(0, -drawn).sum(-1)).mean()


@wrong("language.negative_sampling_loss", "the mean over the drawn words, not their sum")
def negative_sampling_mean(center, context, noise, v_in, u_out, /):
    v = v_in[center]
    drawn = (v[:, None] * u_out[noise]).sum(-1)
    true = (v * u_out[context]).sum(-1)
    return (np.logaddexp(0, -true) + np.logaddexp(0, drawn).mean(-1)).mean()


@wrong("language.negative_sampling_loss", "the logarithm of 1 minus the sigmoid of a large score")
def negative_sampling_overflow(center, context, noise, v_in, u_out, /):
    v = v_in[center]
    drawn = (v[:, None] * u_out[noise]).sum(-1)
    true = (v * u_out[context]).sum(-1)
    return -(np.log(sigmoid(true)) + np.log(1 - sigmoid(drawn)).sum(-1)).mean()


@wrong("language.cooccurrence_matrix", "the window looks ahead only")
def cooccurrence_one_sided(seq, weight, lengths=None, /, *, vocab, normalize=False):
    x = np.triu(right.cooccurrence_matrix(seq, weight, lengths, vocab=vocab))
    total = x.sum(-1, keepdims=True)
    return x / np.where(total == 0, 1, total) if normalize else x


@wrong("language.cooccurrence_matrix", "a word is its own neighbour")
def cooccurrence_with_itself(seq, weight, lengths=None, /, *, vocab, normalize=False):
    x = right.cooccurrence_matrix(seq, weight, lengths, vocab=vocab)
    x = x + np.diag(np.bincount(seq.reshape(-1), minlength=vocab)).astype(x.dtype)
    total = x.sum(-1, keepdims=True)
    return x / np.where(total == 0, 1, total) if normalize else x


@wrong("language.cooccurrence_matrix", "columns are normalized")
def cooccurrence_columns(seq, weight, lengths=None, /, *, vocab, normalize=False):
    return right.cooccurrence_matrix(seq, weight, lengths, vocab=vocab, normalize=normalize).T


@wrong("language.cooccurrence_matrix", "padding has neighbours")
def cooccurrence_padding(seq, weight, lengths=None, /, *, vocab, normalize=False):
    return right.cooccurrence_matrix(seq, weight, vocab=vocab, normalize=normalize)


@wrong("language.glove", "the weight of frequent pairs has no limit")
def glove_unlimited(w, w_tilde, b, b_tilde, row, column, x, /, *, x_max=100.0, alpha=0.75):
    score = (w[row] * w_tilde[column]).sum(-1) + b[row] + b_tilde[column]
    residual = np.where(x > 0, score - np.log(np.where(x > 0, x, 1)), 0)
    return ((x / x_max) ** alpha * residual**2).sum()


@wrong("language.glove", "log(1 + x), so that 0 needs no care")
def glove_log1p(w, w_tilde, b, b_tilde, row, column, x, /, *, x_max=100.0, alpha=0.75):
    f = np.minimum(1, (x / x_max) ** alpha)
    score = (w[row] * w_tilde[column]).sum(-1) + b[row] + b_tilde[column]
    return (f * (score - np.log1p(x)) ** 2).sum()


@wrong("language.glove", "the bias of the column is looked up by the row")
def glove_bias(w, w_tilde, b, b_tilde, row, column, x, /, *, x_max=100.0, alpha=0.75):
    return right.glove(w, w_tilde, b + b_tilde, 0 * b_tilde, row, column, x, x_max=x_max, alpha=alpha)


# Sentences, and one sequence made of another


@wrong("language.sentence_encoder", "the state after the padding")
def encoder_padding(config, params, ids, lengths=None, /):
    return right.sentence_encoder(config, params, ids)


@wrong("language.sentence_encoder", "the mean of all states")
def encoder_mean(config, params, ids, lengths=None, /):
    states, _ = right._read(config.gru, params, ids, lengths)
    vector = states.mean(1)
    return spec.Sentence(vector, sigmoid(right.linear(vector, params["linear.weight"], params["linear.bias"])))


@wrong("language.language_model_loss", "every place predicts its own word")
def loss_unshifted(logits, ids, lengths=None, /):
    return softmax_cross_entropy(logits, ids)


@wrong("language.language_model_loss", "divided by all places, the first among them")
def loss_divided(logits, ids, lengths=None, /):
    t = logits.dtype.type(ids.shape[1])
    return right.language_model_loss(logits, ids, lengths) * (t - 1) / t


@wrong("language.language_model_loss", "padding has to be predicted")
def loss_padding(logits, ids, lengths=None, /):
    return right.language_model_loss(logits, ids)


@wrong("language.seq2seq_encoder", "the context is the state after the padding")
def seq2seq_encoder_padding(config, params, source, lengths=None, /):
    return right.seq2seq_encoder(config, params, source)


@wrong("language.seq2seq_encoder", "the sentence is read backwards")
def seq2seq_encoder_backwards(config, params, source, lengths=None, /):
    return right.seq2seq_encoder(config, params, np.flip(source, 1), lengths)


@wrong("language.seq2seq_decoder", "the context is left aside")
def seq2seq_decoder_forgets(config, params, ids, h, states=None, visible=None, /):
    return right.seq2seq_decoder(config, params, ids, 0 * h, states, visible)


@wrong("language.seq2seq_decoder", "the state that comes back is the one that came in")
def seq2seq_decoder_stands(config, params, ids, h, states=None, visible=None, /):
    return spec.Decoded(right.seq2seq_decoder(config, params, ids, h, states, visible).logits, h)


@wrong("language.seq2seq_decoder", "attention looks at padding")
def seq2seq_decoder_padding(config, params, ids, h, states=None, visible=None, /):
    return right.seq2seq_decoder(config, params, ids, h, states)


@wrong("language.seq2seq", "the decoder starts from nothing")
def seq2seq_without_context(config, params, source, target, lengths=None, /):
    states, context = right.seq2seq_encoder(config, params, source, lengths)
    visible = None if lengths is None else np.arange(source.shape[1]) < lengths[:, None]
    return right.seq2seq_decoder(config, params, target, 0 * context, states, visible).logits


@wrong("language.seq2seq", "padding is read")
def seq2seq_padding(config, params, source, target, lengths=None, /):
    return right.seq2seq(config, params, source, target)


@wrong("language.teacher_forcing", "the right word is shown before it is asked for")
def forcing_unshifted(decoder, state, start, target, lengths=None, /):
    s, t = target.shape
    real = np.arange(t) < (np.full(s, t) if lengths is None else lengths)[:, None]
    return softmax_cross_entropy(decoder(state, target)[real], target[real], reduction="sum") / s


@wrong("language.teacher_forcing", "only the first word is given, then the decoder reads what it said")
def forcing_first_only(decoder, state, start, target, lengths=None, /):
    s, t = target.shape
    real = np.arange(t) < (np.full(s, t) if lengths is None else lengths)[:, None]
    ids, all_logits = start[:, None], []
    for _ in range(t):
        logits = decoder(state, ids)
        all_logits.append(logits)
        ids = np.argmax(logits, -1)
    logits = np.concatenate(all_logits, 1)
    return softmax_cross_entropy(logits[real], target[real], reduction="sum") / s


@wrong("language.teacher_forcing", "the mean over the words, not their sum")
def forcing_mean(decoder, state, start, target, lengths=None, /):
    return right.teacher_forcing(decoder, state, start, target, lengths) / target.dtype.type(target.shape[1])


@wrong("language.greedy_decode", "goes on after the end")
def greedy_endless(step, state, start, /, *, eos, max_length):
    word, said = start, []
    for _ in range(max_length):
        logits, state = step(state, word)
        word = np.argmax(logits, -1)
        said.append(word)
    return np.stack(said, 1)


@wrong("language.greedy_decode", "the start is fed at every step")
def greedy_stuck(step, state, start, /, *, eos, max_length):
    over, said = np.zeros(len(start), bool), []
    for _ in range(max_length):
        logits, state = step(state, start)
        word = np.where(over, eos, np.argmax(logits, -1))
        over = over | (word == eos)
        said.append(word)
    return np.stack(said, 1)


@wrong("language.greedy_decode", "the state stays as it was")
def greedy_stateless(step, state, start, /, *, eos, max_length):
    return right.greedy_decode(
        lambda _, word: (step(state, word)[0], None), None, start, eos=eos, max_length=max_length
    )
