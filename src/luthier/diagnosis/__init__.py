"""Rules: evidence to findings. Pure: the same evidence, the same findings; nothing is trained."""

from luthier.diagnosis.about import About
from luthier.diagnosis.diagnose import RunRule, SetupRule, diagnose_run, diagnose_setup

__all__ = ["About", "RunRule", "SetupRule", "diagnose_run", "diagnose_setup"]
