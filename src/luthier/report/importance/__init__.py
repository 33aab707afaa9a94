"""Which parameter mattered in a search, and what each of its values came to."""

from luthier.report.importance.groups import bin_of, bins_for, common_epochs
from luthier.report.importance.importances import Importances, importances
from luthier.report.importance.isolation import Best, isolation
from luthier.report.importance.text import importance_text

__all__ = [
    "Best",
    "Importances",
    "bin_of",
    "bins_for",
    "common_epochs",
    "importance_text",
    "importances",
    "isolation",
]
