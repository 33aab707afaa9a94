import math
import time

import numpy as np
import pytest
import scipy.special
from sklearn import metrics as theirs
from sklearn.utils.class_weight import compute_sample_weight

from luthier.catalog.metrics import ALL, by_name


def softmax(logits):
    return scipy.special.softmax(logits, axis=1)


CLASSIFICATION = {
    "accuracy": lambda t, o, w: theirs.accuracy_score(t, o.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda t, o, w: theirs.balanced_accuracy_score(
        t, o.argmax(1), sample_weight=w
    ),
    "log_loss": lambda t, o, w: theirs.log_loss(
        t, softmax(o), sample_weight=w, labels=range(o.shape[1])
    ),
    "balanced_log_loss": lambda t, o, w: balanced(t, o, w),
    "f1_macro": lambda t, o, w: theirs.f1_score(
        t, o.argmax(1), average="macro", sample_weight=w, zero_division=0
    ),
    "mean_iou": lambda t, o, w: theirs.jaccard_score(
        t, o.argmax(1), average="macro", sample_weight=w
    ),
    "roc_auc": lambda t, o, w: theirs.roc_auc_score(
        t,
        softmax(o) if o.shape[1] > 2 else softmax(o)[:, 1],
        multi_class="ovr",
        sample_weight=w,
    ),
}
REGRESSION = {
    "rmse": theirs.root_mean_squared_error,
    "mse": theirs.mean_squared_error,
    "mae": theirs.mean_absolute_error,
    "r2": theirs.r2_score,
}


def balanced(t, o, w):
    shares = 1 / np.bincount(t, w)[t] * (1 if w is None else w)
    return theirs.log_loss(t, softmax(o), sample_weight=shares, labels=range(o.shape[1]))


def classes(n, k, seed):
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[targets]
    return targets, logits, rng.random(n) + 0.1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_classification_has_the_numbers_of_sklearn(name, k, weighted):
    for seed in range(5):
        targets, logits, weight = classes(200, k, seed)
        w = weight if weighted else None
        ours = by_name(name).compute(logits, targets, w)
        assert ours == pytest.approx(CLASSIFICATION[name](targets, logits, w), abs=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_has_the_numbers_of_sklearn(name, outputs, weighted):
    rng = np.random.default_rng(outputs)
    targets = rng.normal(size=(100, outputs)) * 30 + 500
    predicted = targets + rng.normal(size=targets.shape) * 10
    w = rng.random(100) if weighted else None
    expected = REGRESSION[name](targets, predicted, sample_weight=w)
    assert by_name(name).compute(predicted, targets, w) == pytest.approx(expected, rel=1e-10)


def test_balanced_log_loss_is_log_loss_with_balanced_weights():
    targets, logits, _ = classes(200, 3, 0)
    weights = compute_sample_weight("balanced", targets)
    expected = theirs.log_loss(targets, softmax(logits), sample_weight=weights)
    assert by_name("balanced_log_loss").compute(logits, targets) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
class TestLaws:
    def data(self, metric):
        if metric.kind == "classification":
            targets, logits, weight = classes(60, 3, 1)
            return logits, targets, weight
        rng = np.random.default_rng(0)
        return rng.normal(size=(60, 2)), rng.normal(size=(60, 2)), rng.random(60) + 0.1

    def test_is_compared_with_sklearn(self, metric):
        assert metric.name in (CLASSIFICATION if metric.kind == "classification" else REGRESSION)

    def test_a_weight_of_two_counts_as_two_rows(self, metric):
        outputs, targets, _ = self.data(metric)
        twice = np.r_[np.arange(60), np.arange(20)]
        weight = np.r_[np.full(20, 2.0), np.ones(40)]
        assert metric.compute(outputs, targets, weight) == pytest.approx(
            metric.compute(outputs[twice], targets[twice])
        )

    def test_the_order_of_rows_does_not_matter(self, metric):
        outputs, targets, weight = self.data(metric)
        assert metric.compute(outputs[::-1], targets[::-1], weight[::-1]) == pytest.approx(
            metric.compute(outputs, targets, weight)
        )

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_an_output_that_is_no_number_is_no_score(self, metric, bad):
        outputs, targets, _ = self.data(metric)
        outputs = outputs.copy()
        outputs[3, 1] = bad
        assert math.isnan(metric.compute(outputs, targets))

    def test_takes_float32_and_changes_nothing(self, metric):
        outputs, targets, weight = self.data(metric)
        kept = outputs.copy(), targets.copy(), weight.copy()
        single = metric.compute(outputs.astype("float32"), targets, weight.astype("float32"))
        assert single == pytest.approx(metric.compute(outputs, targets, weight), rel=1e-4)
        for old, new in zip(kept, (outputs, targets, weight), strict=True):
            np.testing.assert_array_equal(old, new)

    def test_a_perfect_answer_is_the_best(self, metric):
        outputs, targets, _ = self.data(metric)
        perfect = 50 * np.eye(3)[targets] if metric.kind == "classification" else targets
        sign = 1 if metric.direction == "maximize" else -1
        best = metric.compute(perfect, targets)
        assert sign * best > sign * metric.compute(outputs, targets)
        assert best == pytest.approx(1.0 if metric.direction == "maximize" else 0.0)

    def test_takes_less_than_200_microseconds(self, metric):
        if metric.kind == "classification":
            targets, outputs, _ = classes(400, 10, 0)
        else:
            outputs = targets = np.zeros((400, 1)) + np.arange(400)[:, None]
        metric.compute(outputs, targets)
        times = []
        for _ in range(20):
            start = time.perf_counter()
            metric.compute(outputs, targets)
            times.append(time.perf_counter() - start)
        # The fastest of many, with room for a busy machine.
        assert min(times) < 5 * 200e-6


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_single_logit_is_two_classes(name):
    targets, logits, weight = classes(100, 2, 3)
    single = (logits[:, 1] - logits[:, 0])[:, None]
    two = by_name(name).compute(logits, targets, weight)
    assert by_name(name).compute(single, targets, weight) == pytest.approx(two)
    assert by_name(name).compute(single[:, 0], targets, weight) == pytest.approx(two)


def test_classes_that_do_not_occur_are_left_out():
    targets, logits, _ = classes(60, 4, 0)
    keep = targets != 3
    targets, logits = targets[keep], logits[keep]
    predicted = logits.argmax(1)
    assert by_name("balanced_accuracy").compute(logits, targets) == pytest.approx(
        theirs.recall_score(targets, predicted, average="macro", labels=[0, 1, 2])
    )
    assert by_name("f1_macro").compute(logits, targets) == pytest.approx(
        theirs.f1_score(targets, predicted, average="macro")
    )
    areas = [theirs.roc_auc_score(targets == k, softmax(logits)[:, k]) for k in range(3)]
    assert by_name("roc_auc").compute(logits, targets) == pytest.approx(np.mean(areas))


def test_ties_count_half_as_in_sklearn():
    rng = np.random.default_rng(0)
    targets, weight = rng.integers(0, 2, 300), rng.random(300)
    scores = (rng.normal(size=300) + targets).round()
    expected = theirs.roc_auc_score(targets, scores, sample_weight=weight)
    assert by_name("roc_auc").compute(scores, targets, weight) == pytest.approx(expected)


def test_one_class_alone_has_no_ranking():
    assert math.isnan(by_name("roc_auc").compute(np.zeros((4, 2)), np.zeros(4, int)))


def test_constant_targets_have_the_r2_of_sklearn():
    for predicted in ([[1.0], [1.0]], [[1.0], [2.0]]):
        ours = by_name("r2").compute(np.array(predicted), np.ones((2, 1)))
        assert ours == theirs.r2_score(np.ones((2, 1)), predicted)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_without_a_part_is_the_metric_of_the_other_rows(metric, weighted):
    rng = np.random.default_rng(3)
    if metric.kind == "classification":
        targets, outputs, weight = classes(60, 3, 3)
    else:
        targets, outputs, weight = (
            rng.normal(size=(60, 2)),
            rng.normal(size=(60, 2)),
            rng.random(60),
        )
    weight = weight if weighted else None
    parts = [np.array([0]), np.array([5, 17]), np.arange(20, 40)]
    rest = [np.setdiff1d(np.arange(60), part) for part in parts]
    expected = [
        metric.compute(outputs[rows], targets[rows], None if weight is None else weight[rows])
        for rows in rest
    ]
    found = metric.without(outputs, targets, weight, parts)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_without_all_rows_or_with_outputs_that_are_no_numbers_there_is_no_metric(name):
    metric, everything = by_name(name), np.arange(2)
    outputs, targets = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    assert np.isnan(metric.without(outputs, targets, None, [everything])).all()
    outputs[0] = np.nan
    one, other = metric.without(outputs, targets, None, [np.array([0]), np.array([1])])
    assert math.isfinite(one)
    assert math.isnan(other)
