"""Every formula in PyTorch, on CPU and GPU: one fused kernel where there is one, vectorised where there is none."""

from gongsik.torch_impl.activation import *  # noqa: F403
from gongsik.torch_impl.arrays import asarray as asarray
from gongsik.torch_impl.arrays import to_numpy as to_numpy
from gongsik.torch_impl.arrays import value_and_grad as value_and_grad
from gongsik.torch_impl.attention import *  # noqa: F403
from gongsik.torch_impl.autoencoder import *  # noqa: F403
from gongsik.torch_impl.autoregressive import *  # noqa: F403
from gongsik.torch_impl.cnn import *  # noqa: F403
from gongsik.torch_impl.compiled import compiled as compiled
from gongsik.torch_impl.convolution import *  # noqa: F403
from gongsik.torch_impl.detection import *  # noqa: F403
from gongsik.torch_impl.gan import *  # noqa: F403
from gongsik.torch_impl.language import *  # noqa: F403
from gongsik.torch_impl.loss import *  # noqa: F403
from gongsik.torch_impl.network import *  # noqa: F403
from gongsik.torch_impl.normalization import *  # noqa: F403
from gongsik.torch_impl.optimizer import *  # noqa: F403
from gongsik.torch_impl.pooling import *  # noqa: F403
from gongsik.torch_impl.probability import *  # noqa: F403
from gongsik.torch_impl.recurrent import *  # noqa: F403
from gongsik.torch_impl.regularization import *  # noqa: F403
from gongsik.torch_impl.segmentation import *  # noqa: F403
from gongsik.torch_impl.training import *  # noqa: F403
from gongsik.torch_impl.transformer import *  # noqa: F403
