"""What a training pass in half precision keeps in bfloat16 between its products."""

from __future__ import annotations

from dataclasses import replace

from luthier.core import Forward
from luthier.core.graph import refs
from luthier.engines.compiled.operations.convolutions import SLICED
from luthier.engines.compiled.operations.products import PRODUCTS

# What PyTorch's autocast computes in half precision; sums, norms and losses stay as they are.
HALVED = frozenset({*PRODUCTS, *SLICED})

# What hands values on, or some of them: in bfloat16 the same ones.
SELECTING = frozenset(
    {
        "_unsafe_view",
        "clone",
        "item",
        "max_pool2d_with_indices",
        "permute",
        "relu",
        "reshape",
        "transpose",
        "view",
    }
)


def kept_half(forward: Forward) -> Forward:
    """Leave a product's result in bfloat16 as far as the next product, where all between selects.

    Both ends are bfloat16 anyway, so that nothing is rounded that was not, gradients likewise; only
    what several operations read adds their gradients in bfloat16, as under PyTorch's autocast.
    Written as float32 in between, the values of a small CNN's pack took a tenth of its memory
    traffic.

    >>> from luthier.core import Node, Ref
    >>> def node(name, op, of): return Node(name, op, {"self": Ref(of)}, ("float32",))
    >>> nodes = (node("a", "mm", "x"), node("b", "relu", "a"), node("c", "mm", "b"))
    >>> kept = kept_half(Forward(("x",), {}, {}, (*nodes, node("y", "exp", "c")), "y", {}))
    >>> [one.dtypes[0] for one in kept.nodes]
    ['bfloat16', 'bfloat16', 'float32', 'float32']
    """
    half: set[str] = set()
    nodes = []
    for node in forward.nodes:
        given = {ref.name for ref in refs(node.args.values())}
        comes = node.op in HALVED or (node.op in SELECTING and bool(given & half))
        goes = all(reader.op in HALVED | SELECTING for reader in forward.readers.get(node.name, ()))
        if comes and goes and node.name not in forward.told and node.dtypes[0] == "float32":
            half.add(node.name)
            node = replace(node, dtypes=("bfloat16", *node.dtypes[1:]))
        nodes.append(node)
    return replace(forward, nodes=tuple(nodes))
