import itertools
import math

import pytest
import torch

from luthier.catalog import activations, initialisers
from luthier.catalog.families import ALL, KINDS, by_name, walk
from luthier.catalog.families.resnet import embedding_size
from luthier.core import BuilderError, Recipe, Space, Task

TABLE = Task("classification", "log_loss", "minimize", (7,), 3)
IMAGES = Task("classification", "log_loss", "minimize", (3, 16, 16), 5)
CODES = Task("classification", "log_loss", "minimize", (7,), 3, cardinalities=(4, 30))
TASKS = {"mlp": (TABLE, IMAGES), "resnet": (TABLE, IMAGES, CODES), "cnn": (IMAGES,)}
CASES = [(family, task) for family in ALL for task in TASKS[family.name]]


def shape_after(layer, shape, task):
    """Follow the shape of one row through a layer: what a framework will do."""
    o = layer.options
    match layer.kind:
        case "flatten":
            return (math.prod(shape),)
        case "tabular_input":
            assert len(o["cardinalities"]) == len(o["sizes"]) == len(task.cardinalities)
            return (math.prod(shape) + sum(o["sizes"]),)
        case "linear":
            assert shape == (o["inputs"],)
            return (o["outputs"],)
        case "activation":
            assert activations.by_name(o["name"])
            return shape
        case "batch_norm" | "layer_norm":
            assert shape == (o["features"],)
            return shape
        case "batch_norm2d":
            assert shape[0] == o["features"]
            return shape
        case "dropout":
            assert o["p"] == 0.0
            return shape
        case "residual":
            inner = shape
            for one in o["layers"]:
                inner = shape_after(one, inner, task)
            assert inner == shape
            return shape
        case "conv":
            assert shape[0] == o["inputs"]
            sides = [(s + 2 * o["padding"] - o["kernel"]) // o["stride"] + 1 for s in shape[1:]]
            return (o["outputs"], *sides)
        case "max_pool":
            return (shape[0], *[side // o["size"] for side in shape[1:]])
        case "global_average_pool":
            return shape[:1]
    raise AssertionError(layer.kind)


def output_shape(network, task):
    shape = task.input_shape
    for layer in network:
        shape = shape_after(layer, shape, task)
        assert min(shape) >= 1
    return shape


@pytest.mark.parametrize(("family", "task"), CASES, ids=lambda x: getattr(x, "name", ""))
class TestLaws:
    def test_every_corner_of_its_ranges_fits_the_task(self, family, task):
        build = family.build
        space = Space(
            {f"model.{name}": domain for name, domain in build.parameters.items()}, Recipe()
        )
        for point in itertools.product((0.0, 0.5, 1.0), repeat=space.dimensions):
            network = build(task, space.decode(point).model)
            assert output_shape(network, task) == (task.n_outputs,)

    def test_every_argument_may_vary_and_its_default_lies_in_range(self, family, task):
        build = family.build
        assert set(build.parameters) == set(build.defaults)
        for name, domain in build.parameters.items():
            assert build.defaults[name] in domain

    def test_has_a_dropout_and_known_kinds(self, family, task):
        kinds = [layer.kind for layer in walk(family.build(task, {}))]
        assert "dropout" in kinds
        assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 8, 28, 64])
def test_cnn_takes_images_of_any_size(side):
    task = Task("classification", "log_loss", "minimize", (1, side, side + 1), 10)
    for depth in (2, 3, 4):
        assert output_shape(by_name("cnn").build(task, {"depth": depth}), task) == (10,)


def test_cnn_refuses_a_table_in_words():
    with pytest.raises(BuilderError, match="It needs images of shape"):
        by_name("cnn").build(TABLE, {})


def test_only_the_resnet_asks_for_codes():
    assert [f.name for f in ALL if "cardinalities" in f.build.reserved] == ["resnet"]


def test_embeddings_follow_the_rule_of_fastai():
    assert [embedding_size(n) for n in (2, 10, 100, 1000)] == [3, 6, 22, 50]


@pytest.mark.parametrize("initialiser", initialisers.ALL, ids=lambda i: i.name)
def test_initialisers_have_the_deviation_of_torch(initialiser):
    draw = {
        "kaiming_uniform": lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu"),
        "kaiming_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "xavier_uniform": torch.nn.init.xavier_uniform_,
        "xavier_normal": torch.nn.init.xavier_normal_,
        "lecun_normal": lambda w: torch.nn.init.normal_(w, std=w.shape[1] ** -0.5),
        "truncated_normal": lambda w: torch.nn.init.trunc_normal_(w, std=0.02),
    }.get(initialiser.name)
    if draw is None:
        assert initialiser.distribution == "orthogonal"
        return
    torch.manual_seed(0)
    kernel = draw(torch.empty(300, 200))
    assert float(kernel.std()) == pytest.approx(initialiser.deviation(200, 300), rel=0.02)
