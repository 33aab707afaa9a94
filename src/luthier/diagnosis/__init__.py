"""Rules: evidence to findings. Pure: the same evidence, the same findings; nothing is trained."""

from luthier.diagnosis.about import About
from luthier.diagnosis.diagnose import (
    RunRule,
    SetupRule,
    StudyRule,
    diagnose_run,
    diagnose_setup,
    diagnose_study,
)

__all__ = [
    "About",
    "RunRule",
    "SetupRule",
    "StudyRule",
    "diagnose_run",
    "diagnose_setup",
    "diagnose_study",
]
