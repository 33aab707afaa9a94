"""Following: histories as they grow."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from luthier.core import History, Storage


@dataclass(eq=False)
class Following:
    """Reads studies again and again: of each what changed since the last look.

    Any thread may ask.

    Args:
        storage: Where they live.
    """

    storage: Storage
    _seen: dict[str, History] = field(default_factory=dict, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    def history(self, study: str) -> History:
        """Return a study's trials as they are now.

        Raises:
            StudyNotFoundError: when the storage does not hold it.
        """
        with self._lock:
            before = self._seen.get(study, History())
            self._seen[study] = now = before.merge(self.storage.history(study, before.changed))
            return now
