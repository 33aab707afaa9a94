"""KerasWatch: one callback in `fit`, and what is wrong with the training is said."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from luthier.core import Diagnosis, LuthierError, Run, WatchError
from luthier.frameworks.keras.process import require
from luthier.loop.watching.around import Around, around
from luthier.loop.watching.glimpse import Glimpse, glimpse
from luthier.loop.watching.watch import Watch, to_stderr

_missing: LuthierError | None = None
try:
    require()
except LuthierError as error:  # said when one is made, and not when the name is looked up
    _missing = error
    WatchCallback: Any = object
else:
    from luthier.frameworks.keras.forking import batches_of, step_of
    from luthier.frameworks.keras.watching import KerasWatcher
    from luthier.frameworks.keras.watching_callback import WatchCallback
    from luthier.frameworks.keras.watching_fit import callers

if TYPE_CHECKING:
    from luthier.frameworks.keras.forking import batches_of, step_of
    from luthier.frameworks.keras.watching import KerasWatcher
    from luthier.frameworks.keras.watching_fit import callers

STEPS = 100  # what a minute is enough for, and blocks of a paired test ask for a quarter of
FIT_ROWS = 32  # of a step, as `fit` has it


class _Record:
    """What is known of one model's training, over all its calls of `fit`."""

    def __init__(self, watch: Watch, watcher: KerasWatcher) -> None:
        self.watch, self.watcher = watch, watcher
        self.epochs = self.fits = self.tests = 0
        self.first: Around | None = None
        self.last: Around | None = None


# A model that is fitted again goes on; a new callback for each `fit` must not lose sight of that.
_records: weakref.WeakKeyDictionary[Any, _Record] = weakref.WeakKeyDictionary()


class KerasWatch(WatchCallback):  # type: ignore[misc, unused-ignore]
    """A callback for `model.fit` that says what is wrong with the training.

    The result of `fit` stays the same bit for bit. Several calls of `fit` that go on with the same
    weights are one training, whether they share one callback or each have a new one.

    Args:
        live: Whether what is certain is said at once.
        notify: Gets these texts; without one they are written to stderr.

    Raises:
        LuthierError: where Keras, or its backend, is not installed.

    >>> import keras, numpy
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> watch = KerasWatch()
    >>> x = numpy.ones((64, 2))
    >>> _ = model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[watch])
    >>> print(watch.diagnosis)  # doctest: +ELLIPSIS
    Nothing wrong found. Looked at 3 epochs: train_loss...
    """

    def __init__(self, *, live: bool = True, notify: Callable[[str], None] | None = None) -> None:
        if _missing is not None:
            raise _missing
        super().__init__()
        self._live, self._notify = live, to_stderr if notify is None else notify
        self._record = self._new()

    @property
    def run(self) -> Run:
        """What was seen so far, as rules read it."""
        return self._record.watch.run

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong, so far: print it, or read its findings."""
        return self._record.watch.diagnosis

    def prove(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        seconds: float = 60.0,
        steps: int = STEPS,
    ) -> Glimpse:
        """Try the first advice on the next steps, against doing nothing on the same batches.

        Call it after `fit`, or in a callback at the end of an epoch. Steps are those of
        `train_on_batch`, so a `train_step` of your own is what is tried. Weights, metrics, the
        optimizer's variables, seed generators and the random numbers of Python, NumPy and torch
        are as they were after it, bit for bit, and nothing of it is seen by this watch.

        Args:
            x: As for `fit`: arrays of rows, or batches, such as a `tf.data.Dataset`, a `PyDataset`
                or a loader.
            y: Targets; None where `x` has them.
            sample_weight: Of rows.
            batch_size: Rows of a step, of arrays.  [default: that of `fit`, or 32]
            seconds: For both together, without compiling. A minute is enough for most.
            steps: At most; rows come in a new order with each pass. Fewer than 22 decide nothing.

        Returns:
            What it came to: print it, or read `verdict`. It is labelled as short-horizon.

        Raises:
            WatchError: before the first `fit`, and for data that make no batches.

        >>> import keras, numpy
        >>> model = keras.Sequential([keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> watch = KerasWatch(live=False)
        >>> x = numpy.ones((64, 2))
        >>> _ = model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[watch])
        >>> print(watch.prove(x, x[:, :1]))
        Nothing was tried: nothing wrong was found so far.
        """
        record, recipe = self._record, self.run.recipe
        model = self._model
        if not record.fits or model is None:
            raise WatchError(
                "prove was called on a watch that has seen no training. Pass it to model.fit "
                "first: model.fit(x, y, callbacks=[watch])."
            )
        known = None if recipe is None else recipe.batch_size
        size = batch_size or (known if isinstance(known, int) else FIT_ROWS)
        batches = batches_of(x, y, sample_weight, size=size, most=steps)
        return glimpse(
            record.watcher, self.diagnosis, recipe, step_of(model), batches, seconds=seconds
        )

    def began(self, model: Any) -> None:
        """Go on with what is known of the model, if its weights are where they were left."""
        known = _records.get(model)
        if known is not None and known.watcher.continues(model):
            self._record = known
            known.watch.tell(live=self._live, notify=self._notify)
        elif self._record.fits:
            self._record = self._new()
        self._watcher = self._record.watcher
        self._record.fits += 1
        _records[model] = self._record
        planned = int((self.params or {}).get("epochs") or 0)
        self._record.watch.begin(self._record.epochs + planned)
        self._say_around()

    def logged(self, epoch: int, values: dict[str, float]) -> None:
        """Log an epoch."""
        record = self._record
        record.epochs += 1
        if record.last is not None and record.last.rate is not None:
            self._watcher.rate_logged(record.last.rate)
        record.watch.add(values, record.epochs)

    def ended(self) -> None:
        """Close the watch: nothing of the model is kept."""
        self._record.watch.end()

    def _new(self) -> _Record:
        watcher = KerasWatcher()
        return _Record(Watch(watcher, live=self._live, notify=self._notify), watcher)

    def _say_around(self) -> None:
        """Read the loop that calls `fit`, if there is one."""
        record = self._record
        try:
            found = around(callers())
        except Exception:  # whatever stands in the user's frames, the training goes on
            found = None
        record.last = found
        if record.first is None and found is not None and found.rate_name:
            record.first = found
        record.tests += bool(found and found.tested)
        facts: dict[str, Any] = {"fits": record.fits}
        if record.tests and found:
            facts |= {"test_scored": record.tests, "test_call": found.tested}
        if found is not None and found.rate_name:
            facts["rate_name"] = found.rate_name
        first = record.first
        if first is not None and first.changed_before and first.first_rate is not None:
            facts |= {
                "rate_begun": first.first_rate,
                "rate_first": first.rate,
                "rate_place": first.place,
            }
            if first.factor is not None and math.isfinite(first.factor):
                facts["rate_factor"] = first.factor
        self._watcher.also(facts)
