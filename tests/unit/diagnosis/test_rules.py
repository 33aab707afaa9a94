"""Every rule of a run keeps the laws; the folder and its `ALL` say the same."""

from pathlib import Path

import pytest

from luthier.core import PROBLEMS
from luthier.diagnosis import diagnose_run, run
from luthier.testing.rules import RunRuleLaws


@pytest.mark.parametrize("rule", run.ALL, ids=lambda rule: rule.__name__)
class TestRules(RunRuleLaws):
    @pytest.fixture
    def rule(self, request):
        return request.param

    @pytest.fixture
    def healthy(self, healthy_runs):
        return healthy_runs

    @pytest.fixture
    def other(self, faulty_runs):
        return list(faulty_runs.values())


def test_every_rule_of_the_folder_is_entered():
    files = {p.stem for p in Path(run.__file__).parent.glob("*.py")} & set(PROBLEMS)
    assert {rule.__name__ for rule in run.ALL} == files


def test_no_healthy_training_gets_an_alarm(healthy_runs):
    alarms = [diagnose_run(one).problems for one in healthy_runs if not diagnose_run(one).healthy]
    assert alarms == []
