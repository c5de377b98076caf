"""What bad input of transformers and BERT gets: one clear error, the same in both backends; and masks that hide all."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.transformer import (
    Bert,
    BertClassifier,
    BertPretraining,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
)

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
RNG = np.random.default_rng(0)
LAYER, STACK = EncoderLayer(4, 2, 6), Encoder(EncoderLayer(4, 2, 6), 2)
BERT, TRANSLATOR = Bert(9, 4, 2, 6, 1, max_length=5), Transformer(7, 5, 4, 2, 6, 1, 1)
X, IDS = RNG.standard_normal((2, 3, 4)), RNG.integers(0, 5, (2, 3))


def table(config):
    return {name: RNG.standard_normal(shape) for name, shape in config.parameters().items()}


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def converted(bk, value):
    if isinstance(value, dict):
        return {name: converted(bk, part) for name, part in value.items()}
    return bk.asarray(value) if isinstance(value, np.ndarray) else value


def call(bk, name, *arguments, **options):
    return getattr(bk, name)(*(converted(bk, x) for x in arguments), **options)


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        call(bk, name, *arguments, **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize("config", [EncoderLayer, DecoderLayer, Bert])
def test_heads_divide_the_width(config):
    with pytest.raises(DomainError, match="d_model is 4, expected a multiple of n_heads, which is 3"):
        config(d_model=4, n_heads=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"d_ff": 0}, DomainError, "d_ff is 0, expected an int >= 1"),
        ({"d_ff": 2.0}, DtypeError, "d_ff is 2.0, expected an int"),
        ({"dropout": 1.0}, DomainError, r"dropout is 1.0, expected in \[0, 1\)"),
        ({"attention_dropout": -0.5}, DomainError, r"attention_dropout is -0.5, expected in \[0, 1\)"),
        ({"eps": 0.0}, DomainError, "eps is 0.0, expected > 0"),
        ({"activation": "swish"}, DomainError, "activation is 'swish', expected one of 'relu', 'gelu', 'gelu_tanh'"),
    ],
)
def test_a_layer_checks_its_numbers(options, error, message):
    with pytest.raises(error, match=f"^EncoderLayer: {message}"):
        EncoderLayer(**options)


def test_configurations_check_what_they_are_made_of():
    with pytest.raises(DomainError, match="n_layers is -1, expected an int >= 0"):
        Encoder(LAYER, -1)
    with pytest.raises(DomainError, match="d_model is 3, expected an even number"):
        Transformer(7, 5, 3, 1)
    with pytest.raises(DomainError, match="EncoderLayer: activation is 'swish'"):
        Bert(activation="swish")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DomainError, match="BertClassifier: n_classes is 0"):
        BertClassifier(BERT, 0)


@pytest.mark.parametrize("name", ["encoder_layer", "encoder", "encoder_states"])
def test_parameters_are_those_of_the_table(bk, name):
    """All that is missing, unknown or of another shape is in one message."""
    config = LAYER if name == "encoder_layer" else STACK
    params = table(config)
    first = next(iter(params))
    params["extra"] = params.pop(first)
    kind, message = refusal(bk, name, config, params, X)
    assert kind is ShapeError
    assert f"no {first}; no place for extra" in message
    assert refusal(bk, name, config, [], X)[0] is DtypeError


def test_draws_are_those_of_the_table(bk):
    params, draws = table(LAYER), {name: np.zeros(shape) for name, shape in LAYER.draws(X.shape).items()}
    kind, message = refusal(bk, "encoder_layer", LAYER, params, X, None, {**draws, "inner": np.zeros((2, 3, 5))})
    assert kind is ShapeError
    assert "draws do not fit" in message
    assert "inner has shape (2, 3, 5), expected (2, 3, 6)" in message
    del draws["output"]
    assert "no output" in refusal(bk, "encoder_layer", LAYER, params, X, None, draws)[1]


def test_tokens_are_as_wide_as_the_model(bk):
    kind, message = refusal(bk, "encoder_layer", LAYER, table(LAYER), X[..., :3])
    assert kind is ShapeError
    assert message.startswith("x has shape (2, 3, 3), expected (*batch, t, config.d_model)")
    decoder = DecoderLayer(4, 2, 6)
    assert refusal(bk, "decoder_layer", decoder, table(decoder), X, X[..., :3])[0] is ShapeError
    assert refusal(bk, "decoder_layer", decoder, table(decoder), X, X[:1])[0] is ShapeError


def test_a_mask_fits_the_tokens(bk):
    kind, message = refusal(bk, "encoder", STACK, table(STACK), X, np.ones((2, 3, 4), bool))
    assert kind is ShapeError
    assert "mask has shape (2, 3, 4), expected one that can be broadcast to (2, 3, 3)" in message
    writer = Decoder(DecoderLayer(4, 2, 6), 1)
    assert refusal(bk, "decoder", writer, table(writer), X, X[:, :2], None, np.ones((3, 3), bool))[0] is ShapeError
    assert refusal(bk, "bert", BERT, table(BERT), IDS, None, np.ones((2, 4), bool))[0] is ShapeError
    assert refusal(bk, "encoder", STACK, table(STACK), X, np.ones((3, 3)))[0] is DtypeError


def test_a_sequence_has_a_token(bk):
    for kind in (
        refusal(bk, "encoder", STACK, table(STACK), X[:, :0])[0],
        refusal(bk, "bert", BERT, table(BERT), IDS[:, :0])[0],
        refusal(bk, "transformer", TRANSLATOR, table(TRANSLATOR), IDS[:, :0], IDS)[0],
        refusal(bk, "transformer", TRANSLATOR, table(TRANSLATOR), IDS, IDS[:, :0])[0],
    ):
        assert kind is ShapeError


def test_a_stack_that_is_looked_into_has_a_layer(bk):
    kind, message = refusal(bk, "encoder_states", Encoder(LAYER, 0), {}, X)
    assert kind is DomainError
    assert "at least one layer" in message


def test_no_text_is_longer_than_the_table_of_positions(bk):
    long = np.zeros((1, 6), np.int64)
    for name, config in (("bert", BERT), ("bert_pretraining", BertPretraining(BERT)),
                         ("bert_classifier", BertClassifier(BERT))):  # fmt: skip
        message = refusal(bk, name, config, table(config), long)[1]
        assert "at most" in message
        assert "max_length tokens" in message
    tables = [RNG.standard_normal((n, 2)) for n in (3, 2, 5)]
    assert (
        "no more tokens than the table of positions has rows" in refusal(bk, "bert_embedding", long, long, *tables)[1]
    )


@pytest.mark.parametrize("bad", [-1, 9])
def test_ids_are_in_the_vocabulary(bk, bad):
    wrong = IDS.copy()
    wrong[1, 2] = bad
    assert refusal(bk, "bert", BERT, table(BERT), wrong)[0] is DomainError
    assert refusal(bk, "bert", BERT, table(BERT), IDS, wrong)[0] is DomainError
    assert refusal(bk, "transformer", TRANSLATOR, table(TRANSLATOR), wrong, IDS)[0] is DomainError
    assert refusal(bk, "transformer", TRANSLATOR, table(TRANSLATOR), IDS, wrong)[0] is DomainError
    assert refusal(bk, "masked_language_model", X, wrong, np.ones((2, 3), bool))[0] is DomainError
    assert refusal(bk, "bert", BERT, table(BERT), IDS.astype(float))[0] is DtypeError


def test_labels_and_draws_are_in_their_range(bk):
    pooled, weight, bias = X[:, 0], X[0, :2], np.zeros(2)
    assert refusal(bk, "next_sentence_prediction", pooled, np.array([0, 2]), weight, bias)[0] is DomainError
    assert refusal(bk, "next_sentence_pairs", np.array([0.5]), np.array([1]))[0] is DomainError
    draws = np.full(IDS.shape, 0.5)
    assert refusal(bk, "mask_tokens", IDS, draws + 1, draws, IDS, mask_id=1)[0] is DomainError
    kind, message = refusal(bk, "mask_tokens", IDS, draws, draws, IDS, mask_id=1, masked=0.8, random=0.5)
    assert kind is DomainError
    assert "at most 1 together" in message


def test_a_sequence_of_padding_alone_is_no_trouble(bk):
    """Nothing to look at adds the bias of the output: no NaN, neither in the result nor in a gradient."""
    mask = np.array([[True, True, False], [False, False, False]])
    params = converted(bk, table(BERT))

    def total(params):
        hidden, pooled = bk.bert(BERT, params, bk.asarray(IDS), None, bk.asarray(mask))
        return hidden.sum() + pooled.sum()

    value, slopes = bk.value_and_grad(total)(params)
    assert np.isfinite(bk.to_numpy(value))
    assert all(np.isfinite(bk.to_numpy(slope)).all() for slope in slopes.values())
    ids = (IDS, IDS, mask, mask)
    assert np.isfinite(bk.to_numpy(call(bk, "transformer", TRANSLATOR, table(TRANSLATOR), *ids))).all()


def test_no_chosen_token_costs_nothing(bk):
    none = bk.asarray(np.zeros((2, 3), bool))
    loss = bk.value_and_grad(lambda z: bk.masked_language_model(z, bk.asarray(IDS % 4), none))
    value, slope = loss(bk.asarray(X))
    assert float(bk.to_numpy(value)) == 0
    assert not bk.to_numpy(slope).any()
