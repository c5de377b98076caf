"""Transformers as configurations: what a layer is made of, and what its parts are called in a checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from gongsik.spec.attention import head_dimension
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.model import differences

Shape: TypeAlias = tuple[int, ...]
Activation: TypeAlias = Literal["relu", "gelu", "gelu_tanh"]
"""Between the two matrices of a feed-forward layer; "gelu_tanh" is the approximation of "gelu" that GPT uses."""


class SequenceModel:
    """Base of the configurations of this chapter: frozen dataclasses that know every name and shape of their arrays.

    Numbers are checked by the name of their field: what begins with `dropout` or ends with it lies in [0, 1), `eps` is
    above 0, every other number is an int, at least 1, of layers at least 0.
    """

    def __post_init__(self) -> None:
        kind = type(self).__name__
        for field in fields(self):  # pyright: ignore[reportArgumentType]
            value = getattr(self, field.name)
            if "dropout" in field.name and isinstance(value, float | int) and not isinstance(value, bool):
                if not 0 <= value < 1:
                    raise DomainError(f"{kind}: {field.name} is {value}, expected in [0, 1)")
            elif field.name == "eps":
                if not value > 0:
                    raise DomainError(f"{kind}: eps is {value}, expected > 0")
            elif field.type in (int, "int"):
                if type(value) is not int:
                    raise DtypeError(f"{kind}: {field.name} is {value!r}, expected an int")
                least = 0 if field.name.endswith("layers") else 1
                if value < least:
                    raise DomainError(f"{kind}: {field.name} is {value}, expected an int >= {least}")

    def table(self) -> Mapping[str, Shape]:
        """Shapes of all parameters by name: what `parameters` keeps."""
        raise NotImplementedError

    def parameters(self) -> Mapping[str, Shape]:
        """Shapes of all parameters, by the names in a checkpoint; an array with two names has one."""
        return self._parameters

    @cached_property
    def _parameters(self) -> Mapping[str, Shape]:
        return dict(self.table())

    def tied(self) -> Mapping[str, str]:
        """Second names in a checkpoint, of arrays that are parameters already: the name of each."""
        return {}

    def from_state(self, state: Mapping[str, Any], /) -> dict[str, Any]:
        """A checkpoint's arrays as parameters; arrays with two names may be there once or twice.

        Raises
        ------
        ShapeError
            If arrays are missing, unknown or of another shape: all of them named.
        """
        tied = self.tied()
        problems = differences(self.parameters(), {name: x for name, x in state.items() if name not in tied})
        problems += differences(
            {name: self.parameters()[first] for name, first in tied.items() if name in state},
            {name: x for name, x in state.items() if name in tied},
        )
        if problems:
            raise ShapeError(f"{type(self).__name__}: the checkpoint does not fit: {'; '.join(problems)}")
        return {name: state[name] for name in self.parameters()}


def affine(name: str, n_in: int, n_out: int, *, transposed: bool = False) -> dict[str, Shape]:
    """Shapes of a weight and a bias, whose names begin with `name`.

    >>> affine("linear1.", 4, 8)
    {'linear1.weight': (8, 4), 'linear1.bias': (8,)}
    """
    return {f"{name}weight": (n_in, n_out) if transposed else (n_out, n_in), f"{name}bias": (n_out,)}


def normalization(name: str, width: int) -> dict[str, Shape]:
    """Shapes of the scale and the shift of a layer normalization."""
    return {f"{name}weight": (width,), f"{name}bias": (width,)}


@dataclass(frozen=True)
class AttentionNames:
    """What attention is called inside a layer; `weight` and `bias` follow each name.

    Parameters
    ----------
    projections : tuple of str
        Of queries, keys and values: one name if they are rows of one matrix, else three.
    output, norm : str
        Of the output projection, and of the normalization that belongs to attention.
    """

    projections: tuple[str, ...]
    output: str
    norm: str

    def table(self, d: int, transposed: bool) -> dict[str, Shape]:
        table: dict[str, Shape] = {}
        for name in self.projections:
            table |= affine(name, d, 3 * d // len(self.projections), transposed=transposed)
        return table | affine(self.output, d, d, transposed=transposed)


@dataclass(frozen=True)
class Names:
    """What the parts of a stack of layers are called in a checkpoint; `weight` and `bias` follow the names of arrays.

    Parameters
    ----------
    attention : AttentionNames
        Of self-attention.
    inner, outer, norm : str
        Of the two matrices of the feed-forward layer, and of the normalization that belongs to it.
    cross : AttentionNames, optional
        Of the attention to a memory, in a decoder.
    layers, final : str
        Of the stack, which a layer's number follows, and of the normalization after the last layer.
    transposed : bool
        Whether matrices are [in out], as GPT has them.
    """

    attention: AttentionNames
    inner: str
    outer: str
    norm: str
    cross: AttentionNames | None = None
    layers: str = "layers."
    final: str = "norm."
    transposed: bool = False


_SELF = AttentionNames(("self_attn.in_proj_",), "self_attn.out_proj.", "norm1.")
_CROSS = AttentionNames(("multihead_attn.in_proj_",), "multihead_attn.out_proj.", "norm2.")
TORCH_ENCODER = Names(_SELF, "linear1.", "linear2.", "norm2.")
"""Names of torch.nn.TransformerEncoder."""
TORCH_DECODER = Names(_SELF, "linear1.", "linear2.", "norm3.", _CROSS)
"""Names of torch.nn.TransformerDecoder."""


@dataclass(frozen=True)
class _TransformerLayer(SequenceModel):
    d_model: int = 512
    n_heads: int = 8
    d_ff: int = 2048
    dropout: float = 0.1
    attention_dropout: float | None = None
    activation: Activation = "relu"
    norm_first: bool = False
    eps: float = 1e-5
    inner_dropout: bool = True
    names: Names = TORCH_ENCODER

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = type(self).__name__
        if self.d_model % self.n_heads:
            raise DomainError(
                f"{kind}: d_model is {self.d_model}, expected a multiple of n_heads, which is {self.n_heads}"
            )
        if self.activation not in get_args(Activation):
            choices = ", ".join(map(repr, get_args(Activation)))
            raise DomainError(f"{kind}: activation is {self.activation!r}, expected one of {choices}")

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return head_dimension(self.d_model, self.n_heads)

    @property
    def p_attention(self) -> float:
        """How many of the attention weights training drops."""
        return self.dropout if self.attention_dropout is None else self.attention_dropout

    def table(self) -> dict[str, Shape]:
        names, d = self.names, self.d_model
        attentions = [names.attention, *([names.cross] if names.cross else [])]
        table: dict[str, Shape] = {}
        for attention in attentions:
            table |= attention.table(d, names.transposed)
        table |= affine(names.inner, d, self.d_ff, transposed=names.transposed)
        table |= affine(names.outer, self.d_ff, d, transposed=names.transposed)
        for norm in (*(attention.norm for attention in attentions), names.norm):
            table |= normalization(norm, d)
        return table

    def _draws(self, batch: Shape, t: int, s: int | None) -> dict[str, Shape]:
        tokens = (*batch, t, self.d_model)
        table = {"attention": (*batch, self.n_heads, t, t), "attended": tokens}
        if s is not None:
            table |= {"cross_attention": (*batch, self.n_heads, t, s), "cross_attended": tokens}
        if self.inner_dropout:
            table["inner"] = (*batch, t, self.d_ff)
        return table | {"output": tokens}


@dataclass(frozen=True)
class EncoderLayer(_TransformerLayer):
    """Configuration of a layer that looks at its own sequence and then thinks about every token by itself.

    Parameters
    ----------
    d_model, n_heads, d_ff : int
        Width of the tokens, heads that share it, and width of the inside of the feed-forward layer.
    dropout : float
        Share of the units that training drops from what attention and the feed-forward layer add.
    attention_dropout : float, optional
        Share of the attention weights that training drops; by default that of `dropout`.
    activation : str
        "relu", "gelu", or "gelu_tanh", the approximation of "gelu" by tanh.
    norm_first : bool
        Whether normalization comes before attention and the feed-forward layer, and not after the sums.
    eps : float
        Of the normalizations.
    inner_dropout : bool
        Whether training drops units inside the feed-forward layer, too, as the layers of torch.nn do.
    names : Names
        What the arrays are called; by default as in torch.nn.TransformerEncoderLayer.

    Raises
    ------
    DomainError
        If the heads do not divide the width, or a number is out of its range.
    DtypeError
        If a size is no int.

    Examples
    --------
    >>> list(EncoderLayer(4, 2, 8).parameters())[:4]
    ['self_attn.in_proj_weight', 'self_attn.in_proj_bias', 'self_attn.out_proj.weight', 'self_attn.out_proj.bias']
    """

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for tokens of shape (*batch, t, d_model), by name.

        >>> EncoderLayer(4, 2, 8).draws((3, 5, 4))["attention"]
        (3, 2, 5, 5)
        """
        return self._draws(shape[:-2], shape[-2], None)


@dataclass(frozen=True)
class DecoderLayer(_TransformerLayer):
    """Configuration of a layer that looks at its own past, then at a memory, and then thinks about every token.

    The parameters are those of `EncoderLayer`; the names are by default those of torch.nn.TransformerDecoderLayer.
    """

    names: Names = TORCH_DECODER

    def draws(self, shape: Shape, s: int, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for such tokens and a memory of s tokens, by name."""
        return self._draws(shape[:-2], shape[-2], s)


@dataclass(frozen=True)
class Encoder(SequenceModel):
    """Configuration of a stack of layers that share their structure, not their parameters.

    Parameters
    ----------
    layer : EncoderLayer
        What each layer is.
    n_layers : int
        How many there are; none is the identity.
    norm : bool
        Whether the result is normalized once more, as it has to be where `norm_first` leaves sums.
    """

    layer: EncoderLayer = EncoderLayer()
    n_layers: int = 6
    norm: bool = False

    @property
    def d_model(self) -> int:
        """Width of the tokens."""
        return self.layer.d_model

    def table(self) -> dict[str, Shape]:
        return _stack(self)

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for tokens of this shape, by name."""
        drawn = self.layer.draws(shape).items()
        return {f"{at}{name}": each for at in layer_names(self) for name, each in drawn}


@dataclass(frozen=True)
class Decoder(SequenceModel):
    """Configuration of a stack of decoder layers: each looks at the same memory with its own parameters.

    Parameters
    ----------
    layer : DecoderLayer
        What each layer is.
    n_layers, norm
        As of `Encoder`.
    """

    layer: DecoderLayer = DecoderLayer()
    n_layers: int = 6
    norm: bool = False

    @property
    def d_model(self) -> int:
        """Width of the tokens."""
        return self.layer.d_model

    def table(self) -> dict[str, Shape]:
        return _stack(self)

    def draws(self, shape: Shape, s: int, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for such tokens and a memory of s tokens, by name."""
        drawn = self.layer.draws(shape, s).items()
        return {f"{at}{name}": each for at in layer_names(self) for name, each in drawn}


def layer_names(config: Encoder | Decoder, /) -> list[str]:
    """What the names of each layer of a stack begin with.

    >>> layer_names(Encoder(EncoderLayer(4, 2, 8), 2))
    ['layers.0.', 'layers.1.']
    """
    return [f"{config.layer.names.layers}{i}." for i in range(config.n_layers)]


def _stack(config: Encoder | Decoder) -> dict[str, Shape]:
    each = config.layer.parameters()
    table = {f"{at}{name}": shape for at in layer_names(config) for name, shape in each.items()}
    return table | (normalization(config.layer.names.final, config.d_model) if config.norm else {})


def within(name: str, table: Mapping[str, Shape], /) -> dict[str, Shape]:
    """The table with a name in front of all names."""
    return {f"{name}{key}": shape for key, shape in table.items()}


@dataclass(frozen=True)
class Transformer(SequenceModel):
    """Configuration of an encoder and a decoder with vocabularies: sequences in, logits of the next tokens out.

    The encoder and the decoder have the names and the structure of torch.nn.Transformer, whose normalizations after
    the last layers they have, too.

    Parameters
    ----------
    source_size, target_size : int
        Tokens in the two vocabularies.
    d_model, n_heads, d_ff, dropout, activation, norm_first, eps
        As of `EncoderLayer`.
    n_encoder_layers, n_decoder_layers : int
        How deep the two are.

    Raises
    ------
    DomainError
        If a number is out of its range, the heads do not divide the width, or the width is odd: positions are pairs.
    DtypeError
        If a size is no int.
    """

    source_size: int
    target_size: int
    d_model: int = 512
    n_heads: int = 8
    d_ff: int = 2048
    n_encoder_layers: int = 6
    n_decoder_layers: int = 6
    dropout: float = 0.1
    activation: Activation = "relu"
    norm_first: bool = False
    eps: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d_model % 2:
            raise DomainError(f"Transformer: d_model is {self.d_model}, expected an even number")
        _ = self.encoder, self.decoder  # which check the rest

    def _layer(self) -> dict[str, Any]:
        names = ("d_model", "n_heads", "d_ff", "dropout", "activation", "norm_first", "eps")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def encoder(self) -> Encoder:
        """What reads the source."""
        return Encoder(EncoderLayer(**self._layer()), self.n_encoder_layers, norm=True)

    @cached_property
    def decoder(self) -> Decoder:
        """What writes the target."""
        return Decoder(DecoderLayer(**self._layer()), self.n_decoder_layers, norm=True)

    @property
    def scale(self) -> float:
        """What embeddings are multiplied by before positions are added."""
        return math.sqrt(self.d_model)

    def table(self) -> dict[str, Shape]:
        return {
            "source.weight": (self.source_size, self.d_model),
            "target.weight": (self.target_size, self.d_model),
            **within("encoder.", self.encoder.parameters()),
            **within("decoder.", self.decoder.parameters()),
            **affine("output.", self.d_model, self.target_size),
        }

    def draws(self, source: Shape, target: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for ids of these shapes, (n, s) and (n, t), by name."""
        d = self.d_model
        return {
            "source": (*source, d),
            "target": (*target, d),
            **within("encoder.", self.encoder.draws((*source, d))),
            **within("decoder.", self.decoder.draws((*target, d), source[-1])),
        }


def check_model(
    formula: str, config: SequenceModel, params: Any, draws: Any = None, shapes: tuple[Any, ...] = (), /
) -> None:
    """Hold parameters and, in training, draws against a configuration.

    Parameters
    ----------
    formula : str
        Whose arguments they are, for the message.
    config : SequenceModel
        The configuration.
    params : dict
        Arrays by name.
    draws : dict, optional
        Uniform draws by name.
    shapes : tuple
        What ``config.draws`` takes.

    Raises
    ------
    DtypeError
        If `params` or `draws` is no dict.
    ShapeError
        If names are missing, unknown or have another shape: all of them in one message.
    """
    tables: list[tuple[str, Any, Mapping[str, Shape]]] = [("params", params, config.parameters())]
    if draws is not None:
        tables.append(("draws", draws, config.draws(*shapes)))  # pyright: ignore[reportAttributeAccessIssue]
    for name, table, expected in tables:
        if not isinstance(table, dict):
            kind = type(table).__name__
            raise DtypeError(f"{formula}: {name} is of type {kind}, expected a dict of arrays by name")
        if problems := differences(expected, table):
            raise ShapeError(f"{formula}: {name} do not fit {config}: {'; '.join(problems)}")
