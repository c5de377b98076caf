"""What bad input of GPT, its cache, sampling, patches and ViT gets: one clear error, the same in both backends."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.architectures.gpt import GPT
from gongsik.spec.architectures.vit import ViT
from gongsik.spec.transformer import cache_shape

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
CONFIG = GPT(vocab_size=7, d_model=4, n_heads=2, d_ff=8, n_layers=1, max_length=5)
SIGHT = ViT(4, 2, 1, 3, d_model=4, n_heads=2, d_ff=8, n_layers=1)
PARAMS = {name: np.ones(shape) for name, shape in CONFIG.parameters().items()}
SIGHT_PARAMS = {name: np.ones(shape) for name, shape in SIGHT.parameters().items()}
IDS = np.array([[1, 2, 3], [4, 5, 6]])
CACHE = np.zeros(cache_shape(CONFIG, 2, 4))


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


def test_a_text_fits_the_table_of_positions_and_the_vocabulary(bk):
    kind, message = refusal(bk, "gpt", CONFIG, PARAMS, np.zeros((1, 6), int))
    assert (kind, "at most config.max_length tokens" in message) == (DomainError, True)
    for wrong in (7, -1):
        kind, message = refusal(bk, "gpt", CONFIG, PARAMS, np.array([[wrong]]))
        assert (kind, message.startswith("ids")) == (DomainError, True)
        assert refusal(bk, "gpt_step", CONFIG, PARAMS, np.array([[wrong]]))[0] is DomainError
    assert refusal(bk, "gpt", CONFIG, PARAMS, np.zeros((1, 0), int))[0] is ShapeError
    assert refusal(bk, "gpt", CONFIG, PARAMS, np.zeros((1, 2)))[0] is DtypeError


def test_parameters_are_those_of_the_configuration(bk):
    """Names that are missing and shapes that are wrong are told in one message, for all of them."""
    wrong = {name: x for name, x in PARAMS.items() if name != "transformer.wpe.weight"}
    wrong["transformer.h.0.attn.c_attn.weight"] = np.ones((12, 4))  # as torch.nn.Linear would have it
    kind, message = refusal(bk, "gpt", CONFIG, wrong, IDS)
    assert kind is ShapeError
    assert "no transformer.wpe.weight" in message
    assert "transformer.h.0.attn.c_attn.weight has shape (12, 4), expected (4, 12)" in message
    assert refusal(bk, "vit", SIGHT, PARAMS, np.ones((1, 1, 4, 4)))[0] is ShapeError
    assert refusal(bk, "gpt", CONFIG, PARAMS, IDS, None, {"embeddings": np.zeros((2, 3, 4))})[0] is ShapeError


def test_a_mask_is_as_large_as_the_text_and_one_that_leaves_nothing_gives_no_nan(bk):
    assert refusal(bk, "gpt", CONFIG, PARAMS, IDS, np.ones((2, 4), bool))[0] is ShapeError
    logits = bk.gpt(CONFIG, converted(bk, PARAMS), bk.asarray(IDS), bk.asarray(np.zeros((2, 3), bool)))
    assert np.isfinite(bk.to_numpy(logits)).all()


def test_a_cache_is_given_as_a_whole_and_has_room(bk):
    length = np.array([1, 1])
    kind, message = refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, CACHE, CACHE)
    assert (kind, "keys, values and length, or none of them" in message) == (DomainError, True)
    kind, message = refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, CACHE, CACHE, np.array([1, 2]))  # 2 + 3 > 4
    assert (kind, message.startswith("length")) == (DomainError, True)
    kind, message = refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, capacity=2)
    assert (kind, "a cache that holds the tokens" in message) == (DomainError, True)
    kind, message = refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, capacity=6)
    assert (kind, "no longer than the table of positions" in message) == (DomainError, True)
    long = np.zeros(cache_shape(CONFIG, 2, 6))
    assert refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, long, long, length)[0] is DomainError
    other = np.zeros(cache_shape(CONFIG, 3, 4))
    assert refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, other, other, length)[0] is ShapeError
    assert refusal(bk, "gpt_step", CONFIG, PARAMS, IDS, CACHE, CACHE[..., :1], length)[0] is ShapeError


def test_a_gpt_without_layers_has_nothing_to_remember(bk):
    config = GPT(vocab_size=7, d_model=4, n_heads=2, d_ff=8, n_layers=0, max_length=5)
    params = {name: np.ones(shape) for name, shape in config.parameters().items()}
    assert refusal(bk, "gpt_step", config, params, IDS)[0] is DomainError


def test_options_of_sampling_are_in_their_range(bk):
    logits, uniform = np.zeros((2, 3)), np.array([0.1, 0.9])
    for options in ({"temperature": -0.5}, {"top_k": 0}):
        assert refusal(bk, "output_sampling", logits, uniform, **options)[0] is DomainError
    assert refusal(bk, "output_sampling", logits, np.array([0.1, 1.5]))[0] is DomainError
    assert refusal(bk, "output_sampling", logits, np.array([0.1]))[0] is ShapeError
    assert refusal(bk, "output_sampling", np.zeros((2, 0)), uniform)[0] is ShapeError


def test_patches_cover_the_image(bk):
    kind, message = refusal(bk, "patch_embedding", np.ones((1, 2, 6, 8)), np.ones((3, 2, 4, 4)))
    assert (kind, "patches that cover the height" in message) == (DomainError, True)
    assert refusal(bk, "patch_embedding", np.ones((1, 2, 8, 8)), np.ones((3, 1, 4, 4)))[0] is ShapeError


def test_an_image_has_the_size_of_the_configuration(bk):
    kind, message = refusal(bk, "vit", SIGHT, SIGHT_PARAMS, np.ones((1, 1, 4, 6)))
    assert (kind, message.startswith("x has shape (1, 1, 4, 6)")) == (ShapeError, True)


def test_configurations_that_cannot_be_are_refused():
    with pytest.raises(DomainError, match="d_model is 10, expected a multiple of n_heads, which is 3"):
        GPT(d_model=10, n_heads=3)
    with pytest.raises(DomainError, match="vocab_size is 0"):
        GPT(vocab_size=0)
    with pytest.raises(DtypeError, match=r"max_length is 8\.0"):
        GPT(max_length=8.0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DomainError, match="image_size is 6, expected a multiple of patch_size, which is 4"):
        ViT(6, 4)
    with pytest.raises(ShapeError, match=r"no place for head\.weight"):
        CONFIG.from_state({**PARAMS, "head.weight": np.ones(1)})
