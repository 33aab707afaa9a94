"""Every rule of a set-up keeps the laws, and each planted fault is called by its name."""

from pathlib import Path

import pytest

from luthier.core import PROBLEMS
from luthier.diagnosis import diagnose_setup, setup
from luthier.testing.setup_rules import SetupRuleLaws


@pytest.mark.parametrize("rule", setup.ALL, ids=lambda rule: rule.__name__)
class TestRules(SetupRuleLaws):
    @pytest.fixture
    def rule(self, request):
        return request.param

    @pytest.fixture
    def healthy(self, healthy_setups):
        return healthy_setups

    @pytest.fixture
    def other(self, faulty_setups):
        return [one for _, one in faulty_setups]


def test_every_rule_of_the_folder_is_entered():
    files = {p.stem for p in Path(setup.__file__).parent.glob("*.py")} & set(PROBLEMS)
    assert {rule.__name__ for rule in setup.ALL} == files


def test_no_healthy_set_up_gets_an_alarm(healthy_setups):
    found = [diagnose_setup(one) for one in healthy_setups]
    assert [one.problems for one in found if not one.healthy] == []


def test_each_fault_is_found_first(faulty_setups):
    first = [(name, diagnose_setup(one)) for name, one in faulty_setups]
    assert [(name, one.problems[:2], one.worst) for name, one in first
            if one.healthy or one.problems[0] != name] == []  # fmt: skip
