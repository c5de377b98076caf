"""Every formula in plain NumPy: correct first, and readable."""

from gongsik.reference.activation import *  # noqa: F403
from gongsik.reference.arrays import asarray as asarray
from gongsik.reference.arrays import to_numpy as to_numpy
from gongsik.reference.attention import *  # noqa: F403
from gongsik.reference.autodiff import value_and_grad as value_and_grad
from gongsik.reference.autoencoder import *  # noqa: F403
from gongsik.reference.autoregressive import *  # noqa: F403
from gongsik.reference.cnn import *  # noqa: F403
from gongsik.reference.convolution import *  # noqa: F403
from gongsik.reference.detection import *  # noqa: F403
from gongsik.reference.gan import *  # noqa: F403
from gongsik.reference.language import *  # noqa: F403
from gongsik.reference.loss import *  # noqa: F403
from gongsik.reference.network import *  # noqa: F403
from gongsik.reference.normalization import *  # noqa: F403
from gongsik.reference.optimizer import *  # noqa: F403
from gongsik.reference.pooling import *  # noqa: F403
from gongsik.reference.probability import *  # noqa: F403
from gongsik.reference.recurrent import *  # noqa: F403
from gongsik.reference.regularization import *  # noqa: F403
from gongsik.reference.segmentation import *  # noqa: F403
from gongsik.reference.training import *  # noqa: F403
from gongsik.reference.transformer import *  # noqa: F403
