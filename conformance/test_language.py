"""Laws of language models: what the lecture says about counts, word vectors and decoders, as sentences that run."""

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.language import texts
from gongsik.conformance.cases.recurrent import parameters
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, Case, inputs, make
from gongsik.spec.array import Range
from gongsik.spec.language import SentenceEncoder, Seq2Seq, TableSize, n_gram_table_size

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)


def normal(seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, PRECISION.get().name)


def words(seed: int, below: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).integers(0, below, shape)


def params_of(config: Any, seed: int) -> dict[str, np.ndarray]:
    used = itertools.count(seed)
    return parameters(config, lambda shape: normal(next(used), *shape))


def same(gs: Any, left: Any, right: Any) -> None:
    """Equal to the last bit."""
    assert np.array_equal(gs.numpy(left), gs.numpy(right))


def given_arrays(gs: Any, case: Case) -> list[Any]:
    return [None if x is None else gs.array(x) for x in case.arguments]


# Counting


def table_of(gs: Any, seq: np.ndarray, n: int, vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams that a text has, and their counts as real numbers."""
    gram, count = (gs.numpy(part) for part in gs.n_gram_counts(gs.array(seq), n=n, vocab=vocab))
    return gram[count > 0], count[count > 0] * 1.0


@law("language.n_gram_counts")
@given(inputs("n_gram_counts"))
def test_counts_are_those_of_a_python_counter(gs, case):
    (seq, real), n = case.arguments, case.options["n"]
    gram, count = (gs.numpy(part) for part in gs.n_gram_counts(*given_arrays(gs, case), **case.options))
    rows = seq.tolist() if real is None else [row[:length] for row, length in zip(seq.tolist(), real, strict=True)]
    expected = Counter(tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1))
    found = zip(map(tuple, gram.tolist()), count.tolist(), strict=True)
    assert {words: number for words, number in found if number} == expected


@law("language.n_gram_counts", "language.n_gram_table_size")
@given(inputs("n_gram_counts"))
def test_rows_are_in_order_and_no_more_than_the_text_has_places(gs, case):
    """At most T - n + 1 different n-grams per sentence, and at most as many as the table has entries."""
    (seq, _), n, vocab = case.arguments, case.options["n"], case.options["vocab"]
    gram, count = (gs.numpy(part) for part in gs.n_gram_counts(*given_arrays(gs, case), **case.options))
    rows = list(map(tuple, gram.tolist()))
    assert rows == sorted(rows)
    assert len(rows) == len(seq) * (seq.shape[1] - n + 1)
    assert (count > 0).sum() <= n_gram_table_size(vocab, n).entries


@law("language.n_gram_model")
@given(texts(3), st.integers(1, 3), SEEDS, st.sampled_from((0.0, 0.5)))
def test_what_can_follow_has_probabilities_that_sum_to_1(gs, text, n, seed, alpha):
    """The logarithm of the sum of the probabilities after a context is 0: softmax has nothing left to divide by."""
    seq, vocab = text
    gram, count = table_of(gs, seq, n, vocab)
    one = gram[seed % len(gram)]
    every = np.tile(one, (vocab, 1))
    every[:, -1] = np.arange(vocab)

    def log_p(gs: Any, count: Any, gram: Any, every: Any) -> Any:
        return gs.n_gram_model(gram, count, every, vocab=vocab, alpha=alpha)[:, 0]

    def normalized(gs: Any, count: Any, gram: Any, every: Any) -> Any:
        return gs.softmax_cross_entropy(log_p(gs, count, gram, every)[None], every[one[-1] :, -1][:1])

    def plain(gs: Any, count: Any, gram: Any, every: Any) -> Any:
        return -log_p(gs, count, gram, every)[one[-1]]

    assert_agree(gs, normalized, plain, count, gram, every)


@law("language.n_gram_model")
@given(texts())
def test_a_unigram_is_a_frequency(gs, text):
    seq, vocab = text
    gram, count = table_of(gs, seq, 1, vocab)
    shown = np.bincount(seq.reshape(-1), minlength=vocab) * 1.0

    def model(gs: Any, count: Any, shown: Any, gram: Any, seq: Any) -> Any:
        return gs.n_gram_model(gram, count, seq, vocab=vocab)[:, 0]

    def frequency(gs: Any, count: Any, shown: Any, gram: Any, words: Any) -> Any:
        return gs.naive_sequence_model((shown / seq.size,), words[:, :1])

    assert_agree(gs, model, frequency, count, shown, gram, seq)


@law("language.n_gram_model")
@given(texts(2))
def test_a_bigram_model_is_a_markov_model(gs, text):
    """The probability of a sentence is a product of conditionals; with n = 2 each is a step of a Markov chain."""
    seq, vocab = text
    gram, count = table_of(gs, seq, 2, vocab)
    smoothed = np.ones((vocab, vocab))
    np.add.at(smoothed, tuple(gram.T.astype(int)), count)
    rows, uniform = smoothed.sum(1, keepdims=True), PRECISION.get().round(np.full(vocab, 1 / vocab))

    def model(gs: Any, count: Any, smoothed: Any, rows: Any, uniform: Any, gram: Any, seq: Any) -> Any:
        first = gs.naive_sequence_model((uniform,), seq[:, :1])
        return first + gs.n_gram_model(gram, count, seq, vocab=vocab, alpha=1.0).sum(-1)

    def chain(gs: Any, count: Any, smoothed: Any, rows: Any, uniform: Any, gram: Any, seq: Any) -> Any:
        return gs.markov_model(uniform, smoothed / rows, seq)

    assert_agree(gs, model, chain, count, smoothed, rows, uniform, gram, seq)


@law("language.n_gram_model")
@given(texts(2), st.integers(1, 2), SEEDS)
def test_counts_make_the_training_text_most_probable(gs, text, n, seed):
    """Maximum likelihood: with any other numbers in place of the counts the text is less probable."""
    seq, vocab = text
    gram, count = table_of(gs, seq, n, vocab)
    other = make(seed, "normal", count.shape, PRECISION.get().name, Range(0.125))

    def likelihood(gs: Any, count: Any, gram: Any, seq: Any) -> Any:
        return gs.n_gram_model(gram, count, seq, vocab=vocab).sum(-1).sum(-1)

    assert_at_most(
        gs,
        lambda gs, count, other, gram, seq: likelihood(gs, other, gram, seq),
        lambda gs, count, other, gram, seq: likelihood(gs, count, gram, seq),
        count, other, gram, seq,
    )  # fmt: skip


@law("language.n_gram_model")
@given(inputs("n_gram_model"))
def test_counts_of_two_texts_are_those_of_both(gs, case):
    """A table below itself counts everything twice, which changes no share."""

    def doubled(gs: Any, gram: Any, count: Any, seq: Any, **options: Any) -> Any:
        rows = [i % len(gram) for i in range(2 * len(gram))]
        return gs.n_gram_model(gram[rows], count[rows], seq, vocab=options["vocab"])

    def once(gs: Any, gram: Any, count: Any, seq: Any, **options: Any) -> Any:
        return gs.n_gram_model(gram, count, seq, vocab=options["vocab"])

    assert_agree(gs, doubled, once, *case.arguments, **case.options)


@law("language.n_gram_markov")
@given(texts(4), st.integers(1, 3), SEEDS)
def test_what_is_older_than_n_minus_1_words_does_not_matter(gs, text, n, seed):
    seq, vocab = text
    gram, count = map(gs.array, table_of(gs, seq, n, vocab))
    older = np.concatenate([words(seed, vocab, len(seq), seq.shape[1] - n), seq[:, -n:]], 1)
    last, changed = (
        gs.n_gram_model(gram, count, gs.array(x), vocab=vocab, alpha=0.5)[:, -1] for x in (seq, older)
    )  # fmt: skip
    same(gs, last, changed)


@law("language.n_gram_markov")
def test_n_grams_as_long_as_the_sentence_are_exact(gs):
    """Of "a b c" and "d b e": after "a b" comes c for certain; who sees only "b" cannot know."""
    seq = np.array([[0, 1, 2], [3, 1, 4]])
    for n, outcomes in ((3, 1), (2, 2)):
        gram, count = table_of(gs, seq, n, 5)
        log_p = gs.n_gram_model(gs.array(gram), gs.array(count), gs.array(seq), vocab=5)[:, -1]
        die = gs.array(np.zeros((1, outcomes)))
        assert np.array_equal(gs.numpy(-log_p), [float(gs.softmax_cross_entropy(die, gs.array(np.array([0]))))] * 2)


@law("language.n_gram_table_size")
def test_a_table_grows_exponentially():
    assert n_gram_table_size(10, 3) == TableSize(1000, 900)
    for v, n in itertools.product((1, 2, 7, 50_000), (1, 2, 5)):
        small, large = n_gram_table_size(v, n), n_gram_table_size(v, n + 1)
        assert large.entries == v * small.entries
        assert small.entries - small.free_parameters == v ** (n - 1)  # a sum per context


# Pieces of words


@law("language.wordpiece")
@given(inputs("wordpiece"))
def test_joining_the_pieces_restores_the_word(gs, case):
    """Every piece is in the vocabulary; a word that cannot be cut is one unknown piece."""
    texts, vocab = case.arguments
    names = {number: name for name, number in vocab.items()}
    piece, word = (gs.numpy(part).tolist() for part in gs.wordpiece(texts, vocab, **case.options))
    assert word == sorted(word)
    for i, text in enumerate(texts):
        mine = [names[p] for p, w in zip(piece, word, strict=True) if w == i]
        assert mine == ["[UNK]"] or "".join([mine[0], *(name.removeprefix("##") for name in mine[1:])]) == text
        assert not mine[0].startswith("##")
        assert all(name.startswith("##") for name in mine[1:])
        if text in vocab and len(text) <= case.options["longest"]:
            assert mine == [text]


@law("language.wordpiece")
def test_the_longest_piece_is_taken_even_where_a_shorter_one_would_do(gs):
    """Greedy: after `ab` nothing is left for `c`, although `a` and `##bc` would fit."""
    vocab = {"[UNK]": 0, "a": 1, "ab": 2, "##bc": 3}
    assert gs.numpy(gs.wordpiece(("abc", "ab"), vocab).piece).tolist() == [0, 2]
    vocab["##c"] = 4
    assert gs.numpy(gs.wordpiece(("abc",), vocab).piece).tolist() == [2, 4]


# Words as vectors


@law("language.word_embedding")
@given(SEEDS, SIZES, SIZES, st.integers(1, 9))
def test_a_lookup_is_a_product_with_one_hot_vectors(gs, seed, v, d, n):
    ids = words(seed, v, n)
    table = normal(seed, v, d)
    product = gs.linear(gs.array(np.eye(v)[ids]), gs.array(np.ascontiguousarray(table.T)))
    same(gs, gs.word_embedding(gs.array(ids), gs.array(table)), product)


@law("language.word_embedding")
@given(SEEDS, SIZES, SIZES)
def test_renumbering_the_words_moves_the_rows(gs, seed, v, d):
    new = np.random.Generator(np.random.Philox(seed)).permutation(v)
    ids, table = words(seed, v, 2, 3), normal(seed, v, d)
    moved = np.empty_like(table)
    moved[new] = table
    same(
        gs,
        gs.word_embedding(gs.array(ids), gs.array(table)),
        gs.word_embedding(gs.array(new[ids]), gs.array(moved)),
    )


@law("language.word_embedding")
@given(SEEDS, SIZES, SIZES, st.integers(1, 9))
def test_the_gradient_of_a_row_adds_up_all_places_of_its_word(gs, seed, v, d, n):
    ids = words(seed, v, n)

    def scattered(gs: Any, table: Any, g: Any) -> Any:
        return gs.value_and_grad(lambda table: (gs.word_embedding(gs.array(ids), table) * g).sum())(table)[1]

    def by_hand(gs: Any, table: Any, g: Any) -> Any:
        return gs.linear(gs.array(np.eye(v)[:, ids]), g.T)  # each row: the sum of g where its word stands

    assert_agree(gs, scattered, by_hand, normal(seed, v, d), normal(seed + 1, n, d))


@law("language.cbow")
@given(inputs("cbow"), SEEDS)
def test_the_order_of_a_context_does_not_matter(gs, case, seed):
    context, v_in, u_out, present = case.arguments
    order = np.random.Generator(np.random.Philox(seed)).permutation(context.shape[1])

    def shuffled(gs: Any, context: Any, v_in: Any, u_out: Any, present: Any) -> Any:
        present = None if present is None else present[:, order]
        return gs.cbow(context[:, order], v_in, u_out, present)

    assert_agree(gs, shuffled, lambda gs, *arguments: gs.cbow(*arguments), context, v_in, u_out, present)


@law("language.cbow")
@given(SEEDS, SIZES, SIZES, st.integers(1, 3), st.integers(0, 3))
def test_a_word_that_is_not_there_does_not_count(gs, seed, v, d, there, absent):
    """At the border of a text a context is that of the words on one side."""
    context = words(seed, v, 2, there + absent)
    present = np.tile(np.arange(there + absent) < there, (2, 1))
    assert_agree(
        gs,
        lambda gs, v_in, u_out, context, present: gs.cbow(context, v_in, u_out, present),
        lambda gs, v_in, u_out, context, present: gs.cbow(context[:, :there], v_in, u_out),
        normal(seed, v, d), normal(seed + 1, v, d), context, present,
    )  # fmt: skip


@law("language.cbow", "language.skip_gram")
@given(SEEDS, SIZES, SIZES, st.integers(1, 4))
def test_a_context_of_one_word_makes_cbow_a_skip_gram(gs, seed, v, d, n):
    assert_agree(
        gs,
        lambda gs, v_in, u_out, ids: gs.cbow(ids[:, None], v_in, u_out),
        lambda gs, v_in, u_out, ids: gs.skip_gram(ids, v_in, u_out),
        normal(seed, v, d), normal(seed + 1, v, d), words(seed, v, n),
    )  # fmt: skip


@law("language.skip_gram")
@given(SEEDS, SIZES, SIZES, st.integers(1, 4))
def test_every_word_has_two_vectors_and_a_pair_one_product(gs, seed, v, d, n):
    """The score of o near c is u_o v_c: swapping the two tables transposes the scores of all pairs."""
    every = np.arange(v)
    assert_agree(
        gs,
        lambda gs, v_in, u_out, every: gs.skip_gram(every, v_in, u_out).T,
        lambda gs, v_in, u_out, every: gs.skip_gram(every, u_out, v_in),
        normal(seed, v, d), normal(seed + 1, v, d), every,
    )  # fmt: skip


@law("language.skip_gram")
@given(SEEDS, SIZES, SIZES)
def test_the_gradient_of_the_scores_is_what_was_predicted_less_what_was_there(gs, seed, v, d):
    """Softmax and cross-entropy pass p - onehot on to the products, and these to the vector in the middle."""
    center, near = words(seed, v, 3), words(seed + 1, v, 3)
    onehot = np.eye(v)[near]

    def by_machine(gs: Any, v_in: Any, u_out: Any, onehot: Any) -> Any:
        def loss(u_out: Any) -> Any:
            logits = gs.skip_gram(gs.array(center), v_in, u_out)
            return gs.softmax_cross_entropy(logits, gs.array(near), reduction="sum")

        return gs.value_and_grad(loss)(u_out)[1]

    def by_hand(gs: Any, v_in: Any, u_out: Any, onehot: Any) -> Any:
        error = gs.softmax(gs.skip_gram(gs.array(center), v_in, u_out)) - onehot
        return error.T @ gs.word_embedding(gs.array(center), v_in)

    assert_agree(gs, by_machine, by_hand, normal(seed, v, d), normal(seed + 1, v, d), onehot)


@law("language.negative_sampling_loss")
@given(inputs("negative_sampling_loss"))
def test_negative_sampling_is_binary_classification(gs, case):
    """True pairs are of class +1, drawn ones of class -1: a logistic loss of all scores."""
    center, context, noise, v_in, u_out = case.arguments
    pairs = np.concatenate([context[:, None], noise], 1)
    signs = np.ones(pairs.shape)
    signs[:, 1:] = -1

    def classified(gs: Any, v_in: Any, u_out: Any, signs: Any) -> Any:
        v, u = gs.word_embedding(gs.array(center), v_in), gs.word_embedding(gs.array(pairs), u_out)
        return gs.logistic_loss((u * v[:, None]).sum(-1), signs, reduction="batchmean")

    def loss(gs: Any, v_in: Any, u_out: Any, signs: Any) -> Any:
        return gs.negative_sampling_loss(*map(gs.array, (center, context, noise)), v_in, u_out)

    assert_agree(gs, loss, classified, v_in, u_out, signs)


@law("language.cooccurrence_matrix")
@given(inputs("cooccurrence_matrix"))
def test_a_window_to_both_sides_is_symmetric(gs, case):
    options = case.options | {"normalize": False}
    x = gs.numpy(gs.cooccurrence_matrix(*given_arrays(gs, case), **options))
    assert np.array_equal(x, x.T)


@law("language.cooccurrence_matrix")
@given(texts(), SIZES)
def test_there_are_as_many_pairs_as_places_in_the_windows(gs, text, window):
    """T words have T - d pairs at distance d, each of which is counted from both sides."""
    seq, vocab = text
    x = gs.cooccurrence_matrix(gs.array(seq), gs.array(np.ones(window)), vocab=vocab)
    pairs = sum(max(seq.shape[1] - d, 0) for d in range(1, window + 1))
    assert gs.numpy(x).sum() == 2 * len(seq) * pairs


@law("language.cooccurrence_matrix")
@given(texts(), SIZES)
def test_each_row_is_a_distribution_or_empty(gs, text, window):
    seq, vocab = text

    def total(gs: Any, weight: Any, seq: Any) -> Any:
        return gs.cooccurrence_matrix(seq, weight, vocab=vocab, normalize=True).sum(-1)

    def one_or_none(gs: Any, weight: Any, seq: Any) -> Any:
        x = gs.cooccurrence_matrix(seq, weight, vocab=vocab).sum(-1)
        return gs.step(x - 0.5)

    assert_agree(gs, total, one_or_none, np.ones(window), seq)


@law("language.cooccurrence_matrix")
@given(texts(), SIZES)
def test_counts_of_documents_add_up(gs, text, window):
    seq, vocab = text
    weight = gs.array(np.ones(window))
    each = [gs.numpy(gs.cooccurrence_matrix(gs.array(row[None]), weight, vocab=vocab)) for row in seq]
    assert np.array_equal(gs.numpy(gs.cooccurrence_matrix(gs.array(seq), weight, vocab=vocab)), sum(each))


@law("language.glove")
@given(inputs("glove"))
def test_the_two_kinds_of_vectors_may_change_places(gs, case):
    """The matrix is symmetric, and so is the objective."""
    assert_agree(
        gs,
        lambda gs, *arguments, **options: gs.glove(*arguments, **options),
        lambda gs, w, wt, b, bt, row, column, x, **options: gs.glove(wt, w, bt, b, column, row, x, **options),
        *case.arguments, **case.options,
    )  # fmt: skip


@law("language.glove")
@given(inputs("glove"))
def test_it_is_not_negative_and_pairs_that_never_meet_cost_nothing(gs, case):
    *parameters, row, column, x = case.arguments
    loss = gs.glove(*given_arrays(gs, case), **case.options)
    assert float(loss) >= 0
    met = np.where(x > 0)[0]
    if met.size:
        some = gs.glove(*map(gs.array, (*parameters, row[met], column[met], x[met])), **case.options)
        bound = [gs.array(p) for p in parameters]
        none = gs.glove(*bound, gs.array(row), gs.array(column), gs.array(0 * x), **case.options)
        assert float(none) == 0
        assert_agree(
            gs,
            lambda gs, *arguments: gs.glove(*arguments, gs.array(row), gs.array(column), gs.array(x), **case.options),
            lambda gs, *arguments: gs.glove(
                *arguments, *(gs.array(part[met]) for part in (row, column, x)), **case.options
            ),
            *parameters,
        )
        assert float(some) >= 0


@law("language.glove")
@given(SEEDS, SIZES, st.integers(1, 4))
def test_one_basis_is_as_good_as_another(gs, seed, v, d):
    """Turn w by A and w~ by the inverse of its transpose: here powers of 2 on the axes, which are exact."""
    scale = 2.0 ** (words(seed, 5, d) - 2)
    w, wt, b, bt = normal(seed, v, d), normal(seed + 1, v, d), normal(seed + 2, v), normal(seed + 3, v)
    x = make(seed, "normal", (4,), PRECISION.get().name, Range(0.0))
    row, column = words(seed, v, 4), words(seed + 1, v, 4)
    same(
        gs,
        gs.glove(*map(gs.array, (w, wt, b, bt, row, column, x))),
        gs.glove(*map(gs.array, (w * scale, wt / scale, b, bt, row, column, x))),
    )


@law("language.glove")
@given(SEEDS, SIZES)
def test_it_is_0_where_the_products_are_the_logarithms(gs, seed, v):
    """Counts of 1 have the logarithm 0: vectors that are orthogonal to all others fit exactly."""
    w, wt = normal(seed, v, 2) * [1, 0], normal(seed + 1, v, 2) * [0, 1]
    b, row, column = normal(seed + 2, v), words(seed, v, 5), words(seed + 1, v, 5)
    constant = np.full(v, b[0])
    loss = gs.glove(*map(gs.array, (w, wt, constant, -constant, row, column, np.ones(5))))
    assert float(loss) == 0


# Sentences


@law("language.sentence_encoder")
@given(SEEDS, SIZES, st.integers(1, 6))
def test_sentences_of_any_length_have_vectors_of_one_size(gs, seed, k, t):
    """What is padded is the same sentence, whatever stands behind its end."""
    config = SentenceEncoder(vocab=5, embedding_size=3, hidden_size=k)
    params = {name: gs.array(array) for name, array in params_of(config, seed).items()}
    ids = words(seed, 5, 2, t)
    padded = np.concatenate([ids, words(seed + 1, 5, 2, 3)], 1)
    alone = gs.sentence_encoder(config, params, gs.array(ids))
    assert tuple(alone.vector.shape) == (2, k)
    same(gs, alone.vector, gs.sentence_encoder(config, params, gs.array(padded), gs.array(np.full(2, t))).vector)


@law("language.sentence_encoder")
def test_the_order_of_words_matters(gs):
    config = SentenceEncoder(vocab=3, embedding_size=2, hidden_size=2)
    params = {name: gs.array(array) for name, array in params_of(config, 0).items()}
    there, back = gs.numpy(gs.sentence_encoder(config, params, gs.array(np.array([[0, 1, 2], [2, 1, 0]]))).vector)
    assert not np.array_equal(there, back)


@law("language.language_model_loss")
@given(SEEDS, st.integers(1, 3), st.integers(2, 6), st.integers(1, 9))
def test_who_knows_nothing_has_the_perplexity_of_a_die(gs, seed, s, t, v):
    """Uniform predictions cost log V per word, which is the loss of one throw."""
    ids, level = words(seed, v, s, t), normal(seed, 1)
    assert_agree(
        gs,
        lambda gs, z: gs.language_model_loss(z * gs.array(np.ones((s, t, v))), gs.array(ids)),
        lambda gs, z: gs.softmax_cross_entropy(z * gs.array(np.ones((1, v))), gs.array(ids[:1, 0])),
        level,
    )


@law("language.language_model_loss")
@given(inputs("language_model_loss"))
def test_the_targets_are_the_words_one_place_further(gs, case):
    logits, ids, real = case.arguments
    if real is None:
        places = [(i, j) for i, j in np.ndindex(*ids.shape) if j]
    else:
        places = [(i, j) for i, j in np.ndindex(*ids.shape) if 0 < j < real[i]]
    rows, columns = map(np.array, zip(*places, strict=True))

    def by_hand(gs: Any, logits: Any) -> Any:
        return gs.softmax_cross_entropy(logits[rows, columns - 1], gs.array(ids[rows, columns]))

    def loss(gs: Any, logits: Any) -> Any:
        return gs.language_model_loss(logits, gs.array(ids), None if real is None else gs.array(real))

    assert_agree(gs, loss, by_hand, logits)


# One sequence made of another


def translator(gs: Any, seed: int, *, attention: bool) -> tuple[Seq2Seq, Any]:
    config = Seq2Seq(source_vocab=5, target_vocab=6, embedding_size=3, hidden_size=4, attention=attention)
    return config, params_of(config, seed)


each_kind = pytest.mark.parametrize("attention", [False, True])


@law("language.seq2seq", "language.seq2seq_encoder", "language.seq2seq_decoder")
@each_kind
@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_lengths_are_free_and_the_context_has_one_size(gs, attention, seed, t, u):
    """Two sentences of t words, of which u are made; padding changes nothing."""
    config, params = translator(gs, seed, attention=attention)
    source, target, rest = words(seed, 5, 2, t), words(seed + 1, 6, 2, u), words(seed + 2, 5, 2, 2)
    padded = np.concatenate([source, rest], 1)
    given_params = {name: gs.array(array) for name, array in params.items()}
    assert tuple(gs.seq2seq_encoder(config, given_params, gs.array(source)).context.shape) == (2, 4)
    assert tuple(gs.seq2seq(config, given_params, gs.array(source), gs.array(target)).shape) == (2, u, 6)
    assert_agree(
        gs,
        lambda gs, params: gs.seq2seq(config, params, gs.array(source), gs.array(target)),
        lambda gs, params: gs.seq2seq(config, params, gs.array(padded), gs.array(target), gs.array(np.full(2, t))),
        params,
    )


@law("language.seq2seq_decoder")
@each_kind
@given(SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_a_decoder_may_be_called_word_by_word(gs, attention, seed, t, u):
    """The state that it returns is all that it needs to go on."""
    config, params = translator(gs, seed, attention=attention)
    source, first, second = words(seed, 5, 2, t), words(seed + 1, 6, 2, u), words(seed + 2, 6, 2, 1)

    def at_once(gs: Any, params: Any) -> Any:
        states, h = gs.seq2seq_encoder(config, params, gs.array(source))
        both = gs.array(np.concatenate([first, second], 1))
        return gs.seq2seq_decoder(config, params, both, h, states).logits[:, u:]

    def in_turn(gs: Any, params: Any) -> Any:
        states, h = gs.seq2seq_encoder(config, params, gs.array(source))
        h = gs.seq2seq_decoder(config, params, gs.array(first), h, states).h
        return gs.seq2seq_decoder(config, params, gs.array(second), h, states).logits

    assert_agree(gs, at_once, in_turn, params)


@law("language.seq2seq_decoder")
@given(SEEDS, st.integers(1, 4))
def test_what_the_decoder_looks_up_is_seq2seq_attention(gs, seed, t):
    config, params = translator(gs, seed, attention=True)
    source, word = words(seed, 5, 2, t), words(seed + 1, 6, 2, 1)

    def decoded(gs: Any, params: Any) -> Any:
        states, h = gs.seq2seq_encoder(config, params, gs.array(source))
        return gs.seq2seq_decoder(config, params, gs.array(word), h, states).logits[:, 0]

    def by_hand(gs: Any, params: Any) -> Any:
        states, h = gs.seq2seq_encoder(config, params, gs.array(source))
        h = gs.seq2seq_decoder(config, params, gs.array(word), h, states).h
        weight, bias = params["decoder.attention.weight"], params["decoder.attention.bias"]
        seen = gs.attentional_hidden_state(gs.seq2seq_attention(h, states).context, h, weight, bias)
        return gs.linear(seen, params["decoder.linear.weight"], params["decoder.linear.bias"])

    assert_agree(gs, decoded, by_hand, params)


def successor(gs: Any, v: int, mistakes: dict[int, int]) -> Any:
    """A step that says the number after the one before, except for some words, after which it says another."""
    after = np.roll(np.eye(v), 1, 1)
    for word, wrong in mistakes.items():
        after[word] = np.eye(v)[wrong]
    logits = gs.array(after)
    return lambda state, word: (logits[word], state)


@law("language.greedy_decode")
@given(SEEDS, st.integers(1, 6), st.integers(0, 3))
def test_a_shorter_limit_gives_a_prefix(gs, seed, length, more):
    """And a word is fed back: the text is the path of the start through the table."""
    v = 5
    table = np.random.Generator(np.random.Philox(seed)).permuted(np.tile(np.arange(v) * 1.0, (v, 1)), axis=1)
    logits, start = gs.array(table), words(seed, v, 3)
    said = [
        gs.numpy(
            gs.greedy_decode(lambda state, word: (logits[word], state), None, gs.array(start), eos=0, max_length=m)
        )
        for m in (length, length + more)
    ]
    assert np.array_equal(said[0], said[1][:, :length])
    for row, word in zip(said[1].tolist(), start, strict=True):
        for said_word in row:
            word = table[word].argmax()
            assert said_word == word
            if word == 0:
                break
        assert 0 not in row or set(row[row.index(0) :]) == {0}


@law("language.greedy_decode")
def test_the_greedy_text_is_not_always_the_most_probable(gs):
    """The first word is likelier alone (0.6 > 0.4), but nothing likely follows it: 0.6 * 0.5 < 0.4 * 1."""
    p = np.array([[0.0, 0.6, 0.4, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    step_of = gs.array(p)
    said = gs.numpy(
        gs.greedy_decode(lambda state, word: (step_of[word], state), None, gs.array(np.array([0])), eos=3, max_length=2)
    )
    every = {(a, b): p[0, a] * p[a, b] for a in range(4) for b in range(4)}
    assert tuple(said[0])[:1] == (1,)
    assert every[tuple(said[0])] < max(every.values())


@law("language.teacher_forcing")
@given(inputs("teacher_forcing"))
def test_the_inputs_are_the_targets_shifted_to_the_right(gs, case):
    """So all steps can be computed at once, and the loss is the sum of the losses of single steps."""
    make_decoder, state, start, target, real = case.arguments
    if real is not None:
        return
    shifted = np.concatenate([start[:, None], target[:, :-1]], 1)

    def at_once(gs: Any, state: Any) -> Any:
        return gs.teacher_forcing(make_decoder.make(gs), state, gs.array(start), gs.array(target))

    def step_by_step(gs: Any, state: Any) -> Any:
        decoder = make_decoder.make(gs)
        return sum(
            gs.softmax_cross_entropy(decoder(state, gs.array(shifted[:, t : t + 1]))[:, 0], gs.array(target[:, t]))
            for t in range(target.shape[1])
        )

    assert_agree(gs, at_once, step_by_step, state)


@law("language.teacher_forcing", "language.greedy_decode")
def test_forcing_is_free_running_where_every_prediction_is_right(gs):
    """Told the truth or not: who makes no mistake reads the same words."""
    seen, step = [], successor(gs, 7, {})
    said = gs.numpy(gs.greedy_decode(step, None, gs.array(np.array([0])), eos=6, max_length=5))

    def decoder(state: Any, ids: Any) -> Any:
        seen.append(gs.numpy(ids).tolist())
        return step(state, ids)[0]

    gs.teacher_forcing(decoder, None, gs.array(np.array([0])), gs.array(said))
    assert seen == [[[0, *said[0, :-1].tolist()]]]
    assert said[0].tolist() == [1, 2, 3, 4, 5]


@law("language.error_propagation")
def test_one_wrong_word_makes_all_later_ones_wrong(gs):
    """Counting from 0, with one mistake after 0: running freely every word is wrong, told the truth only one."""
    step, right = successor(gs, 9, {0: 3}), np.arange(1, 6)
    said = gs.numpy(gs.greedy_decode(step, None, gs.array(np.array([0])), eos=8, max_length=5))[0]
    assert (said != right).all()
    told = np.concatenate([[0], right[:-1]])
    forced = gs.numpy(step(None, gs.array(told))[0]).argmax(-1)
    assert (forced != right).tolist() == [True, False, False, False, False]


@law("language.error_propagation")
@given(st.integers(1, 8), st.integers(2, 5), SEEDS)
def test_the_probability_that_all_words_are_right_is_a_power(gs, t, v, seed):
    """Each right with probability 1 - eps, given that all before were: (1 - eps)^T for T words."""
    target, level = words(seed, v, 1, t), normal(seed, 1)

    def surprise(gs: Any, level: Any, steps: int) -> Any:
        """Minus the log-probability of the first words, of a decoder that favours the right one by `level`."""
        right = gs.array(np.eye(v)[target[:, :steps]])
        return gs.teacher_forcing(
            lambda state, ids: right * level, None, gs.array(np.array([0])), gs.array(target[:, :steps])
        )

    assert_agree(gs, lambda gs, level: surprise(gs, level, t), lambda gs, level: t * surprise(gs, level, 1), level)
