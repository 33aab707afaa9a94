"""The course of a repair, from histories alone."""

from luthier.core import Curves, Diagnosis, Finding, History, Recipe, Trial
from luthier.diagnosis.cures import Patient
from luthier.loop.repair.curing import Curing
from luthier.search.race import race

BAD = Recipe(optimizer="adam", learning_rate=1.0, epochs=8, warmup=0.1, clip_norm=1.0)
FOUND = Finding("diverging", "error", "It blows up.")


def curing(*found: Finding, find: float = 8.0) -> Curing:
    return Curing(found, Patient(BAD), lambda trial: Diagnosis("run"), find=find)


def run(plan: Curing, loss, *, most: int = 200) -> tuple[History, int]:
    """Train what a plan asks for; a recipe's loss falls towards what a function says of it."""
    history, asked = History(), 0
    while steps := plan.course(history).steps:
        asked += 1
        assert asked < most
        trials = list(history.trials)
        for step in steps:
            recipe = step.recipe if step.trial is None else trials[step.trial].recipe
            values = tuple(loss(recipe) + 1 / (1 + epoch) for epoch in range(step.until))
            state = "finished" if step.until >= recipe.epochs else "paused"
            number = len(trials) if step.trial is None else step.trial
            trial = Trial(number, recipe, 0, state, curves=Curves(metrics={"val_loss": values}))
            trials[number:] = [trial, *trials[number + 1 :]]
        history = History(tuple(trials))
    return history, asked


def test_the_recipe_itself_is_trained_first():
    assert curing(FOUND).course(History()).steps[0].recipe == BAD


def test_a_healthy_recipe_is_left_alone():
    plan = curing(Finding("too_few_epochs", "info", "It still falls."))
    history, _ = run(plan, lambda recipe: 1.0)
    assert plan.course(history).healthy
    assert len(history.trials) == 1


def test_the_best_cure_is_taken_and_the_rest_cut_short():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    course = plan.course(history)
    assert course.after.learning_rate == 0.1
    assert [cure.problem for cure in course.taken] == ["diverging"]
    begun = [t for t in history.trials if t.epochs == 2]
    assert len(begun) >= 1
    assert [one.taken for one in course.tried].count(True) == 1


def test_a_second_cure_is_taken_where_it_adds():
    plan = curing(FOUND, Finding("over_regularised", "warning", "Too much."))
    patient = Patient(BAD.replace({"l2": 1.0}))
    plan = Curing(plan.checked, patient, plan.diagnose)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1) + recipe.l2)
    course = plan.course(history)
    assert (course.after.learning_rate, course.after.l2) == (0.1, 0.0)
    assert len(course.taken) == 2


def test_nothing_is_taken_that_brings_no_more_than_chance():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: 1.0 if recipe == BAD else 0.99)
    course = plan.course(history)
    assert course.taken == ()
    assert course.after == BAD


def test_finding_stays_within_its_trainings():
    for find in (1.5, 3.0, 8.0):
        plan = curing(FOUND, find=find)
        history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
        assert history.epochs <= find * BAD.epochs


def test_what_was_trained_decides_whoever_asks():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    assert plan.course(history) == plan.course(history)
    assert race(history, [one.recipe for one in plan.course(history).tried]) == []
