"""Rules of a training: one file each; a rule is a function of a `Run`.

To add one: a file named as the problem, with the function and its ``ABOUT``, and an entry here.
"""

from luthier.diagnosis.run.nan_loss import nan_loss

ALL = (nan_loss,)
