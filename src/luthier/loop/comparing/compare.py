"""Compare: A against B, with the statistics of a study and without tuning anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.core import COSTS, LuthierError, Recipe, Verdict, nothing
from luthier.data import SplitPlan
from luthier.loop.comparing.compare_predictions import compare_predictions
from luthier.loop.comparing.compare_runs import compare_runs
from luthier.loop.comparing.compare_trained import Options, compare_trained
from luthier.loop.comparing.costs import check_cost, check_difference
from luthier.loop.comparing.sides import kind_of
from luthier.loop.handing_over.report import write_text
from luthier.report.comparison import Compared, comparison_text
from luthier.report.html import comparison_fragment, comparison_page

STORAGE = "sqlite:///luthier.db"


@dataclass(frozen=True)
class Comparison:
    """What comparing A with B came to; it prints itself.

    Args:
        found: All of it, as plain data.
    """

    found: Compared

    @property
    def verdict(self) -> Verdict | None:
        """On A against B, with difference, interval and p-value; None where nothing is claimed."""
        return self.found.verdict

    @property
    def choice(self) -> str | None:
        """Which to take, ``a`` or ``b``; None where it is not known, or does not matter."""
        return self.found.choice

    @property
    def sentence(self) -> str:
        """What to do, in one sentence."""
        return self.found.sentence

    def report(self, path: str | Path = "comparison.html") -> Path:
        """Write it with its plot as one HTML file; return the file written."""
        return write_text(path, comparison_page(self.found), name="comparison.html")

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return self.found.to_json()

    def __str__(self) -> str:
        return comparison_text(self.found)

    def _repr_html_(self) -> str:
        return comparison_fragment(self.found)


def compare(
    a: Any,
    b: Any,
    data: Any = None,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    seeds: int = 5,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    min_difference: float | None = None,
    cost: str = COSTS[0],
    storage: str = STORAGE,
    seed: int = 0,
    engine: str = "auto",
    framework: str | None = None,
    notify: Callable[[str], None] = nothing,
) -> Comparison:
    """Compare A with B: is one really better, by how much, and at which cost?

    What luthier trains is judged on test rows, in looks at 3, 5 and 10 seeds that share a level of
    5 %, and no further than a verdict needs. Predictions are judged by row, and as one training
    of each says nothing of another, as those of these two networks alone. Logged runs are judged
    by the best epoch of each.

    Args:
        a: A family, ``FILE.py:function`` or a function that builds a network; a recipe, or the
            file of one; predictions by row: an array, a file, or several; logs of runs: a
            folder, a pattern such as ``"a/*.csv"``, or what `luthier.diagnose` reads.
        b: The same.
        data: As for `luthier.tune`; for predictions the true targets, or a table with them.
        recipe: How networks are trained; the keys it leaves out take a sound default.
        seeds: How many trainings of each at most; 5 see what is as large as the noise of training.
        target: As for `luthier.tune`, and so are those that follow.
        task: What kind.
        metric: Decides; by default log-loss, root mean squared error, or ``val_loss`` of runs.
        sample_weight: Weight of each row.
        group: Column whose equal values stay together.
        time: Column to split by in time.
        split: How to split.
        min_difference: What is too small to matter, in units of the metric.
        cost: What decides then: ``parameters``, ``latency`` or ``training_time``.
        storage: Where it is written down that test rows were opened.
        seed: Of the split; trainings take those that follow.
        engine: What trains.
        framework: Whose networks a family makes: ``torch`` (the default) or ``keras``.
        notify: Told in words what is going on.

    Raises:
        LuthierError: for what cannot be compared; its text says what to give instead.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=200)
    >>> near, far = truth + rng.normal(0, 0.1, 200), truth + rng.normal(0, 0.5, 200)
    >>> compare(near, far, truth, storage="sqlite://").choice
    'a'
    """
    check_difference(min_difference), check_cost(cost)
    kinds = [kind_of(side) for side in (a, b)]
    if kinds[0] != kinds[1]:
        raise LuthierError(
            f"A is {kinds[0]} and B {kinds[1]}. Like is compared with like: two that luthier "
            "trains, two sets of predictions, or two sets of logs. Give two of a kind."
        )
    if kinds[0] == "runs":
        return Comparison(compare_runs(a, b, metric, min_difference, cost))
    if kinds[0] == "predictions":
        return Comparison(
            compare_predictions(
                a,
                b,
                data,
                target=target,
                task=task,
                metric=metric,
                min_difference=min_difference,
                cost=cost,
                storage=storage,
            )
        )
    options = Options(
        recipe=recipe,
        target=target,
        task=task,
        metric=metric,
        sample_weight=sample_weight,
        group=group,
        time=time,
        split=split,
        seed=seed,
        engine=engine,
        framework=framework,
    )
    return Comparison(
        compare_trained(
            a,
            b,
            data,
            options,
            seeds=seeds,
            min_difference=min_difference,
            cost=cost,
            storage=storage,
            notify=notify,
        )
    )
