"""BERT: an encoder that sees both sides of every token, with three embeddings before it and two tasks after it."""

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
    affine,
    normalization,
    within,
)

BERT = Names(
    AttentionNames(
        ("attention.self.query.", "attention.self.key.", "attention.self.value."),
        "attention.output.dense.",
        "attention.output.LayerNorm.",
    ),
    "intermediate.dense.",
    "output.dense.",
    "output.LayerNorm.",
    layers="layer.",
)
"""Names of the encoder in transformers.BertModel."""


@dataclass(frozen=True)
class Bert(SequenceModel):
    """Configuration of BERT; by default that of BERT base.

    Parameters
    ----------
    vocab_size : int
        Tokens in the vocabulary.
    d_model, n_heads, d_ff, n_layers : int
        As of `EncoderLayer` and `Encoder`.
    max_length, n_segments : int
        Rows of the tables of positions and segments.
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
    """

    vocab_size: int = 30522
    d_model: int = 768
    n_heads: int = 12
    d_ff: int = 3072
    n_layers: int = 12
    max_length: int = 512
    n_segments: int = 2
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: Activation = "gelu"
    eps: float = 1e-12

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.encoder  # which checks the rest

    @cached_property
    def encoder(self) -> Encoder:
        """The stack of layers, whose names begin with "encoder."."""
        layer = EncoderLayer(
            self.d_model, self.n_heads, self.d_ff, self.dropout, self.attention_dropout, self.activation,
            eps=self.eps, inner_dropout=False, names=BERT,
        )  # fmt: skip
        return Encoder(layer, self.n_layers)

    def table(self) -> dict[str, Shape]:
        d = self.d_model
        return {
            "embeddings.word_embeddings.weight": (self.vocab_size, d),
            "embeddings.position_embeddings.weight": (self.max_length, d),
            "embeddings.token_type_embeddings.weight": (self.n_segments, d),
            **normalization("embeddings.LayerNorm.", d),
            **within("encoder.", self.encoder.parameters()),
            **affine("pooler.dense.", d, d),
        }

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for ids of shape (n, t), by name."""
        tokens = (*shape, self.d_model)
        return {"embeddings": tokens, **within("encoder.", self.encoder.draws(tokens))}


@dataclass(frozen=True)
class BertPretraining(SequenceModel):
    """Configuration of BERT with the heads of its two tasks: which token was here, and does this sentence follow?

    The names are those of transformers.BertForPreTraining, whose output matrix is the table of the tokens once more.

    Parameters
    ----------
    bert : Bert
        What is under the heads.
    """

    bert: Bert = Bert()

    def table(self) -> dict[str, Shape]:
        d = self.bert.d_model
        return {
            **within("bert.", self.bert.parameters()),
            "cls.predictions.bias": (self.bert.vocab_size,),
            **affine("cls.predictions.transform.dense.", d, d),
            **normalization("cls.predictions.transform.LayerNorm.", d),
            **affine("cls.seq_relationship.", d, 2),
        }

    def tied(self) -> dict[str, str]:
        return {
            "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.bias": "cls.predictions.bias",
        }

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for ids of shape (n, t), by name."""
        return within("bert.", self.bert.draws(shape))


@dataclass(frozen=True)
class BertClassifier(SequenceModel):
    """Configuration of BERT with one linear layer on what it makes of the first token.

    The names are those of transformers.BertForSequenceClassification.

    Parameters
    ----------
    bert : Bert
        What is under the layer.
    n_classes : int
        Classes.
    """

    bert: Bert = Bert()
    n_classes: int = 2

    def table(self) -> dict[str, Shape]:
        return {
            **within("bert.", self.bert.parameters()),
            **affine("classifier.", self.bert.d_model, self.n_classes),
        }

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for ids of shape (n, t), by name."""
        return {**within("bert.", self.bert.draws(shape)), "classifier": (shape[0], self.bert.d_model)}
