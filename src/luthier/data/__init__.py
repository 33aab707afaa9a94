"""Read tables, arrays and images; split them; prepare them for a network."""

from luthier.data.dataset import Dataset, save_npz
from luthier.data.described import describe
from luthier.data.draw import TEST
from luthier.data.facts import facts
from luthier.data.layout import laid_out, layouts
from luthier.data.prepare import Prepared, prepare
from luthier.data.preprocessing import Predictions, Preprocessing
from luthier.data.python import from_python
from luthier.data.read import read
from luthier.data.references import Reference, fit_references
from luthier.data.rows import read_rows, rows_from_python
from luthier.data.scales import share_a_scale
from luthier.data.script import script
from luthier.data.split import SplitPlan, Splits, split

__all__ = [
    "TEST",
    "Dataset",
    "Predictions",
    "Prepared",
    "Preprocessing",
    "Reference",
    "SplitPlan",
    "Splits",
    "describe",
    "facts",
    "fit_references",
    "from_python",
    "laid_out",
    "layouts",
    "prepare",
    "read",
    "read_rows",
    "rows_from_python",
    "save_npz",
    "script",
    "share_a_scale",
    "split",
]
