"""Graphs that were captured, so that trials of one structure are exported once."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from luthier.core import CaptureError, Graph
from luthier.frameworks.torch.fingerprint import DROPOUTS, RECURRENT, fingerprint
from luthier.frameworks.torch.graph_files import GraphFiles
from luthier.frameworks.torch.rates import rates_of
from luthier.frameworks.torch.read_off import read_off

KEPT = 64  # structures in memory: a search rarely has more alive at a time, and one is small


class Alike(NamedTuple):
    """A network, and its `fingerprint` from before it ran: a run may change what it holds.

    Args:
        module: The network.
        print_of: Its fingerprint.
    """

    module: nn.Module
    print_of: str | None

    @classmethod
    def of(cls, module: nn.Module) -> Alike:
        """Return a new network with its fingerprint."""
        return cls(module, fingerprint(module))


class Graphs:
    """Captures networks, and remembers what it captured, refusals too, here and on disk."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, Graph | str] = OrderedDict()
        self._rates: OrderedDict[object, tuple[float, ...]] = OrderedDict()
        self._files = GraphFiles()

    def graph(
        self,
        make: Callable[[], nn.Module],
        batch: Sequence[Tensor],
        chunk: Sequence[Tensor],
        key: object,
        alike: Alike | None = None,
    ) -> Graph:
        """Return the graph of a fresh network.

        Args:
            make: Returns the network.
            batch: Inputs of a training step.
            chunk: Inputs of an evaluation pass.
            key: What decides the network's code: builder and arguments.
            alike: One that was made before, where there is one: another one is only made if this
                structure was not captured yet.

        Raises:
            CaptureError: where it cannot be exported.
        """
        module, print_of = alike or Alike.of(make())
        shapes = tuple((tuple(x.shape), x.dtype) for x in (*batch, *chunk))
        known = None if print_of is None else (key, print_of, shapes)
        if known is None:
            return _graph(_captured(make(), batch, chunk))
        if known not in self._kept:
            found = self._files.read(known)
            if found is None:
                found = _captured(make(), batch, chunk)  # the other one has run
                self._files.write(known, found)
            self._kept[known] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(known)
        graph = _graph(self._kept[known])
        rates = self._rates_of(module, make, batch, known) if graph.rates else ()
        # The same one if it can be: it knows its key.
        return graph if rates == graph.rates else dataclasses.replace(graph, rates=rates)

    def _rates_of(
        self,
        module: nn.Module,
        make: Callable[[], nn.Module],
        batch: Sequence[Tensor],
        known: object,
    ) -> tuple[float, ...]:
        """Return a network's dropout rates; networks alike with the same settings share them."""
        settings = tuple(
            layer.p if isinstance(layer, DROPOUTS) else layer.dropout
            for layer in module.modules()
            if isinstance(layer, (DROPOUTS, RECURRENT))
        )
        key = (known, settings)
        if key not in self._rates:
            self._rates[key] = rates_of(make(), batch)
            while len(self._rates) > KEPT:
                self._rates.popitem(last=False)
        return self._rates[key]


def _captured(module: nn.Module, batch: Any, chunk: Any) -> Graph | str:
    known = read_off(module, batch, chunk)
    if known is not None:
        return dataclasses.replace(known, rates=rates_of(module, batch))
    from luthier.frameworks.torch.capture import capture_graph  # torch.export takes a second

    try:
        return capture_graph(module, batch, chunk)
    except CaptureError as error:
        return str(error)


def _graph(found: Graph | str) -> Graph:
    if isinstance(found, str):
        raise CaptureError(found)
    return found
