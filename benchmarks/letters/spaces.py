"""What may vary, the same for both sides: a network and its rate, or all that a recipe has."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.letters import problem
from luthier import Categorical, Conditional, Float
from luthier.core import Domain

_NETWORK: Mapping[str, Domain] = {
    "model.width": problem.WIDTH,
    "model.depth": problem.DEPTH,
    "model.dropout": problem.DROPOUT,
    "model.activation": problem.ACTIVATION,
    "model.norm": problem.NORM,
}
# Of "whole": the ranges that `luthier.tune` takes by itself for so large a budget, and the
# builder's; written down, so that both sides have the same and no later default moves them.
SPACES: Mapping[str, Mapping[str, Domain]] = {
    "network": {
        "learning_rate": problem.RATE,
        "weight_decay": problem.DECAY,
        "beta1": problem.BETA,
        **_NETWORK,
    },
    "whole": {
        "optimizer": Categorical("adamw", "nesterov"),
        "learning_rate": Conditional(
            "optimizer",
            {"adamw": Float(1e-4, 0.03, log=True), "nesterov": Float(3e-4, 0.3, log=True)},
        ),
        "weight_decay": Conditional(
            "optimizer",
            {"adamw": Float(1e-3, 1.0, log=True), "nesterov": Float(1e-5, 1e-2, log=True)},
        ),
        "momentum": Conditional("optimizer", {"nesterov": Float(0.8, 0.99)}),
        "beta1": Conditional("optimizer", {"adamw": problem.BETA}),
        "epsilon": Conditional("optimizer", {"adamw": Float(1e-9, 1e-3, log=True)}),
        "beta2": Conditional("optimizer", {"adamw": Float(0.95, 0.9999)}),
        **_NETWORK,
        "schedule": Categorical("cosine", "linear", "one_cycle", last=True),
        "preprocessing": Categorical("standard", "minmax", "quantile"),
        "noise": Float(0.0, 0.5, likely=(0.2, 0.4)),
        "warmup": Float(0.0, 0.2),
        "label_smoothing": Float(0.0, 0.2),
    },
}
