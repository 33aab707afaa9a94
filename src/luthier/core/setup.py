"""What set-up rules read: a training before its first step, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.core.curves import Series
from luthier.core.recipe import Recipe
from luthier.core.task import Task


@dataclass(frozen=True)
class DataFacts:
    """Rows as the network gets them.

    Args:
        rows: How many were looked at.
        features: Values of one row of the first input; 0 where rows are no numbers.
        nonfinite_inputs, nonfinite_targets: Values that are NaN or infinite.
        constant_features: Positions of features that have one value.
        low, high: Smallest and largest input.
        narrowest, widest: Standard deviation of the features that vary least and most.
        classes: Rows by class, where targets are class numbers.
        target_low, target_high, target_mean, target_std: Of numeric targets.
        target_narrowest, target_widest: Standard deviation of the columns of targets that vary
            least and most, constant ones left out; 0 where targets are one column.
        target_is_input: Targets are the inputs: an autoencoder.
        shared_rows: Validation rows that are training rows, too.
        repeated_rows: Training rows that stand in the training part more than once.
        val_rows: Rows of the validation part; 0 where there is none.
        telling_feature: Position of the one feature that gives the target away.
        telling_share: How much of the target it tells: 1 is everything.
        telling_values: Its number of different values.
        other_share: How much of the target the next best feature tells.
        shifts: Features whose validation values lie elsewhere: position to distance, in standard
            deviations of the training part.
        beyond: Share of validation values outside of what training rows reach, of the feature in
            the middle.
        missing_classes: Classes that the validation part has and the training part has not.
    """

    rows: int = 0
    features: int = 0
    nonfinite_inputs: int = 0
    nonfinite_targets: int = 0
    constant_features: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 0.0
    narrowest: float = 0.0
    widest: float = 0.0
    classes: Mapping[str, int] = field(default_factory=dict)
    target_low: float = 0.0
    target_high: float = 0.0
    target_mean: float = 0.0
    target_std: float = 0.0
    target_narrowest: float = 0.0
    target_widest: float = 0.0
    target_is_input: bool = False
    shared_rows: int = 0
    repeated_rows: int = 0
    val_rows: int = 0
    telling_feature: int | None = None
    telling_share: float = 0.0
    telling_values: int = 0
    other_share: float = 0.0
    shifts: Mapping[int, float] = field(default_factory=dict)
    beyond: float = 0.0
    missing_classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerFacts:
    """One layer with a weight matrix, on the user's rows, at initialisation.

    Args:
        name, kind, shape: Its place, its class, and its weight's shape.
        weight_std: Standard deviation of the weights.
        same_units: All units have the same weights.
        same_gradients: All units get the same gradient, so that they stay the same.
        output_scale: Root mean square of what it returns, before any activation.
        gradient: Norm of the weight's gradient; None where none arrived.
        reached: It took part in the forward pass.
        trained: Its weight asks for a gradient.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weight_std: float = 0.0
    same_units: bool = False
    same_gradients: bool = False
    output_scale: float = 1.0
    gradient: float | None = None
    reached: bool = True
    trained: bool = True


@dataclass(frozen=True)
class OutputFacts:
    """What the network returns for the user's rows.

    Args:
        op: The last operation that is no change of shape: ``softmax``, ``sigmoid``, ``relu``,
            ``tanh``, ``log_softmax``, ``none`` for a layer's plain sum, or ``other``. Dropout after
            it is no operation.
        shape, target_shape: Of a batch; the target's dtype is in `target_type`.
        target_type: ``classes`` for whole numbers, ``shares`` for rows that sum to one, ``numbers``
            else.
        tags: Targets are rows of zeros and ones with two ones and more in many of them.
        low, high: Smallest and largest value.
        zero_share: Share of values that are exactly 0.
        sums_to_one, logs_of_shares: Rows are shares; rows are logarithms of shares.
        constant: All rows have the same outputs, although the inputs differ.
        finite: No output is NaN or infinite.
        mixes_rows: What the network says of a row changes with the other rows of the batch; None
            where that was not told.
        time_first: Layers that take time as their first dimension.
        input_shape, whole_inputs: Of the first input's batch; its values are whole numbers.
        dropout: Share of the outputs that dropout after the last layer sets to 0.
    """

    op: str = "other"
    shape: tuple[int, ...] = ()
    target_shape: tuple[int, ...] = ()
    target_type: str = ""
    tags: bool = False
    low: float = 0.0
    high: float = 0.0
    zero_share: float = 0.0
    sums_to_one: bool = False
    logs_of_shares: bool = False
    constant: bool = False
    finite: bool = True
    mixes_rows: bool | None = None
    time_first: tuple[str, ...] = ()
    input_shape: tuple[int, ...] = ()
    whole_inputs: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class LossFacts:
    """The loss at initialisation, and how it behaves.

    Args:
        kind: What its gradient graph says that it is: ``cross_entropy``, ``nll``, ``bce``,
            ``bce_logits``, ``mse``, …, or its values: ``shares`` is the cross-entropy of shares;
            ``other`` where that is not known.
        initial: Its value on the user's rows.
        guess: The lowest that outputs reach which are the same for every row.
        floor: The lowest that it can be.
        truth, off: Its value for perfect outputs, in the shape of outputs, and for ones that are
            far off.
        reachable: The lowest that outputs of the network's last activation, or of the loss's own
            if it is doubled, can bring it to; None where nothing bounds them.
        doubled: The activation that the loss applies to the outputs before one that it has anyway.
        unlogged, unlogged_range: The function within it that takes logarithms of shares and gets
            other numbers; the lowest and the highest of them.
        sums: It adds rows up where others take their mean.
        endless: It keeps falling as outputs leave the targets behind.
        aligned, aligned_truth: Its value with outputs and targets of one shape, where theirs differ
            but broadcast; and that of perfect outputs.
        penalty: Share of the gradient that does not come from the outputs.
        penalty_power, penalty_rate: Of a penalty that is a sum of squares (2) or of absolute values
            (1): which, and its factor; 0 for another kind.
        penalty_initial: What the penalty adds at initialisation.
        penalty_apart: It comes on top of all other values here, which are of the data alone.
        error: What it raised.
    """

    kind: str = "other"
    initial: float | None = None
    guess: float | None = None
    floor: float | None = None
    truth: float | None = None
    off: float | None = None
    reachable: float | None = None
    doubled: str = ""
    unlogged: str = ""
    unlogged_range: tuple[float, float] = (0.0, 0.0)
    sums: bool = False
    endless: bool = False
    aligned: float | None = None
    aligned_truth: float | None = None
    penalty: float = 0.0
    penalty_power: int = 0
    penalty_rate: float = 0.0
    penalty_initial: float = 0.0
    penalty_apart: bool = False
    error: str = ""


@dataclass(frozen=True)
class MetricFacts:
    """A metric that is printed beside the loss, and whose best value is 1.

    Args:
        name: What it is called.
        kind: What the framework makes of that name.
        perfect: Its value for outputs that get every row right.
    """

    name: str
    kind: str
    perfect: float


@dataclass(frozen=True)
class OptimizerFacts:
    """The optimizer, and which weights it holds.

    Args:
        name: Its class, or the recipe's name for it.
        kind: What it is to the catalog; empty where the catalog has none such.
        learning_rates: Of its groups.
        settings: The first group's other numbers, by name.
        held, trainable: Weights of the network that it holds, and that ask for a gradient.
        missing: Tensors that ask for a gradient, took part, and are not held.
        unregistered: How many took part that the network itself does not list.
        foreign: Tensors that it holds and that are not the network's.
        head_missing: The last layer is among the missing.
        cut_off: Tensors that it holds, whose layer took part, and that no gradient reaches.
    """

    name: str = ""
    kind: str = ""
    learning_rates: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    held: int = 0
    trainable: int = 0
    missing: tuple[str, ...] = ()
    unregistered: int = 0
    foreign: int = 0
    head_missing: bool = False
    cut_off: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScheduleFacts:
    """The schedule, run to its end without the network.

    Args:
        name: Its class, or the recipe's name for it.
        rates: The learning rate after each of its steps.
        epochs: Epochs that are planned; None where nobody said.
        foreign: It sets the rates of another optimizer than the one that trains.
    """

    name: str = ""
    rates: Series = ()
    epochs: int | None = None
    foreign: bool = False


@dataclass(frozen=True)
class Fit:
    """A short training of a copy, in which one thing may be otherwise.

    Args:
        steps: How many.
        first, last: Loss on the same rows before and after; infinite where it is no number.
        rate: The learning rate.
        guess: Loss of outputs that are the same for every row, on the rows that were fitted.
    """

    steps: int
    first: float
    last: float
    rate: float = 0.0
    guess: float | None = None


@dataclass(frozen=True)
class Setup:
    """A training before its first step.

    Args:
        data, output, loss, layers, optimizer, schedule: What was measured.
        metrics: What is computed beside the loss, where the framework is told.
        affine: The network, but for its last activation, is a straight line's equation in its
            inputs; None where that cannot be told.
        activations: Non-linear operations of one forward pass, by name.
        fits: Short trainings of copies, by what was changed: ``own`` as it is, ``adam`` with a
            sound optimizer, ``one_batch`` on few rows, and others where there was a reason.
        few_rows: Those of ``one_batch``.
        steps: Of all short trainings, those among them that another one of their name outdid.
        batch_size: Rows of a step.
        epochs: How many are planned; None where nobody said.
        framework: In whose words to say what to type.
        recipe, task: Where the training is one of luthier's own.
        notes: What was not looked at, and why.
    """

    data: DataFacts = field(default_factory=DataFacts)
    output: OutputFacts = field(default_factory=OutputFacts)
    loss: LossFacts = field(default_factory=LossFacts)
    metrics: tuple[MetricFacts, ...] = ()
    layers: tuple[LayerFacts, ...] = ()
    optimizer: OptimizerFacts = field(default_factory=OptimizerFacts)
    schedule: ScheduleFacts = field(default_factory=ScheduleFacts)
    affine: bool | None = None
    activations: Mapping[str, int] = field(default_factory=dict)
    fits: Mapping[str, Fit] = field(default_factory=dict)
    few_rows: int = 16
    steps: int = 0
    batch_size: int = 0
    epochs: int | None = None
    framework: str = "torch"
    recipe: Recipe | None = None
    task: Task | None = None
    notes: tuple[str, ...] = ()

    def learned(self, name: str) -> float | None:
        """Return what a fit learnt of all there is: 0 is guessing, 1 everything.

        It is measured against the loss of guessing, and None where that is not known.

        >>> loss = LossFacts(guess=2.0, floor=0.0)
        >>> Setup(loss=loss, fits={"own": Fit(9, 2.5, 0.5)}).learned("own")
        0.75
        """
        fit = self.fits.get(name)
        if fit is None:
            return None
        guess = self.loss.guess if fit.guess is None else fit.guess
        if guess is None or self.loss.floor is None or guess <= self.loss.floor:
            return None
        return (guess - fit.last) / (guess - self.loss.floor)


def first_batch(facts: Mapping[str, Any]) -> Setup | None:
    """Return what the first batch of a watched training told of its set-up; None without one.

    Args:
        facts: Of a `Trace`.

    >>> facts = {"first_batch": {"data": {"rows": 9}, "output": {}, "loss": {"kind": "mse"}}}
    >>> first_batch(facts).loss.kind
    'mse'
    """
    seen, bad = facts.get("first_batch"), facts.get("nonfinite_inputs")
    if not isinstance(seen, Mapping):
        return Setup(DataFacts(rows=bad[1], nonfinite_inputs=bad[0])) if bad else None
    return Setup(
        data=DataFacts(**{**seen["data"], **({"nonfinite_inputs": bad[0]} if bad else {})}),
        output=OutputFacts(**seen["output"]),
        loss=LossFacts(**seen["loss"]),
        metrics=tuple(MetricFacts(**one) for one in seen.get("metrics", ())),
        layers=tuple(LayerFacts(**one) for one in seen.get("layers", ())),
        framework=str(facts.get("framework", "torch")),
    )
