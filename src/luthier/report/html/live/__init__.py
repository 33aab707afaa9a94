"""Pages that a server shows: the report's sections and charts, live, with buttons."""

from luthier.report.html.live.links import address
from luthier.report.html.live.studies import studies_page
from luthier.report.html.live.study import live_study_page, live_study_sections
from luthier.report.html.live.trial import live_trial_page, live_trial_sections

__all__ = [
    "address",
    "live_study_page",
    "live_study_sections",
    "live_trial_page",
    "live_trial_sections",
    "studies_page",
]
