"""Proof: is it really better? One method a file, on arrays of numbers alone.

Rows of a table are trainings with different seeds, columns are test rows; larger is better.
"""

from luthier.proof.detectable import detectable, detectable_by_rows, detectable_by_seeds
from luthier.proof.judge import BETTER, EQUIVALENT, METHOD, SPENT, UNDECIDED, WORSE, judge
from luthier.proof.pseudovalues import blocks, pseudovalues
from luthier.proof.resampled import corrected_resampled
from luthier.proof.rows_alone import judge_rows
from luthier.proof.seeds_alone import judge_seeds
from luthier.proof.spending import FEWEST, STAGES, spending
from luthier.proof.student import get_ready
from luthier.proof.two_way import Estimate, two_way

__all__ = [
    "BETTER",
    "EQUIVALENT",
    "FEWEST",
    "METHOD",
    "SPENT",
    "STAGES",
    "UNDECIDED",
    "WORSE",
    "Estimate",
    "blocks",
    "corrected_resampled",
    "detectable",
    "detectable_by_rows",
    "detectable_by_seeds",
    "get_ready",
    "judge",
    "judge_rows",
    "judge_seeds",
    "pseudovalues",
    "spending",
    "two_way",
]
