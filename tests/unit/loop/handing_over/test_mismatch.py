"""A reported score that does not come back is said, and why it may be."""

import pytest

from luthier.core import Diagnosis, Finding
from luthier.loop.handing_over.mismatch import mismatch, versions, with_mismatch

REPORTED = {"log_loss": 0.25, "accuracy": 0.9}


def test_the_same_score_is_no_finding():
    assert mismatch(REPORTED, REPORTED, "log_loss", {}) is None
    rounded = {"log_loss": 0.25 * (1 + 1e-9)}
    assert mismatch(rounded, REPORTED, "log_loss", {}) is None


def test_another_run_reports_nothing():
    assert mismatch({"log_loss": 0.3}, {}, "log_loss", {}) is None


def test_another_score_of_the_same_run_is_an_error():
    run = {"versions": versions(["torch"])}
    finding = mismatch({"log_loss": 0.26}, REPORTED, "log_loss", run)
    assert (finding.problem, finding.severity) == ("retrain_mismatch", "error")
    assert "0.25 was reported" in finding.summary
    assert "0.26" in finding.summary


@pytest.mark.parametrize("old", ["0.0.1", "9.9"])
def test_other_versions_are_named(old: str):
    run = {"versions": {**versions(["torch"]), "torch": old}}
    finding = mismatch({"log_loss": 0.26}, REPORTED, "log_loss", run)
    assert finding.severity == "warning"
    assert f"torch {old} then" in finding.summary


def test_it_stands_among_what_else_is_wrong():
    finding = mismatch({"log_loss": 0.26}, REPORTED, "log_loss", {})
    other = Finding("too_few_epochs", "info", "Short.")
    found = with_mismatch(Diagnosis("run", (other,), "5 epochs"), finding)
    assert found.worst == "error"
    assert len(found.findings) == 2
