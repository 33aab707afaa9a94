"""What would compile for longer than it trains is left to plain PyTorch, and the reason is said."""

import pytest
import torch
from torch import nn

from luthier.core import CaptureError
from luthier.frameworks.torch.capture import MOST, capture_graph


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer = kind(4, 8, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Unrolled(nn.Module):
    def __init__(self, times):
        super().__init__()
        self.layer, self.times = nn.Linear(4, 4), times

    def forward(self, x):
        for _ in range(self.times):
            x = torch.tanh(self.layer(x))
        return x


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers_are_one_operation_each(kind):
    x = torch.zeros(16, 6, 4)
    graph = capture_graph(Recurrent(kind), [x], [x])
    assert [node.op for node in graph.train.nodes].count("recurrent") == 1
    assert len(graph.train.nodes) < 10


def test_recurrent_layers_of_another_class():
    class Own(nn.LSTM):
        """It may do anything."""

    x = torch.zeros(16, 6, 4)
    with pytest.raises(CaptureError, match="its Own is a recurrent layer of its own"):
        capture_graph(Recurrent(Own), [x], [x])


def test_a_size_that_depends_on_values_is_refused_quietly(capfd):
    class Cropped(nn.Module):
        """As published U-Nets crop: sizes are computed with tensors."""

        def forward(self, x):
            return x[:, : int(torch.tensor(x.shape)[1] - x.abs().sum().sign().int())]

    x = torch.ones(16, 4)
    with pytest.raises(CaptureError, match=r"torch\.export cannot follow it"):
        capture_graph(Cropped(), [x], [x])
    assert capfd.readouterr() == ("", "")


def test_a_loop_of_many_operations():
    x = torch.zeros(16, 4)
    capture_graph(Unrolled(20), [x], [x])
    with pytest.raises(CaptureError, match=rf"operations, too many to compile \(at most {MOST}\)"):
        capture_graph(Unrolled(MOST), [x], [x])
