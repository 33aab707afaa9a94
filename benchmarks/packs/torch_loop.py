"""The loop of a PyTorch user who knows GPUs: one trial, everything on the device, CUDA graphs."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional

from luthier.core import Arrays


class Loop:
    """Trains one network with Adam, and evaluates it after each epoch.

    Args:
        network: What trains.
        arrays: The data.
        batch_size: Rows of a step.
        device: Where.
        graphed: Steps of one CUDA graph; 0 for none.
    """

    def __init__(
        self, network: nn.Module, arrays: Arrays, batch_size: int, device: str, graphed: int
    ) -> None:
        self.network = network.to(device)
        self.count = len(arrays.train.target) // batch_size
        self.batch_size, self.device = batch_size, device
        cuda = device == "cuda"
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=1e-3, capturable=cuda, fused=cuda or None
        )
        self.x, self.y, self.val_x, self.val_y = (
            torch.from_numpy(a).to(device)
            for part in (arrays.train, arrays.val)
            for a in (part.inputs[0], part.target)
        )
        self.rows = torch.zeros(max(graphed, 1), batch_size, dtype=torch.int64, device=device)
        self.graph = self._captured() if graphed else None

    def epoch(self) -> None:
        """Take an epoch's steps and evaluate."""
        order = torch.randperm(len(self.x), device=self.device)[: self.count * self.batch_size]
        self.network.train()
        for rows in order.view(self.count, self.batch_size).split(len(self.rows)):
            self.rows.copy_(rows)
            if self.graph is None:
                self._steps()
            else:
                self.graph.replay()
        self.network.eval()
        with torch.no_grad():
            outputs = self.network(self.val_x)
            functional.cross_entropy(outputs, self.val_y).item()
            (outputs.argmax(1) == self.val_y).float().mean().item()

    def rate(self, seconds: float) -> float:
        """Return steps a second."""
        for _ in range(2):
            self.epoch()
        begun, epochs = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            self.epoch()
            epochs += 1
        return epochs * self.count / (time.perf_counter() - begun)

    def _steps(self) -> None:
        for rows in self.rows:
            self.optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(self.network(self.x[rows]), self.y[rows]).backward()
            self.optimizer.step()

    def _captured(self) -> torch.cuda.CUDAGraph:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._steps()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self._steps()
        return graph


def peak(device: str, dtype: torch.dtype, size: int) -> float:
    """Return the operations a second that a product of large matrices reaches."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        begun = time.perf_counter()
        for _ in range(3):
            torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begun) / 3)
    return 2 * size**3 / best
