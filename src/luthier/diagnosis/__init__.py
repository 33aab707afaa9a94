"""Rules: evidence to findings. Pure: the same evidence, the same findings; nothing is trained."""

from luthier.diagnosis.about import About
from luthier.diagnosis.diagnose import RunRule, diagnose_run

__all__ = ["About", "RunRule", "diagnose_run"]
