"""C programs compute what NumPy and PyTorch compute, whatever the sizes."""

import ctypes
import itertools
import sys

import numpy as np
import pytest
from scipy import special
from torch import nn

from luthier import engines, frameworks
from luthier.catalog import activations, losses
from luthier.catalog.ops_numpy import numpy_ops
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compile_parts, compiler, load
from luthier.engines.native.gemm import SPARE, Product
from luthier.engines.native.losses import LOSSES, loss_source
from luthier.engines.native.machine import Machine
from luthier.engines.native.parts import loops, parts, prelude, shared
from luthier.engines.native.rounded import tiles
from luthier.engines.native.tiles import ARGUMENTS
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

FLOAT, DOUBLE = (Machine.here(name) for name in ("float32", "float64"))
NARROW = Machine(4, 12, double=False)  # what an older processor would get
HALF = Machine.here("bfloat16")
MACHINES = {"float": FLOAT, "double": DOUBLE, "narrow": NARROW}
if tiles():
    MACHINES |= {"half": HALF, "twice half": HALF.evaluating}


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


SIZES = [(1, 16, 1), (5, 32, 7), (32, 128, 64), (33, 48, 300), (64, 96, 520), (13, 512, 33)]


WAYS = ("plain", "A turned", "B turned", "added", "bias and relu", "gated", "any rows", "any inner")


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_products_are_those_of_numpy(machine):
    rng = np.random.default_rng(0)
    dtype = np.float64 if machine.double else np.float32

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    products, expected = [], []
    for (rows, columns, inner), way in itertools.product(SIZES, WAYS):
        a, b, bias = normal(rows, inner), normal(inner, columns), normal(columns)
        c, gate = normal(2, rows + SPARE, columns + machine.lanes)
        down, across = (1, rows) if way == "A turned" else (inner, 1)
        stride = machine.padded(inner) if way == "B turned" else columns
        short = columns - 3 if way == "B turned" else 0  # its last columns are filled up
        sizes = (0 if way == "any rows" else rows, columns, 0 if way == "any inner" else inner)
        product = Product(
            *(machine, *sizes, down, across, stride, c.shape[1]),
            turned=short,
            adds=way == "added",
            bias=way == "bias and relu",
            end={"bias and relu": "relu", "gated": "gate"}.get(way, "plain"),
        )
        exact = halved if machine.parts == 1 else np.ndarray.astype
        true = exact(a, np.float64) @ exact(b, np.float64)
        if way == "added":
            true += c[:rows, :columns]
        if way == "bias and relu":
            true = np.maximum(true + bias, 0)
        if way == "gated":
            true *= gate[:rows, :columns] > 0
        if way == "B turned":
            true[:, short:] = 0
            b = np.pad(b.T[:short], [(0, 0), (0, stride - inner)])
        if way == "A turned":
            a = a.T
        if way == "any rows":
            a = np.pad(a, [(0, SPARE), (0, 0)])
        given = rows if way == "any rows" else inner
        products.append((product, *map(np.ascontiguousarray, (a, b, c, bias, gate)), given))
        expected.append(true)
    made = [product for product, *_ in products]
    library = load(program(machine, made), needed(machine, made))
    for (product, *arrays, given), true in zip(products, expected, strict=True):
        call = getattr(library, f"call_{product.name}")
        call(*map(pointer, arrays), ctypes.c_long(given))
        found = arrays[2][: len(true), : product.columns]
        close = 1e-12 if machine.double else 5e-5 if machine.parts > 1 else 2e-5
        np.testing.assert_allclose(found, true, rtol=close, atol=close * len(arrays[1]) ** 0.5)


def halved(x, dtype):
    """Round to eight binary digits, the nearest even ones, as bfloat16 has them."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32).astype(dtype)


def needed(machine, products):
    called = {one for product in products for one in product.loops}
    return (*shared(machine), *loops(machine, called))


def program(machine, products):
    functions = {}
    for product in products:
        functions |= product.functions()
    calls = {
        f"void call_{p.name}({ARGUMENTS}, long given) {{ {p.name}(A, B, C, bias, gate, given); }}\n"
        for p in products
    }
    return "".join([prelude(machine), *functions.values(), *calls])


def test_parts_that_programs_share_are_compiled_once(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sums = "void sums(real *to) { real x[LANES] = {0}; column_sums(x, ROWS, LANES, LANES, to, 0); }"
    first, second = (
        load(f"{prelude(FLOAT)}\n#define ROWS {rows}\n{sums}", shared(FLOAT)) for rows in (0, 1)
    )
    assert len(list(tmp_path.rglob("*.o"))) == 1
    assert len(list(tmp_path.rglob("*.so"))) == 2
    for library in (first, second):
        found = np.ones(FLOAT.lanes, np.float32)
        library.sums(pointer(found))
        assert (found == 0).all()


def test_what_is_prepared_needs_no_network_and_is_not_compiled_again(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        engines.prepare("auto", "adam", "cross_entropy")
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.o")}
    assert len(made) == 4
    needed = parts(Machine.here(), "adam", "cross_entropy")
    assert {*compile_parts(needed)} == {*made}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.o")} == made


@pytest.mark.parametrize(
    ("engine", "loss", "path"),
    [("torch_eager", "mse", "/bin/cc"), ("auto", "no_such_loss", "/bin/cc"), ("auto", "mse", None)],
)
def test_what_cannot_be_prepared_is_left(engine, loss, path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys.modules[load.__module__], "compiler", lambda: path)
    engines.prepare(engine, "adam", loss)
    assert not [*tmp_path.rglob("*.o")]


def test_a_product_leaves_what_lies_beside_it():
    product = Product(FLOAT, 7, 32, 5, 5, 1, 32, 48)
    library = load(program(FLOAT, [product]), needed(FLOAT, [product]))
    a, b = np.ones((7, 5), np.float32), np.ones((5, 32), np.float32)
    c = np.full((8, 48), 9, np.float32)
    getattr(library, f"call_{product.name}")(pointer(a), pointer(b), pointer(c), None, None, 0)
    assert (c[:7, :32] == 5).all()
    assert (c[7] == 9).all()
    assert (c[:, 32:] == 9).all()


FUNCTIONS = {
    "exp": (np.exp, -80, 80),
    "expm1": (np.expm1, -15, 15),
    "tanh": (np.tanh, -10, 10),
    "log": (np.log, 1e-6, 1e6),
    "log1p": (np.log1p, 0, 1),
    "erf": (special.erf, -5, 5),
    "sigmoid": (special.expit, -30, 30),
}


@pytest.fixture(scope="module")
def functions():
    lines = "".join(
        f"void all_{name}(const real *x, real *y, long n) {{ EACH(i, n) y[i] = {name}_(x[i]); }}\n"
        for name in FUNCTIONS
    )
    return load(prelude(FLOAT) + lines)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_single_precision(functions, name):
    function, low, high = FUNCTIONS[name]
    x = np.concatenate([np.linspace(low, high, 20_001), [1e-4, 1e-3, 0.3, 0.4]]).astype(np.float32)
    found = np.empty_like(x)
    getattr(functions, f"all_{name}")(pointer(x), pointer(found), ctypes.c_long(len(x)))
    np.testing.assert_allclose(found, function(x.astype(np.float64)), rtol=5e-7, atol=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_no_number_is_none(functions, name):
    x, found = np.full(16, np.nan, np.float32), np.zeros(16, np.float32)
    getattr(functions, f"all_{name}")(pointer(x), pointer(found), ctypes.c_long(16))
    assert np.isnan(found).all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_slopes_are_those_of_the_catalog(name):
    outputs = 1 if name == "binary_cross_entropy" else 5
    code = loss_source(name)
    code += (
        "void call(void *z, void *t, real *cost, int slope) "
        f"{{ losses_of(z, t, cost, slope, {outputs}, {outputs}); }}"
    )
    library = load(prelude(DOUBLE) + code)
    rng = np.random.default_rng(0)
    rows = DOUBLE.lanes
    z, t = rng.normal(0, 3, (2, rows, outputs))
    t = np.abs(t) / np.abs(t).sum(1, keepdims=True) if outputs > 1 else rng.uniform(size=(rows, 1))
    formula = losses.by_name(name).per_example

    def cost(values):
        return formula(numpy_ops, values, t)

    found, changed, turned = np.empty(rows), z.T.copy(), t.T.copy()
    library.call(pointer(changed), pointer(turned), pointer(found), 1)
    np.testing.assert_allclose(found, cost(z), rtol=1e-12)
    for j in range(outputs):
        step = np.zeros((rows, outputs))
        step[:, j] = 1e-6
        slope = (cost(z + step) - cost(z - step)) / 2e-6
        np.testing.assert_allclose(changed[j], slope, rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def pair():
    return engines.load("native"), engines.load("torch_eager"), frameworks.load("torch")


def trained(engine, framework, build, recipe, arrays):
    captured = framework.capture(build, recipe, arrays, 0)
    reason = engine.refuses(captured, recipe)
    if reason is not None:
        return reason
    engine.open(captured, arrays)
    engine.put(0, recipe, 0, captured.initial)
    curves = engine.run({0: recipe.epochs})[0]
    return curves, engine.take(0)


def layers(activation: nn.Module, *, norm: str, residual: bool):
    def build(n_features, n_outputs):
        return _Net(n_features, n_outputs, activation, norm, residual)

    return Build.read(build, "build")


class _Net(nn.Module):
    """Two hidden layers of 20 and 12, normalised, activated, dropped; the second one added to."""

    def __init__(self, n_features, n_outputs, activation, norm, residual):
        super().__init__()
        kinds = {
            "batch": nn.BatchNorm1d,
            "layer": nn.LayerNorm,
            "none": lambda width: nn.Identity(),
        }
        self.first, self.second = nn.Linear(n_features, 20), nn.Linear(20, 20, bias=False)
        self.norm, self.last = kinds[norm](20), nn.Linear(20, n_outputs)
        self.activation, self.drop, self.residual = activation, nn.Dropout(0.2), residual

    def forward(self, x):
        h = self.activation(self.norm(self.first(x)))
        g = self.drop(self.activation(self.second(h)))
        return self.last(h + g if self.residual else g)


KINDS = {
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.2),
    "elu": nn.ELU(1.3),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
}
LEFT = {"softplus", "mish", "hardswish"}  # export takes them apart; the next engine has them


def test_the_activations_are_the_catalogs():
    assert {*KINDS} | LEFT == {one.name for one in activations.ALL}


@pytest.mark.parametrize("activation", KINDS)
def test_double_precision_agrees_with_pytorch_to_rounding(pair, activation):
    native, eager, framework = pair
    number = [*KINDS].index(activation)
    recipe = Recipe(
        optimizer=("adam", "nadam", "momentum", "rmsprop")[number % 4],
        learning_rate=0.01,
        batch_size=16,
        epochs=4,
        precision="float64",
        l1=1e-4,
        l2=1e-3,
        weight_decay=0.01,
        clip_norm=(None, 0.5)[number % 2],
        label_smoothing=(0.0, 0.1)[number % 2],
        mixup=(0.0, 0.3)[number % 2],
        ema=(None, 0.9)[number % 2],
    )
    norm = ("batch", "layer", "none")[number % 3]
    build, arrays = layers(KINDS[activation], norm=norm, residual=number % 2 == 0), data.classes()
    found, true = (trained(e, framework, build, recipe, arrays) for e in (native, eager))
    for name in ("train_loss", "train_loss_eval", "val_loss", "penalty"):
        np.testing.assert_allclose(
            getattr(found[0], name), getattr(true[0], name), rtol=1e-10, atol=1e-13
        )
    for name, values in true[0].signals.items():
        np.testing.assert_allclose(found[0].signals[name], values, rtol=1e-8)
    for name, value in true[1].arrays.items():
        # Adam makes steps of rounding errors where a batch norm takes a bias' gradient away.
        np.testing.assert_allclose(found[1].arrays[name], value, rtol=1e-8, atol=1e-9)


def test_batches_of_every_size_share_a_program(pair):
    native, eager, framework = engines.load("native"), *pair[1:]
    build, arrays = layers(nn.ReLU(), norm="layer", residual=True), data.classes()
    for index, batch_size in enumerate((16, 1, 7, 40, "full")):
        recipe = Recipe(batch_size=batch_size, epochs=2, precision="float64", optimizer="sgd")
        captured = framework.capture(build, recipe, arrays, 0)
        assert index == 0 or native.setup_seconds(captured) == 0
        found, true = (trained(e, framework, build, recipe, arrays) for e in (native, eager))
        np.testing.assert_allclose(found[0].train_loss, true[0].train_loss, rtol=1e-10)
        np.testing.assert_allclose(found[0].val_loss, true[0].val_loss, rtol=1e-10)
        assert found[0].metrics["accuracy"] == true[0].metrics["accuracy"]


def test_what_fades_away_takes_no_longer(pair):
    """Moments of what has no gradient any more become too small for a normal number."""
    native, _, framework = pair
    build, arrays = layers(nn.ReLU(), norm="none", residual=False), data.classes()
    recipe = Recipe(batch_size="full", epochs=1500, optimizer="adam", learning_rate=0.1)
    _, state = trained(native, framework, build, recipe, arrays)
    moments = np.abs(state.arrays["slots/mean"])
    assert not ((moments > 0) & (moments < np.finfo(np.float32).tiny)).any()


def test_what_it_cannot_compute_it_names(pair):
    native, _, framework = pair
    arrays = data.classes()

    def attending(n_features, n_outputs):
        return nn.Sequential(nn.Linear(n_features, 8), nn.Softmax(1), nn.Linear(8, n_outputs))

    recipe = Recipe(epochs=1, batch_size=16)
    reason = trained(native, framework, Build.read(attending, "attending"), recipe, arrays)
    assert "softmax" in reason
    build = layers(nn.ReLU(), norm="none", residual=False)
    reason = trained(native, framework, build, recipe.replace({"epsilon": 0.0}), arrays)
    assert reason is None or "epsilon" in str(reason)


def test_networks_of_other_widths_share_the_loops_of_their_products(pair, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arrays, framework, native = data.classes(), pair[2], engines.load("native")
    compiled = []
    for width in (64, 128):

        def build(n_features, n_outputs, width=width):
            wide, last = nn.Linear(n_features, width), nn.Linear(width, n_outputs)
            return nn.Sequential(wide, nn.ReLU(), last)

        recipe = Recipe(epochs=1, batch_size=16)
        captured = framework.capture(Build.read(build, "build"), recipe, arrays, 0)
        assert native.refuses(captured, recipe) is None
        native.open(captured, arrays)
        compiled.append({*tmp_path.rglob("*.o")})
    assert compiled[0] == compiled[1]
    assert len([*tmp_path.rglob("*.so")]) == 2


def test_a_program_is_compiled_once_in_all_processes(pair, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build, arrays = layers(nn.ReLU(), norm="none", residual=False), data.classes()
    recipe, framework = Recipe(epochs=1, batch_size=16), pair[2]
    captured = framework.capture(build, recipe, arrays, 0)
    first, second = engines.load("native"), engines.load("native")
    assert first.refuses(captured, recipe) is None
    new = first.setup_seconds(captured)
    first.open(captured, arrays)
    (program,) = tmp_path.rglob("*.so")
    made = program.stat().st_mtime_ns
    assert first.setup_seconds(captured) == 0
    assert 0 < second.setup_seconds(captured) < new
    second.open(captured, arrays)
    assert program.stat().st_mtime_ns == made
    assert [*tmp_path.rglob("*.so")] == [program]
