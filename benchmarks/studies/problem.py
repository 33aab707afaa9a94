"""What both sides train: digits, a batch of 32, 30 epochs, three numbers of Adam to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

BATCH, EPOCHS, TRIALS, PROCESSES = 32, 30, 200, 2


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training and validation part, prepared as luthier prepares them."""
    import torch

    from luthier.core import Recipe
    from luthier.data import SplitPlan, read
    from luthier.loop.preparation import Preparation

    arrays = Preparation(read("digits"), SplitPlan(seed=0)).arrays(Recipe(network="mlp"))
    parts = (arrays.train, arrays.val)
    flat = [torch.from_numpy(a) for part in parts for a in (part.inputs[0], part.target)]
    return flat[0], flat[1], flat[2], flat[3]
