"""What crosses into another process: functions of notebooks and scripts, arrays, errors."""

from __future__ import annotations

import io
import os
import pickle
import sys
import traceback
from collections.abc import Iterator, Set
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cloudpickle

from luthier.core import LuthierError


def pack(work: Any) -> bytes:
    """Return bytes from which a fresh process makes the same object.

    Functions and classes of ``__main__``, and of modules that a fresh process cannot import, go
    along as code; everything else goes by its name.

    Raises:
        LuthierError: for an object that cannot leave this process, such as an open file.

    >>> import pickle
    >>> factor = 3
    >>> pickle.loads(pack(lambda x: factor * x))(2)
    6
    """
    try:
        with _by_value():
            return bytes(cloudpickle.dumps(work))
    except LuthierError:
        raise
    except Exception as error:
        raise LuthierError(
            f"what is to be trained cannot be sent to another process ({error}). A builder or "
            "objective may use functions, classes, arrays and data frames from outside, but no "
            "open files, locks or connections. Open them inside of it, or leave workers out."
        ) from error


def pack_outcome(value: Any, error: BaseException | None) -> bytes:
    """Return bytes of what a call returned or raised; what cannot be sent is put in words."""
    if error is not None and not isinstance(error, LuthierError):
        error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        packed = bytes(cloudpickle.dumps((value, error)))
        pickle.loads(packed)  # noqa: S301 - made in the line above
    except Exception:
        words = LuthierError(str(error)) if isinstance(error, LuthierError) else _in_words(error)
        packed = pickle.dumps((None, words if error is not None else None))
    return packed


def unpack_outcome(packed: bytes) -> tuple[Any, BaseException | None] | None:
    """Return what `pack_outcome` was given; None for bytes that a death cut short."""
    try:
        outcome: tuple[Any, BaseException | None] = pickle.load(io.BytesIO(packed))  # noqa: S301
    except (EOFError, pickle.UnpicklingError):
        return None
    return outcome


def _in_words(error: BaseException | None) -> RuntimeError:
    words = RuntimeError(f"{type(error).__name__}: {error}")
    for note in getattr(error, "__notes__", ()):
        words.add_note(note)
    return words


@contextmanager
def _by_value() -> Iterator[None]:
    """Have modules that only this process can import pickled as code."""
    modules = _own_modules()
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


# Modules that were looked at, and whether only this process can import them: a study's work crosses
# a dozen times, and a thousand modules are asked each time.
_looked_at: dict[str, tuple[ModuleType, frozenset[str], bool]] = {}


def _own_modules() -> list[ModuleType]:
    """Return the modules that only this process can import."""
    folders = frozenset(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
    own = []
    for name, module in list(sys.modules.items()):
        known = _looked_at.get(name)
        if known is None or known[0] is not module or known[1] != folders:
            known = module, folders, _lies_elsewhere(name, module, folders)
            _looked_at[name] = known
        if known[2]:
            own.append(module)
    return own


def _lies_elsewhere(name: str, module: ModuleType, folders: Set[str]) -> bool:
    """Tell whether a fresh process with the same path would not find a module."""
    file = getattr(module, "__dict__", {}).get("__file__")
    known = name == "__main__" or name != getattr(module, "__name__", None)
    if known or not isinstance(file, str) or not file.endswith(".py"):
        return False
    place = os.path.join(*name.split("."))  # noqa: PTH118 - a thousand modules in a moment
    for ending in (f"{place}.py", os.path.join(place, "__init__.py")):  # noqa: PTH118
        if file.endswith(os.sep + ending):
            return file[: -len(ending) - 1] not in folders and not _found(name)
    return not _found(name)


def _found(name: str) -> bool:
    """Ask what imports modules, such as the hooks of packages installed in place."""
    top = name.partition(".")[0]
    for finder in sys.meta_path:
        try:
            if finder.find_spec(top, None) is not None:
                return True
        except (AttributeError, ImportError, ValueError):
            continue
    return False
