"""Families become modules, and text that builds the same modules."""

import itertools

import pytest
import torch
from torch import nn

from luthier.catalog import activations, families
from luthier.core import Recipe, Task
from luthier.frameworks.torch import blocks
from luthier.frameworks.torch.layers import module_of, text_of


def task(input_shape, n_outputs=3, cardinalities=()):
    return Task(
        "classification",
        "log_loss",
        "minimize",
        input_shape,
        n_outputs,
        cardinalities=cardinalities,
    )


def networks():
    activation = [a.name for a in activations.ALL]
    for normalisation, depth, shape in itertools.product(
        ("none", "batch", "layer"), (1, 3), ((5,), (1, 4, 4))
    ):
        yield "mlp", task(shape), {"normalisation": normalisation, "depth": depth}
    for name in activation:
        yield "mlp", task((5,)), {"activation": name}
    for normalisation, codes in itertools.product(("batch", "layer"), ((), (3, 7))):
        yield "resnet", task((5,), 1, codes), {"normalisation": normalisation, "width": 16}
    for normalisation, shape in itertools.product(("none", "batch"), ((1, 8, 8), (3, 5, 9))):
        yield "cnn", task(shape), {"normalisation": normalisation, "width": 4}


CASES = {
    f"{name} {t.input_shape} {t.cardinalities} {model}": (name, t, model)
    for name, t, model in networks()
}


@pytest.mark.parametrize("case", CASES)
def test_the_text_builds_the_same_module(case):
    name, task, model = CASES[case]
    network = families.by_name(name).build(task, model)
    module = module_of(network)
    names = {"nn": nn, "torch": torch, **vars(blocks)}
    again = eval(text_of(network), names)
    assert str(again) == str(module)
    shapes, theirs = ({k: v.shape for k, v in m.state_dict().items()} for m in (module, again))
    assert shapes == theirs
    again.load_state_dict(module.state_dict())
    inputs = [torch.rand(4, *task.input_shape)]
    if task.cardinalities:
        inputs.append(torch.tensor([[0, 0], [1, 3], [2, 6], [0, 5]]))
    outputs = module.eval()(*inputs)
    assert outputs.shape == (4, task.n_outputs)
    assert torch.equal(outputs, again.eval()(*inputs))


def test_a_layer_that_pytorch_has_no_module_for_is_named():
    with pytest.raises(ValueError, match="layer of kind 'warp'"):
        module_of((families.Layer("warp"),))


def test_the_dropout_of_a_family_waits_for_the_recipe():
    module = module_of(families.by_name("mlp").build(task((5,)), Recipe().model))
    assert {layer.p for layer in module.modules() if isinstance(layer, nn.Dropout)} == {0.0}


def test_every_column_has_its_own_embedding():
    module = blocks.TabularInput((3, 7), (2, 4))
    codes = torch.tensor([[2, 6]])
    joined = module(torch.zeros(1, 5), codes)
    expected = torch.cat([module.embeddings[0].weight[2], module.embeddings[1].weight[6]])
    assert torch.equal(joined[0, 5:], expected)
