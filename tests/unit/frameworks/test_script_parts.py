"""The lines of train.py give the numbers of the catalog."""

import itertools
import math

import numpy as np
import pytest
import torch

from luthier.catalog import optimizers, schedules
from luthier.catalog.optimizers import Settings
from luthier.core import Recipe
from luthier.engines.torch_eager.ops import torch_ops
from luthier.frameworks.schedule_text import schedule_text
from luthier.frameworks.torch.script_parts import LION, optimizer_text

LOSSES = [
    (),
    (1.0, 0.9, 0.8),
    (1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.5, 0.6, 0.7, 0.8),
    (1.0, 0.99999, 0.99998),
    (math.inf, math.nan, 1.0, 2.0, 3.0),
]
SETTINGS = {
    "step": [{"step_size": s, "gamma": 0.5} for s in (0.01, 1 / 3, 1.0)],
    "multi_step": [{"milestones": m} for m in ((0.5,), (0.1, 0.33, 0.9))],
    "exponential": [{"gamma": g} for g in (0.01, 1.0)],
    "polynomial": [{"power": p, "end_factor": e} for p in (0.5, 3.0) for e in (0.0, 0.1)],
    "linear": [{"end_factor": e} for e in (0.0, 0.1, 1.0)],
    "cosine": [{"end_factor": e} for e in (0.0, 0.1)],
    "cosine_restarts": [{"cycles": c, "end_factor": 0.1} for c in (1, 3, 7)],
    "one_cycle": [{"peak": p} for p in (0.0, 0.3, 1.0)],
    "warmup_stable_decay": [{"decay_share": d, "end_factor": 0.1} for d in (0.0, 0.2, 1.0)],
    "plateau": [{"plateau_patience": p, "gamma": 0.3} for p in (0, 2)],
}
CASES = [
    Recipe(schedule=schedule.name, warmup=warmup, learning_rate=0.03, **settings)
    for schedule in schedules.ALL
    for settings in SETTINGS.get(schedule.name, [{}])
    for warmup in (0.0, 0.1, 1.0)
]


@pytest.mark.parametrize("recipe", CASES, ids=lambda r: f"{r.schedule} {r.warmup}")
def test_the_schedules_text_gives_the_catalogs_numbers(recipe):
    names = {"math": math, "LEARNING_RATE": recipe.learning_rate}
    exec(schedule_text(recipe), names)
    for total, losses in itertools.product((1, 7, 100), LOSSES):
        for step in range(total):
            expected = schedules.learning_rate(recipe, schedules.Progress(step, total, 1, losses))
            found = names["learning_rate"](step, total, losses)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-18)


def other(name, value):
    """Return another value of a setting, so that a forgotten one is noticed."""
    return value * 10 if name == "epsilon" else value * 0.9


@pytest.mark.parametrize("changed", [False, True], ids=["usual", "changed"])
@pytest.mark.parametrize("optimizer", optimizers.ALL, ids=lambda o: o.name)
def test_the_optimizers_text_takes_the_catalogs_steps(optimizer, changed):
    keys = dict(optimizer.usual)
    if changed:
        keys = {name: other(name, value) for name, value in keys.items()}
    recipe = Recipe(optimizer=optimizer.name, **keys)
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 3, dtype=torch.float64)
    ours = {name: p.detach().clone() for name, p in network.named_parameters()}
    slots = {name: optimizer.start(torch_ops, w) for name, w in ours.items()}
    names = {"torch": torch, "network": network, "LEARNING_RATE": recipe.learning_rate}
    exec(LION, names)
    theirs = eval(optimizer_text(recipe), names)
    settings = Settings.of(recipe, recipe.learning_rate)
    for step in range(1, 21):
        for name, p in network.named_parameters():
            p.grad = torch.sin(7 * p.detach() + step)
            ours[name], slots[name] = optimizer.update(
                torch_ops, ours[name], torch.sin(7 * ours[name] + step), slots[name], step, settings
            )
        theirs.step()
    for name, p in network.named_parameters():
        np.testing.assert_allclose(p.detach().numpy(), ours[name].numpy(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer", optimizers.ALL, ids=lambda o: o.name)
def test_the_optimizers_text_names_every_setting_that_the_catalog_reads(optimizer):
    keys = {name: 0.123 + i / 1000 for i, name in enumerate(optimizer.settings)}
    text = optimizer_text(Recipe(optimizer=optimizer.name, **keys))
    assert all(repr(value) in text for value in keys.values())
