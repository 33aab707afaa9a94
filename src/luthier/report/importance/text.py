"""What mattered, as text."""

from __future__ import annotations

import textwrap

from luthier.core import MODEL_PREFIX
from luthier.report.importance.importances import Importances
from luthier.report.text import number, setting


def importance_text(found: Importances, *, most: int = 6) -> str:
    """Return the parameters that mattered most, with the best score of each value.

    >>> from luthier.report.importance.isolation import Best
    >>> best = (Best("relu", 0.25, 0.05, 3, 9), Best("tanh", 0.75, 0.08, 7, 8))
    >>> found = Importances({"model.activation": 0.9}, {"model.activation": best}, 17)
    >>> print(importance_text(found))
    mattered  (PED-ANOVA of 17 trials) and the best score of each value
              activation  90 %  relu 0.05, tanh 0.08
    """
    if not found.shares or not any(found.shares.values()):
        return ""
    shown = [(name, share) for name, share in found.shares.items() if share >= 0.005][:most]
    width = max(len(name.removeprefix(MODEL_PREFIX)) for name, _ in shown)
    margin = " " * 10
    bias = "; biased, since the search looked where it was good" if found.biased else ""
    after = f" after {found.epochs} epochs" if found.epochs > 1 else ""
    head = (
        f"{'mattered':10}(PED-ANOVA of {found.trials} trials{after}{bias}) "
        "and the best score of each value"
    )
    lines = textwrap.wrap(head, 110, subsequent_indent=margin, drop_whitespace=True)
    for name, share in shown:
        values = ", ".join(f"{setting(b.value)} {number(b.score)}" for b in found.isolated[name])
        title = name.removeprefix(MODEL_PREFIX)
        lines.append(f"{margin}{title:<{width}}  {share * 100:>2.0f} %  {values}")
    return "\n".join(lines)
