"""How the user gets a loss from a network and a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from luthier.core import BuilderError


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss of outputs and targets, or one of a network and a batch.

    Args:
        loss_fn: Takes outputs and targets.
        loss: Takes the network and a batch; instead of `loss_fn`.
    """

    loss_fn: Callable[[Any, Any], Any] | None = None
    loss: Callable[[nn.Module, Any], Any] | None = None

    @property
    def paired(self) -> bool:
        """Whether outputs and targets are known apart."""
        return self.loss is None

    def outputs(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
        """Return what the network makes of inputs.

        Raises:
            BuilderError: when it raises.
        """
        try:
            return model(*inputs)
        except Exception as error:
            shapes = ", ".join(f"{tuple(x.shape)} {str(x.dtype)[6:]}" for x in inputs)
            raise BuilderError(
                f"the network raised {type(error).__name__} on inputs of shape {shapes}: {error}. "
                "Pass data as the training loop hands them to the network, or write "
                "loss=lambda model, batch: ...."
            ) from error

    def of(self, outputs: Any, target: Any) -> Tensor:
        """Return the loss of outputs, as one number."""
        if self.loss_fn is None:
            raise BuilderError("no loss. Pass loss_fn=... or loss=lambda model, batch: ....")
        return _scalar(self.loss_fn(outputs, target))

    def __call__(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the loss of a network on a batch."""
        if self.loss is not None:
            try:
                return _scalar(self.loss(model, batch))
            except BuilderError:
                raise
            except Exception as error:
                told = f"loss(model, batch) raised {type(error).__name__}: {error}. "
                if isinstance(self.loss, nn.modules.loss._Loss):
                    told += f"Pass loss_fn={type(self.loss).__name__}(...), with _fn: "
                    told += "it takes outputs and targets."
                else:
                    told += (
                        "It takes the network and one batch, and returns one number to minimise."
                    )
                raise BuilderError(told) from error
        inputs, target = batch
        return self.of(self.outputs(model, inputs), target)


def uncompiled(callee: Any) -> Any:
    """Return what `torch.compile` was given: copies take fewer steps than compiling is worth.

    >>> layer = nn.Linear(2, 1)
    >>> uncompiled(layer) is layer
    True
    """
    name = "_orig_mod" if isinstance(callee, nn.Module) else "_torchdynamo_orig_callable"
    return getattr(callee, name, callee)


def _scalar(loss: Any) -> Tensor:
    if not isinstance(loss, Tensor):
        raise BuilderError(
            f"the loss is a {type(loss).__name__}, but a tensor was expected. Return what "
            "`loss.backward()` is called on."
        )
    return loss if loss.ndim == 0 else loss.mean()
