"""Diagnose, repair and tune the training of neural networks.

Names are resolved when they are first used, so that `import luthier` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from luthier.core import (
    Categorical,
    Conditional,
    Curves,
    Diagnosis,
    Finding,
    Float,
    Int,
    LuthierError,
    Pruned,
    Recipe,
    Space,
    Trial,
)

if TYPE_CHECKING:
    from luthier.data import SplitPlan, read
    from luthier.loop.ask import Answer, ask
    from luthier.loop.batch import batch
    from luthier.loop.check import check
    from luthier.loop.compare import Comparison, compare
    from luthier.loop.diagnose import diagnose
    from luthier.loop.keras_watch import KerasWatch
    from luthier.loop.lr import lr
    from luthier.loop.planning import Plan, plan
    from luthier.loop.predict import predict
    from luthier.loop.repair.repair import repair
    from luthier.loop.repair.result import Repair
    from luthier.loop.study import Study
    from luthier.loop.train import Training, train
    from luthier.loop.tune import tune
    from luthier.loop.watch import Watch, watch

__version__ = "0.1.0"

_LAZY = {
    "Answer": "luthier.loop.ask",
    "ask": "luthier.loop.ask",
    "Comparison": "luthier.loop.compare",
    "KerasWatch": "luthier.loop.keras_watch",
    "Repair": "luthier.loop.repair.result",
    "Plan": "luthier.loop.planning",
    "SplitPlan": "luthier.data",
    "Study": "luthier.loop.study",
    "Training": "luthier.loop.train",
    "Watch": "luthier.loop.watch",
    "batch": "luthier.loop.batch",
    "check": "luthier.loop.check",
    "compare": "luthier.loop.compare",
    "diagnose": "luthier.loop.diagnose",
    "lr": "luthier.loop.lr",
    "plan": "luthier.loop.planning",
    "predict": "luthier.loop.predict",
    "read": "luthier.data",
    "repair": "luthier.loop.repair.repair",
    "train": "luthier.loop.train",
    "tune": "luthier.loop.tune",
    "watch": "luthier.loop.watch",
}

__all__ = [
    "Answer",
    "Categorical",
    "Comparison",
    "Conditional",
    "Curves",
    "Diagnosis",
    "Finding",
    "Float",
    "Int",
    "KerasWatch",
    "LuthierError",
    "Plan",
    "Pruned",
    "Recipe",
    "Repair",
    "Space",
    "SplitPlan",
    "Study",
    "Training",
    "Trial",
    "Watch",
    "ask",
    "batch",
    "check",
    "compare",
    "diagnose",
    "lr",
    "plan",
    "predict",
    "read",
    "repair",
    "train",
    "tune",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'luthier' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
