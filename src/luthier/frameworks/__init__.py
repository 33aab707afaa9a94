"""Frameworks: the only code that touches a live user network."""

import re
import sys
from collections.abc import Sequence
from typing import Any, Protocol, cast

from luthier.core import Build, Framework, MissingExtraError, State, Task, Watcher, WatchError

NAMES = ("keras", "torch")  # Keras is asked first: on torch its networks are modules, too

_IMPORTS_KERAS = re.compile(r"^\s*(import|from)\s+(keras|tensorflow)\b", re.MULTILINE)


def load(name: str) -> Framework:
    """Return the framework of a name; its library is imported now.

    Raises:
        MissingExtraError: when the library is not installed.
        LuthierError: when Keras' backend is not.
    """
    if name == "keras":
        from luthier.frameworks.keras.process import require

        require()
        from luthier.frameworks.keras.framework import KerasFramework

        made: Any = KerasFramework()
        return cast(Framework, made)
    if name == "torch":
        try:
            from luthier.frameworks.torch import TorchFramework
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtraError("PyTorch", "torch", "training a network") from None
        return TorchFramework()
    raise ValueError(f"no framework '{name}'. There is: {', '.join(NAMES)}.")


def later(name: str) -> Framework:
    """Return the framework of a name, which is loaded when something of it is first used."""
    return cast(Framework, _Later(name))


class _Later:
    """Stands in for a framework until it is used."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, wanted: str) -> Any:
        if wanted.startswith("__"):  # what copies and pickles asks for those
            raise AttributeError(wanted)
        self.__dict__["_loaded"] = self.__dict__.get("_loaded") or load(self.name)
        return getattr(self.__dict__["_loaded"], wanted)


def loaded(name: str) -> bool:
    """Tell whether a framework's library is imported already."""
    return name in sys.modules


def owner(model: object) -> Framework | None:
    """Return the framework of a live network; None where it is none's.

    Whatever made it is imported already: nothing is imported to ask.
    """
    for name in NAMES:
        if name in sys.modules and (framework := load(name)).owns(model):
            return framework
    return None


def of_builder(build: Build, task: Task) -> str:
    """Return whose networks a user's function makes; it is called for that if it may be Keras'.

    Raises:
        BuilderError: when it raises.
    """
    if "keras" in sys.modules or _IMPORTS_KERAS.search(build.source):
        from luthier.frameworks.keras.process import require

        require()
        from luthier.frameworks.keras.framework import KerasFramework

        if KerasFramework().makes(build, task):
            return "keras"
    return "torch"


def watcher(model: Any, optimizer: Any, loss_fn: Any = None) -> Watcher:
    """Return the watcher of a live network and what trains it; nothing is attached yet.

    Args:
        model: The network.
        optimizer: One optimizer, or several in a sequence.
        loss_fn: What computes the loss, if that is known.

    Raises:
        WatchError: for what is no network, or no optimizer.
    """
    load("torch")
    from luthier.frameworks.torch.watching import watcher as of_torch

    return of_torch(model, optimizer, loss_fn)


class Keeper(Protocol):
    """Takes and restores the state of live objects of a user's loop."""

    watched: bool  # whether a watcher can look on, too

    def take(self) -> State:
        """Return a copy of all states as they are now, random numbers included."""

    def restore(self, state: State) -> None:
        """Give every object the state that `take` found."""


def keeper(things: Sequence[Any]) -> Keeper:
    """Return what keeps the state of a network and of what trains it.

    Args:
        things: The network first.

    Raises:
        WatchError: for what is of no framework, or has no state.
    """
    if "keras" in sys.modules and load("keras").owns(things[0]):
        from luthier.frameworks.keras.keeping import KerasKeeper

        return KerasKeeper(things)
    if "torch" not in sys.modules:
        raise WatchError(
            f"a {type(things[0]).__name__} was given to trial.watch, which is no network of "
            "PyTorch or Keras. Save what the trial needs below trial.checkpoint_dir instead."
        )
    from luthier.frameworks.torch.keeping import TorchKeeper

    return TorchKeeper(things)
