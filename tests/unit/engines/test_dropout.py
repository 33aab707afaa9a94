"""Dropout masks are a function of seed, step and call."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier.engines.torch_eager.dropout import KeyedDropout, keyed_mask

ONES = torch.ones(16, 8)


def test_a_mask_depends_on_seed_step_and_call_alone():
    key = {"seed": 1, "step": 2, "call": 3}
    mask = keyed_mask((16, 8), 0.5, **key)
    torch.manual_seed(99)
    np.testing.assert_array_equal(keyed_mask((16, 8), 0.5, **key), mask)
    for name in key:
        other = keyed_mask((16, 8), 0.5, **{**key, name: 9})
        assert 0.3 < (other != mask).mean() < 0.7


def test_two_calls_of_a_forward_pass_get_different_masks():
    with KeyedDropout(seed=0, step=0):
        first, second = functional.dropout(ONES), functional.dropout(ONES)
    np.testing.assert_array_equal(first, keyed_mask((16, 8), 0.5, seed=0, step=0, call=0))
    np.testing.assert_array_equal(second, keyed_mask((16, 8), 0.5, seed=0, step=0, call=1))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_expected_share_is_dropped_and_the_rest_scaled(p):
    mask = keyed_mask((200, 500), p, seed=0, step=0, call=0)
    assert (mask == 0).mean() == pytest.approx(p, abs=0.005)
    if p < 1:
        np.testing.assert_allclose(mask[mask > 0], 1 / (1 - p), rtol=1e-6)
        assert mask.mean() == pytest.approx(1, abs=0.02)


def test_rows_and_columns_are_dropped_independently():
    kept = keyed_mask((400, 50), 0.5, seed=3, step=1, call=0) > 0
    assert kept.mean(0) == pytest.approx(0.5, abs=0.12)
    correlation = np.corrcoef(kept.T) - np.eye(50)
    assert np.abs(correlation).max() < 0.25


def test_modules_and_functions_get_the_same_masks():
    results = []
    for drop in (
        lambda x: nn.Dropout(0.4)(x),
        lambda x: functional.dropout(x, 0.4),
        lambda x: functional.dropout(x, p=0.4, training=True),
        lambda x: functional.dropout(x.clone(), 0.4, inplace=True),
    ):
        with KeyedDropout(seed=7, step=3):
            results.append(drop(ONES))
    assert 0 < (results[0] == 0).float().mean() < 1
    assert all(torch.equal(results[0], result) for result in results[1:])


@pytest.mark.parametrize(
    ("module", "shape", "dropped"),
    [
        (nn.Dropout1d(0.5), (8, 4, 5), (2,)),
        (nn.Dropout2d(0.5), (8, 4, 5, 5), (2, 3)),
        (nn.Dropout3d(0.5), (8, 4, 2, 3, 3), (2, 3, 4)),
    ],
)
def test_whole_channels_are_dropped(module, shape, dropped):
    with KeyedDropout(seed=0, step=0):
        out = module(torch.ones(shape))
    assert torch.equal(out.amax(dropped), out.amin(dropped))
    mask = torch.from_numpy(keyed_mask((8, 4), 0.5, seed=0, step=0, call=0))
    assert torch.equal(out.amax(dropped), mask)


def test_a_matrix_is_one_example_for_dropout1d_as_in_torch():
    with KeyedDropout(seed=0, step=0):
        out = nn.Dropout1d(0.5)(ONES)
    assert torch.equal(out.amax(1), out.amin(1))
    assert 0 < (out == 0).float().mean() < 1


def test_nothing_is_dropped_in_evaluation_mode():
    modules = (nn.Dropout(0.5), nn.Dropout1d(0.5), nn.AlphaDropout(0.5))
    with KeyedDropout(seed=0, step=0):
        for module in modules:
            assert torch.equal(module.eval()(ONES), ONES)
        assert torch.equal(functional.dropout(ONES, 0.5, training=False), ONES)


def test_gradients_go_through_what_was_kept():
    x = ONES.clone().requires_grad_()
    with KeyedDropout(seed=0, step=0):
        out = functional.dropout(x, 0.5)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_masks_do_not_draw_from_torchs_generator():
    before = torch.get_rng_state()
    with KeyedDropout(seed=0, step=0):
        functional.dropout(ONES)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_query_that_is_left_nothing_to_look_at_sees_zeros_as_in_torch():
    q, k, v = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(3))
    seen = torch.tensor([[True, True, False], [False, False, False], [True, False, True]])
    for mask in (seen, torch.zeros(3, 3).masked_fill(~seen, -torch.inf)):
        with KeyedDropout(seed=0, step=0):
            out = functional.scaled_dot_product_attention(q, k, v, mask, dropout_p=0.25)
        assert torch.equal(out[:, 1], torch.zeros(2, 4))
        gradients = torch.autograd.grad(out.square().sum(), (q, k, v))
        assert all(torch.isfinite(one).all() for one in gradients)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_drop_between_each_other_by_keyed_masks(kind):
    both, first, second = kind(3, 4, 2, dropout=0.5), kind(3, 4), kind(4, 4)
    for layer, one in enumerate((first, second)):
        for name, weight in one.named_parameters():
            weight.data = getattr(both, name.replace("l0", f"l{layer}")).data
    x = torch.randn(5, 6, 3)
    with KeyedDropout(seed=3, step=7):
        out, states = both(x)
    middle, before = first(x)
    mask = torch.from_numpy(keyed_mask((5, 6, 4), 0.5, seed=3, step=7, call=0))
    expected, after = second(middle * mask)
    torch.testing.assert_close(out, expected)
    last = [states, before, after] if kind is not nn.LSTM else [states[1], before[1], after[1]]
    torch.testing.assert_close(last[0], torch.cat(last[1:]))
    with KeyedDropout(seed=3, step=7):
        torch.testing.assert_close(both.eval()(x)[0], second(first(x)[0])[0])


def test_padded_sequences_are_dropped_by_keyed_masks_too():
    layer = nn.GRU(3, 4, 3, dropout=0.5, bidirectional=True)
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 3), torch.tensor([5, 2]))

    def outputs(seed):
        with KeyedDropout(seed=seed, step=0):
            return layer(packed)[0].data

    assert torch.equal(outputs(1), outputs(1))
    assert not torch.equal(outputs(1), outputs(2))
