"""The pattern of convolutional networks: convolution, activation, pooling; again; and a perceptron that decides."""

from dataclasses import dataclass

from gongsik.spec.layers import (
    Activation,
    Architecture,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Softmax,
    sequence,
)


@dataclass(frozen=True)
class SimpleCNN(Architecture):
    """Configuration of a network of two convolutions and two fully connected layers.

    Parameters
    ----------
    channels, n_classes : int
        Of the image, and of the output.
    size : int
        Height and width of the image: the convolutions take any, the first fully connected layer this one only.
    maps : tuple of int
        Channels of the two convolutions.
    hidden : int
        Width of the hidden layer.
    """

    channels: int = 1
    n_classes: int = 10
    size: int = 28
    maps: tuple[int, int] = (8, 16)
    hidden: int = 64

    def build(self) -> Layer:
        first, second = self.maps
        seen = sequence(
            conv1=Conv2d(self.channels, first, 3, padding=1),
            relu1=Activation(),
            pool1=MaxPool2d(2),
            conv2=Conv2d(first, second, 3, padding=1),
            relu2=Activation(),
            pool2=MaxPool2d(2),
            flatten=Flatten(),
        )
        (features,) = seen.output((self.channels, self.size, self.size))
        decided = sequence(
            fc1=Linear(features, self.hidden),
            relu3=Activation(),
            fc2=Linear(self.hidden, self.n_classes),
            softmax=Softmax(),
        )
        return type(seen)(seen.layers + decided.layers)
