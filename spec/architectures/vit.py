"""Vision Transformer: patches of an image for tokens, and one more token that is asked what the image shows."""

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
    within,
)
from gongsik.spec.errors import DomainError

VIT = Names(
    AttentionNames(
        ("attention.attention.query.", "attention.attention.key.", "attention.attention.value."),
        "attention.output.dense.",
        "layernorm_before.",
    ),
    "intermediate.dense.",
    "output.dense.",
    "layernorm_after.",
    layers="encoder.layer.",
    final="layernorm.",
)
"""Names of the layers in the checkpoints of transformers.ViTModel."""


@dataclass(frozen=True)
class ViT(SequenceModel):
    """Configuration of a Vision Transformer; by default that of ViT-B/16.

    The names are those in the checkpoints of transformers.ViTForImageClassification.

    Parameters
    ----------
    image_size, patch_size : int
        Pixels along each side of an image and of a patch.
    channels : int
        Channels of the images.
    n_classes : int
        Classes.
    d_model, n_heads, d_ff, n_layers : int
        As of `EncoderLayer` and `Encoder`.
    dropout, attention_dropout : float
        As of `EncoderLayer`.
    activation : str
        As of `EncoderLayer`.
    eps : float
        Of the normalizations.

    Raises
    ------
    DomainError
        If a number is out of its range, the patches do not cover the image, or the heads do not divide the width.
    DtypeError
        If a size is no int.

    Examples
    --------
    >>> from gongsik.spec.model import parameter_count
    >>> ViT().n_patches, parameter_count(ViT())
    (196, 86567656)
    """

    image_size: int = 224
    patch_size: int = 16
    channels: int = 3
    n_classes: int = 1000
    d_model: int = 768
    n_heads: int = 12
    d_ff: int = 3072
    n_layers: int = 12
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation: Activation = "gelu"
    eps: float = 1e-12

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size % self.patch_size:
            raise DomainError(
                f"ViT: image_size is {self.image_size}, expected a multiple of patch_size, which is {self.patch_size}"
            )
        self.encoder  # noqa: B018 (the rest is checked there)

    @cached_property
    def encoder(self) -> Encoder:
        """The stack of layers, normalized after the last one, whose names begin with "vit."."""
        layer = EncoderLayer(
            self.d_model, self.n_heads, self.d_ff, self.dropout, self.attention_dropout, self.activation,
            norm_first=True, eps=self.eps, inner_dropout=False, names=VIT,
        )  # fmt: skip
        return Encoder(layer, self.n_layers, norm=True)

    @property
    def n_patches(self) -> int:
        """Tokens that an image becomes; one more is put before them."""
        return (self.image_size // self.patch_size) ** 2

    def table(self) -> dict[str, Shape]:
        d, p = self.d_model, self.patch_size
        return {
            "vit.embeddings.cls_token": (1, 1, d),
            "vit.embeddings.position_embeddings": (1, self.n_patches + 1, d),
            "vit.embeddings.patch_embeddings.projection.weight": (d, self.channels, p, p),
            "vit.embeddings.patch_embeddings.projection.bias": (d,),
            **within("vit.", self.encoder.parameters()),
            **affine("classifier.", d, self.n_classes),
        }

    def draws(self, shape: Shape, /) -> dict[str, Shape]:
        """Shapes of the uniform draws that training takes for images of shape (n, c, h, w), by name."""
        tokens = (shape[0], self.n_patches + 1, self.d_model)
        return {"embeddings": tokens, **within("vit.", self.encoder.draws(tokens))}
