"""What happens to targets before a loss: one-hot, smoothing, mixing. Operators only."""

from __future__ import annotations

import random

from luthier.catalog.ops import A
from luthier.core.keys import fold

_MIXUP = 0x6D69786D


def soft_targets(labels: A, table: A) -> A:
    """Return each label's row of a table of class shares.

    Args:
        labels: Class numbers, of shape (n,).
        table: An identity matrix; or [[0.0], [1.0]] for a network with a single logit.

    >>> import numpy as np
    >>> soft_targets(np.array([2, 0]), np.eye(3)).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return table[labels]


def smooth(targets: A, amount: A) -> A:
    """Move a share of every target to all classes evenly.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision"; the
    `label_smoothing` of `torch.nn.functional.cross_entropy`. One column means two classes.

    >>> import numpy as np
    >>> smooth(np.array([[1.0, 0.0]]), 0.2).tolist()
    [[0.9, 0.1]]
    """
    return (1 - amount) * targets + amount / max(targets.shape[-1], 2)


def mix(array: A, partner: A, share: A) -> A:
    """Blend inputs, or targets, with those of partners; `mixup_share` draws the share.

    The partner of an example is the one at its mirror position in the batch, whose order is
    drawn anew every epoch: it needs no draw of its own.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".

    >>> mix(1.0, 0.0, 0.75)
    0.75
    """
    return share * array + (1 - share) * partner


def mixup_share(seed: int, step: int, alpha: float) -> float:
    """Return the share of a batch's own examples: Beta(alpha, alpha), a function of its key.

    >>> mixup_share(0, 3, 0.2) == mixup_share(0, 3, 0.2), mixup_share(0, 3, 0.0)
    (True, 1.0)
    """
    if alpha <= 0:
        return 1.0
    low, high = fold(seed, step, _MIXUP)
    return random.Random(high << 32 | low).betavariate(alpha, alpha)  # noqa: S311
