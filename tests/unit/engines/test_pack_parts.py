"""What packs compute where other engines ask the host: metrics and orders."""

import importlib.util

import numpy as np
import pytest

from luthier.catalog import metrics, order
from luthier.core import Task

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)

from luthier.engines.compiled import xla  # first: it sets jax's flags
from luthier.engines.packed.compiling import compiled_with
from luthier.engines.packed.groups import group, largest, mapped_in_groups
from luthier.engines.packed.metrics import FORMULAS, Truth, scores
from luthier.engines.packed.orders import epoch_order

jax = xla.jax
jnp = jax.numpy
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("seed", "rows", "batch_size"), [(0, 50, 8), (2**40 + 3, 33, 32), (5, 9, 9)]
)
def test_orders_are_the_catalogs_to_the_bit(seed, rows, batch_size):
    key = np.array(order.order_key(seed), np.uint32)
    with xla.exact():
        drawn = jax.vmap(lambda n: epoch_order((key[0], key[1]), n, rows, batch_size))(
            np.arange(7, 12, dtype=np.uint32)
        )
    expected = order.epoch_orders(seed, range(7, 12), rows, batch_size)
    assert np.array_equal(drawn, expected)


def task(name, outputs):
    kind = metrics.by_name(name).kind
    return Task(
        kind=kind,
        metric=name,
        direction=metrics.by_name(name).direction,
        input_shape=(3,),
        n_outputs=max(2, outputs) if kind == "classification" else outputs,
        classes=("a", "b", "c")[: max(2, outputs)] if kind == "classification" else (),
        target_mean=(1.5,) * outputs if kind == "regression" else (),
        target_scale=(3.0,) * outputs if kind == "regression" else (),
        shown=(name,),
    )


class Data:
    def __init__(self, task, truth, weight):
        self.task, self.truth, self.truth_weight = task, truth, weight


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("name", FORMULAS)
def test_metrics_are_the_catalogs(name, outputs, weighted):
    about = task(name, outputs)
    raw = RNG.normal(size=(40, outputs)).astype(np.float32)
    weight = RNG.uniform(size=40) if weighted else None
    own = raw.astype(np.float64)
    if about.kind == "classification":
        truth = RNG.integers(max(2, outputs), size=40)
    else:
        truth, own = RNG.normal(size=(40, outputs)), own * 3.0 + 1.5
    with xla.exact():
        (found,) = np.asarray(scores(about, raw, Truth.of(Data(about, truth, weight))))
    assert found == pytest.approx(metrics.by_name(name).compute(own, truth, weight), rel=1e-12)


def test_a_metric_of_what_is_no_number_is_none():
    about = task("accuracy", 3)
    raw, truth = np.full((4, 3), np.inf, np.float32), np.zeros(4, np.int64)
    with xla.exact():
        assert np.isnan(scores(about, raw, Truth.of(Data(about, truth, None)))).all()


def test_the_largest_array_is_found_inside_of_loops():
    def table(x):
        return jax.lax.map(lambda row: (row[:, None] * row).sum(), x)

    assert largest(jax.make_jaxpr(table)(jnp.ones((3, 50), "float32")).jaxpr) == 50 * 50 * 4


@pytest.mark.parametrize("size", [1, 7, 12, 256])
@pytest.mark.parametrize("room", [0, 10, 100, 1e9])
def test_groups_are_equal_and_as_large_as_there_is_room_for(size, room):
    lanes = group(size, 10, room)
    assert size % lanes == 0
    assert lanes == 1 or lanes * 10 <= room
    assert all(size % n or n * 10 > room for n in range(lanes + 1, size + 1))


def test_lanes_in_groups_are_what_they_are_at_once():
    lanes = {"a": jnp.arange(12.0).reshape(6, 2), "b": jnp.arange(6)}

    def look(lane):
        return (lane["a"] * lane["b"]).sum(), lane["a"]

    at_once, grouped = (mapped_in_groups(look, lanes, room) for room in (1e9, 16))
    for one, other in zip(at_once, grouped, strict=True):
        assert np.array_equal(one, other)


def test_an_option_that_the_compiler_does_not_know_is_left_out():
    doubled = jax.jit(lambda x: 2 * x).lower(jnp.ones(3))
    assert compiled_with(doubled, {"xla_gpu_will_be_called_otherwise": True})(jnp.ones(3))[0] == 2
