"""Records as one self-contained page: charts in SVG, no request, no build step. Pure."""

from luthier.report.html.comparison_page import comparison_fragment, comparison_page
from luthier.report.html.diagnosis_page import diagnosis_page
from luthier.report.html.repair_page import repair_fragment, repair_page
from luthier.report.html.study_page import study_fragment, study_page
from luthier.report.story import Story

__all__ = [
    "Story",
    "comparison_fragment",
    "comparison_page",
    "diagnosis_page",
    "repair_fragment",
    "repair_page",
    "study_fragment",
    "study_page",
]
