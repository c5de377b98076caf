"""What bad input of attention gets: one clear error, the same in both backends; and masks that leave nothing."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.attention import MultiHead, attention_cost, head_dimension

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
RNG = np.random.default_rng(0)
Q, K, V = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 5, 4)), RNG.standard_normal((2, 5, 6))
W = np.eye(4)
CONFIG = MultiHead(4, 2)
PARAMS = {name: np.ones(shape) for name, shape in CONFIG.parameters().items()}
POSITION = np.arange(3.0)


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def converted(bk, value):
    if isinstance(value, dict):
        return {name: converted(bk, part) for name, part in value.items()}
    return bk.asarray(value) if isinstance(value, np.ndarray) else value


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(converted(bk, x) for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


def test_keys_are_as_wide_as_queries_and_as_many_as_values(bk):
    kind, message = refusal(bk, "scaled_dot_product_attention", Q, K[..., :3], V)
    assert kind is ShapeError
    assert message.startswith("key has shape (2, 5, 3), expected (*batch, s, d)")
    assert "d=4 (from query)" in message
    kind, message = refusal(bk, "scaled_dot_product_attention", Q, K, V[:, :4])
    assert kind is ShapeError
    assert "s=5 (from key)" in message
    assert refusal(bk, "scaled_dot_product_attention", Q, K[:1], V)[0] is ShapeError
    assert refusal(bk, "dot_product_score", Q, K[..., :3])[0] is ShapeError


@pytest.mark.parametrize("empty", [0, 1])
def test_sequences_have_at_least_one_token(bk, empty):
    arrays = [Q, K, V]
    arrays[empty] = arrays[empty][:, :0]
    if empty:
        arrays[2] = V[:, :0]
    kind, message = refusal(bk, "scaled_dot_product_attention", *arrays)
    assert kind is ShapeError
    assert "at least 1" in message
    assert refusal(bk, "self_attention", Q[:, :0], W, W, W)[0] is ShapeError
    assert refusal(bk, "multi_head_attention", CONFIG, PARAMS, Q[:, :0])[0] is ShapeError


@pytest.mark.parametrize("shape", [(5, 3), (3, 4), (4, 5), (2, 2, 3, 5), (3, 3, 5), (2, 5)])
def test_a_mask_has_to_fit(bk, shape):
    """Not transposed, not of another length, not with an axis too many; it does not stretch the result either."""
    assert refusal(bk, "scaled_dot_product_attention", Q, K, V, np.ones(shape, bool)) == (
        ShapeError,
        f"mask has shape {shape}, expected one that can be broadcast to (2, 3, 5)",
    )
    assert refusal(bk, "attention_weights", Q @ K.swapaxes(1, 2), np.ones(shape, bool))[0] is ShapeError
    assert refusal(bk, "cross_attention", Q, K, W, W, W, np.ones(shape, bool))[0] is ShapeError
    for name in ("multi_head_attention", "multi_head_attention_weights"):
        assert refusal(bk, name, CONFIG, PARAMS, Q, K, np.ones(shape, bool))[0] is ShapeError


def test_a_mask_of_self_attention_has_to_fit(bk):
    assert refusal(bk, "self_attention", Q, W, W, W, np.ones((4, 4), bool)) == (
        ShapeError,
        "mask has shape (4, 4), expected one that can be broadcast to (2, 3, 3)",
    )


def test_a_mask_is_of_booleans(bk):
    """Who adds a mask of zeros and minus infinities is told so."""
    additive = np.where(np.tril(np.ones((3, 5))) > 0, 0, -math.inf)
    kind, message = refusal(bk, "scaled_dot_product_attention", Q, K, V, additive)
    assert kind is DtypeError
    assert message.endswith("expected bool")
    assert refusal(bk, "scaled_dot_product_attention", Q, K, V, np.ones((3, 5), int))[0] is DtypeError


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_is_positive(bk, scale):
    assert refusal(bk, "scaled_dot_product_attention", Q, K, V, scale=scale)[0] is DomainError
    assert refusal(bk, "attention_weights", Q, scale=scale)[0] is DomainError


def test_a_row_that_the_mask_leaves_empty_is_zero(bk):
    """No NaN, neither in the result nor in what comes back; the bias of the output is all that is left of heads."""
    q, k, v = (bk.asarray(x) for x in (Q, K, V))
    mask = bk.asarray(np.array([[True], [False], [True]]))
    z = bk.to_numpy(bk.scaled_dot_product_attention(q, k, v, mask))
    assert not z[:, 1].any()
    assert z[:, 0].all()
    assert not bk.to_numpy(bk.attention_weights(q, mask))[:, 1].any()
    _, grads = bk.value_and_grad(lambda a: bk.scaled_dot_product_attention(*a, mask).sum())([q, k, v])
    assert all(np.isfinite(bk.to_numpy(g)).all() for g in grads)
    params, nothing = converted(bk, PARAMS), bk.asarray(np.zeros((3, 3), bool))
    assert (bk.to_numpy(bk.multi_head_attention(CONFIG, params, q, None, nothing)) == PARAMS["out_proj.bias"]).all()
    found = bk.seq2seq_attention(q[:, 0], k, bk.asarray(np.zeros((2, 5), bool)))
    assert not bk.to_numpy(found.context).any()
    assert not bk.to_numpy(found.weights).any()


def test_more_causal_queries_than_keys_leave_the_first_ones_nothing(bk):
    """The last query sits at the last key: the first of five queries sit before the first of three keys."""
    z = bk.to_numpy(bk.scaled_dot_product_attention(*(bk.asarray(x) for x in (K, Q, Q)), causal=True))
    assert not z[:, :2].any()
    assert z[:, 2:].all()


@pytest.mark.parametrize("name", ["sinusoidal_positional_encoding", "concatenated_positional_encoding"])
def test_sinusoids_come_in_pairs(bk, name):
    kind, message = refusal(bk, name, POSITION, d=5)
    assert kind is DomainError
    assert message.startswith("expected d to be even: a sine and a cosine per frequency")
    assert refusal(bk, name, POSITION, d=0)[0] is DomainError
    assert refusal(bk, name, POSITION, d=4.0)[0] is DtypeError
    assert refusal(bk, name, POSITION, d=4, base=0.0)[0] is DomainError
    assert refusal(bk, name, np.arange(3), d=4)[0] is DtypeError


def test_an_encoding_has_a_row_per_token(bk):
    kind, message = refusal(bk, "add_positional_encoding", Q, np.ones((5, 4)))
    assert kind is ShapeError
    assert "t=3 (from x)" in message


def test_heads_divide_the_width(bk):
    kind, message = refusal(bk, "split_heads", Q, n_heads=3)
    assert kind is DomainError
    assert message.startswith("expected a width that n_heads divides")
    assert refusal(bk, "split_heads", Q, n_heads=0)[0] is DomainError
    for call in (lambda: MultiHead(100, 8), lambda: head_dimension(100, 8), lambda: attention_cost(5, 100, n_heads=8)):
        with pytest.raises(DomainError, match="is 100, expected a multiple of n_heads, which is 8"):
            call()


@pytest.mark.parametrize(("d", "heads", "error"), [(0, 1, DomainError), (4, 0, DomainError), (4.0, 2, DtypeError),
                                                   (4, True, DtypeError)])  # fmt: skip
def test_widths_and_heads_are_positive_integers(d, heads, error):
    for call in (MultiHead, head_dimension):
        with pytest.raises(error, match="expected an int"):
            call(d, heads)
    with pytest.raises(DomainError, match="n is 0"):
        attention_cost(0, 4)


def test_parameters_are_those_of_the_configuration(bk):
    """All that is wrong is said at once; without a bias there is no place for one."""
    wrong = {**PARAMS, "in_proj_weight": np.ones((4, 12)), "q": np.ones(1)}
    del wrong["out_proj.bias"]
    kind, message = refusal(bk, "multi_head_attention", CONFIG, wrong, Q)
    assert kind is ShapeError
    for problem in ("no out_proj.bias", "no place for q", "in_proj_weight has shape (4, 12), expected (12, 4)"):
        assert problem in message
    assert refusal(bk, "multi_head_attention_weights", MultiHead(4, 2, bias=False), PARAMS, Q)[0] is ShapeError
    assert refusal(bk, "multi_head_attention", CONFIG, [1], Q)[0] is DtypeError
    assert refusal(bk, "multi_head_attention", MultiHead(6, 2), PARAMS, Q)[0] is ShapeError
    assert refusal(bk, "multi_head_attention", CONFIG, PARAMS, Q, V)[0] is ShapeError


def test_an_output_weight_has_a_column_per_feature_of_the_heads(bk):
    kind, message = refusal(bk, "output_projection", np.ones((2, 3, 4)), np.ones((5, 7)))
    assert kind is ShapeError
    assert "h*e" in message
    kind, message = refusal(bk, "attentional_hidden_state", np.ones(2), np.ones(3), np.ones((4, 6)), np.ones(4))
    assert kind is ShapeError
    assert "c+d" in message


def test_seq2seq_attention_needs_states_as_wide_as_the_query(bk):
    assert refusal(bk, "seq2seq_attention", Q[:, 0], K[..., :3])[0] is ShapeError
    assert refusal(bk, "seq2seq_attention", Q[:, 0], K[:, :0])[0] is ShapeError
    assert refusal(bk, "seq2seq_attention", Q[:, 0], K, np.ones((2, 4), bool))[0] is ShapeError
