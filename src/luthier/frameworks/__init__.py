"""Frameworks: the only code that touches a live user network."""

from luthier.core import Framework, MissingExtraError

NAMES = ("torch",)


def load(name: str) -> Framework:
    """Return the framework of a name; its library is imported now.

    Raises:
        MissingExtraError: when the library is not installed.
    """
    if name == "torch":
        try:
            from luthier.frameworks.torch import TorchFramework
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtraError("PyTorch", "torch", "training a network") from None
        return TorchFramework()
    raise ValueError(f"no framework '{name}'. There is: {', '.join(NAMES)}.")
