import numpy as np
import pytest
import torch
from torch.nn import functional as F

from luthier.catalog import losses
from luthier.catalog.losses import ALL, mix, mixup_share, smooth, soft_targets

RNG = np.random.default_rng(0)
LOGITS, SHARES = RNG.normal(size=(20, 4)) * 5, RNG.dirichlet(np.ones(4), size=20)
NUMBERS, TARGETS = RNG.normal(size=(20, 3)) * 2, RNG.normal(size=(20, 3))
LABELS = RNG.integers(0, 4, 20)

CASES = {
    "cross_entropy": (LOGITS, SHARES, lambda o, t: F.cross_entropy(o, t, reduction="none")),
    "binary_cross_entropy": (
        LOGITS[:, :1],
        SHARES[:, :1],
        lambda o, t: F.binary_cross_entropy_with_logits(o, t, reduction="none").mean(1),
    ),
    "mse": (NUMBERS, TARGETS, lambda o, t: F.mse_loss(o, t, reduction="none").mean(1)),
    "mae": (NUMBERS, TARGETS, lambda o, t: F.l1_loss(o, t, reduction="none").mean(1)),
    "huber": (NUMBERS, TARGETS, lambda o, t: F.huber_loss(o, t, reduction="none").mean(1)),
}


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_the_numbers_are_those_of_torch(loss, library):
    outputs, targets, theirs = CASES[loss.name]
    ours = loss.per_example(library.ops, library.array(outputs), library.array(targets))
    expected = theirs(torch.tensor(outputs), torch.tensor(targets)).numpy()
    assert ours.shape == (20,)
    np.testing.assert_allclose(np.asarray(ours), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_gradients_are_those_of_torch(loss, torch_ops):
    outputs, targets, theirs = CASES[loss.name]
    gradients = []
    for formula in (lambda o, t: loss.per_example(torch_ops, o, t), theirs):
        leaf = torch.tensor(outputs, requires_grad=True)
        formula(leaf, torch.tensor(targets)).sum().backward()
        gradients.append(leaf.grad.numpy())
    np.testing.assert_allclose(*gradients, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_extreme_outputs_do_not_overflow(loss, library):
    outputs = library.array([[1000.0, -1000.0]], "float32")[:, : CASES[loss.name][0].shape[1]]
    targets = library.array([[0.0, 1.0]], "float32")[:, : outputs.shape[1]]
    value = loss.per_example(library.ops, outputs, targets)
    assert value.dtype == outputs.dtype
    assert np.isfinite(np.asarray(value)).all()


def test_one_logit_takes_the_last_column_of_two_classes(library):
    loss = losses.by_name("binary_cross_entropy")
    share = library.array(SHARES[:, :1])
    both = library.array(np.concatenate([1 - SHARES[:, :1], SHARES[:, :1]], axis=1))
    logits = library.array(LOGITS[:, :1])
    one = loss.per_example(library.ops, logits, share)
    two = loss.per_example(library.ops, logits, both)
    np.testing.assert_allclose(np.asarray(one), np.asarray(two))


def test_one_logit_agrees_with_two(library):
    two = np.concatenate([np.zeros((20, 1)), LOGITS[:, :1]], axis=1)
    labels = LABELS % 2
    a = losses.by_name("cross_entropy").per_example(
        library.ops, library.array(two), library.array(np.eye(2)[labels])
    )
    b = losses.by_name("binary_cross_entropy").per_example(
        library.ops, library.array(LOGITS[:, :1]), library.array(labels[:, None])
    )
    np.testing.assert_allclose(np.asarray(a), np.asarray(b))


def test_smoothing_is_that_of_torch(torch_ops):
    logits, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    targets = smooth(soft_targets(labels, torch.eye(4, dtype=torch.float64)), 0.1)
    ours = losses.by_name("cross_entropy").per_example(torch_ops, logits, targets)
    theirs = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-12)


def test_one_column_is_smoothed_as_two_classes():
    np.testing.assert_allclose(smooth(np.array([[1.0], [0.0]]), 0.2), [[0.9], [0.1]])


def test_mixed_targets_are_still_shares(library):
    targets = library.array(SHARES)
    mixed = np.asarray(mix(targets, library.array(SHARES[::-1].copy()), 0.3))
    np.testing.assert_allclose(mixed.sum(1), 1.0)
    np.testing.assert_allclose(mixed[0], 0.3 * SHARES[0] + 0.7 * SHARES[-1])


def test_mixup_shares_are_spread_as_beta():
    shares = np.array([mixup_share(7, step, 0.4) for step in range(4000)])
    assert ((shares >= 0) & (shares <= 1)).all()
    assert abs(shares.mean() - 0.5) < 0.02
    assert abs(shares.var() - 1 / (4 * (2 * 0.4 + 1))) < 0.01
    assert len({mixup_share(seed, 0, 0.4) for seed in range(50)}) == 50


def test_a_mixup_share_never_changes():
    assert mixup_share(3, 14, 0.2) == pytest.approx(0.8057143759999973, rel=1e-12)
