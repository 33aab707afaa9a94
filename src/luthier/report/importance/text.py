"""What mattered, as text."""

from __future__ import annotations

from luthier.core import MODEL_PREFIX
from luthier.report.importance.importances import Importances
from luthier.report.text import number, setting

_VALUES = 4  # of one parameter


def importance_text(found: Importances, *, most: int = 3) -> str:
    """Return the parameters that mattered most, with the best score of some of their values.

    >>> from luthier.report.importance.isolation import Best
    >>> best = (Best("relu", 0.25, 0.05, 3, 9), Best("tanh", 0.75, 0.08, 7, 8))
    >>> found = Importances({"model.activation": 0.9}, {"model.activation": best}, 17)
    >>> importance_text(found)
    'activation 90 % (relu 0.05, tanh 0.08), by PED-ANOVA of 17 trials'
    """
    parts = []
    for name, share in [pair for pair in found.shares.items() if pair[1] >= 0.005][:most]:
        best = found.isolated[name][:_VALUES]
        values = ", ".join(f"{setting(one.value)} {number(one.score)}" for one in best)
        shown = f" ({values})" if values else ""
        parts.append(f"{name.removeprefix(MODEL_PREFIX)} {share * 100:.0f} %{shown}")
    if not parts:
        return ""
    after = f" after {found.epochs} epochs" if found.epochs > 1 else ""
    bias = "; biased, since the search looked where it was good" if found.biased else ""
    return f"{', '.join(parts)}, by PED-ANOVA of {found.trials} trials{after}{bias}"
