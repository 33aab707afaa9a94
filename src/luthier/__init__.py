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
    from luthier.loop.batch import batch
    from luthier.loop.check import check
    from luthier.loop.comparing.compare import Comparison, compare
    from luthier.loop.diagnose import diagnose
    from luthier.loop.handing_over.predict import predict
    from luthier.loop.lr import lr
    from luthier.loop.planning import Plan, plan
    from luthier.loop.question.ask import Answer, ask
    from luthier.loop.repair.repair import repair
    from luthier.loop.repair.result import Repair
    from luthier.loop.study import Study
    from luthier.loop.training.train import Training, train
    from luthier.loop.tune import tune
    from luthier.loop.watching.keras_watch import KerasWatch
    from luthier.loop.watching.watch import Watch, watch

__version__ = "0.1.0"

_LAZY = {
    "Answer": "luthier.loop.question.ask",
    "ask": "luthier.loop.question.ask",
    "Comparison": "luthier.loop.comparing.compare",
    "KerasWatch": "luthier.loop.watching.keras_watch",
    "Repair": "luthier.loop.repair.result",
    "Plan": "luthier.loop.planning",
    "SplitPlan": "luthier.data",
    "Study": "luthier.loop.study",
    "Training": "luthier.loop.training.train",
    "Watch": "luthier.loop.watching.watch",
    "batch": "luthier.loop.batch",
    "check": "luthier.loop.check",
    "compare": "luthier.loop.comparing.compare",
    "diagnose": "luthier.loop.diagnose",
    "lr": "luthier.loop.lr",
    "plan": "luthier.loop.planning",
    "predict": "luthier.loop.handing_over.predict",
    "read": "luthier.data",
    "repair": "luthier.loop.repair.repair",
    "train": "luthier.loop.training.train",
    "tune": "luthier.loop.tune",
    "watch": "luthier.loop.watching.watch",
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
