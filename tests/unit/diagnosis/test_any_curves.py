"""No curve makes a rule raise, however odd its numbers are."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core import Curves, Recipe, Run, Task, Trace
from luthier.diagnosis import diagnose_run

NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(min_value=0.0, max_value=3.0),
    st.sampled_from([0.0, 1.0, 2.302585, -1.0, 1e-300, 1e308]),
)
SERIES = st.one_of(
    st.just(()),
    st.lists(NUMBERS, max_size=30).map(tuple),
    st.tuples(NUMBERS, st.integers(1, 30)).map(lambda pair: (pair[0],) * pair[1]),
)
TASKS = st.sampled_from(
    [
        None,
        Task("classification", "accuracy", "maximize", (4,), 10),
        Task("regression", "rmse", "minimize", (4,), 1, target_scale=(2.0,)),
    ]
)
RECIPES = st.sampled_from(
    [
        None,
        Recipe(),
        Recipe(optimizer="sgd", learning_rate=50.0, batch_size="full", dropout=0.9),
        Recipe(optimizer="momentum", momentum=1.0, l2=1.0, batch_size=2, weight_decay=5.0),
        Recipe(optimizer="adam", learning_rate=1e-7, batch_size=512),
    ]
)


@settings(max_examples=200)
@given(
    st.builds(
        Curves,
        train_loss=SERIES,
        train_loss_eval=SERIES,
        val_loss=SERIES,
        penalty=SERIES,
        learning_rate=SERIES,
        metrics=st.dictionaries(st.sampled_from(["accuracy", "rmse", "reward"]), SERIES),
        signals=st.dictionaries(st.sampled_from(["update_ratio/w", "gradient_norm"]), SERIES),
    ),
    RECIPES,
    TASKS,
    st.sampled_from([{}, {"keeps_best": True, "steps_per_epoch": 3}]),
)
def test_any_curves_get_a_diagnosis_that_is_plain_data(curves, recipe, task, facts):
    diagnosis = diagnose_run(Run(curves, recipe, task, Trace(facts=facts)))
    json.dumps(diagnosis.to_json(), allow_nan=False)
    assert str(diagnosis)
    assert diagnosis._repr_html_()


@pytest.mark.parametrize("value", [0.0, 1e308, -1e308])
def test_constant_curves_get_no_alarm(value):
    curves = Curves(train_loss=(value,) * 20, val_loss=(value,) * 20)
    assert diagnose_run(Run(curves)).healthy
