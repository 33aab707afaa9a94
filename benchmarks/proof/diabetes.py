"""Diabetes: luthier against scikit-learn's MLPRegressor under RandomizedSearchCV, and ridge.

Each split is luthier's own (60 % training, 20 % validation, 20 % test) with the seed named; the
others get training and validation rows together, and all are judged once on the same test rows.

- luthier: `luthier.tune` with 600 epochs, confirmation included; and the same refitted, uncounted,
  as scikit-learn's are.
- MLPRegressor, two ways to spend 600 epochs: 4 settings on 3 folds, or 10 settings on one split,
  each for as many epochs as are left for it. Inputs and target are standardised (otherwise it does
  not learn this target), and the best setting is trained once more on all rows, uncounted.
- ridge regression, its penalty by leave-one-out.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.stats import loguniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, RandomizedSearchCV, ShuffleSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import luthier
from benchmarks.proof.digits import on_test
from benchmarks.proof.pairs import paired
from luthier.data import SplitPlan, read, split
from luthier.loop.assembly import assemble
from luthier.loop.handing_over.refit import refitted

EPOCHS = 600
SPLITS = range(20)
SPACE = {
    "hidden_layer_sizes": [(32,), (64,), (128,), (32, 32), (64, 64), (128, 128)],
    "activation": ["relu", "tanh"],
    "alpha": loguniform(1e-5, 10),
    "learning_rate_init": loguniform(1e-4, 1e-1),
    "batch_size": [16, 32, 64],
}


def run(splits: Iterable[int] = SPLITS, *, engine: str = "native") -> Iterator[str]:
    """Yield a line a split, then the paired differences."""
    data = read("diabetes")
    features, target = data.raw["numeric"], data.raw["target"][:, 0]
    scores: dict[str, list[float]] = {}
    for number in splits:
        plan = SplitPlan(seed=number)
        parts = split(data, plan)
        known = np.concatenate([parts.train, parts.val])
        learn, judge = (features[known], target[known]), (features[parts.test], target[parts.test])
        verdict, found = _luthier(number, plan, engine)
        found["MLP, 4 settings on 3 folds"] = _mlp(learn, judge, 4, KFold(3), number)
        single = ShuffleSplit(1, test_size=0.25, random_state=number)
        found["MLP, 10 settings on 1 split"] = _mlp(learn, judge, 10, single, number)
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 30)))
        found["ridge"] = float(r2_score(judge[1], ridge.fit(*learn).predict(judge[0])))
        for name, score in found.items():
            scores.setdefault(name, []).append(score)
        shown = "  ".join(f"{name} {score:.3f}" for name, score in found.items())
        yield f"split {number}: {shown}  verdict {verdict}"
    for name, values in scores.items():
        yield f"{name:28} mean R2 {np.mean(values):.4f}, median {np.median(values):.4f}"
    for ours in list(scores)[:2]:
        for name in list(scores)[2:]:
            gains = np.subtract(scores[ours], scores[name])
            yield f"R2 of {ours} ahead of {name}: {paired(gains.tolist())}"


def _luthier(number: int, plan: SplitPlan, engine: str) -> tuple[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        study = luthier.tune(
            "mlp",
            "diabetes",
            budget=f"{EPOCHS} epochs",
            split=plan,
            seed=number,
            engine=engine,
            storage=f"sqlite:///{folder}/runs.db",
        )
        found = study.to_json()
        handed = found["baseline" if study.chosen.trial == study.history.trials[0] else "best"]
        again = refitted(assemble("mlp", "diabetes", split=plan, seed=number), study.chosen.trial)
    verdict = found["verdict"] or f"none: {found['proof']['reason']}"
    scores = {"luthier": handed["test"]["r2"], "luthier refit": on_test(again)["r2"]}
    return verdict, scores


def _mlp(learn: Any, judge: Any, settings: int, folds: Any, seed: int) -> float:
    epochs = EPOCHS // (settings * folds.get_n_splits())
    network = make_pipeline(StandardScaler(), MLPRegressor(max_iter=epochs, random_state=seed))
    model = TransformedTargetRegressor(network, transformer=StandardScaler())
    names = {f"regressor__mlpregressor__{name}": values for name, values in SPACE.items()}
    search = RandomizedSearchCV(model, names, n_iter=settings, cv=folds, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: the epochs are what they are
        search.fit(*learn)
    return float(r2_score(judge[1], search.predict(judge[0])))
