"""Every key of a recipe; docs/recipe.md is made from it."""

from __future__ import annotations

from collections.abc import Iterable

from luthier.catalog import initialisers, losses, optimizers, schedules
from luthier.catalog.recipe_keys.key import Key, names

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
        choices=names(losses.ALL),
        nullable=True,
    ),
    Key(
        "optimizer",
        "choice",
        'How gradients become updates. `gd` reads as sgd with batch_size "full".',
        "AdamW needs the least tuning of its learning rate across networks and data.",
        choices=names(optimizers.ALL),
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
        choices=names(schedules.ALL),
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
        choices=names(initialisers.ALL),
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
        "noise",
        "number",
        "Standard deviation of the normal noise that training adds to each number of the first "
        "input, as a share of its column's own after preparation (images and sequences have one "
        "for all of their numbers).",
        "0: then 0.05 to 0.3 for small tables, where it holds back as stronger weight decay does. "
        "Too much hides what tells classes apart. For numbers, not for tokens.",
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
        "How numbers are scaled; fitted on the training part, and exported with the network. "
        "Bytes of images are divided by 255 first, but for `raw`: a network with a layer that "
        "scales them takes them as they are.",
        "Networks train badly on unscaled numbers.",
        choices=("none", "raw", "standard", "minmax", "robust", "quantile", "tokens"),
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
        "How training images are varied: mirrored, shifted by up to an eighth, a square of half "
        "their side cut out, or several of these.",
        "None: whether a mirrored image keeps its label depends on the data.",
        choices=(
            "none",
            "flip",
            "shift",
            "flip_shift",
            "cutout",
            "flip_cutout",
            "shift_cutout",
            "flip_shift_cutout",
        ),
    ),
    Key(
        "precision",
        "choice",
        "Floating-point type of the computation. `bfloat16` rounds what a training pass "
        "multiplies, nothing else: networks train in down to half of the time where a processor "
        "has tiles for it (Intel's AMX).",
        "Single precision is exact enough and runs everywhere.",
        choices=("float32", "float64", "bfloat16"),
    ),
    Key(
        "changes",
        "changes",
        "What other keys become after some epochs, in the order of the epochs: `learning_rate`, "
        "`momentum`, `beta1`, `l1`, `l2`, `weight_decay`, `dropout`, `label_smoothing`, `mixup`. "
        "A schedule goes on over its whole length and multiplies the rate that holds.",
        "None: `--strategy pbt` finds them.",
    ),
)

BY_NAME = {one.name: one for one in KEYS}


def limits(names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest value that some keys can be set to, of those with numbers.

    Where the bound itself is left out, it is a thousandth of the way inside.

    >>> limits(["momentum", "dropout", "optimizer"])
    {'momentum': (0.0, 0.999), 'dropout': (0.0, 0.999)}
    """
    found = {}
    for name in names:
        one = BY_NAME.get(name)
        if one is not None and one.kind == "number":
            found[name] = (one.low, one.high * 0.999 if one.below else one.high)
    return found
