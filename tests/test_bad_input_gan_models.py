"""What bad input of the networks of the GAN chapter gets: one clear error, the same in both backends."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.architectures.conditional import DenseGenerator
from gongsik.spec.architectures.dcgan import DCGANDiscriminator, DCGANGenerator, TextGenerator
from gongsik.spec.architectures.infogan import InfoGANGenerator
from gongsik.spec.architectures.progressive import ProgressiveGenerator
from gongsik.spec.architectures.translation import CycleGAN, StarGAN, StarGANDiscriminator
from gongsik.spec.gan import translators

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
ZEROS, CODE = np.zeros(2), np.zeros(2, int)
IMAGES = np.zeros((1, 2, 4, 6))


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "arguments", "options", "kind", "says"),
    [
        (
            "conditional_input",
            (IMAGES, np.zeros((2, 3))),
            {},
            ShapeError,
            "y has shape (2, 3), expected (n, k) with n=1",
        ),
        ("conditional_input", (IMAGES, np.zeros(1)), {}, ShapeError, "y has shape (1,)"),
        ("conditional_input", (IMAGES, np.zeros((1, 3), int)), {}, DtypeError, "y has dtype"),
        ("mutual_information_bound", (np.zeros((2, 3)), CODE + 3), {}, DomainError, "code has a label"),
        ("mutual_information_bound", (np.zeros((2, 3)), ZEROS), {}, DtypeError, "code has dtype"),
        ("mutual_information_bound", (np.zeros((3, 3)), CODE), {}, ShapeError, "code has shape (2,)"),
        ("infogan_loss", (ZEROS, np.zeros((2, 3)), CODE - 1), {}, DomainError, "code has a label"),
        ("infogan_loss", (ZEROS, np.zeros((2, 3)), CODE), {"weight": -1.0}, DomainError, "weight is -1.0"),
        ("cycle_consistency_loss", (ZEROS, ZEROS[:1], ZEROS, ZEROS), {}, ShapeError, "x_cycled has shape (1,)"),
        ("cycle_consistency_loss", (ZEROS, ZEROS, ZEROS, ZEROS[:1]), {}, ShapeError, "y_cycled has shape (1,)"),
        (
            "fade_in",
            (IMAGES, IMAGES, np.array(0.5)),
            {},
            ShapeError,
            "high has shape (1, 2, 4, 6), expected (n, c, 2*h",
        ),
        ("fade_in", (IMAGES, np.zeros((1, 2, 8, 12)), np.array(1.5)), {}, DomainError, "alpha has a value"),
        ("matching_aware_loss", (ZEROS, ZEROS[:0], ZEROS), {}, ShapeError, "logit_mismatched has shape (0,)"),
        ("jigsaw", (IMAGES, np.zeros((1, 4), int)), {"grid": 2.0}, DtypeError, "grid is 2.0"),
        ("jigsaw", (IMAGES, np.zeros((1, 9), int)), {"grid": 3}, DomainError, "a grid that divides height and width"),
        ("jigsaw", (IMAGES, np.zeros((1, 3), int)), {"grid": 2}, DomainError, "a place for each of grid x grid parts"),
        ("jigsaw", (IMAGES, np.full((1, 4), 4)), {"grid": 2}, DomainError, "permutation has a label"),
        ("restoration_loss", (ZEROS, ZEROS, ZEROS), {"weight": 1.5}, DomainError, "weight is 1.5"),
        ("restoration_loss", (ZEROS, ZEROS[:1], ZEROS), {}, ShapeError, "x has shape (1,)"),
    ],
)
def test_formula_refuses(bk, name, arguments, options, kind, says):
    found, message = refusal(bk, name, *arguments, **options)
    assert found is kind
    assert says in message


def given(bk, config):
    tables = config.parameters(), config.buffers()
    return tuple({name: bk.asarray(np.ones(shape)) for name, shape in table.items()} for table in tables)


def test_noise_of_another_length_and_images_of_another_size(bk):
    config = DCGANGenerator(8, 1, 2, z=3)
    kind, message = refusal(bk, "dcgan", config, *given(bk, config), np.zeros((2, 4)))
    assert kind is ShapeError
    assert "a sample has shape (4,), expected 3 features" in message
    judge = DCGANDiscriminator(8, 1, 2)
    kind, message = refusal(bk, "dcgan", judge, *given(bk, judge), np.zeros((2, 1, 4, 4)))
    assert kind is ShapeError
    assert "main.2" in message
    assert "the image is too small here: 2, expected at least 4" in message


def test_parameters_of_another_network(bk):
    config = InfoGANGenerator(2, 0, 8, width=1, hidden=2, noise=1)
    params, buffers = given(bk, config)
    params["tconv5.weight"] = params.pop("tconv4.weight")
    kind, message = refusal(bk, "infogan", config, params, buffers, np.zeros((1, 3)))
    assert kind is ShapeError
    assert "no tconv4.weight" in message
    assert "no place for tconv5.weight" in message


@pytest.mark.parametrize(("name", "config"), [
    ("conditional_gan", DenseGenerator(2, 3, (1, 2, 2), (4,))), ("text_to_image", TextGenerator(2, 2, 8, 1, 2, 3)),
])  # fmt: skip
def test_a_condition_of_another_length(bk, name, config):
    kind, message = refusal(bk, name, config, *given(bk, config), np.zeros((2, 3)), np.zeros((2, 5)))
    assert kind is ShapeError
    assert "has shape (2, 5), expected (n, config." in message


def test_a_network_that_waits_for_a_condition_says_so(bk):
    config = DenseGenerator(2, 3, (1, 2, 2), (4,))
    with pytest.raises(ShapeError, match=r"Condition\(2\): nothing is given beside x, expected 2 numbers"):
        bk.forward(config, *given(bk, config), bk.asarray(np.zeros((1, 3))))


def test_translators_say_which_images_do_not_fit(bk):
    config = CycleGAN(1, 1, 0, 1)
    params, _ = given(bk, config)
    good, odd = np.zeros((1, 1, 8, 8)), np.zeros((1, 1, 8, 10))
    kind, message = refusal(bk, "cyclegan", config, params, good, odd)
    assert kind is ShapeError
    assert "y has shape (1, 1, 8, 10) and is translated to (1, 1, 8, 12), expected height and width" in message
    del params["F.model.1.bias"]
    assert "no F.model.1.bias" in refusal(bk, "cyclegan", config, params, good, good)[1]
    config = StarGAN(2, 8, 1, 1, 0, 1)
    params, _ = given(bk, config)
    domain, beyond = np.array([0]), np.array([2])
    assert refusal(bk, "stargan", config, params, good, domain, beyond)[0] is DomainError
    kind, message = refusal(bk, "stargan", config, params, np.zeros((1, 1, 4, 8)), domain, domain)
    assert kind is ShapeError
    assert "x of shape (1, 1, 4, 8) does not fit StarGAN(" in message


@pytest.mark.parametrize(("make", "says"), [
    (lambda: DCGANGenerator(size=12), "DCGANGenerator: size is 12, expected 8, 16, 32, ..."),
    (lambda: DCGANDiscriminator(size=4), "DCGANDiscriminator: size is 4, expected 8, 16, 32"),
    (lambda: DCGANGenerator(z=0), "c_in is 0"),
    (lambda: InfoGANGenerator(size=10), "InfoGANGenerator: size is 10, expected a multiple of 4"),
    (lambda: ProgressiveGenerator(9), r"stage is 9, expected an int in \[0, 8\]"),
    (lambda: ProgressiveGenerator(0, True), r"stage is 0, expected an int in \[1, 8\]"),
    (lambda: StarGANDiscriminator(size=100), "StarGANDiscriminator: size is 100, expected a multiple of 64"),
    (lambda: translators(1), "translators: domains is 1, expected an int >= 2"),
])  # fmt: skip
def test_configurations_refuse_what_is_no_network(make, says):
    with pytest.raises(DomainError, match=says):
        make()


def test_a_number_of_domains_that_is_none():
    with pytest.raises(DtypeError, match=r"translators: domains is 2.0, expected an int"):
        translators(2.0)  # pyright: ignore[reportArgumentType]
