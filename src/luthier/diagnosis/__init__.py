"""Rules: evidence to findings. Pure: the same evidence, the same findings; nothing is trained."""

from luthier.diagnosis.about import About
from luthier.diagnosis.diagnose import RunRule, StudyRule, diagnose_run, diagnose_study

__all__ = ["About", "RunRule", "StudyRule", "diagnose_run", "diagnose_study"]
