"""One vector holds all parameters, and the network does not notice."""

import pytest
import torch
from torch import nn

from luthier.engines.torch_eager.flat import Flat
from luthier.testing.torch_networks import frozen, tied


def test_kernels_come_first_in_the_order_of_the_network():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    flat = Flat(module)
    assert flat.names == ("0.weight", "2.weight", "0.bias", "1.weight", "1.bias", "2.bias")
    assert flat.kernel_names == ("0.weight", "2.weight")
    assert (flat.kernels, len(flat.weights)) == (8, 15)


def test_values_and_shapes_stay():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 1))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    Flat(module)
    for name, p in module.named_parameters():
        assert torch.equal(p, before[name])


def test_what_changes_in_the_vector_changes_in_the_network():
    module = nn.Linear(3, 2)
    flat = Flat(module)
    flat.weights.fill_(2.0)
    assert module(torch.ones(1, 3)).tolist() == [[8.0, 8.0]]


def test_backward_passes_fill_the_gradient_vector():
    module = nn.Linear(3, 2)
    flat = Flat(module)
    module(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    flat.collect()
    assert flat.gradients.tolist() == [1, 2, 3, 1, 2, 3, 1, 1]


def test_a_tied_kernel_is_there_once_and_gathers_both_gradients():
    module = tied(3, 2)
    flat = Flat(module)
    assert flat.names.count("first.weight") == 1
    assert "second.weight" not in flat.names
    assert module.second.weight is module.first.weight
    reference = tied(3, 2)
    reference.load_state_dict(module.state_dict())
    x = torch.randn(4, 3)
    for network in (module, reference):
        network(x).square().sum().backward()
    flat.collect()
    assert torch.allclose(flat.gradients[:9].view(3, 3), reference.first.weight.grad)


def test_frozen_parameters_are_left_out():
    module = frozen(3, 2)
    first = module[0].weight
    flat = Flat(module)
    assert flat.names == ("2.weight", "2.bias")
    module(torch.ones(1, 3)).sum().backward()
    flat.collect()
    assert first is module[0].weight
    assert first.grad is None


def test_gradients_of_sparse_embeddings_are_those_of_dense_ones():
    tokens = torch.tensor([1, 1, 4])
    gradients = []
    for sparse in (True, False):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Embedding(6, 2, sparse=sparse), nn.Linear(2, 1))
        flat = Flat(module)
        for _ in range(2):  # the second time, gradients are there already
            flat.gradients.zero_()
            module(tokens).square().sum().backward()
            flat.collect()
        gradients.append(flat.gradients.clone())
        assert not module[0].weight.grad.is_sparse
    assert gradients[0].abs().sum() > 0
    assert torch.equal(*gradients)


def test_gradients_that_were_set_to_none_are_brought_home():
    module = nn.Linear(3, 2)
    flat = Flat(module)
    module.zero_grad(set_to_none=True)
    module(torch.ones(1, 3)).sum().backward()
    flat.collect()
    assert flat.gradients.tolist() == [1.0] * 8
    assert module.weight.grad.data_ptr() == flat.gradients.data_ptr()


def test_norms_are_those_of_each_kernel():
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    flat = Flat(module)
    expected = [float(module[i].weight.detach().norm()) for i in (0, 1)]
    assert flat.norms(flat.weights) == pytest.approx(expected)


def test_a_network_without_kernels_has_no_norms():
    flat = Flat(nn.BatchNorm1d(2))
    assert (flat.kernels, flat.norms(flat.weights)) == (0, [])


def test_a_network_without_trainable_parameters_is_refused():
    with pytest.raises(ValueError, match="no trainable parameter"):
        Flat(nn.Linear(2, 1).requires_grad_(False))


def test_parameters_of_several_types_are_refused():
    with pytest.raises(ValueError, match=r"float32.*float64"):
        Flat(nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1).double()))
