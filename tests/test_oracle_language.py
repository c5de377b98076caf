"""Language models against NLTK, scikit-learn, Hugging Face's tokenizers, and torch.nn."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nltk.lm import MLE, Lidstone
from nltk.util import ngrams, skipgrams
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import mean_squared_error
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from torch import nn

from gongsik import Draws, reference
from gongsik.conformance.agreement import Exact, compare, convert, flatten
from gongsik.conformance.bounded import PRECISIONS
from gongsik.spec.language import SentenceEncoder, Seq2Seq

EXACT = Exact(PRECISIONS["float64"])
DRAWS = Draws(8)
VOCAB = 6


def draw(name: str, *shape: int) -> np.ndarray:
    return DRAWS.normal(name, shape) / 2


def words(name: str, *shape: int, below: int = VOCAB) -> np.ndarray:
    return DRAWS.integers(name, shape, below)


def agree(theirs: Any, function: Any, *arguments: Any, **options: Any) -> None:
    """Every array of another library's result lies within the bound of ours."""
    ours = function(*convert(arguments, EXACT), **options)
    for a, b in flatten(theirs, list(ours) if isinstance(ours, tuple) else ours):
        verdict = compare(a.detach().numpy() if isinstance(a, torch.Tensor) else a, b)
        assert verdict.agreed, verdict.message
        assert verdict.conclusive


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


def params_of(config: Any) -> dict[str, np.ndarray]:
    return {name: draw(name, *shape) for name, shape in config.parameters().items()}


TEXT, OTHER = words("text", 7, 12), words("other", 5, 9)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_counts_are_those_of_scikit_learn(n):
    counter: Any = CountVectorizer(ngram_range=(n, n), token_pattern=r"\S+")
    rows: Any = counter.fit_transform(" ".join(map(str, row)) for row in TEXT)
    total = rows.sum(0).A1
    expected = {tuple(map(int, name.split())): total[i] for name, i in counter.vocabulary_.items()}
    gram, count = reference.n_gram_counts(TEXT, n=n, vocab=VOCAB)
    assert {tuple(row): number for row, number in zip(gram.tolist(), count, strict=True) if number} == expected


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_probabilities_are_those_of_nltk(n, alpha):
    """NLTK keeps a place for unknown words, which is a word more."""
    names = [list(map(str, row)) for row in TEXT]
    model: Any = Lidstone(alpha, n) if alpha else MLE(n)
    model.fit([ngrams(row, n) for row in names], vocabulary_text=[str(w) for w in range(VOCAB)])
    with np.errstate(divide="ignore"):
        theirs = np.log([[model.score(gram[-1], gram[:-1]) for gram in ngrams(map(str, row), n)] for row in OTHER])
    gram, count = reference.n_gram_counts(TEXT, n=n, vocab=VOCAB)
    agree(theirs, reference.n_gram_model, gram, count * 1.0, OTHER, vocab=VOCAB + 1, alpha=alpha)


def test_pieces_are_those_of_hugging_faces_tokenizers():
    letters = "가나ab"
    lengths = DRAWS.integers("lengths", (60,), 6) + 1
    strings = ["".join(letters[i] for i in words(f"string {j}", n, below=4)) for j, n in enumerate(lengths)]
    pieces = [*("##" * (j % 2) + string[:3] for j, string in enumerate(strings[:30])), *letters[:3], "##a", "##가"]
    vocab = {name: i for i, name in enumerate(dict.fromkeys(["[UNK]", *pieces]))}
    model = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=5))
    theirs = model.encode(strings, is_pretokenized=True)
    ours = reference.wordpiece(tuple(strings), vocab, longest=5)
    assert ours.piece.tolist() == theirs.ids
    assert ours.word.tolist() == theirs.word_ids
    assert 0 < theirs.ids.count(0) < len(strings)


def test_co_occurrences_are_the_skipgrams_of_nltk():
    pairs: Any = skipgrams
    for window in (1, 2, 4):
        expected = np.zeros((VOCAB, VOCAB))
        for row in TEXT.tolist():
            for a, b in pairs(row, 2, window - 1):
                expected[a, b] += 1
                expected[b, a] += 1
        assert np.array_equal(reference.cooccurrence_matrix(TEXT, np.ones(window), vocab=VOCAB), expected)


V_IN, U_OUT = draw("v", VOCAB, 4), draw("u", VOCAB, 4)


def test_word_vectors_are_torchs():
    center, context = words("center", 8), words("context", 8, 4)
    v, u, c, near = tensors(V_IN, U_OUT, center, context)
    agree(F.embedding(near, v), reference.word_embedding, context, V_IN)
    agree(F.embedding(c, v) @ u.T, reference.skip_gram, center, V_IN, U_OUT)
    agree(F.embedding_bag(near, v, mode="mean") @ u.T, reference.cbow, context, V_IN, U_OUT)
    present = words("present", 8, 4, below=3) > 0
    share = torch.from_numpy(present / np.maximum(present.sum(1, keepdims=True), 1))
    bags = F.embedding_bag(near, v, mode="sum", per_sample_weights=share)
    agree(bags @ u.T, reference.cbow, context, V_IN, U_OUT, present)


def test_negative_sampling_is_torchs_binary_cross_entropy():
    center, context, noise = words("center", 8), words("near", 8), words("noise", 8, 3)
    v, u, c, pairs = tensors(V_IN, U_OUT, center, np.concatenate([context[:, None], noise], 1))
    scores = (v[c][:, None] * u[pairs]).sum(-1)
    target = torch.zeros_like(scores)
    target[:, 0] = 1
    loss = F.binary_cross_entropy_with_logits(scores, target, reduction="sum") / 8
    agree(loss, reference.negative_sampling_loss, center, context, noise, V_IN, U_OUT)


def test_glove_is_a_weighted_mean_square_of_scikit_learn():
    row, column, x = words("row", 20), words("column", 20), np.abs(draw("x", 20)) * 200
    b, b_tilde = draw("b", VOCAB), draw("b~", VOCAB)
    weight = np.minimum(1, (x / 100) ** 0.75)
    score = np.einsum("md,md->m", V_IN[row], U_OUT[column]) + b[row] + b_tilde[column]
    loss = weight.sum() * mean_squared_error(np.log(x), score, sample_weight=weight)
    agree(np.array(loss), reference.glove, V_IN, U_OUT, b, b_tilde, row, column, x)


def test_losses_are_torchs():
    logits, ids, lengths = draw("logits", 3, 5, VOCAB), words("ids", 3, 5), np.array([5, 2, 4])
    z, target = tensors(logits, ids)
    agree(F.cross_entropy(z[:, :-1].flatten(0, 1), target[:, 1:].flatten()), reference.language_model_loss, logits, ids)
    ignored = torch.where(torch.arange(5) < torch.from_numpy(lengths)[:, None], target, -100)
    theirs = F.cross_entropy(z[:, :-1].flatten(0, 1), ignored[:, 1:].flatten())
    agree(theirs, reference.language_model_loss, logits, ids, lengths)
    forced = F.cross_entropy(z.flatten(0, 1), ignored.flatten(), reduction="sum") / 3
    seen = EXACT.array(logits)
    verdict = compare(
        forced.numpy(), reference.teacher_forcing(lambda state, ids: seen, None, ids[:, 0], ids, lengths)
    )  # fmt: skip
    assert verdict.agreed, verdict.message


class Theirs(nn.Module):
    """An embedding and a GRU of torch.nn, which reads padded sentences as torch does: packed."""

    def __init__(self, vocab: int, config: Any, params: dict[str, np.ndarray], prefix: str = "") -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, config.embedding_size)
        self.gru = nn.GRU(config.embedding_size, config.hidden_size, batch_first=True)
        mine = {name.removeprefix(prefix): torch.from_numpy(array) for name, array in params.items()}
        self.double().load_state_dict({name: mine[name] for name in self.state_dict()})

    def forward(self, ids: np.ndarray, h: Any = None, lengths: Any = None) -> Any:
        x: Any = self.embedding(torch.from_numpy(ids))
        if lengths is None:
            return self.gru(x, h)
        x = nn.utils.rnn.pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
        output, h = self.gru(x, h)
        return nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0], h


SENTENCES, LENGTHS = words("sentences", 3, 6), np.array([6, 1, 4])


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_a_sentence_is_the_last_state_of_torchs_gru(lengths):
    config = SentenceEncoder(VOCAB, 3, 5, 2)
    params = params_of(config)
    _, h = Theirs(VOCAB, config, params)(SENTENCES, None, lengths)
    weight, bias = tensors(params["linear.weight"], params["linear.bias"])
    expected = [h[0], torch.sigmoid(F.linear(h[0], weight, bias))]
    agree(expected, reference.sentence_encoder, config, params, SENTENCES, lengths)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("attention", [False, True])
def test_seq2seq_is_a_pair_of_torchs_grus(attention, lengths):
    config = Seq2Seq(VOCAB, 7, 3, 5, attention)
    params, target = params_of(config), words("target", 3, 4, below=7)
    states, h = Theirs(VOCAB, config, params, "encoder.")(SENTENCES, None, lengths)
    output, _ = Theirs(7, config, params, "decoder.")(target, h)
    weights = {name: torch.from_numpy(array) for name, array in params.items()}
    if attention:
        score = output @ states.mT
        if lengths is not None:
            score = score.masked_fill(torch.arange(6) >= torch.from_numpy(lengths)[:, None, None], -torch.inf)
        seen = torch.cat([score.softmax(-1) @ states, output], -1)
        output = torch.tanh(F.linear(seen, weights["decoder.attention.weight"], weights["decoder.attention.bias"]))
    expected = F.linear(output, weights["decoder.linear.weight"], weights["decoder.linear.bias"])
    agree(expected, reference.seq2seq, config, params, SENTENCES, target, lengths)


def test_greedy_text_is_that_of_torchs_gru_step_by_step():
    config = Seq2Seq(VOCAB, 7, 3, 5)
    params = {name: 4 * array for name, array in params_of(config).items()}
    encoder, decoder = Theirs(VOCAB, config, params, "encoder."), Theirs(7, config, params, "decoder.")
    weight, bias = tensors(params["decoder.linear.weight"], params["decoder.linear.bias"])
    expected = np.full((3, 8), 2)
    for i, sentence in enumerate(SENTENCES):
        h, word = encoder(sentence[None])[1], np.array([[0]])
        for t in range(8):
            output, h = decoder(word, h)
            word = F.linear(output[:, 0], weight, bias).argmax(-1, keepdim=True).numpy()
            expected[i, t] = word[0, 0]
            if word[0, 0] == 2:
                break

    def step(h, word):
        logits, h = reference.seq2seq_decoder(config, params, word[:, None], h)
        return logits[:, 0], h

    context = reference.seq2seq_encoder(config, params, SENTENCES).context
    said = reference.greedy_decode(step, context, np.zeros(3, int), eos=2, max_length=8)
    assert np.array_equal(said, expected)
    assert len(np.unique(said)) > 2
