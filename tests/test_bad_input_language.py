"""What language models refuse, with one error that says which argument, what came and what was expected."""

import numpy as np
import pytest

import gongsik
from gongsik import DomainError, DtypeError, ShapeError
from gongsik.spec.language import SentenceEncoder, Seq2Seq, n_gram_table_size

TEXT = np.array([[0, 1, 2, 1], [2, 2, 0, 1]])


@pytest.fixture(params=["reference", "torch"])
def bk(request):
    return gongsik.backend(request.param, dtype="float64")


def refuses(error, message, call, *arguments, **options):
    with pytest.raises(error, match=message):
        call(*arguments, **options)


def params_of(bk, config):
    return {name: bk.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}


def zeros(bk, *shape):
    return bk.asarray(np.zeros(shape))


def ids(bk, *numbers):
    return bk.asarray(np.array(numbers))


@pytest.mark.parametrize("wrong", [3, -1])
def test_words_that_are_not_in_the_vocabulary(bk, wrong):
    text, table, weight = bk.asarray(np.where(TEXT == 2, wrong, TEXT)), zeros(bk, 3, 2), zeros(bk, 2)
    message = r"seq has a label that is not in \[0, vocab\) with vocab=3"
    refuses(DomainError, f"n_gram_counts: {message}", bk.n_gram_counts, text, vocab=3)
    refuses(DomainError, f"cooccurrence_matrix: {message}", bk.cooccurrence_matrix, text, weight, vocab=3)
    gram, count = bk.asarray(np.array([[0, 1], [1, wrong]])), zeros(bk, 2)
    refuses(DomainError, f"n_gram_model: {message}", bk.n_gram_model, bk.asarray(TEXT), count, text, vocab=3)
    refuses(DomainError, r"n_gram_model: gram has a label that is not in \[0, vocab\)",
            bk.n_gram_model, gram, count, bk.asarray(TEXT), vocab=3)  # fmt: skip
    message = r"has a label that is not in \[0, v\) with v=3"
    refuses(DomainError, f"word_embedding: ids {message}", bk.word_embedding, text, table)
    refuses(DomainError, f"cbow: context {message}", bk.cbow, text, table, table)
    refuses(DomainError, f"skip_gram: center {message}", bk.skip_gram, text[0], table, table)
    refuses(DomainError, f"negative_sampling_loss: noise {message}", bk.negative_sampling_loss,
            ids(bk, 0, 1), ids(bk, 0, 1), text, table, table)  # fmt: skip
    b = zeros(bk, 3)
    refuses(DomainError, f"glove: column {message}", bk.glove, table, table, b, b, ids(bk, 0), ids(bk, wrong),
            zeros(bk, 1))  # fmt: skip
    refuses(DomainError, f"language_model_loss: ids {message}", bk.language_model_loss, zeros(bk, 2, 4, 3), text)


@pytest.mark.parametrize("wrong", [3, -1])
def test_words_that_a_configuration_does_not_have(bk, wrong):
    reader, config = SentenceEncoder(3, 2, 2), Seq2Seq(3, 3, 2, 2)
    text, right = bk.asarray(np.where(TEXT == 2, wrong, TEXT)), bk.asarray(TEXT)
    refuses(DomainError, r"sentence_encoder: ids has a label that is not in \[0, config.vocab\)",
            bk.sentence_encoder, reader, params_of(bk, reader), text)  # fmt: skip
    params = params_of(bk, config)
    refuses(DomainError, r"seq2seq: source has a label", bk.seq2seq, config, params, text, right)
    refuses(DomainError, r"seq2seq: target has a label that is not in \[0, config.target_vocab\)",
            bk.seq2seq, config, params, right, text)  # fmt: skip
    refuses(DomainError, "seq2seq_encoder: source has a label", bk.seq2seq_encoder, config, params, text)
    refuses(DomainError, "seq2seq_decoder: ids has a label", bk.seq2seq_decoder, config, params, text, zeros(bk, 2, 2))


def test_texts_without_words(bk):
    empty, none = bk.asarray(np.zeros((2, 0), int)), bk.asarray(np.zeros((0, 4), int))
    message = r"seq has shape \(2, 0\), expected \(s, t\) with t at least 1"
    refuses(ShapeError, f"n_gram_counts: {message}", bk.n_gram_counts, empty, vocab=3)
    refuses(ShapeError, f"cooccurrence_matrix: {message}", bk.cooccurrence_matrix, empty, zeros(bk, 1), vocab=3)
    refuses(ShapeError, "n_gram_counts: seq has shape .0, 4., .* with s at least 1", bk.n_gram_counts, none, vocab=3)
    reader, config = SentenceEncoder(3, 2, 2), Seq2Seq(3, 3, 2, 2)
    refuses(ShapeError, "sentence_encoder: ids has shape .* with t at least 1",
            bk.sentence_encoder, reader, params_of(bk, reader), empty)  # fmt: skip
    refuses(ShapeError, "seq2seq: source has shape .* with t at least 1",
            bk.seq2seq, config, params_of(bk, config), empty, bk.asarray(TEXT))  # fmt: skip
    refuses(ShapeError, "teacher_forcing: target has shape .* with t at least 1",
            bk.teacher_forcing, lambda state, ids: ids, None, ids(bk, 0, 0), empty)  # fmt: skip
    refuses(ShapeError, "greedy_decode: start has shape .* with s at least 1",
            bk.greedy_decode, lambda state, word: (word, state), None, bk.asarray(np.zeros(0, int)),
            eos=0, max_length=3)  # fmt: skip


def test_texts_that_are_too_short(bk):
    text = bk.asarray(TEXT)
    refuses(DomainError, "n_gram_counts: expected at least n words in a row with t=4 .from seq., n=5",
            bk.n_gram_counts, text, n=5, vocab=3)  # fmt: skip
    refuses(DomainError, "n_gram_model: expected at least as many words as the n-grams have with k=2 .from gram., t=1",
            bk.n_gram_model, text[:, :2], zeros(bk, 2), text[:, :1], vocab=3)  # fmt: skip
    refuses(DomainError, "language_model_loss: expected at least two words",
            bk.language_model_loss, zeros(bk, 2, 1, 3), text[:, :1])  # fmt: skip


def test_tables_too_large_for_an_integer(bk):
    refuses(DomainError, r"n_gram_counts: expected vocab\*\*n below 2\*\*63", bk.n_gram_counts, bk.asarray(TEXT),
            n=4, vocab=60_000)  # fmt: skip
    refuses(DomainError, "n_gram_table_size: v is 0, expected an int >= 1", n_gram_table_size, 0, 2)
    refuses(DtypeError, "n_gram_table_size: n is 2.0, expected an int", n_gram_table_size, 5, 2.0)


@pytest.mark.parametrize("lengths", [[0, 4], [4, 5]])
def test_lengths_beyond_the_padded_axis(bk, lengths):
    text, lengths = bk.asarray(TEXT), bk.asarray(np.array(lengths))
    message = r"lengths has a value that is not in \[1, t\] with t=4"
    refuses(DomainError, f"n_gram_counts: {message}", bk.n_gram_counts, text, lengths, vocab=3)
    refuses(DomainError, message, bk.cooccurrence_matrix, text, zeros(bk, 1), lengths, vocab=3)
    reader, config = SentenceEncoder(3, 2, 2), Seq2Seq(3, 3, 2, 2)
    refuses(DomainError, message, bk.sentence_encoder, reader, params_of(bk, reader), text, lengths)
    refuses(DomainError, message, bk.seq2seq, config, params_of(bk, config), text, text, lengths)
    refuses(DomainError, message, bk.teacher_forcing, lambda state, ids: ids, None, text[:, 0], text, lengths)


def test_a_sentence_of_one_word_has_no_next_word(bk):
    refuses(DomainError, r"language_model_loss: lengths has a value that is not in \[2, 4\] with t=4",
            bk.language_model_loss, zeros(bk, 2, 4, 3), bk.asarray(TEXT), ids(bk, 1, 4))  # fmt: skip


def test_counts_below_0(bk):
    refuses(DomainError, "n_gram_model: count has a value that is not >= 0", bk.n_gram_model,
            bk.asarray(TEXT[:, :2]), bk.asarray(np.array([1.0, -1.0])), bk.asarray(TEXT), vocab=3)  # fmt: skip
    table, b = zeros(bk, 3, 2), zeros(bk, 3)
    refuses(DomainError, "glove: x has a value that is not >= 0", bk.glove, table, table, b, b, ids(bk, 0), ids(bk, 1),
            bk.asarray(np.array([-1.0])))  # fmt: skip


def test_words_and_vocabularies_of_pieces(bk):
    vocab = {"[UNK]": 0, "a": 1}
    refuses(DtypeError, r"wordpiece: words is a str, expected a tuple", bk.wordpiece, "a", vocab)
    refuses(DtypeError, r"wordpiece: vocab is a list, expected a dict", bk.wordpiece, ("a",), list(vocab))
    refuses(DtypeError, r"wordpiece: words\[1\] is 7, expected a str", bk.wordpiece, ("a", 7), vocab)
    refuses(DomainError, "wordpiece: words is empty", bk.wordpiece, (), vocab)
    refuses(DomainError, r"wordpiece: words\[0\] is empty", bk.wordpiece, ("",), vocab)
    refuses(DomainError, r"wordpiece: vocab has no '<unk>'", bk.wordpiece, ("a",), vocab, unknown="<unk>")
    assert bk.to_numpy(bk.wordpiece(("zebra",), vocab).piece).tolist() == [0]


def test_attention_without_anything_to_look_at(bk):
    config = Seq2Seq(3, 3, 2, 2, attention=True)
    refuses(DomainError, "seq2seq_decoder: expected the states of the encoder, for attention",
            bk.seq2seq_decoder, config, params_of(bk, config), bk.asarray(TEXT), zeros(bk, 2, 2))  # fmt: skip


def test_configurations_and_parameters_that_do_not_fit(bk):
    refuses(DomainError, "Seq2Seq: hidden_size is 0, expected an int >= 1", Seq2Seq, 3, 3, 2, 0)
    refuses(DtypeError, "SentenceEncoder: vocab is 3.0, expected an int", SentenceEncoder, 3.0, 2, 2)
    config = Seq2Seq(3, 3, 2, 2)
    params = params_of(bk, config)
    params["decoder.linear.weight"] = zeros(bk, 2, 2)
    del params["encoder.embedding.weight"]
    with pytest.raises(ShapeError) as caught:
        bk.seq2seq(config, params, bk.asarray(TEXT), bk.asarray(TEXT))
    for problem in ("no encoder.embedding.weight", "decoder.linear.weight has shape (2, 2), expected (3, 2)"):
        assert problem in str(caught.value)
