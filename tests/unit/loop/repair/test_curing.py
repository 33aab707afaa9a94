"""The course of a repair, from histories alone."""

from dataclasses import replace

from luthier.core import Curves, Diagnosis, Finding, History, Recipe, Trial
from luthier.diagnosis.cures import Patient
from luthier.loop.repair.curing import Curing
from luthier.search.race import race

BAD = Recipe(optimizer="adam", learning_rate=1.0, epochs=8, warmup=0.1, clip_norm=1.0)
FOUND = Finding("diverging", "error", "It blows up.")


STILL = Finding(
    "class_imbalance", "warning", "Of one class there are few rows."
)  # which no cure is for


def curing(*found: Finding, find: float = 9.0) -> Curing:
    return Curing(found, Patient(BAD), lambda trial: Diagnosis("run"), find=find)


def run(plan: Curing, loss, *, unlucky=None, val_loss=None, most: int = 200) -> tuple[History, int]:
    """Train what a plan asks for; a recipe's loss falls towards what a function says of it.

    With another seed than the first it is what `unlucky` says, where that is given.
    """
    history, asked = History(), 0
    while steps := plan.course(history).steps:
        asked += 1
        assert asked < most
        trials = list(history.trials)
        for step in steps:
            recipe = step.recipe if step.trial is None else trials[step.trial].recipe
            seed = step.seed if step.trial is None else trials[step.trial].seed
            of = loss if unlucky is None or seed == history.seed else unlucky
            values = tuple(of(recipe) + 1 / (1 + epoch) for epoch in range(step.until))
            state = "finished" if step.until >= recipe.epochs else "paused"
            number = len(trials) if step.trial is None else step.trial
            falls = () if val_loss is None else tuple(map(val_loss, range(step.until)))
            curves = Curves(metrics={"val_loss": values}, val_loss=falls)
            trial = Trial(number, recipe, seed, state, curves=curves)
            trials[number:] = [trial, *trials[number + 1 :]]
        history = History(tuple(trials))
    return history, asked


def test_the_recipe_itself_is_trained_first():
    assert curing(FOUND).course(History()).steps[0].recipe == BAD


QUIET = Finding("too_few_epochs", "info", "It still falls.")


def test_a_healthy_recipe_is_left_alone():
    plan = curing(QUIET)
    history, _ = run(plan, lambda recipe: 1.0)
    course = plan.course(history)
    assert course.healthy
    assert course.taken == ()
    assert history.epochs <= 4 * BAD.epochs


def test_a_healthy_recipe_is_left_alone_where_another_rate_is_a_little_better():
    plan = curing(QUIET)
    history, _ = run(plan, lambda recipe: 1.0 if recipe == BAD else 0.8)
    assert plan.course(history).healthy


def test_a_healthy_recipe_is_left_alone_where_most_is_learnt():
    plan = replace(curing(QUIET), guessing=50.0)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    assert plan.course(history).healthy
    plan = replace(plan, guessing=2.0)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    assert not plan.course(history).healthy


def test_what_no_rule_sees_is_found_where_another_rate_is_far_better():
    plan = curing(QUIET)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    course = plan.course(history)
    assert not course.healthy
    assert course.after.learning_rate == 0.1
    found = course.findings[0]
    assert (found.problem, found.severity) == ("learning_rate_too_high", "warning")
    assert found.summary.startswith("By trial, for no rule had seen it: learning_rate: 1 → 0.1")


def test_a_number_that_hardly_anyone_chooses_is_looked_at_first_and_less_will_do():
    unusual = BAD.replace({"learning_rate": 0.1, "beta1": 0.999})
    plan = replace(curing(QUIET), patient=Patient(unusual), guessing=50.0)
    history, _ = run(plan, lambda recipe: 1.0 + (recipe.beta1 > 0.9))
    course = plan.course(history)
    assert not course.healthy
    assert course.findings[0].problem == "optimizer_settings"
    assert course.after == unusual.replace({"beta1": 0.9})
    assert course.tried[0].taken
    history, _ = run(plan, lambda recipe: 1.0)
    assert plan.course(history).healthy


def test_where_nothing_was_learnt_what_helps_against_that_is_tried_though_no_rule_speaks():
    def loss(recipe):
        begun = recipe.initialiser == "kaiming_normal" and recipe.optimizer == "adamw"
        return 0.1 if begun and recipe.learning_rate <= 0.01 else 5.0

    learns = replace(curing(QUIET), guessing=7.0)
    history, _ = run(learns, loss)
    assert learns.course(history).healthy
    plan = replace(curing(QUIET), guessing=5.0)
    history, _ = run(plan, loss)
    course = plan.course(history)
    assert course.findings[0].problem == "not_learning"
    assert course.after.optimizer == "adamw"
    history, _ = run(plan, lambda recipe: 5.0)
    assert plan.course(history).healthy  # there may be nothing to learn


def test_few_epochs_are_made_more_where_that_is_far_better_and_not_where_it_is_a_little():
    given = BAD.replace({"learning_rate": 1e-3})
    plan = replace(curing(QUIET, find=12.0), patient=Patient(given, steps=100), guessing=2.0)
    history, _ = run(plan, lambda recipe: 0.1 if recipe.epochs == 32 else 1.5)
    assert plan.course(history).after == given.replace({"epochs": 32})
    history, _ = run(plan, lambda recipe: 0.1 if recipe.epochs == 32 else 0.15)
    assert plan.course(history).healthy


def test_nothing_is_probed_where_a_single_training_is_paid_for():
    plan = curing(QUIET, find=1.0)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    assert plan.course(history).healthy
    assert len(history.trials) == 1


def test_a_cure_that_fails_with_a_second_seed_gives_way_to_the_next_one():
    def lucky(recipe):
        return abs(recipe.learning_rate - 0.1) if recipe != BAD else 5.0

    def again(recipe):
        return 5.0 if recipe.learning_rate == 0.1 else lucky(recipe)

    plan = curing(FOUND)
    history, _ = run(plan, lucky, unlucky=again)
    course = plan.course(history)
    assert course.after.learning_rate not in (0.1, BAD.learning_rate)
    assert history.epochs <= 9 * BAD.epochs


def test_where_no_single_cure_helps_a_sound_recipe_is_begun_from():
    def loss(recipe):
        both = recipe.initialiser == "kaiming_normal" and recipe.learning_rate <= 0.01
        return 0.1 if both else 5.0

    plan = curing(Finding("not_learning", "error", "Nothing was learnt."))
    history, _ = run(plan, loss)
    course = plan.course(history)
    assert [cure.advice for cure in course.taken] == ["Begin again from a sound recipe"]
    assert course.after.optimizer == "adamw"


def test_a_second_fault_of_the_recipe_is_treated_beside_the_first():
    low = Finding("learning_rate_too_low", "warning", "Too low.")
    slow = BAD.replace({"learning_rate": 1e-5, "l2": 1.0})
    plan = Curing(
        (Finding("over_regularised", "error", "Too much."),),
        Patient(slow),
        # The curves show the rate only before the first fault is mended.
        lambda trial: Diagnosis("run", (low,) if trial.recipe.l2 else ()),
    )
    history, _ = run(plan, lambda recipe: recipe.l2 + (1.0 if recipe.learning_rate < 1e-3 else 0.1))
    after = plan.course(history).after
    assert after.l2 == 0.0
    assert after.learning_rate >= 1e-3


def test_what_was_cured_at_once_is_one_round_and_leaves_two():
    several = [
        Finding(one, "error", "x")
        for one in ("over_regularised", "unscaled_inputs", "schedule_collapses")
    ]
    given = BAD.replace({"l2": 1.0, "preprocessing": "none", "schedule": "step"})

    def loss(recipe):
        wrong = recipe.l2 + (recipe.preprocessing == "none") + (recipe.schedule == "step")
        return 5.0 if wrong else 1.0 + abs(recipe.learning_rate - 0.3)

    plan = replace(curing(*several, find=14.0), patient=Patient(given))
    history, _ = run(plan, loss)
    course = plan.course(history)
    assert [cure.problem for cure in course.taken] == [one.problem for one in several]
    assert course.after.learning_rate == 1.0  # nothing is wrong any more: the rest is tuning
    plan = replace(plan, diagnose=lambda trial: Diagnosis("run", (STILL,)))
    history, _ = run(plan, loss, val_loss=lambda epoch: 0.5**epoch)
    assert plan.course(history).after.learning_rate < 1.0


def test_the_best_cure_is_taken_and_the_rest_cut_short():
    def seen(trial):
        return Diagnosis("run", (FOUND,) if trial.recipe.learning_rate > 0.2 else ())

    plan = replace(curing(FOUND), diagnose=seen)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    course = plan.course(history)
    assert course.after.learning_rate == 0.1
    assert [cure.problem for cure in course.taken] == ["diverging"]
    begun = [t for t in history.trials if t.epochs == 2]
    assert len(begun) >= 1
    assert [one.taken for one in course.tried].count(True) == 1


def test_a_likely_cure_that_leaves_nothing_wrong_is_taken_without_a_race():
    history, _ = run(curing(FOUND), lambda recipe: abs(recipe.learning_rate - 0.1))
    course = curing(FOUND).course(history)
    assert [dict(cure.settings) for cure in course.taken] == [{"learning_rate": 0.33}]
    assert history.epochs == 2 * BAD.epochs


def test_cures_that_make_one_recipe_are_one_training():
    # What vanishing gradients call for first is also what is unusual about hidden sigmoids.
    patient = Patient(BAD, edits=("relu_hidden", "normalise"))
    plan = replace(curing(Finding("vanishing_gradients", "error", "x")), patient=patient)
    history, _ = run(plan, lambda recipe: 5.0)
    numbers = [(one.recipe, one.seed) for one in history.trials]
    assert len(numbers) == len(set(numbers))


def test_a_second_cure_is_taken_where_it_adds():
    plan = curing(FOUND, Finding("over_regularised", "warning", "Too much."))
    patient = Patient(BAD.replace({"l2": 1.0}))
    plan = Curing(plan.checked, patient, plan.diagnose)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1) + recipe.l2)
    course = plan.course(history)
    assert (course.after.learning_rate, course.after.l2) == (0.33, 0.0)
    assert len(course.taken) == 2


def test_nothing_is_taken_that_brings_no_more_than_chance():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: 1.0 if recipe == BAD else 0.99)
    course = plan.course(history)
    assert course.taken == ()
    assert course.after == BAD


def test_finding_stays_within_its_trainings():
    for find in (1.5, 3.0, 9.0):
        plan = curing(FOUND, find=find)
        history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
        assert history.epochs <= find * BAD.epochs


def test_what_was_trained_decides_whoever_asks():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: abs(recipe.learning_rate - 0.1))
    assert plan.course(history) == plan.course(history)
    assert race(history, [one.recipe for one in plan.course(history).tried]) == []


def test_it_ends_as_soon_as_next_to_nothing_is_left_to_gain():
    plan = curing(FOUND)
    history, _ = run(plan, lambda recipe: 50.0 if recipe.learning_rate > 0.3 else 0.0)
    course = plan.course(history)
    assert len(course.taken) == 1
    assert len(course.tried) <= 5  # one race: its loss is a tenth, and no second one follows


def test_numbers_are_tuned_beside_a_cure_that_only_trials_can_tell():
    def loss(recipe):
        wrong = abs(recipe.learning_rate - 0.1) + recipe.l2
        return 1.0 + wrong + (recipe.initialiser is None)

    plan = replace(curing(FOUND), diagnose=lambda trial: Diagnosis("run", (STILL,)))
    history, _ = run(plan, loss)
    taken = plan.course(history).taken
    assert [set(cure.settings) for cure in taken] == [{"learning_rate"}, {"initialiser"}]


def test_the_rate_is_left_beside_a_cure_of_something_else():
    held = Finding("over_regularised", "warning", "Too much.")
    patient = Patient(BAD.replace({"l2": 1.0}))
    plan = Curing((held,), patient, lambda trial: Diagnosis("run"))
    history, _ = run(plan, lambda recipe: 3 * recipe.l2 + recipe.learning_rate)
    course = plan.course(history)
    assert [dict(cure.settings) for cure in course.taken] == [{"l2": 0.0}]
    assert all(one.recipe.learning_rate == BAD.learning_rate for one in course.tried)


def test_the_rate_is_looked_at_where_a_mended_training_still_got_on_as_it_ended():
    held = Finding("over_regularised", "warning", "Too much.")
    patient = Patient(BAD.replace({"l2": 1.0}))
    plan = Curing((held,), patient, lambda trial: Diagnosis("run", (STILL,)))

    def loss(recipe):
        return 3 * recipe.l2 + recipe.learning_rate

    history, _ = run(plan, loss, val_loss=lambda epoch: 0.5**epoch)
    rates = {one.recipe.learning_rate for one in plan.course(history).tried}
    assert {BAD.learning_rate, 0.32} < rates
    assert plan.course(history).after.learning_rate < BAD.learning_rate


def test_what_began_again_is_tried_with_the_optimizer_that_was_given():
    def loss(recipe):
        if recipe.initialiser != "kaiming_normal":
            return 5.0
        if recipe.optimizer == "adamw":
            return 0.6
        return 0.1 if recipe.learning_rate == BAD.learning_rate and not recipe.l2 else 5.0

    given = BAD.replace({"l2": 1.0, "beta1": 0.99})
    plan = replace(curing(Finding("not_learning", "error", "Nothing.")), patient=Patient(given))
    history, _ = run(plan, loss)
    course = plan.course(history)
    [taken] = course.taken
    assert taken.advice == "Begin again from a sound recipe, but for the optimizer and its rate"
    assert (course.after.optimizer, course.after.learning_rate) == ("adam", BAD.learning_rate)
    assert course.after.beta1 == 0.9  # which hardly anyone chooses, and is not kept


def test_what_is_unusual_is_treated_with_what_is_found():
    def loss(recipe):
        return 5.0 if recipe.l2 or recipe.batch_size == "full" else 0.2

    held = Finding("over_regularised", "error", "Too much.")
    given = BAD.replace({"l2": 1e-3, "batch_size": "full"})
    plan = replace(curing(held), patient=Patient(given))
    history, _ = run(plan, loss)
    course = plan.course(history)
    assert {**course.taken[0].settings, **course.taken[1].settings} == {"l2": 0.0, "batch_size": 32}


def test_where_nothing_helps_by_itself_all_cures_race_with_other_rates():
    odd = Finding("optimizer_settings", "warning", "An epsilon of 0.1.")
    given = BAD.replace({"epsilon": 0.1, "learning_rate": 1e-3})

    def loss(recipe):
        usual = recipe.epsilon < 1e-3 and recipe.optimizer == "adam"
        return 0.2 if usual and recipe.learning_rate > 2e-3 else 1.0

    plan = replace(curing(odd, find=12.0), patient=Patient(given))
    history, _ = run(plan, loss)
    course = plan.course(history)
    assert [dict(cure.settings) for cure in course.taken] == [
        {"epsilon": 1e-8},
        {"learning_rate": 0.0032},
    ]
    assert history.epochs <= 12 * BAD.epochs


def test_a_sound_recipe_races_at_once_where_it_is_not_told_what_is_wrong():
    def loss(recipe):
        both = recipe.initialiser == "kaiming_normal" and recipe.learning_rate <= 0.01
        return 0.1 if both else 5.0

    plan = curing(Finding("not_learning", "error", "Nothing was learnt."))
    history, _ = run(plan, loss)
    assert plan.course(history).taken[0].advice == "Begin again from a sound recipe"
    assert history.epochs <= 5.5 * BAD.epochs


def test_what_the_check_trained_counts_and_leaves_enough_for_a_race():
    def epochs(spent):
        plan = replace(curing(FOUND), spent=spent * BAD.epochs)
        history, _ = run(plan, lambda recipe: 1.0 + abs(recipe.learning_rate - 0.1))
        return history.epochs

    assert epochs(3.0) <= 7 * BAD.epochs
    assert epochs(40.0) == epochs(3.0)


def test_a_second_seed_is_saved_where_the_cause_is_known_and_half_of_the_loss_goes():
    def seeds(left):
        held = Finding("over_regularised", "warning", "Too much.")
        plan = Curing((held,), Patient(BAD.replace({"l2": 1.0})), lambda trial: Diagnosis("run"))
        history, _ = run(plan, lambda recipe: 5.0 if recipe.l2 else left)
        assert plan.course(history).after.l2 == 0.0
        return {trial.seed for trial in history.trials}

    assert seeds(left=0.5) == {0}
    assert len(seeds(left=4.0)) == 2
