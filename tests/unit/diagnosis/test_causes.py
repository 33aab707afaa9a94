"""What one cause explains is said once."""

from luthier.core import PROBLEMS, Finding
from luthier.diagnosis.causes import EXPLAINS, combined


def finding(problem, severity="warning", since=None):
    return Finding(problem, severity, "It is so.", since=since)


def problems(*findings):
    return [(one.problem, one.consequences) for one in combined(findings)]


def test_a_chain_hangs_on_its_first_link():
    found = problems(
        finding("nan_loss", "error", 9),
        finding("exploding_gradients", "error", 4),
        finding("learning_rate_too_high", "error", 2),
    )
    assert found == [("learning_rate_too_high", ("exploding_gradients", "nan_loss"))]


def test_what_began_later_explains_nothing():
    found = problems(finding("learning_rate_too_high", since=5), finding("oscillating", since=2))
    assert [name for name, _ in found] == ["oscillating", "learning_rate_too_high"]


def test_what_may_be_hides_nothing_that_is():
    found = problems(finding("learning_rate_too_high", "info"), finding("nan_loss", "error", 3))
    assert found == [("nan_loss", ()), ("learning_rate_too_high", ())]


def test_errors_come_first_then_what_explains_most():
    found = problems(
        finding("plateau", "info"),
        finding("under_regularised"),
        finding("overfitting"),
        finding("validation_leak"),
        finding("wrong_gradient_sign", "error"),
    )
    assert [name for name, _ in found] == [
        "wrong_gradient_sign",
        "under_regularised",
        "validation_leak",
        "plateau",
    ]


def test_the_table_names_problems_and_has_no_ring():
    names = {*EXPLAINS, *(one for explained in EXPLAINS.values() for one in explained)}
    assert names <= set(PROBLEMS)

    def below(problem, path=()):
        assert problem not in path
        for one in EXPLAINS.get(problem, ()):
            below(one, (*path, problem))

    for problem in EXPLAINS:
        below(problem)
