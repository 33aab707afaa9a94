"""What can go wrong, in three sentences: what happened, what was expected, what to type.

LuthierError
├── SpaceError(ValueError)          an impossible range
├── RecipeError(ValueError)         an unknown key or a value outside its range
├── DataError(ValueError)           data that cannot be learned from as it is
├── BuilderError(ValueError)        a builder that raises or builds the wrong thing
├── CaptureError                    a network that cannot be turned into a graph
├── StudyNotFoundError(KeyError)    no study of that name
├── StudyMismatchError(ValueError)  a study of that name, about something else
├── WatchError(ValueError)          what cannot be watched, or is logged to a watch that is closed
├── StorageError                    a database that is not ours, newer, locked or full
└── MissingExtraError(ImportError)  a package that is an extra
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LuthierError(Exception):
    """A mistake that luthier can explain: its text is meant for the user."""

    def __str__(self) -> str:
        # KeyError quotes its argument; ours is a sentence.
        return " ".join(str(part) for part in self.args)


class SpaceError(LuthierError, ValueError):
    """A range or a space that no value can satisfy."""


class RecipeError(LuthierError, ValueError):
    """A recipe with an unknown key, or a value that the key does not take."""


class DataError(LuthierError, ValueError):
    """Data that is missing, unreadable, or cannot be learned from as it is."""


class BuilderError(LuthierError, ValueError):
    """A builder that raises, returns no network, or one that does not fit the data."""


class CaptureError(LuthierError):
    """A network that cannot be turned into a graph; its text says why, as half a sentence."""


class StudyNotFoundError(LuthierError, KeyError):
    """A study that the storage does not hold."""

    def __init__(self, study: str, storage: str, others: Iterable[str] = ()) -> None:
        held = ", ".join(f"'{name}'" for name in others) or "no study"
        super().__init__(
            f"no study '{study}' in {storage}. It holds {held}. "
            f"Create it with `luthier tune ... --study {study}`."
        )


class StudyMismatchError(LuthierError, ValueError):
    """A study that exists, with other data, another builder or another space."""

    def __init__(self, study: str, differences: Iterable[str]) -> None:
        super().__init__(
            f"study '{study}' exists and is about something else: {'; '.join(differences)}. "
            f"Go on with what it was started with, or name another: `--study {study}-2`."
        )


class WatchError(LuthierError, ValueError):
    """Something that cannot be watched, or logged."""


class StorageError(LuthierError):
    """A storage that is no luthier database, is newer, is locked, or is full."""


class MissingExtraError(LuthierError, ImportError):
    """A feature whose package, or tool, is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed. "
            f"Install it with: pip install 'luthier[{extra}]'"
        )


class MissingCompilerError(MissingExtraError):
    """There is no C compiler."""

    def __init__(self) -> None:
        LuthierError.__init__(
            self,
            "the native engine needs a C compiler, and neither gcc nor clang is on the path. "
            "Install one (Debian: apt install gcc), or leave --engine out to do without.",
        )


class Pruned(Exception):
    """Raised in an objective to end a trial that is not worth going on with."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for a near miss, else an empty text.

    >>> did_you_mean("learnin_rate", ["learning_rate", "epochs"])
    " Did you mean 'learning_rate'?"
    >>> did_you_mean("zzz", ["learning_rate"])
    ''
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
