"""What hooks see of a PyTorch loop, and what they must not disturb."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import luthier

X = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
LOSS = nn.CrossEntropyLoss()


def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))


def watched(model, optimizer=None, *, epochs=4, forward=None, loss_fn=LOSS, rows=20, **how):
    """Train a few epochs; return what rules read, and the notes."""
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(epochs):
            for part in torch.randperm(len(X)).split(rows):
                step(model, optimizer, part, forward or model, loss_fn, **how)
            run.log(train_loss=1.0)
    return run.run, run.diagnosis.notes


def step(model, optimizer, part, forward, loss_fn, *, zero="before", closure=False):
    def compute():
        if zero == "before":
            optimizer.zero_grad()
        loss = loss_fn(forward(X[part]), Y[part])
        if zero == "between":
            optimizer.zero_grad()
        loss.backward()
        return loss

    if closure:
        optimizer.step(compute)
        return
    compute()
    optimizer.step()
    if zero == "after":
        optimizer.zero_grad(set_to_none=False)


def test_the_first_steps_are_all_sampled_and_later_ones_ever_more_seldom():
    run, _ = watched(mlp(), epochs=40)
    steps = run.trace.steps
    assert steps[:8] == tuple(range(1, 9))
    assert len(steps) < 30
    assert steps[-1] - steps[-2] <= 100


def test_an_update_is_measured_against_the_weight_that_it_changes():
    model = mlp()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    with luthier.watch(model, optimizer := torch.optim.SGD(model.parameters(), lr=0.1)) as run:
        step(model, optimizer, torch.arange(20), model, LOSS)
    for name in ("0.weight", "2.weight"):
        old, new = before[name], model.get_parameter(name).detach()
        (ratio,) = run.run.trace.series[f"update_ratio/{name}"]
        (norm,) = run.run.trace.series[f"gradient_norm/{name}"]
        assert ratio == pytest.approx(float((new - old).norm() / old.norm()), rel=1e-4)
        assert norm == pytest.approx(float((old - new).square().mean().sqrt() / 0.1), rel=1e-3)


def test_the_loss_and_what_guessing_gives_are_read_off_the_loss_module():
    run, _ = watched(mlp())
    assert run.trace.series["loss"][0] > 0.0
    assert run.trace.facts["loss_of_guessing"] == pytest.approx(0.693, abs=1e-3)


LOSSES = {
    "cross-entropy": (nn.Identity(), F.cross_entropy, "CrossEntropyLoss"),
    "its sum": (nn.Identity(), lambda o, t: F.cross_entropy(o, t, reduction="sum"),
                "CrossEntropyLoss"),
    "a part of it, for accumulation": (nn.Identity(), lambda o, t: F.cross_entropy(o, t) / 4,
                                       "CrossEntropyLoss"),
    "with a penalty": (nn.Identity(), lambda o, t: F.cross_entropy(o, t) + 0.01 * o.detach().sum(),
                       "CrossEntropyLoss"),
    "of a softmax": (nn.Softmax(1), F.cross_entropy, "CrossEntropyLoss"),
    "likelihood": (nn.LogSoftmax(1), F.nll_loss, "NLLLoss"),
    "binary": (nn.Identity(), lambda o, t: F.binary_cross_entropy_with_logits(o[:, 0], t.float()),
               None),
    "squares": (nn.Identity(), lambda o, t: F.mse_loss(o, F.one_hot(t, 2).float()), None),
    "contrastive": (nn.Identity(), lambda o, t: F.cross_entropy(o @ o.T, torch.arange(len(o))),
                    None),
    "an adversary's": (nn.Identity(), lambda o, t: -o.mean(), None),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_that_is_a_function_is_told_by_the_gradient_of_the_outputs(name):
    tail, loss_fn, expected = LOSSES[name]
    run, notes = watched(nn.Sequential(mlp(), tail), loss_fn=loss_fn)
    kind = run.trace.facts.get("first_batch", {}).get("loss", {}).get("kind")
    kinds = {"CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll", None: None}
    assert (kind, notes) == (kinds[expected], ())
    if expected:
        assert run.trace.facts["loss_of_guessing"] == pytest.approx(0.693, abs=1e-3)
        assert run.trace.facts["label_agreement"] == pytest.approx(0.5, abs=0.1)
        assert len(run.trace.series["loss"]) == len(run.trace.steps)


def test_one_logit_and_shares_are_told_too():
    for tail, loss_fn, kind in (
        (nn.Identity(), F.binary_cross_entropy_with_logits, "bce_logits"),
        (nn.Sigmoid(), F.binary_cross_entropy, "bce"),
    ):
        model = nn.Sequential(mlp(), nn.Linear(2, 1), tail, nn.Flatten(0))
        run, _ = watched(model, loss_fn=lambda o, t, f=loss_fn: f(o, t.float()))
        assert run.trace.facts["first_batch"]["loss"]["kind"] == kind


def test_a_softmax_before_a_function_that_has_its_own_is_found():
    model = nn.Sequential(mlp(), nn.Softmax(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, live=False) as run:
        for _ in range(3):
            for part in torch.randperm(len(X)).split(20):
                step(model, optimizer, part, model, F.cross_entropy)
            run.log(train_loss=0.6)
    assert run.diagnosis.problems[0] == "double_softmax"


@pytest.mark.parametrize("normalised", [True, False])
def test_outputs_that_are_all_alike_do_not_tell_a_loss_of_shares_from_one_of_logits(normalised):
    model = nn.Sequential(mlp(), nn.Linear(2, 10), nn.Softmax(1))
    with torch.no_grad():
        model[1].weight.mul_(1e-4), model[1].bias.zero_()

    def entropy(shares, labels):
        shares = shares / shares.sum(1, keepdim=True) if normalised else shares
        return -shares[torch.arange(len(labels)), labels].clip(1e-7).log().mean()

    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    with luthier.watch(model, optimizer, live=False) as run:
        for _ in range(4):
            for part in torch.randperm(len(X)).split(20):
                step(model, optimizer, part, model, entropy)
            run.log(train_loss=2.3)
    assert "double_softmax" not in run.diagnosis.problems
    assert "first_batch" not in run.run.trace.facts


def test_gradients_that_are_clipped_to_one_norm_are_told():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for _ in range(8):
            losses = []
            for part in torch.randperm(len(X)).split(20):
                optimizer.zero_grad()
                losses.append(LOSS(model(X[part]), Y[part]))
                losses[-1].backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1e-4)
                optimizer.step()
            run.log(train_loss=torch.stack(losses).mean())
    assert run.diagnosis.problems[0] == "learning_rate_too_low"
    assert run.diagnosis.findings[0].evidence["clip_norm"] == pytest.approx(1e-4, rel=1e-2)


def test_batches_whose_gradients_are_added_up_all_epoch_are_one_batch():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for _ in range(12):
            losses = []
            optimizer.zero_grad()
            for part in torch.randperm(len(X)).split(20):
                losses.append(LOSS(model(X[part]), Y[part]))
                losses[-1].backward()
            optimizer.step()
            with torch.no_grad():
                run.log(train_loss=torch.stack(losses).mean(), val_loss=LOSS(model(X), Y))
    assert run.run.trace.facts["passes_per_step"] == 10
    assert run.diagnosis.problems[0] == "batch_too_large", str(run.diagnosis)
    assert "optimizer.step()" in run.diagnosis.findings[0].prescriptions[0].advice


def test_the_recipe_is_what_the_optimizer_says():
    model = mlp()
    run, _ = watched(model, torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1))
    assert (run.recipe.optimizer, run.recipe.learning_rate) == ("adamw", 0.02)
    assert (run.recipe.weight_decay, run.recipe.batch_size) == (0.1, 20)


@pytest.mark.parametrize("zero", ["before", "between", "after"])
def test_gradients_may_be_zeroed_wherever_one_likes(zero):
    run, _ = watched(mlp(), zero=zero)
    assert run.trace.counts["intervals_not_zeroed"] == 0


def test_gradients_that_are_never_zeroed_are_counted():
    run, _ = watched(mlp(), zero="never")
    counts = run.trace.counts
    assert counts["intervals_not_zeroed"] == counts["intervals"] >= 8


def test_a_forgotten_optimizer_among_several_is_seen():
    model = mlp()
    one, two = (torch.optim.SGD(model[i].parameters(), lr=0.1) for i in (0, 2))
    with luthier.watch(model, [one, two], live=False) as run:
        for part in torch.arange(200).split(10):
            one.zero_grad()
            LOSS(model(X[part]), Y[part]).backward()
            one.step()
            two.step()
        run.log(train_loss=1.0)
    assert run.diagnosis.problems[0] == "gradients_not_zeroed"
    assert run.run.trace.counts["steps"] == 20


def test_a_closure_computes_gradients_within_the_step():
    model = mlp()
    run, notes = watched(model, torch.optim.LBFGS(model.parameters(), lr=0.1), closure=True)
    assert run.trace.series["update_ratio/0.weight"][0] > 0.0
    assert notes == ()


class Blind(nn.Module):
    """Units that never get a gradient."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 16), nn.Linear(16, 2)
        nn.init.constant_(self.first.bias[:12], -100.0)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def test_units_without_gradient_are_counted_after_a_dozen_batches_alone():
    run, _ = watched(Blind(), epochs=3)
    shares = run.trace.series["dead_units/first"]
    assert all(share != share for share in shares[:11])  # not a number: not known yet
    assert shares[-1] == 0.75


def test_saturation_is_of_hidden_layers_and_not_of_the_output():
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2), nn.Sigmoid())
    nn.init.normal_(model[0].weight, std=1e3)
    nn.init.normal_(model[2].weight, std=1e3)
    run, _ = watched(model)
    assert run.trace.series["saturated/1"][0] > 0.95
    assert "saturated/3" not in run.trace.series


class Uneven(nn.Module):
    """A layer of which the watcher cannot measure what it puts out."""

    def __init__(self):
        super().__init__()
        self.layers, self.tanh = mlp(), nn.Tanh()

    def forward(self, x):
        self.tanh(x.to(torch.complex64))
        return self.layers(x)


def test_what_cannot_be_measured_breaks_nothing_and_is_noted(monkeypatch):
    from luthier.frameworks.torch import watching_layers

    monkeypatch.setattr(watching_layers, "EDGE", "no number")
    run, notes = watched(Uneven())
    assert run.trace.counts["steps"] == 40
    assert len(notes) == 1
    assert notes[0].startswith("stopped measuring steps: TypeError")


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapper", "network"])
def test_a_compiled_network_trains_the_same_and_is_not_compiled_again(wrapped):
    compiled = 0

    def backend(graph, inputs):
        nonlocal compiled
        compiled += 1
        return graph.forward

    weights = []
    for looked_at in (False, True):
        torch._dynamo.reset()
        torch.manual_seed(0)
        model = mlp()
        fast, compiled = torch.compile(model, backend=backend), 0
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        if looked_at:
            run, _ = watched(fast if wrapped else model, optimizer, forward=fast)
            assert run.trace.series["update_ratio/" + ("_orig_mod." * wrapped) + "0.weight"]
        else:
            for _ in range(4):
                for part in torch.randperm(len(X)).split(20):
                    step(model, optimizer, part, fast, LOSS)
        weights.append((model[0].weight.detach().clone(), compiled))
    assert torch.equal(weights[0][0], weights[1][0])
    assert weights[1][1] <= weights[0][1] + 1


def test_a_network_compiled_in_place_is_told_to_be_unseen():
    model = mlp()
    model.compile(backend="eager")
    _, notes = watched(model)
    assert notes == ("forward passes are compiled in place, and not seen",)


def test_data_parallel_is_watched_as_it_is_called():
    run, notes = watched(nn.DataParallel(mlp()))
    assert run.trace.counts["steps"] == 40
    assert run.trace.series["update_ratio/module.0.weight"][0] > 0.0
    assert notes == ()


def test_a_network_that_is_not_the_one_called_is_noted():
    model = mlp()
    _, notes = watched(model, forward=lambda x: model[2](torch.relu(model[0](x))))
    assert notes == ("the watched network itself was never called: its passes were not seen",)


def test_half_precision_and_integers_are_measured_too():
    model = mlp().to(torch.bfloat16)
    run, notes = watched(model, forward=lambda x: model(x.to(torch.bfloat16)).float())
    assert run.trace.series["update_ratio/0.weight"][0] > 0.0
    assert notes == ()


def test_steps_that_a_scaler_skips_are_no_steps():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with luthier.watch(model, optimizer, live=False) as run:
        for i in range(10):
            optimizer.zero_grad()
            scaler.scale(LOSS(model(X), Y)).backward()
            if i < 5:
                model[0].weight.grad[0, 0] = torch.inf
            scaler.step(optimizer)
            scaler.update()
        run.log(train_loss=1.0)
    assert run.run.trace.counts["steps"] == 5
    assert run.diagnosis.healthy


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_validation_is_seen_whether_an_epoch_is_logged_in_one_call_or_in_two(calls, mode):
    model = nn.Sequential(nn.Linear(6, 16), nn.Dropout(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for _ in range(10):
            model.train()
            for part in torch.randperm(len(X)).split(4):
                step(model, optimizer, part, model, LOSS)
            if calls == 2:
                run.log(train_loss=1.0)
            model.train(mode == "train")
            with torch.no_grad():
                loss = LOSS(model(X), Y)
            run.log(val_loss=loss, **({"train_loss": 1.0} if calls == 1 else {}))
    counts = run.run.trace.counts
    assert counts["validations"] >= 8
    assert counts["validations_in_train_mode"] == counts["validations"] * (mode == "train")


def test_most_steps_of_later_epochs_meet_no_hook_but_the_one_that_counts():
    model, hooked = mlp(), 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for epoch in range(24):
            for part in torch.randperm(len(X)).split(2):
                modules = [LOSS, *model.modules()]
                hooked += epoch >= 8 and any(
                    m._forward_hooks or m._forward_pre_hooks for m in modules
                )
                step(model, optimizer, part, model, LOSS)
            run.log(train_loss=1.0)
    assert hooked <= 0.06 * 16 * 100
    assert all(p._backward_hooks is None for p in model.parameters())


def test_a_network_can_be_saved_whole_at_any_step_and_loads_without_luthier(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for epoch in range(3):
            for at, part in enumerate(torch.arange(len(X)).split(50)):
                step(model, optimizer, part, model, LOSS)
                torch.save(model, path := tmp_path / f"{epoch}-{at}.pt")
                assert b"luthier" not in path.read_bytes()
                loaded = torch.load(path, weights_only=False)
                assert torch.equal(loaded(X), model(X))
            run.log(train_loss=1.0)


def test_passes_of_a_copy_are_none_of_the_network():
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, LOSS, live=False) as run:
        for _ in range(4):
            for part in torch.randperm(len(X)).split(50):
                step(model, optimizer, part, model, LOSS)
                average = torch.optim.swa_utils.AveragedModel(model)
            torch.optim.swa_utils.update_bn(X.split(50), average)
            run.log(val_loss=1.0)
    assert run.run.trace.counts["validations"] == 0


def test_the_one_part_of_a_container_that_is_called_is_the_network():
    doubt = nn.ParameterList([nn.Parameter(torch.zeros(1))])
    both = nn.ModuleDict({"body": (body := mlp()), "doubt": doubt})
    run, notes = watched(both, forward=body)
    assert notes == ()
    assert run.trace.facts["loss_of_guessing"] > 0.5


class WithLoss(nn.Module):
    """As transformers return what they compute: by name, with the loss beside it."""

    def __init__(self):
        super().__init__()
        self.inner = mlp()

    def forward(self, inputs, labels):
        logits = self.inner(inputs)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def test_a_loss_that_the_network_computes_itself_is_told_by_the_outputs_beside_it():
    model = WithLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, live=False) as run:
        for _ in range(4):
            for part in torch.randperm(len(X)).split(20):
                optimizer.zero_grad()
                (loss := model(X[part], Y[part])["loss"]).backward()
                optimizer.step()
            run.log(train_loss=loss)
    facts = run.run.trace.facts
    assert facts["first_batch"]["loss"]["kind"] == "cross_entropy"
    assert facts["loss_of_guessing"] == pytest.approx(0.693, abs=1e-3)


def test_a_loss_module_that_the_loop_does_not_call_hides_no_loss():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, optimizer, nn.CrossEntropyLoss(), live=False) as run:
        for _ in range(4):
            for part in torch.randperm(len(X)).split(20):
                step(model, optimizer, part, model, F.cross_entropy)
            run.log(train_loss=1.0)
    facts, series = run.run.trace.facts, run.run.trace.series
    assert facts["loss_of_guessing"] == pytest.approx(0.693, abs=1e-3)
    assert sum(one == one for one in series["loss"]) == len(run.run.trace.steps) - 1
