"""What autograd's graph says: which operation a tensor came from, and what a loss made of it."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor

# Operations that move values and change none of them.
_MOVES = {
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Transpose", "Permute", "T",
    "Expand", "ToCopy", "Clone", "Slice", "Select", "Alias", "AsStrided", "Flatten", "Split",
}  # fmt: skip
_SUMS = {"Addmm", "Mm", "Bmm", "Baddbmm", "Convolution", "MkldnnConvolution", "Mv", "Linear"}
_ACTIVATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Relu": "relu",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "LogSigmoid": "log_sigmoid",
    "Hardtanh": "hardtanh",
    "Hardsigmoid": "hardsigmoid",
    "Exp": "exp",
}
# Non-linear operations that stand between layers; pooling by maximum is one.
_NONLINEAR = re.compile(
    r"^(Relu|LeakyRelu|PreluKernel|Prelu|Elu|Gelu|Silu|Mish|Tanh|Sigmoid|Softplus|Hard\w+|Selu|Celu"
    r"|Softmax|LogSoftmax|Softshrink|LogSigmoid|MaxPool\w*|AdaptiveMaxPool\w*|Glu|Exp|Log|Pow|Abs"
    r"|Sin|Cos|Erf|Sqrt|Rsqrt|Reciprocal|Threshold|Clamp\w*|Maximum|Minimum|NativeLayerNorm"
    r"|NativeGroupNorm|RmsNorm|ScaledDotProduct\w*|\w*Rnn\w*|\w*Lstm\w*|\w*Gru\w*)$",
    re.IGNORECASE,
)


def name_of(node: Any) -> str:
    """Return an operation's name: ``Relu`` for ``ReluBackward0``."""
    return re.sub(r"Backward\d*$", "", type(node).__name__)


def source(tensor: Tensor) -> Any:
    """Return the node that computed a tensor's values; None for one that needs no gradient."""
    node = tensor.grad_fn
    while node is not None and name_of(node) in _MOVES and node.next_functions:
        node = node.next_functions[0][0]
    return node


def op_of(tensor: Tensor) -> str:
    """Return the operation that a tensor's values come from, by the name that `OutputFacts` has.

    >>> import torch
    >>> op_of(torch.ones(2, 1, requires_grad=True).sigmoid().squeeze(1))
    'sigmoid'
    """
    node = source(tensor)
    if node is None:
        return "other"
    name = name_of(node)
    return "none" if name in _SUMS else _ACTIVATIONS.get(name, "other")


_SHARES = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
_OF_LOGITS = ("LogSoftmax", "BinaryCrossEntropyWithLogits")


def doubled(loss: Tensor) -> str:
    """Return the activation that a loss puts before one which it applies itself; mostly "".

    >>> import torch
    >>> logits = torch.ones(2, 3, requires_grad=True)
    >>> doubled(torch.nn.functional.cross_entropy(logits.softmax(1), torch.tensor([0, 1])))
    'softmax'
    """
    for node in nodes(loss):
        if name_of(node) in _OF_LOGITS:
            before = node.next_functions[0][0]
            while before is not None and name_of(before) in _MOVES and before.next_functions:
                before = before.next_functions[0][0]
            if before is not None and name_of(before) in _SHARES:
                return _SHARES[name_of(before)]
    return ""


def nodes(tensor: Tensor) -> list[Any]:
    """Return every node that a tensor was computed by."""
    found: dict[int, Any] = {}
    ahead = [tensor.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or id(node) in found:
            continue
        found[id(node)] = node
        ahead += [step for step, _ in node.next_functions]
    return list(found.values())


def nonlinear(tensor: Tensor) -> dict[str, int]:
    """Return the non-linear operations before a tensor, how often each, the last one left out."""
    last = source(tensor)
    counts: dict[str, int] = {}
    for node in nodes(tensor):
        if node is not last and _NONLINEAR.match(name := name_of(node)):
            counts[name] = counts.get(name, 0) + 1
    return counts


def leaves(tensor: Tensor) -> list[Tensor]:
    """Return the tensors that gradients of a tensor end in."""
    found = [getattr(node, "variable", None) for node in nodes(tensor)]
    return [leaf for leaf in found if leaf is not None]


def consumers(loss: Tensor, output: Tensor) -> set[str]:
    """Return the operations that a loss begins with, once it has an output."""
    end = output.grad_fn
    found = set()
    for node in nodes(loss):
        for step, _ in node.next_functions:
            after = step
            while after is not None and after is not end and name_of(after) in _MOVES:
                after = after.next_functions[0][0] if after.next_functions else None
            hit = after is not None and (
                after is end if end is not None else getattr(after, "variable", None) is output
            )
            if hit and name_of(node) not in _MOVES:
                found.add(name_of(node))
    return found
