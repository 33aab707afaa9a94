"""Torch's spelling of `Ops`, and both libraries side by side."""

import numpy as np
import pytest
import torch

from luthier.catalog.ops_numpy import numpy_ops

torch.set_num_threads(1)


class TorchOps:
    sqrt = staticmethod(torch.sqrt)
    abs = staticmethod(torch.abs)
    sign = staticmethod(torch.sign)
    maximum = staticmethod(torch.maximum)
    where = staticmethod(torch.where)
    zeros_like = staticmethod(torch.zeros_like)
    log_sigmoid = staticmethod(torch.nn.functional.logsigmoid)

    def sum(self, x):
        return x.sum(-1)

    def log_softmax(self, x):
        return torch.log_softmax(x, -1)


class Library:
    """An array library: its `Ops`, and how an array is made from a list."""

    def __init__(self, name, ops, array):
        self.name, self.ops, self.array = name, ops, array


LIBRARIES = [
    Library("numpy", numpy_ops, lambda x, dtype="float64": np.asarray(x, dtype=dtype)),
    Library(
        "torch",
        TorchOps(),
        lambda x, dtype="float64": torch.as_tensor(np.asarray(x, dtype=dtype)),
    ),
]


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request):
    return request.param


@pytest.fixture
def torch_ops():
    return TorchOps()
