"""The loop that a good PyTorch user writes: tensors preloaded and indexed, Adam."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Arrays


class Loop:
    """Trains one network, evaluates loss and accuracy on the validation part.

    Args:
        network: What trains.
        arrays: The data.
        batch_size: Rows of a step.
        fused: Whether Adam updates all weights in one call.
        half: Whether steps compute in bfloat16 where PyTorch's autocast does.
    """

    def __init__(
        self,
        network: nn.Module,
        arrays: Arrays,
        batch_size: int,
        *,
        fused: bool = False,
        half: bool = False,
    ) -> None:
        self.network, self.batch_size, self.half = network, batch_size, half
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=fused or None)
        self.x, self.y = (
            torch.from_numpy(a) for a in (arrays.train.inputs[0], arrays.train.target)
        )
        self.val_x, self.val_y = (
            torch.from_numpy(a) for a in (arrays.val.inputs[0], arrays.val.target)
        )

    def train(self, epochs: int) -> None:
        """Train some epochs, and evaluate after each."""
        for _ in range(epochs):
            self.steps()
            self.evaluate()

    def steps(self) -> None:
        """Take the steps of an epoch."""
        self.network.train()
        count = len(self.x) // self.batch_size
        for rows in torch.randperm(len(self.x)).split(self.batch_size)[:count]:
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                outputs = self.network(self.x[rows])
                loss = functional.cross_entropy(*examples(outputs, self.y[rows]))
            loss.backward()
            self.optimizer.step()

    def evaluate(self) -> None:
        """Measure loss and accuracy on the validation part."""
        self.network.eval()
        with torch.no_grad():
            outputs, target = examples(self.network(self.val_x), self.val_y)
            functional.cross_entropy(outputs, target).item()
            (outputs.argmax(1) == target).float().mean().item()


def examples(outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return sequences of scores as nanoGPT has them: an example a place, classes last."""
    if target.ndim == 2:
        return outputs.flatten(0, 1), target.flatten()
    return outputs, target
