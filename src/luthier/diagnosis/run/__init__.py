"""Rules of a training: one file each; a rule is a function of a `Run`.

To add one: a file named as the problem, with the function and its ``ABOUT``, and an entry here.
"""

from luthier.diagnosis.run.learning_rate_too_high import learning_rate_too_high
from luthier.diagnosis.run.nan_loss import nan_loss
from luthier.diagnosis.run.overfitting import overfitting

ALL = (nan_loss, learning_rate_too_high, overfitting)
