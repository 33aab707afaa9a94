"""The keys of a recipe: default, range and reason of each, and how recipe.yaml is read.

docs/recipe.md is made from `KEYS`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from luthier.catalog import families, initialisers, losses, optimizers, schedules
from luthier.core import Recipe, RecipeError, did_you_mean
from luthier.core.recipe import MODEL_PREFIX

VERSION = 1
FULL = "full"
_HINTS = {
    "lr": "learning_rate",
    "learn_rate": "learning_rate",
    "bs": "batch_size",
    "wd": "weight_decay",
    "decay": "weight_decay",
    "scheduler": "schedule",
    "clip": "clip_norm",
    "grad_clip": "clip_norm",
    "patience": "early_stopping",
    "eps": "epsilon",
    "rho": "beta2",
    "alpha": "beta2",
    "init": "initialiser",
    "initializer": "initialiser",
    "scaler": "preprocessing",
    "normalization": "preprocessing",
}


@dataclass(frozen=True)
class Key:
    """One key of a recipe.

    Args:
        name: The field of `Recipe`.
        kind: ``number``, ``integer``, ``numbers``, ``choice``, ``batch_size``, ``network`` or
            ``model``.
        doc: What it decides.
        reason: Why its default is what it is.
        low, high: Bounds of a number.
        above, below: Whether the lower, the upper bound itself is left out.
        choices: What a choice may be.
        nullable: Whether null is a value, which means "not used" or "as the network was built".

    >>> key("dropout").takes
    'a number from 0 to below 1, or null'
    """

    name: str
    kind: str
    doc: str
    reason: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def default(self) -> Any:
        """The value of a recipe that does not name the key."""
        return getattr(Recipe(), self.name)

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        low = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        high = "" if self.high == math.inf else f" to {'below ' * self.below}{self.high:g}"
        text = {
            "number": f"a number {low}{high}",
            "integer": f"a whole number {low}{high}",
            "numbers": "increasing numbers between 0 and 1",
            "batch_size": 'a whole number from 1, or "full"',
            "network": f"{', '.join(f.name for f in families.ALL)}, or FILE.py:function",
            "model": "a mapping of the builder's arguments to plain values",
            "choice": f"one of {', '.join(self.choices)}",
        }[self.kind]
        return f"{text}, or null" if self.nullable else text

    @property
    def example(self) -> str:
        """A line that is right."""
        examples = {
            "loss": "cross_entropy",
            "dropout": "0.1",
            "initialiser": "kaiming_normal",
            "clip_norm": "1.0",
            "ema": "0.99",
            "early_stopping": "10",
            "class_weight": "balanced",
            "milestones": "[0.5, 0.75]",
            "model": "{width: 128}",
        }
        return f"{self.name}: {examples.get(self.name, self.default)}"


def _names(members: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(member.name for member in members)


KEYS: tuple[Key, ...] = (
    Key(
        "network",
        "network",
        "The network: a family, or a function in a file that builds one.",
        "A multilayer perceptron trains on any data in seconds.",
    ),
    Key(
        "model",
        "model",
        "Arguments of the builder: width, depth, activation, normalisation and its other ones.",
        "Left out, every argument has the default of the builder's signature.",
    ),
    Key(
        "loss",
        "choice",
        "What training minimises.",
        "Null takes the one that fits task and network: cross-entropy, or mean squared error.",
        choices=_names(losses.ALL),
        nullable=True,
    ),
    Key(
        "optimizer",
        "choice",
        'How gradients become updates. `gd` reads as sgd with batch_size "full".',
        "AdamW needs the least tuning of its learning rate across networks and data.",
        choices=_names(optimizers.ALL),
    ),
    Key(
        "learning_rate",
        "number",
        "Size of an update; under a schedule its highest value. The most important key.",
        "0.001 is the usual start for Adam's family; others start where docs/recipe.md says.",
        above=True,
        high=100.0,
    ),
    Key(
        "momentum",
        "number",
        "Share of the last update that momentum and nesterov carry over.",
        "0.9 averages about ten updates; it is the usual start.",
        high=1.0,
        below=True,
    ),
    Key(
        "beta1",
        "number",
        "Decay of the running mean of gradients in Adam's family and lion.",
        "The papers' value.",
        high=1.0,
        below=True,
    ),
    Key(
        "beta2",
        "number",
        "Decay of the running mean of squares: rmsprop's alpha, adadelta's rho, lion's second.",
        "The value of Adam's paper. A file that names rmsprop or lion gets 0.99, adadelta 0.9.",
        high=1.0,
        below=True,
    ),
    Key(
        "epsilon",
        "number",
        "What is added to the root of the mean square before dividing by it.",
        "torch's value. A file that names adagrad gets 1e-10, adadelta 1e-6.",
        above=True,
        high=1.0,
    ),
    Key(
        "schedule",
        "choice",
        "How the learning rate changes over the run.",
        "Constant, so that nothing is assumed; baselines and searches use others.",
        choices=_names(schedules.ALL),
    ),
    Key(
        "warmup",
        "number",
        "Share of all steps in which the learning rate rises in a straight line.",
        "Only large learning rates and deep networks need one.",
        high=1.0,
    ),
    Key(
        "gamma",
        "number",
        "What step, multi_step and plateau multiply the rate with; what exponential leaves of it.",
        "A tenth, as in most papers with step decay.",
        above=True,
        high=1.0,
    ),
    Key(
        "step_size",
        "number",
        "Distance between two decays of step, as a share of the run.",
        "Thirds: two decays.",
        above=True,
        high=1.0,
    ),
    Key(
        "milestones",
        "numbers",
        "When multi_step decays, as shares of the run.",
        "Half and three quarters, as He et al. 2016.",
        high=1.0,
    ),
    Key(
        "end_factor",
        "number",
        "What is left of the rate at the end: polynomial, linear, cosine, cosine_restarts, "
        "warmup_stable_decay.",
        "Down to zero, so that the last steps settle.",
        high=1.0,
    ),
    Key(
        "power",
        "number",
        "Exponent of polynomial.",
        "Quadratic falls faster than linear at first and is gentle at the end.",
        above=True,
        high=10.0,
    ),
    Key(
        "cycles",
        "integer",
        "How often cosine_restarts starts anew, equal lengths.",
        "Three cycles leave each long enough to settle.",
        low=1,
        high=100,
    ),
    Key(
        "peak",
        "number",
        "Share of the run after which one_cycle is at its highest.",
        "torch's value.",
        high=1.0,
    ),
    Key(
        "decay_share",
        "number",
        "Share of the run, at its end, in which warmup_stable_decay falls.",
        "10 to 20 % are known to suffice (Hägele et al. 2024).",
        high=1.0,
    ),
    Key(
        "plateau_patience",
        "integer",
        "Epochs without improvement that plateau waits for.",
        "torch's value.",
        low=0,
        high=10_000,
    ),
    Key(
        "batch_size",
        "batch_size",
        'Rows of a step, or "full"; 1 is textbook stochastic gradient descent.',
        "32 gives small data sets enough steps. It is a matter of speed: retune the learning "
        "rate whenever it changes.",
    ),
    Key(
        "epochs",
        "integer",
        "Length of one run; every schedule runs towards it.",
        "Enough for most small data sets. It is never searched: results of runs of different "
        "lengths do not compare.",
        low=1,
        high=100_000,
    ),
    Key(
        "l1",
        "number",
        "Adds l1 * sum |w| over kernels to the loss.",
        "Only useful where few inputs matter.",
        high=10.0,
    ),
    Key(
        "l2",
        "number",
        "Adds l2 * sum w^2 over kernels to the loss (Keras' meaning; no half).",
        "Weight decay does the same job better with adaptive optimizers.",
        high=10.0,
    ),
    Key(
        "weight_decay",
        "number",
        "Shrinks kernels by learning_rate * weight_decay before each update, any optimizer.",
        "Off, so that nothing is assumed; baselines with adamw start from 0.01.",
        high=10.0,
    ),
    Key(
        "dropout",
        "number",
        "Chance of every dropout layer of the network.",
        "Null leaves the network as it was built.",
        high=1.0,
        below=True,
        nullable=True,
    ),
    Key(
        "initialiser",
        "choice",
        "Distribution that kernels start from; biases start at zero.",
        "Null leaves the network as it was built.",
        choices=_names(initialisers.ALL),
        nullable=True,
    ),
    Key(
        "label_smoothing",
        "number",
        "Share of every class target that is spread over all classes.",
        "It costs calibration where labels are clean.",
        high=1.0,
        below=True,
    ),
    Key(
        "mixup",
        "number",
        "Alpha of the Beta distribution that blends pairs of rows; 0 blends nothing.",
        "It helps on images and noisy labels, and slows small runs down.",
        high=10.0,
    ),
    Key(
        "clip_norm",
        "number",
        "Longest gradient over all weights; longer ones are scaled down.",
        "Null: it hides too high a learning rate. Set it just above the usual norm.",
        above=True,
        high=1e6,
        nullable=True,
    ),
    Key(
        "ema",
        "number",
        "Decay of a running mean of the weights, which is then what is evaluated and kept.",
        "Null: a schedule that falls to zero has much the same effect.",
        high=1.0,
        below=True,
        nullable=True,
    ),
    Key(
        "early_stopping",
        "integer",
        "Epochs without a better score after which a run ends.",
        "Null: the best epoch's weights are kept anyway, and searches stop runs themselves.",
        low=1,
        high=100_000,
        nullable=True,
    ),
    Key(
        "class_weight",
        "choice",
        "Weighs rows so that every class counts the same.",
        "Null; baselines use it where the metric is a balanced one.",
        choices=("balanced",),
        nullable=True,
    ),
    Key(
        "preprocessing",
        "choice",
        "How numbers are scaled; fitted on the training part, and exported with the network.",
        "Networks train badly on unscaled numbers.",
        choices=("none", "standard", "minmax", "robust", "quantile", "tokens"),
    ),
    Key(
        "encoding",
        "choice",
        "How categories become numbers. `embedding` needs a network that takes cardinalities.",
        "One-hot works with every network.",
        choices=("onehot", "ordinal", "embedding"),
    ),
    Key(
        "imputation",
        "choice",
        "What missing numbers are replaced with.",
        "The median does not mind outliers.",
        choices=("median", "mean", "zero", "most_frequent"),
    ),
    Key(
        "augmentation",
        "choice",
        "How training images are varied: mirrored, shifted by up to an eighth, or both.",
        "None: whether a mirrored image keeps its label depends on the data.",
        choices=("none", "flip", "shift", "flip_shift"),
    ),
    Key(
        "precision",
        "choice",
        "Floating-point type of the computation.",
        "Single precision is exact enough and runs everywhere.",
        choices=("float32", "float64", "bfloat16"),
    ),
)

_BY_NAME = {key.name: key for key in KEYS}


def key(name: str) -> Key:
    """Return the key of that name.

    Raises:
        RecipeError: for a name that is no key.

    >>> key("beta1").default
    0.9
    """
    if name not in _BY_NAME:
        raise _unknown(name, Recipe().network)
    return _BY_NAME[name]


def read_recipe(
    data: Mapping[str, Any], *, base: Recipe | None = None
) -> tuple[Recipe, Mapping[str, Any]]:
    """Read what recipe.yaml holds.

    Keys that are left out come from `base`. Where the file names another optimizer than `base`,
    the learning rate and that optimizer's settings are the usual ones of the optimizer; another
    network has none of the arguments of `base`. `model` replaces that of `base`, `model.width`
    changes one argument of it. The network must be a family, FILE.py:function, or that of
    `base`, which is how the recipe of a function that was handed over in Python is read.

    Args:
        data: The file's content, as a safe YAML reader returns it.
        base: The recipe that the file changes; the defaults without one.

    Returns:
        The recipe, and the `run` block beside it, which is not part of a recipe's identity.

    Raises:
        RecipeError: for an unknown key, or a value that its key does not take.

    >>> recipe, run = read_recipe({"version": 1, "optimizer": "lion", "epochs": "5"})
    >>> recipe.learning_rate, recipe.beta2, recipe.epochs, run
    (0.0003, 0.99, 5, {})
    >>> read_recipe({"optimizer": "gd"})[0].batch_size
    'full'
    >>> read_recipe({"learnin_rate": 0.1})
    Traceback (most recent call last):
    luthier.core.errors.RecipeError: no recipe key 'learnin_rate'. Did you mean ...
    """
    if not isinstance(data, Mapping):
        raise RecipeError(
            f"a recipe is a mapping of keys to values, but got {type(data).__name__}. "
            "Write for example `optimizer: adamw`."
        )
    base = base or Recipe()
    given = dict(data)
    _check_version(given.pop("version", VERSION))
    run = given.pop("run", None) or {}
    if not isinstance(run, Mapping):
        raise RecipeError(f"run: got {run!r}. It takes a mapping. Leave it out, or copy it whole.")
    arguments = {k: given.pop(k) for k in list(given) if str(k).startswith(MODEL_PREFIX)}
    network = given.get("network", base.network)
    for name in given:
        if name not in _BY_NAME:
            raise _unknown(str(name), str(network))
    if given.get("optimizer") == "gd":
        _read_gd(given)
    changes = {name: _parse(_BY_NAME[name], value) for name, value in given.items()}
    _check_network(changes.get("network", base.network), base)
    if changes.get("network", base.network) != base.network:
        changes = {"model": {}, **changes}
    if changes.get("optimizer", base.optimizer) != base.optimizer:
        changes = {**optimizers.by_name(changes["optimizer"]).usual, **changes}
    recipe = check_recipe(base.replace(changes).replace(arguments))
    return recipe, run


def check_recipe(recipe: Recipe) -> Recipe:
    """Check a recipe that was made in Python, and return it with its numbers in their own types.

    Raises:
        RecipeError: for a value that its key does not take, or values that contradict.

    >>> check_recipe(Recipe(learning_rate=1)).learning_rate
    1.0
    >>> check_recipe(Recipe(learning_rate=-1))
    Traceback (most recent call last):
    luthier.core.errors.RecipeError: learning_rate: got -1. It takes a number above 0 to 100. ...
    """
    values = {f.name: getattr(recipe, f.name) for f in dataclasses.fields(Recipe)}
    if recipe.optimizer == "gd":
        _read_gd(values)
    recipe = Recipe(**{name: _parse(_BY_NAME[name], value) for name, value in values.items()})
    _check_together(recipe)
    return recipe


def write_recipe(recipe: Recipe, run: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what recipe.yaml should hold; `read_recipe` makes the same recipe of it.

    Left out is what is not used: keys whose default means that (null, 0, none) and keys of other
    optimizers and schedules, as long as they have their defaults.

    >>> text = write_recipe(Recipe(optimizer="momentum", schedule="linear"), {"seed": 3})
    >>> list(text)[:7]
    ['version', 'network', 'optimizer', 'learning_rate', 'momentum', 'schedule', 'end_factor']
    """
    recipe = check_recipe(recipe)
    settings = {name for optimizer in optimizers.ALL for name in optimizer.settings}
    details = {name for schedule in schedules.ALL for name in schedule.keys}
    used = {
        *optimizers.by_name(recipe.optimizer).settings,
        *schedules.by_name(recipe.schedule).keys,
    }
    unused = (settings | details) - used
    written: dict[str, Any] = {"version": VERSION}
    for one in KEYS:
        value = getattr(recipe, one.name)
        idle = one.name in unused or one.default in (None, 0, "none", {})
        if one.name in used or not (idle and value == one.default):
            written[one.name] = list(value) if isinstance(value, tuple) else value
    if run:
        written["run"] = dict(run)
    return written


def _parse(one: Key, value: Any) -> Any:
    """Return a value in its key's own type."""
    if value is None or (one.nullable and value in ("none", "null", "~", "")):
        if one.nullable:
            return None
        hint = " (null means nothing here)" if "none" not in one.choices else ' (write "none")'
        raise _refuse(one, value, hint)
    match one.kind:
        case "number":
            return _number(one, value)
        case "integer":
            return _integer(one, value)
        case "numbers":
            return _shares(one, value)
        case "batch_size":
            return FULL if value == FULL else _integer(one, value, low=1)
        case "network":
            return _network(one, value)
        case "model":
            return _arguments(one, value)
    if value not in one.choices:
        raise _refuse(one, value, did_you_mean(str(value), one.choices))
    return value


def _number(one: Key, value: Any) -> float:
    # PyYAML reads `1e-3` as text: YAML 1.1 asks for the dot of `1.0e-3`.
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low = number > one.low if one.above else number >= one.low
    high = number < one.high if one.below else number <= one.high
    if not (low and high and math.isfinite(number)):
        raise _refuse(one, value)
    return number


def _integer(one: Key, value: Any, low: float | None = None) -> int:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low = one.low if low is None else low
    if not (low <= number <= one.high and number == math.floor(number) < math.inf):
        raise _refuse(one, value)
    return int(number)


def _shares(one: Key, value: Any) -> tuple[float, ...]:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise _refuse(one, value)
    numbers = tuple(_number(one, number) for number in value)
    rising = all(a < b for a, b in pairwise(numbers))
    if not numbers or not rising or numbers[0] <= 0 or numbers[-1] >= 1:
        raise _refuse(one, value)
    return numbers


def _network(one: Key, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _refuse(one, value)
    return value


def _check_network(name: str, base: Recipe) -> None:
    """Check the network of a file; one made in Python may have a function's bare name."""
    names = _names(families.ALL)
    if name not in (*names, base.network) and not re.search(r".:[^\W\d]\w*(#\w+)?$", name):
        raise _refuse(_BY_NAME["network"], name, did_you_mean(name, names))


def _arguments(one: Key, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _refuse(one, value)
    for name, argument in value.items():
        if not isinstance(name, str) or not isinstance(
            argument, (bool, int, float, str, type(None))
        ):
            raise _refuse(one, value)
    return dict(value)


def _check_version(version: Any) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise RecipeError(f"version: got {version!r}. It takes {VERSION}. Write `version: 1`.")
    if version > VERSION:
        raise RecipeError(
            f"this recipe has version {version}, and this luthier reads up to {VERSION}. "
            "A newer luthier wrote it. Install that one: `pip install --upgrade luthier`."
        )


def _read_gd(values: dict[str, Any]) -> None:
    size = values.get("batch_size", FULL)
    if size != FULL:
        raise RecipeError(
            f"optimizer: got gd beside batch_size {size!r}. Gradient descent takes all rows in "
            "every step. Write `batch_size: full`, or `optimizer: sgd` to keep the batch size."
        )
    values.update(optimizer="sgd", batch_size=FULL)


def _check_together(recipe: Recipe) -> None:
    if recipe.loss is not None and losses.by_name(recipe.loss).kind == "regression":
        wrong = [
            name
            for name in ("label_smoothing", "class_weight")
            if getattr(recipe, name) not in (None, 0)
        ]
        if wrong:
            raise RecipeError(
                f"{wrong[0]}: got {getattr(recipe, wrong[0])!r} beside loss '{recipe.loss}'. "
                f"It is for classes, and the loss is for numbers. Leave {wrong[0]} out."
            )
    if recipe.network in _names(families.ALL):
        defaults = families.by_name(recipe.network).build.defaults
        for name in recipe.model:
            if name not in defaults:
                raise RecipeError(
                    f"model: {recipe.network} has no argument '{name}'."
                    f"{did_you_mean(name, defaults)} It has {', '.join(defaults)}."
                )
        # An image has many values a channel, so that a convolution can normalise one row.
        arguments = {**defaults, **recipe.model}
        batch = arguments.get("normalisation") == "batch" and recipe.network != "cnn"
        if batch and recipe.batch_size == 1:
            raise RecipeError(
                f"batch_size: got 1 beside the batch normalisation of {recipe.network}. A batch "
                "needs two rows to be normalised. Write `model: {normalisation: layer}`."
            )


def _unknown(name: str, network: str) -> RecipeError:
    if network in _names(families.ALL) and name in families.by_name(network).build.defaults:
        return RecipeError(
            f"no recipe key '{name}'. It is an argument of {network}, which stands below `model`. "
            f"Write `model: {{{name}: ...}}`."
        )
    near = f" Did you mean '{_HINTS[name]}'?" if name in _HINTS else did_you_mean(name, _BY_NAME)
    return RecipeError(f"no recipe key '{name}'.{near} The keys are {', '.join(_BY_NAME)}.")


def _refuse(one: Key, value: Any, hint: str = "") -> RecipeError:
    return RecipeError(
        f"{one.name}: got {value!r}.{hint} It takes {one.takes}. Write for example `{one.example}`."
    )
