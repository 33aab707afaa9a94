"""Graphs of networks made of PyTorch's own layers, read off layer by layer.

`torch.export` takes a second to load and a third of one for each network, which is as long as some
searches train it. A sequence of known layers says what it computes; everything else is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from torch import Tensor, nn

from luthier.core import Forward, Graph, Node, Ref
from luthier.frameworks.torch.blocks import Network, Residual
from luthier.frameworks.torch.read_off_images import IMAGES

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def read_off(module: nn.Module, batch: Sequence[Tensor], chunk: Sequence[Tensor]) -> Graph | None:
    """Return the graph of a network, the same as exporting would; None where it must be exported.

    Args:
        module: The network.
        batch: Inputs of a training step: only shapes and types count.
        chunk: Inputs of an evaluation pass.

    >>> import torch
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> [node.op for node in read_off(net, [torch.ones(4, 2)], [torch.ones(8, 2)]).train.nodes]
    ['permute', 'addmm', 'relu']
    >>> read_off(nn.LSTM(2, 3), [torch.ones(4, 1, 2)], [torch.ones(8, 1, 2)])
    """
    tensors = [*module.parameters(), *module.buffers()]
    twice = len({id(t) for t in tensors}) < len(_all(module))
    if len(batch) != 1 or twice or not _plain(module, batch[0]):
        return None
    try:
        train = Reader(module, tuple(batch[0].shape), str(batch[0].dtype), training=True)
        evaluate = Reader(module, tuple(chunk[0].shape), str(chunk[0].dtype), training=False)
        forwards = train.forward(), evaluate.forward()
    except _UnknownError:
        return None
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    named.sort(key=lambda pair: pair[1].ndim < 2)
    return Graph(
        *forwards,
        rows=len(chunk[0]),
        trainable=tuple(name for name, _ in named),
        kernels=sum(p.ndim >= 2 for _, p in named),
    )


class _UnknownError(Exception):
    """A layer that is not known to do what its class says, or no known layer at all."""


def _all(module: nn.Module) -> list[Tensor]:
    return [
        t
        for part in module.modules()
        for t in (*part._parameters.values(), *part._buffers.values())
        if t is not None
    ]


def _plain(module: nn.Module, given: Tensor) -> bool:
    """Tell whether every part does what its class says, in one type of numbers."""
    floats = (t for t in _all(module) if t.is_floating_point())
    return (
        given.is_floating_point()
        and all(t.dtype == given.dtype for t in floats)
        and not any(getattr(part, hooks) for part in module.modules() for hooks in _HOOKS)
        and not any("forward" in vars(part) for part in module.modules())
    )


class Reader:
    """Reads one pass."""

    def __init__(
        self, module: nn.Module, shape: tuple[int, ...], dtype: str, *, training: bool
    ) -> None:
        self.module, self.shape, self.training = module, shape, training
        self.sizes = (tuple(shape[1:]),)
        self.dtype = dtype.removeprefix("torch.")
        self.nodes: list[Node] = []
        self.counts: dict[str, int] = {}
        self.updates: dict[str, str] = {}
        self.calls = 0

    def forward(self) -> Forward:
        """Return the whole pass."""
        output = self._layer(self.module, "", "inputs_0")
        if output == "inputs_0":
            raise _UnknownError
        names = {
            **{_name("p", name): name for name, _ in self.module.named_parameters()},
            **{_name("b", name): name for name, _ in self.module.named_buffers()},
        }
        return Forward(
            ("inputs_0",), names, {}, tuple(self.nodes), output, self.updates, self.sizes
        )

    def _layer(self, layer: nn.Module, path: str, value: str) -> str:
        """Add what a layer computes; return the name of its result."""
        read = LAYERS.get(type(layer))
        if read is None:
            raise _UnknownError
        return read(self, layer, path, value)

    def sequence(self, layer: Any, path: str, value: str) -> str:
        """Read layers one after the other."""
        for name, part in layer.named_children():
            value = self._layer(part, f"{path}{name}.", value)
        return value

    def residual(self, layer: Residual, path: str, value: str) -> str:
        """Read the layers inside, and add their result."""
        inner = self.sequence(layer.layers, f"{path}layers.", value)
        return self.node("add", {"self": Ref(value), "other": Ref(inner)})

    def node(self, op: str, args: Mapping[str, Any], dtypes: tuple[str, ...] | None = None) -> str:
        """Add an operation; return its name, which is the one that export would give it."""
        count = self.counts.get(op, 0)
        self.counts[op] = count + 1
        name = f"{op}_{count}" if count else op
        self.nodes.append(Node(name, op, args, dtypes or (self.dtype,)))
        return name

    def item(self, of: str, index: int, first: int) -> str:
        """Add one of an operation's several results."""
        number = first + index
        name = f"getitem_{number}" if number else "getitem"
        self.nodes.append(Node(name, "item", {"of": Ref(of), "index": index}, (self.dtype,)))
        return name

    def results(self, count: int) -> int:
        """Number an operation's results; return the number of the first."""
        first = self.counts.get("getitem", 0)
        self.counts["getitem"] = first + count
        return first

    def flatten(self, layer: nn.Flatten, path: str, value: str) -> str:
        """Read what makes a row of an input."""
        if (layer.start_dim, layer.end_dim) != (1, -1):
            raise _UnknownError
        if len(self.shape) == 2:
            return value
        width = 1
        for size in self.shape[1:]:
            width *= size
        self.shape = (self.shape[0], width)
        return self.node("view", {"self": Ref(value), "size": self.shape})

    def linear(self, layer: nn.Linear, path: str, value: str) -> str:
        """Read a product."""
        self._matrix(layer.in_features)
        kernel = self.node("permute", {"self": self.parameter(f"{path}weight"), "dims": (1, 0)})
        self.shape = (self.shape[0], layer.out_features)
        if layer.bias is None:
            return self.node("mm", {"self": Ref(value), "mat2": Ref(kernel)})
        bias = self.parameter(f"{path}bias")
        return self.node("addmm", {"self": bias, "mat1": Ref(value), "mat2": Ref(kernel)})

    def batch_norm(self, layer: nn.BatchNorm1d | nn.BatchNorm2d, path: str, value: str) -> str:
        """Read a normalisation over rows, or over rows and pixels."""
        dimensions = 4 if isinstance(layer, nn.BatchNorm2d) else 2
        if len(self.shape) != dimensions or self.shape[1] != layer.num_features:
            raise _UnknownError
        if not (layer.affine and layer.track_running_stats) or layer.momentum is None:
            raise _UnknownError
        counter = f"{path}num_batches_tracked"
        args: dict[str, Any] = {
            "input": Ref(value),
            "weight": self.parameter(f"{path}weight"),
            "bias": self.parameter(f"{path}bias"),
            "running_mean": Ref(_name("b", f"{path}running_mean")),
            "running_var": Ref(_name("b", f"{path}running_var")),
        }
        numbers = {"momentum": layer.momentum, "eps": layer.eps}
        if not self.training:
            op, count = "_native_batch_norm_legit_no_training", 3
            norm = self.node(op, {**args, **numbers}, (self.dtype,) * count)
            return self.item(norm, 0, self.results(count))
        one = self.node("add", {"self": Ref(_name("b", counter)), "other": 1}, ("int64",))
        op, count = "_native_batch_norm_legit_functional", 5
        norm = self.node(op, {**args, "training": True, **numbers}, (self.dtype,) * count)
        first = self.results(count)
        result = self.item(norm, 0, first)
        self.updates[f"{path}running_mean"] = self.item(norm, 3, first)
        self.updates[f"{path}running_var"] = self.item(norm, 4, first)
        self.updates[counter] = one
        return result

    def layer_norm(self, layer: nn.LayerNorm, path: str, value: str) -> str:
        """Read a normalisation over columns."""
        shape = tuple(layer.normalized_shape)
        if len(shape) != 1 or not layer.elementwise_affine or layer.bias is None:
            raise _UnknownError
        self._matrix(shape[0])
        norm = self.node(
            "native_layer_norm",
            {
                "input": Ref(value),
                "normalized_shape": shape,
                "weight": self.parameter(f"{path}weight"),
                "bias": self.parameter(f"{path}bias"),
                "eps": layer.eps,
            },
            (self.dtype,) * 3,
        )
        return self.item(norm, 0, self.results(3))

    def dropout(self, layer: nn.Dropout, path: str, value: str) -> str:
        """Read a dropout of numbers."""
        return self.dropped(value, len(self.shape))

    def dropped(self, value: str, kept: int) -> str:
        """Read a dropout of what some leading dimensions have in common: nothing in evaluation."""
        if not self.training:
            return value
        args = {"input": Ref(value), "call": self.calls, "kept": kept}
        self.calls += 1
        return self.node("dropout", args)

    def parameter(self, path: str) -> Ref:
        """Return the value that a parameter is read as."""
        return Ref(_name("p", path))

    def unknown(self) -> NoReturn:
        """Leave the network to export."""
        raise _UnknownError

    def _matrix(self, width: int) -> None:
        if len(self.shape) != 2 or self.shape[1] != width:
            raise _UnknownError  # export says what is wrong with it


def _name(kind: str, path: str) -> str:
    return f"{kind}_network_{path.replace('.', '_')}"


def _function(op: str, *numbers: tuple[str, str]) -> Callable[..., str]:
    """Return what reads a function of every number alone, with attributes as its numbers."""

    def read(reader: Reader, layer: nn.Module, path: str, value: str) -> str:
        args = {name: getattr(layer, attribute) for name, attribute in numbers}
        return reader.node(op, {"self": Ref(value), **args})

    return read


def _selu(reader: Reader, layer: nn.SELU, path: str, value: str) -> str:
    numbers = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}
    return reader.node("elu", {"self": Ref(value), **numbers})


def _silu(reader: Reader, layer: nn.SiLU, path: str, value: str) -> str:
    gate = reader.node("sigmoid", {"self": Ref(value)})
    return reader.node("mul", {"self": Ref(value), "other": Ref(gate)})


def _gelu(reader: Reader, layer: nn.GELU, path: str, value: str) -> str:
    if layer.approximate != "none":
        raise _UnknownError
    return reader.node("gelu", {"self": Ref(value)})


def _identity(reader: Reader, layer: nn.Module, path: str, value: str) -> str:
    return value


LAYERS: Mapping[type[nn.Module], Callable[..., str]] = {
    Network: Reader.sequence,
    nn.Sequential: Reader.sequence,
    Residual: Reader.residual,
    nn.Flatten: Reader.flatten,
    nn.Linear: Reader.linear,
    nn.BatchNorm1d: Reader.batch_norm,
    nn.BatchNorm2d: Reader.batch_norm,
    nn.LayerNorm: Reader.layer_norm,
    nn.Dropout: Reader.dropout,
    nn.Identity: _identity,
    nn.ReLU: _function("relu"),
    nn.LeakyReLU: _function("leaky_relu", ("negative_slope", "negative_slope")),
    nn.ELU: _function("elu", ("alpha", "alpha")),
    nn.SELU: _selu,
    nn.GELU: _gelu,
    nn.SiLU: _silu,
    nn.Tanh: _function("tanh"),
    nn.Sigmoid: _function("sigmoid"),
    **IMAGES,
}
