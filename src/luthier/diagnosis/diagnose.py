"""Evidence to a diagnosis: every rule is asked, and what one cause explains is said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from luthier.core import Curves, Diagnosis, Finding, History, Run, Setup, Space, first_batch
from luthier.diagnosis import run as run_rules
from luthier.diagnosis import setup as setup_rules
from luthier.diagnosis import study as study_rules
from luthier.diagnosis.causes import combined
from luthier.diagnosis.setup.bad_initialisation import bad_initialisation
from luthier.diagnosis.setup.nonfinite_data import nonfinite_data
from luthier.diagnosis.setup.wrong_gradient_sign import wrong_gradient_sign

RunRule = Callable[[Run], Finding | None]
SetupRule = Callable[[Setup], Finding | None]
StudyRule = Callable[[History, Space], Finding | None]


def diagnose_run(
    run: Run, *, rules: Sequence[RunRule] = run_rules.ALL, notes: Sequence[str] = ()
) -> Diagnosis:
    """Return what is wrong with a training, as far as its curves tell.

    Args:
        run: Curves of one training, and its recipe and task if they are known.
        rules: Who is asked.
        notes: What a reader should know about the evidence.

    >>> falls = Curves(train_loss=(1.0, 0.5, 0.3), val_loss=(1.1, 0.7, 0.5))
    >>> print(diagnose_run(Run(falls)))
    Nothing wrong found. Looked at 3 epochs: train_loss, val_loss.
    """
    found = [finding for rule in rules if (finding := rule(run)) is not None]
    setup = first_batch(run.trace.facts)
    if setup is not None and rules is run_rules.ALL:
        # What needs neither copies nor all of the rows is told of a training's first batch, too.
        asked: tuple[SetupRule, ...] = setup_rules.HEAD
        if any(one.problem == "nan_loss" for one in found):  # some networks fill gaps themselves
            asked = (*asked, nonfinite_data)
        if setup.framework == "keras":  # `fit` minimises; a loop may negate its loss, and climb
            asked = (*asked, wrong_gradient_sign)
        if setup.layers:
            asked = (*asked, bad_initialisation)
        found += [finding for rule in asked if (finding := rule(setup)) is not None]
    return Diagnosis("run", combined(found), _seen(run.curves), tuple(notes))


def diagnose_study(
    history: History,
    space: Space,
    *,
    winner: Diagnosis | None = None,
    rules: Sequence[StudyRule] = study_rules.ALL,
) -> Diagnosis:
    """Return what is wrong with a search, beside what is wrong with its winner's training.

    Args:
        history: All trials.
        space: What was searched.
        winner: What was found in the winner's training.
        rules: Who is asked.

    >>> print(diagnose_study(History(), Space({})))
    Nothing wrong found. Looked at 0 trials.
    """
    found = [finding for rule in rules if (finding := rule(history, space)) is not None]
    count, trained = len(history.trials), winner or Diagnosis("run")
    seen = f"{count} trial{'s' * (count != 1)}"
    if trained.looked_at:
        seen += f"; of the best, {trained.looked_at}"
    return Diagnosis("study", combined([*trained.findings, *found]), seen, trained.notes)


def diagnose_setup(
    setup: Setup, *, rules: Sequence[SetupRule] = setup_rules.ALL, notes: Sequence[str] = ()
) -> Diagnosis:
    """Return what is wrong with a training before its first step.

    Args:
        setup: What was measured.
        rules: Who is asked.
        notes: What a reader should know about the evidence.

    >>> print(diagnose_setup(Setup()))
    Nothing wrong found. Looked at no rows.
    """
    found = [finding for rule in rules if (finding := rule(setup)) is not None]
    parts = [f"{setup.data.rows} rows" if setup.data.rows else "no rows"]
    if setup.layers:
        parts.append(f"{len(setup.layers)} layer{'s' * (len(setup.layers) > 1)}")
    if setup.loss.initial is not None:
        parts.append(f"a first loss of {setup.loss.initial:.3g}")
    parts += [name for name in (setup.optimizer.name, setup.schedule.name) if name]
    if setup.fits:
        count = len(setup.fits)
        parts.append(
            "a short training of a copy" if count == 1 else f"{count} short trainings of copies"
        )
    return Diagnosis("check", combined(found), ", ".join(parts), (*setup.notes, *notes))


def _seen(curves: Curves) -> str:
    """Return what there was to look at, in half a sentence."""
    epochs = len(curves)
    losses: tuple[str, ...] = ("train_loss", "train_loss_eval", "val_loss")
    if curves.train_loss_eval == curves.train_loss:  # one series that counts as both
        losses = ("train_loss", "val_loss")
    names = [name for name in losses if getattr(curves, name)] + list(curves.metrics)
    others = [name for name in ("penalty", "learning_rate") if getattr(curves, name)]
    more = len(others) + len({name.split("/")[0] for name in curves.signals})
    seen = ", ".join(names) or "no loss"
    if more:
        seen += f" and {more} other{'s' * (more > 1)}"
    return f"{'1 epoch' if epochs == 1 else f'{epochs} epochs'}: {seen}"
