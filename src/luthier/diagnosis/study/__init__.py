"""Rules of a study: one file each; a rule is a function of a `History` and the `Space` searched.

To add one: a file named as the problem, with the function and its ``ABOUT``, and an entry here.
"""

from luthier.diagnosis.study.epochs_too_few import epochs_too_few
from luthier.diagnosis.study.epochs_too_many import epochs_too_many
from luthier.diagnosis.study.irrelevant_parameter import irrelevant_parameter
from luthier.diagnosis.study.not_significant import not_significant
from luthier.diagnosis.study.optimum_at_boundary import optimum_at_boundary
from luthier.diagnosis.study.retrain_mismatch import retrain_mismatch
from luthier.diagnosis.study.seed_sensitive import seed_sensitive
from luthier.diagnosis.study.test_set_reused import test_set_reused
from luthier.diagnosis.study.too_few_trials import too_few_trials
from luthier.diagnosis.study.too_many_failed_trials import too_many_failed_trials

ALL = (
    too_many_failed_trials,
    retrain_mismatch,
    not_significant,
    test_set_reused,
    optimum_at_boundary,
    epochs_too_few,
    epochs_too_many,
    too_few_trials,
    seed_sensitive,
    irrelevant_parameter,
)
