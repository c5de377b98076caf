"""GPT-2: layers that only look back, under a table of tokens that also says which token comes next."""

from dataclasses import dataclass
from functools import cached_property

from gongsik.spec.architectures.transformer import (
    Activation,
    AttentionNames,
    Encoder,
    EncoderLayer,
    Names,
    SequenceModel,
    Shape,
    within,
)

GPT2 = Names(
    AttentionNames(("attn.c_attn.",), "attn.c_proj.", "ln_1."),
    "mlp.c_fc.",
    "mlp.c_proj.",
    "ln_2.",
    layers="h.",
    final="ln_f.",
    transposed=True,
)
"""Names of the layers in transformers.GPT2Model."""


@dataclass(frozen=True)
class GPT(SequenceModel):
    """Configuration of GPT; by default that of the small GPT-2.

    The names are those of transformers.GPT2LMHeadModel, whose output matrix is the table of the tokens once more.

    Parameters
    ----------
    vocab_size : int
        Tokens in the vocabulary.
    d_model, n_heads, d_ff, n_layers : int
        As of `EncoderLayer` and `Encoder`.
    max_length : int
        Rows of the table of positions.
    dropout, attention_dropout : float
        As of `EncoderLayer`.
    activation : str
        As of `EncoderLayer`.
    eps : float
        Of the normalizations.

    Raises
    ------
    DomainError
        If a number is out of its range, or the heads do not divide the width.
    DtypeError
        If a size is no int.

    Examples
    --------
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(GPT())
    124439808
    """

    vocab_size: int = 50257
    d_model: int = 768
    n_heads: int = 12
    d_ff: int = 3072
    n_layers: int = 12
    max_length: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: Activation = "gelu_tanh"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.encoder  # noqa: B018 (the rest is checked there)

    @cached_property
    def encoder(self) -> Encoder:
        """The stack of layers, normalized after the last one, whose names begin with "transformer."."""
        layer = EncoderLayer(
            self.d_model, self.n_heads, self.d_ff, self.dropout, self.attention_dropout, self.activation,
            norm_first=True, eps=self.eps, inner_dropout=False, names=GPT2,
        )  # fmt: skip
        return Encoder(layer, self.n_layers, norm=True)

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.encoder.layer.d_head

    def table(self) -> dict[str, Shape]:
        return {
            "transformer.wte.weight": (self.vocab_size, self.d_model),
            "transformer.wpe.weight": (self.max_length, self.d_model),
            **within("transformer.", self.encoder.parameters()),
        }

    def tied(self) -> dict[str, str]:
        return {"lm_head.weight": "transformer.wte.weight"}

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for ids of shape (n, t), by name."""
        tokens = (*shape, self.d_model)
        return {"embeddings": tokens, **within("transformer.", self.encoder.draws(tokens))}
