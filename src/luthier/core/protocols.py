"""The seams: what a member of each family must do. `luthier.testing` holds them to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from luthier.core.curves import Curves
from luthier.core.edit import Edit
from luthier.core.network import Baseline, Build, Captured, Rehearsal, State
from luthier.core.recipe import Recipe
from luthier.core.run import Trace
from luthier.core.setup import Setup
from luthier.core.space import Space
from luthier.core.study import StudyRecord
from luthier.core.task import Arrays, Part, Task
from luthier.core.trial import History, Step, Trial
from luthier.core.workers import Death, Stop, nothing

if TYPE_CHECKING:
    import numpy

    from luthier.core.task import Array

    Rng = numpy.random.Generator


class Framework(Protocol):
    """The only code that touches a live user network."""

    name: str

    def owns(self, model: object) -> bool:
        """Tell whether an object is a network of this framework."""

    def baseline(
        self, build: Build, recipe: Recipe, arrays: Arrays, given: Sequence[str]
    ) -> Baseline:
        """Return a sound recipe with what the network itself says about its training.

        Args:
            build: The builder.
            recipe: What holds where the network says nothing.
            arrays: The data.
            given: Keys that the user's own recipe says.

        Raises:
            BuilderError: for what the network says and no recipe can.
        """

    def capture(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Captured:
        """Build the network, check that it fits the data, and hand over its initial state."""

    def restore(self, build: Build, recipe: Recipe, task: Task, state: State) -> Any:
        """Return a live network with the best weights of a state, in evaluation mode."""

    def outputs(self, model: Any, part: Part, task: Task) -> Any:
        """Return a live network's outputs for a part as a float64 matrix: `Positions.matrix`."""

    def rows(self, data: object, most: int, seed: int) -> tuple[tuple[Array, ...], Array, int]:
        """Return at most some rows of a user's data as arrays: inputs, targets, rows in all.

        Raises:
            DataError: for data that hold no pairs of inputs and targets.
        """

    def ready(
        self, build: Build, recipe: Recipe, arrays: Arrays, seed: int
    ) -> tuple[Any, Callable[[Any, Any], Any], Any]:
        """Return a recipe's new network, its loss, and its optimizer where the framework has it."""

    def inspect(
        self,
        model: Any,
        data: object,
        *,
        loss_fn: Callable[[Any, Any], Any] | None,
        loss: Callable[[Any, Any], Any] | None,
        optimizer: object,
        scheduler: object,
        epochs: int | None,
        batch_size: int | None,
        seconds: float,
        most: int | None = None,
        seed: int,
    ) -> Setup:
        """Measure a training before its first step, on the user's network and on copies of it.

        Nothing of the user's is changed by it: weights, buffers, gradients, modes, hooks and random
        numbers are as they were, also when it raises.

        Args:
            model: The network.
            data: Pairs of inputs and targets; with `loss`, batches of any kind.
            loss_fn: Takes outputs and targets.
            loss: Takes the network and a batch; instead of `loss_fn`.
            optimizer: What will train; None where nobody said.
            scheduler: What will set its rate; None where nothing will.
            epochs: How many are planned; None where nobody said.
            batch_size: Rows of a step, where data is no loader.
            seconds: That short trainings of copies may take in all.
            most: Steps that they may take in all; no limit where it is None.
            seed: Decides their order of rows.

        Raises:
            LuthierError: when network or loss cannot be run on the data.
        """

    def edits(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Sequence[Edit]:
        """Return the changes to a builder's network that are safe to make."""

    def edited(self, build: Build, edits: Sequence[Edit]) -> Build:
        """Return a builder whose argument `EDITS` names which of some edits are made."""

    def repaired(self, build: Build, edits: Sequence[Edit]) -> Build:
        """Return a builder that makes some edits always, with the source that does so."""

    def script(
        self,
        build: Build,
        trial: Trial,
        arrays: Arrays,
        *,
        title: str,
        data_source: str,
        reported: Mapping[str, float],
    ) -> str:
        """Return a script without luthier that trains a trial's recipe again.

        `data_source` is text that defines ``load()``; `reported` are scores to print beside.
        """

    def save(
        self, folder: Path, build: Build, recipe: Recipe, task: Task, state: State
    ) -> list[Path]:
        """Write a network in the framework's own format, beside its weights; return the files."""


class Watcher(Protocol):
    """Looks on while somebody else's loop trains a live network; changes nothing of it."""

    @property
    def steps(self) -> int:
        """How many steps were made; of several optimizers, by the first."""

    def open(self) -> None:
        """Attach what is needed to see."""

    def close(self) -> None:
        """Leave everything as it was."""

    def number(self, value: Any) -> float:
        """Return a logged value as a float."""

    def mark(self, *, validated: bool) -> None:
        """Take note that an epoch has ended, and whether a validation value was logged."""

    @property
    def live(self) -> frozenset[str]:
        """The recipe keys that `fork` can change; none where no steps can be asked for."""

    def fork(
        self,
        step: Callable[[Any], Any],
        batches: Sequence[Any],
        settings: Mapping[str, tuple[Any, Any]],
        seconds: float,
        keep: Sequence[Any] = (),
    ) -> tuple[list[float], list[float]]:
        """Return losses of steps as they would come and with settings changed; put all back."""

    def rate_logged(self, rate: float) -> None:
        """Compare a learning rate that the loop logged with those that are used."""

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""

    def settings(self) -> Mapping[str, Any]:
        """Return recipe keys that are seen from outside; no optimizer where it is not known."""

    def notes(self) -> list[str]:
        """Return in words what could not be seen."""

    def trace(self) -> Trace:
        """Return what was seen so far."""


class Engine(Protocol):
    """Trains; one process, one device. Knows no storage, study or strategy."""

    name: str

    @property
    def slots(self) -> int:
        """How many trials may be placed at once, of the signature that is open."""

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return in words why this engine cannot train a network; None where it can."""

    def setup_seconds(self, captured: Captured) -> float:
        """Return about how long it takes until a signature's first step; 0 where it is ready."""

    def clock(self) -> float:
        """Return the seconds that the engine has computed so far, here or elsewhere."""

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature."""

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in a slot: a new one's initial state, or one that `take` returned."""

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train each slot to an absolute epoch; return the new epochs alone.

        Stops a slot after an epoch whose loss is not a number.
        """

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take the next few steps of a slot, none included, and leave the slot as it was."""

    def take(self, slot: int) -> State:
        """Return everything that `put` needs to go on bit for bit."""


class Executor(Protocol):
    """Starts workers. They pull their work from the storage."""

    def refuses(self, workers: int) -> str | None:
        """Return in words why this executor cannot run that many workers; None where it can."""

    def launch(
        self,
        work: Callable[[int, Stop], Any],
        workers: int,
        *,
        watch: Callable[[], None] = nothing,
        bury: Callable[[Death], None] = nothing,
    ) -> Sequence[Any]:
        """Start workers and wait until all have ended.

        Args:
            work: Called once by each worker, with its index from 0 and with the sign by which
                it is asked to end. What it raises ends the others after their epoch, and
                reaches the caller.
            workers: How many run at a time.
            watch: Called here several times a second while workers run elsewhere.
            bury: Called here with each death, before a fresh worker takes the dead one's place;
                what it raises ends the others, too.

        Returns:
            What each call of `work` returned, in the order of the indices; None where a worker
            died while all were asked to end.
        """

    def dead(self) -> Mapping[int, str]:
        """Return the workers that died, with the cause; others may have taken their places."""

    def stop(self, *, now: bool) -> None:
        """Ask the workers to end: after their epoch, or at once."""


@dataclass(frozen=True)
class Claim:
    """A step that one worker has taken on, with all it needs to go on."""

    decision: int
    index: int
    trial: Trial
    until: int
    state: State | None
    worker: str


class Storage(Protocol):
    """Where studies live. Every method is one transaction."""

    url: str

    def open(self, study: StudyRecord) -> StudyRecord:
        """Create the study or open it, and keep what the newest record has to say `about` it.

        Raises:
            StudyMismatchError: where it exists with other data, builder or space.
        """

    def studies(self) -> Sequence[StudyRecord]:
        """Return every study's record."""

    def find(self, study: str) -> StudyRecord | None:
        """Return a study's record; None where the storage does not hold it."""

    def record(self, study: str) -> StudyRecord:
        """Return a study's record.

        Raises:
            StudyNotFoundError: where there is none of that name, as from every other method.
        """

    def history(self, study: str, since: int = 0) -> History:
        """Return the trials that changed after the given count of changes."""

    def plan(
        self, study: str, decision: int, steps: Sequence[Step], *, resumable: bool = True
    ) -> bool:
        """Store a decision's steps; False where another worker decided first.

        Args:
            study: Its name.
            decision: How many decisions were taken before.
            steps: For new trials, and for paused ones. A trial that has ended meanwhile stays so.
            resumable: Whether the new trials can go on after a pause.

        Raises:
            StorageError: for a step of a trial that waits, runs, or does not exist.
        """

    def claim(self, study: str, worker: str, lease: float) -> Claim | None:
        """Take the first step that waits, or whose worker let its lease run out.

        The claim's state is the one after its trial's last epoch: epochs that were stored
        without a state after them are dropped, to be trained again. A step that several workers
        took without storing a state is ended, and its trial failed.
        """

    def renew(self, study: str, worker: str, lease: float) -> None:
        """Say that a worker lives."""

    def release(self, study: str, worker: str, cause: str | None = None) -> None:
        """Give back the steps of a worker that is known to be dead; with a cause, fail them."""

    def decline(self, study: str, claim: Claim) -> None:
        """Give a claimed step back as if it had never been taken."""

    def held(self, study: str, worker: str) -> Sequence[int]:
        """Return the trials whose steps a worker holds."""

    def workers(self, study: str) -> Sequence[str]:
        """Return the workers that hold steps."""

    def advance(
        self,
        study: str,
        claim: Claim,
        curves: Curves,
        state: State | None,
        *,
        seconds: float,
        outcome: tuple[str, str | None] | None = None,
        engine: str = "",
    ) -> bool:
        """Store new epochs and the state after them; epochs that are stored already stay.

        Args:
            study: Its name.
            claim: What was trained.
            curves: The new epochs.
            state: The state after them.
            seconds: Time spent since the last call. What several workers spend at the same time
                counts once: a study's time is that of a clock on the wall.
            outcome: State and cause as `finish` takes them, where the step ends with these epochs.
            engine: What trained them: fixes the engine of a claimed trial that had none.

        Returns:
            False, with nothing stored, where its lease ran out and another worker took the step.
        """

    def finish(
        self, study: str, claim: Claim, state: str, cause: str | None = None, *, engine: str = ""
    ) -> bool:
        """End a step, leaving its trial paused, finished, failed or pruned; as `advance` else."""

    def assign(self, study: str, trial: int, engine: str) -> str:
        """Fix a trial's engine; return the one that was fixed first."""

    def revise(self, study: str, trial: int, recipe: Recipe) -> None:
        """Store what an objective asked for: its recipe is known only as it runs."""

    def state(self, study: str, trial: int) -> State | None:
        """Return a trial's stored state; None where it has none or it was evicted."""

    def evict(self, study: str, trials: Sequence[int]) -> None:
        """Delete trials' states, but of those that wait or run; paused ones become pruned."""

    def prune(self, study: str, trial: int, cause: str) -> bool:
        """End a trial because a person says so; False where it has ended already.

        A worker that trains it has lost the step, as with a lease that ran out.
        """

    def ask_to_stop(self, study: str) -> None:
        """Ask every worker that is at it now to end after its epoch: `History.stops` grows."""

    def opened(self, test: str, study: str) -> int:
        """Note that a test part is opened; return how often it was before."""


Strategy = Callable[[Space, History, "Rng"], Sequence[Step]]
