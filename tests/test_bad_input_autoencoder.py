"""What bad input of autoencoders gets: one clear error, the same in both backends."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.autoencoder import VAE, AdversarialAutoencoder, Autoencoder
from gongsik.spec.network import MLP

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
X, CODE = np.full((2, 3), 0.5), np.zeros((2, 1))
PLAIN, VARIATIONAL, ADVERSARIAL = Autoencoder((3, 1)), VAE((3, 1)), AdversarialAutoencoder((3, 1), hidden=())


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def given(bk, config):
    return {name: bk.asarray(np.ones(shape)) for name, shape in config.parameters().items()}


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("reconstruction_loss", (X,), {"kind": "bce"}),
        ("reconstruction_term", (X,), {}),
        ("elbo", (X,), {}),
        ("vae_loss", (X,), {}),
    ],
)
@pytest.mark.parametrize("pixel", [-0.001, 1.001, 255.0, math.inf])
def test_bernoulli_pixels_are_probabilities(bk, name, arguments, options, pixel):
    """Of images of 0 to 255, say, there is no Bernoulli likelihood; NaN is data, and comes out as NaN."""
    image = X.copy()
    image[1, 2] = pixel
    codes = (CODE, CODE) if name in ("elbo", "vae_loss") else ()
    kind, message = refusal(bk, name, *arguments, image, *codes, **options)
    assert kind is DomainError
    assert message == "x has a value that is not in [0, 1], expected pixels of a Bernoulli likelihood"
    image[1, 2] = math.nan
    found = bk.to_numpy(getattr(bk, name)(*map(bk.asarray, (*arguments, image, *codes)), **options))
    assert np.isnan(found).any()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("reconstruction_loss", {"kind": "squared"}),
        ("reconstruction_loss", {"kind": "rmse"}),
        ("reconstruction_term", {"likelihood": "gaussian"}),
        ("elbo", {"likelihood": "gaussian"}),
        ("vae_loss", {"kind": "squared"}),
    ],
)
def test_other_likelihoods_take_any_image(bk, name, options):
    codes = (CODE, CODE) if name in ("elbo", "vae_loss") else ()
    found = bk.to_numpy(getattr(bk, name)(*map(bk.asarray, (X, 300 * X, *codes)), **options))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("name", "arguments", "options", "kind", "says"),
    [
        ("reconstruction_loss", (X, X[:, :2]), {}, ShapeError, "x has shape (2, 2)"),
        ("reconstruction_loss", (X, X), {"kind": "l1"}, DomainError, "kind is 'l1'"),
        ("reconstruction_loss", (X[0], X[0]), {}, ShapeError, "output has shape (3,), expected (n, d), 2 axes"),
        ("reconstruction_term", (X, X), {"likelihood": "gaussian", "var": -1.0}, DomainError, "var is -1.0"),
        ("reconstruction_term", (X, X), {"likelihood": "gaussian", "var": 0.0}, DomainError, "var is 0.0"),
        ("reconstruction_term", (X, X), {"likelihood": "poisson"}, DomainError, "likelihood is 'poisson'"),
        ("reconstruction_term", (np.zeros((0, 2, 3)), X), {}, ShapeError, "expected at least one element"),
        ("elbo", (X, X, CODE, CODE), {"var": -0.5}, DomainError, "var is -0.5"),
        ("elbo", (X, X, CODE, np.zeros((2, 2))), {}, ShapeError, "log_var has shape (2, 2)"),
        ("elbo", (X, X, CODE[:1], CODE[:1]), {}, ShapeError, "mu has shape (1, 1)"),
        ("vae_loss", (X, X, CODE, CODE), {"r": -1.0}, DomainError, "r is -1.0"),
        ("vae_loss", (X, X, CODE, CODE.astype(int)), {}, DtypeError, "log_var has dtype"),
        ("gaussian_kl", (CODE, np.zeros((2, 2))), {}, ShapeError, "log_var has shape (2, 2)"),
        ("reparameterize", (CODE, CODE, np.zeros((5, 2, 2))), {}, ShapeError, "normal has shape (5, 2, 2)"),
        ("reparameterize", (CODE, CODE, np.zeros(2)), {}, ShapeError, "normal has shape (2,)"),
        ("latent_arithmetic", (CODE, CODE, np.zeros(2)), {}, DtypeError, "label has dtype"),
        ("latent_arithmetic", (CODE, CODE, np.zeros(3, bool)), {}, ShapeError, "label has shape (3,)"),
        ("latent_arithmetic", (X, CODE, np.zeros(2, bool)), {}, ShapeError, "codes has shape (2, 1)"),
        ("latent_interpolation", (CODE, CODE), {"steps": 1}, DomainError, "steps is 1, expected an int >= 2"),
        ("latent_interpolation", (CODE, CODE[0]), {"steps": 3}, ShapeError, "b has shape (1,)"),
    ],
)
def test_formula_refuses(bk, name, arguments, options, kind, says):
    found, message = refusal(bk, name, *arguments, **options)
    assert found is kind
    assert says in message


@pytest.mark.parametrize(
    ("name", "config", "arrays", "says"),
    [
        ("autoencoder", PLAIN, (X[:, :2],), "x has shape (2, 2)"),
        ("decode", PLAIN, (np.zeros((2, 2)),), "z has shape (2, 2)"),
        ("decode", VARIATIONAL, (np.zeros((2, 2)),), "z has shape (2, 2)"),
        ("denoising_autoencoder", PLAIN, (X, X[:1]), "normal has shape (1, 3)"),
        ("vae", VARIATIONAL, (X, np.zeros((2, 2))), "normal has shape (2, 2)"),
        ("vae", VARIATIONAL, (X, np.zeros((1, 1))), "normal has shape (1, 1)"),
        ("adversarial_autoencoder", ADVERSARIAL, (X, np.zeros((2, 2))), "prior has shape (2, 2)"),
    ],
)
def test_model_refuses_arrays_of_other_shapes(bk, name, config, arrays, says):
    kind, message = refusal(bk, name, config, given(bk, config), *arrays)
    assert kind is ShapeError
    assert says in message


@pytest.mark.parametrize(
    ("name", "config", "arrays"),
    [
        ("autoencoder", PLAIN, (X,)),
        ("decode", PLAIN, (CODE,)),
        ("denoising_autoencoder", PLAIN, (X, X)),
        ("vae", VARIATIONAL, (X, CODE)),
        ("adversarial_autoencoder", ADVERSARIAL, (X, CODE)),
    ],
)
def test_model_names_all_that_is_wrong_with_its_parameters(bk, name, config, arrays):
    params = given(bk, config)
    params["decoder.1.weight"] = params.pop("decoder.0.weight")
    params["decoder.0.bias"] = params["decoder.0.bias"][:1]
    kind, message = refusal(bk, name, config, params, *arrays)
    assert kind is ShapeError
    assert message.startswith("params do not fit ")
    for words in (
        "no decoder.0.weight",
        "no place for decoder.1.weight",
        "decoder.0.bias has shape (1,), expected (3,)",
    ):
        assert words in message
    assert refusal(bk, name, config, [], *arrays)[0] is DtypeError
    assert refusal(bk, name, MLP((3, 1)), params, *arrays)[0] is DtypeError


def test_configurations_refuse_what_is_no_model():
    with pytest.raises(DomainError, match=r"^Autoencoder: sizes is \(3,\), expected at least an input and a code"):
        Autoencoder((3,))
    with pytest.raises(DomainError, match="Linear: n_out is 0, expected an int >= 1"):
        VAE((3, 0))
    with pytest.raises(DtypeError, match=r"2\.5"):
        VAE((3, 2.5))  # pyright: ignore[reportArgumentType]
    with pytest.raises(DomainError, match="name is 'swish', expected one of"):
        Autoencoder((3, 2, 1), "swish")
    with pytest.raises(DomainError, match="name is 'softmax', expected one of"):
        Autoencoder((3, 1), last="softmax")
    with pytest.raises(DomainError, match="n_out is 0"):
        AdversarialAutoencoder((3, 1), hidden=(0,))


def test_an_attribute_that_nobody_has_is_nan(bk):
    for label in (True, False):
        with np.errstate(invalid="ignore"):
            found = bk.latent_arithmetic(bk.asarray(CODE), bk.asarray(CODE), bk.asarray(np.full(2, label)))
        assert np.isnan(bk.to_numpy(found)).all()


def test_the_chapter_is_called_as_its_model(bk):
    """Both are at the same name: `bk.autoencoder(...)` and `bk.autoencoder.vae(...)`."""
    params, x = given(bk, PLAIN), bk.asarray(X)
    for ours, theirs in zip(
        bk.autoencoder(PLAIN, params, x), bk.autoencoder.autoencoder(PLAIN, params, x), strict=True
    ):
        assert np.array_equal(bk.to_numpy(ours), bk.to_numpy(theirs))
    assert bk.autoencoder.vae is bk.vae
    with pytest.raises(AttributeError, match="there is no formula 'loss'"):
        bk.loss()
