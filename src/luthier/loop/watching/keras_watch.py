"""KerasWatch: one callback in `fit`, and what is wrong with the training is said."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from luthier.core import Diagnosis, LuthierError, Run
from luthier.frameworks.keras.process import require
from luthier.loop.watching.around import Around, around
from luthier.loop.watching.watch import Watch, to_stderr

_missing: LuthierError | None = None
try:
    require()
except LuthierError as error:  # said when one is made, and not when the name is looked up
    _missing = error
    WatchCallback: Any = object
else:
    from luthier.frameworks.keras.watching import KerasWatcher
    from luthier.frameworks.keras.watching_callback import WatchCallback
    from luthier.frameworks.keras.watching_fit import callers

if TYPE_CHECKING:
    from luthier.frameworks.keras.watching import KerasWatcher
    from luthier.frameworks.keras.watching_fit import callers


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
