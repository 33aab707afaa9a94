"""Two lines around a loop: what they change (nothing), leave (nothing) and say."""

import copy
import gc
import itertools

import pytest
import torch
from torch import nn

import luthier
from luthier.core import WatchError


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3)
    )


def batches(count: int = 20):
    for _ in range(count):
        x = torch.randn(16, 8)
        yield x, x[:, :3].argmax(1)


def train(model, optimizer, run=None, *, epochs=3, zero=True, stop=None):
    loss_fn = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for i, (x, y) in enumerate(batches()):
            if i == stop:
                raise InterruptedError("somebody stopped it")
            loss = loss_fn(model(x), y)
            if zero:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if run is not None:
            run.log(train_loss=loss)


def hooks(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    found = sum(len(getattr(layer, kind)) for layer in model.modules() for kind in kinds)
    found += sum(len(p._backward_hooks or ()) for p in model.parameters())
    return (
        found + len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)
    )


def seeded(kind=torch.optim.Adam):
    torch.manual_seed(3)
    model = network()
    return model, kind(model.parameters(), lr=0.01)


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
def test_training_is_the_same_bit_for_bit(kind):
    plain, optimizer = seeded(kind)
    train(plain, optimizer)
    watched, optimizer = seeded(kind)
    with luthier.watch(watched, optimizer, nn.CrossEntropyLoss()) as run:
        train(watched, optimizer, run)
    assert bits(watched) == bits(plain)


def test_no_hook_is_left():
    model, optimizer = seeded()
    with luthier.watch(model, optimizer) as run:
        train(model, optimizer, run)
        assert hooks(model, optimizer) > 0
    assert hooks(model, optimizer) == 0


def test_no_hook_is_left_after_an_exception():
    model, optimizer = seeded()
    with pytest.raises(InterruptedError), luthier.watch(model, optimizer):
        train(model, optimizer, stop=3)
    assert hooks(model, optimizer) == 0


def test_a_network_that_was_watched_can_be_copied_and_watched_again():
    model, optimizer = seeded()
    for _ in range(2):
        with luthier.watch(model, optimizer) as run:
            train(model, optimizer, run)
    assert copy.deepcopy(model)
    assert run.diagnosis.healthy


def test_what_was_seen_can_be_read_after_the_block():
    model, optimizer = seeded()
    with luthier.watch(model, optimizer, nn.CrossEntropyLoss()) as run:
        train(model, optimizer, run)
    assert str(run.diagnosis).startswith("Nothing wrong found. Looked at 3 epochs")
    assert run.run.trace.counts["steps"] == 60


def tensors() -> int:
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


def test_memory_does_not_grow_and_no_graph_is_kept():
    model, optimizer = nn.Linear(4, 1), None
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(8, 4)
    counts = []
    with luthier.watch(model, optimizer, live=False) as run:
        for step in range(1, 10_001):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            if step % 100 == 0:
                run.log(train_loss=loss)
            if step % 2500 == 0:
                counts.append((tensors(), len(run.run.trace.steps)))
    alive, rows = zip(*counts, strict=True)
    # What a compiler of an earlier test has left goes meanwhile; nothing may come.
    assert all(later - alive[0] <= 2 for later in alive)
    assert alive[-1] - alive[1] <= 2
    assert rows[-1] <= 256


def test_a_finding_is_said_once_while_the_loop_runs():
    texts = []
    model, optimizer = seeded(torch.optim.SGD)
    with luthier.watch(model, optimizer, notify=texts.append) as run:
        train(model, optimizer, run, epochs=1, zero=False)
        assert [text.split("\n")[1].split()[1] for text in texts] == ["gradients_not_zeroed"]
        train(model, optimizer, run, epochs=4, zero=False)
    assert sum("gradients_not_zeroed" in text for text in texts) == 1


def test_it_is_quiet_if_told_so(capsys):
    model, optimizer = seeded(torch.optim.SGD)
    with luthier.watch(model, optimizer, live=False) as run:
        train(model, optimizer, run, zero=False)
    assert capsys.readouterr() == ("", "")
    assert run.diagnosis.problems[0] == "gradients_not_zeroed"


def test_a_finding_goes_to_stderr(capsys):
    model, optimizer = seeded(torch.optim.SGD)
    with luthier.watch(model, optimizer) as run:
        train(model, optimizer, run, zero=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("luthier, after epoch 1:\nerror: gradients_not_zeroed")


def test_a_rate_that_is_logged_is_compared_with_the_one_that_is_used():
    model, optimizer = seeded(torch.optim.SGD)
    with luthier.watch(model, optimizer, live=False) as run:
        for epoch in range(4):
            train(model, optimizer, epochs=1)
            run.log(train_loss=1.0, learning_rate=0.1 ** (epoch + 2))
    assert run.run.curves.learning_rate == (0.01,) * 4
    assert run.diagnosis.problems == ("schedule_not_applied",)


def test_a_rate_that_was_set_is_no_finding():
    model, optimizer = seeded(torch.optim.SGD)
    with luthier.watch(model, optimizer, live=False) as run:
        for epoch in range(4):
            optimizer.param_groups[0]["lr"] = 0.02 / (epoch + 1)
            train(model, optimizer, epochs=1)
            run.log(train_loss=1.0, lr=round(0.02 / (epoch + 1), 6))
    assert "schedule_not_applied" not in run.diagnosis.problems


def test_an_optimizer_that_never_steps_is_noted():
    model, optimizer = seeded()
    other = torch.optim.SGD(model.parameters(), lr=0.1)
    with luthier.watch(model, other, live=False) as run:
        train(model, optimizer, run)
    assert any("never seen to step" in note for note in run.diagnosis.notes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (lambda m, o: (o, m), "expected. Write"),
        (lambda m, o: (m, m), "torch.optim.Optimizer was expected"),
        (lambda m, o: (m, []), "given nothing as an optimizer"),
        (lambda m, o: ("model", o), "given a str as its network"),
    ],
)
def test_what_cannot_be_watched_is_told(arguments, expected):
    with pytest.raises(WatchError, match="watch was") as error:
        luthier.watch(*arguments(*seeded()))
    assert expected in str(error.value)


def test_a_value_that_is_no_number_is_told():
    model, optimizer = seeded()
    with luthier.watch(model, optimizer) as run:
        with pytest.raises(WatchError, match="train_loss was logged as a Tensor"):
            run.log(train_loss=torch.ones(3))
        with pytest.raises(WatchError, match="val_loss was logged as a str"):
            run.log(val_loss="low")


def test_nothing_is_logged_to_a_watch_that_is_not_open():
    run = luthier.watch(*seeded())
    with pytest.raises(WatchError, match="not open"):
        run.log(train_loss=1.0)
    with run, pytest.raises(WatchError, match="open already"), run:
        pass


def test_looks_become_rare_as_a_training_gets_long(monkeypatch):
    looks = itertools.count()
    model, optimizer = seeded()
    with luthier.watch(model, optimizer) as run:
        monkeypatch.setattr(type(run), "_look", lambda self: next(looks))
        for _ in range(1000):
            run.log(train_loss=1.0)
    assert next(looks) < 60


def test_a_slow_start_is_given_time_before_it_is_called_a_failure():
    """What only seems so after a few epochs is said when it still does after half as many more."""
    texts, said_at = [], []
    model, optimizer = seeded(torch.optim.SGD)
    loss_fn = nn.CrossEntropyLoss()
    with luthier.watch(model, optimizer, loss_fn, notify=texts.append) as run:
        for epoch in range(1, 13):
            for x, _ in batches():
                loss = loss_fn(model(x), torch.randint(0, 3, (16,)))  # nothing to learn
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            run.log(train_loss=1.1, val_loss=1.1)
            said_at += [epoch] * (len(texts) > len(said_at))
    assert "not_learning" in texts[0]
    assert said_at[0] >= 8


@pytest.mark.parametrize("rate", [0.02, torch.tensor(0.02)], ids=["float", "tensor"])
def test_a_rate_is_seen_after_a_state_was_loaded(rate):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    with luthier.watch(model, optimizer, live=False) as run:
        train(model, optimizer, epochs=1)
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(4):
            train(model, optimizer, epochs=1)
            run.log(train_loss=1.0, learning_rate=schedule.get_last_lr()[0])
            schedule.step()
    assert run.run.curves.learning_rate == pytest.approx((0.02, 0.01, 0.005, 0.0025))
    assert run.run.trace.counts["rates_not_applied"] == 0


def looped(model, loss_fn, data, rate=0.01, epochs=4, **more):
    """Train on batches of 16, and return what is said."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    x, y = data
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(epochs):
            total = 0.0
            for rows in torch.randperm(len(x)).split(16):
                optimizer.zero_grad()
                loss = loss_fn(model(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                total += loss.item()
            run.log(train_loss=total / (len(x) // 16), **more)
    return run.diagnosis


X = torch.randn(160, 6, generator=torch.Generator().manual_seed(1))
CLASSES, NUMBERS = (X[:, 0] > 0).long() + (X[:, 1] > 0).long(), X[:, :1] + 0.1 * X[:, 1:2]

TAGS = (X[:, :3] > 0).float()


def ends(*tail, outputs=3):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, outputs), *tail)


@pytest.mark.parametrize(
    ("problem", "model", "loss_fn", "data"),
    [
        ("double_softmax", ends(nn.Softmax(1)), nn.CrossEntropyLoss(), (X, CLASSES)),
        ("double_softmax", ends(nn.Sigmoid(), outputs=1), nn.BCEWithLogitsLoss(),
         (X, (CLASSES > 0).float()[:, None])),
        ("wrong_output_activation", ends(), nn.NLLLoss(), (X, CLASSES)),
        ("wrong_output_activation", ends(nn.Softmax(1)), nn.KLDivLoss(reduction="batchmean"),
         (X, X[:, :3].softmax(1))),
        ("wrong_output_activation", ends(nn.Sigmoid(), outputs=1), nn.MSELoss(),
         (X, 9 * NUMBERS)),
        ("output_shape", ends(outputs=1), nn.MSELoss(), (X, NUMBERS[:, 0])),
        ("wrong_loss", ends(), nn.CrossEntropyLoss(), (X, TAGS)),
        ("wrong_output_activation", ends(nn.Softmax(1)), nn.BCELoss(), (X, TAGS)),
        ("label_range", ends(outputs=1), nn.BCEWithLogitsLoss(), (X, 2.0 * CLASSES[:, None])),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_the_loss_are_told_by_the_first_batch(
    problem, model, loss_fn, data
):
    found = looped(model, loss_fn, data)
    assert found.problems[0] == problem, str(found)
    assert not found.healthy


@pytest.mark.parametrize(
    ("model", "loss_fn", "data"),
    [
        (ends(), nn.CrossEntropyLoss(label_smoothing=0.1), (X, CLASSES)),
        (ends(nn.LogSoftmax(1)), nn.NLLLoss(), (X, CLASSES)),
        (ends(nn.LogSoftmax(1)), nn.KLDivLoss(reduction="batchmean"), (X, X[:, :3].softmax(1))),
        (ends(nn.Sigmoid(), outputs=1), nn.BCELoss(), (X, (CLASSES > 0).float()[:, None])),
        (ends(nn.Sigmoid(), outputs=6), nn.MSELoss(), (X, X.sigmoid())),
        (ends(outputs=1), nn.MSELoss(), (X, NUMBERS)),
        (ends(), nn.BCEWithLogitsLoss(), (X, TAGS)),
        (ends(), nn.CrossEntropyLoss(), (X, nn.functional.one_hot(CLASSES, 3).float())),
        (nn.Sequential(nn.BatchNorm1d(6), *ends()), nn.CrossEntropyLoss(), (X * 900, CLASSES)),
    ],
    ids=[
        "smoothed",
        "log_softmax",
        "divergence",
        "sigmoid",
        "autoencoder",
        "numbers",
        "tags",
        "one-hot",
        "normalised first",
    ],
)
def test_outputs_that_fit_get_no_word_from_the_first_batch(model, loss_fn, data):
    assert looped(model, loss_fn, data).healthy


def test_raw_inputs_that_keep_a_network_from_learning_are_the_first_cause():
    found = looped(ends(outputs=1), nn.MSELoss(), (X * 900 + 2000, NUMBERS), epochs=6)
    assert found.problems[0] == "unscaled_inputs"
    assert found.findings[0].consequences


def test_a_loss_function_of_the_users_own_is_never_called_by_us():
    calls = []

    class Own(nn.Module):
        def forward(self, outputs, targets):
            calls.append(len(outputs))
            return nn.functional.cross_entropy(outputs, targets)

    looped(ends(nn.Softmax(1)), Own(), (X, CLASSES), epochs=2)
    assert len(calls) == 20


def test_overfitting_without_dropout_is_told_of_the_running_mean():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 256), nn.ReLU(), nn.Linear(256, 3))
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    noisy = torch.where(torch.rand(160) < 0.3, torch.randint(0, 3, (160,)), CLASSES)
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(30):
            total = 0.0
            for rows in torch.randperm(80).split(16):
                optimizer.zero_grad()
                loss = loss_fn(model(X[rows]), noisy[rows])
                loss.backward()
                optimizer.step()
                total += loss.item() / 5
            with torch.no_grad():
                val = loss_fn(model(X[80:]), noisy[80:])
            run.log(train_loss=total, val_loss=val)
    assert "overfitting" in (*run.diagnosis.problems, *run.diagnosis.findings[0].consequences)
    assert not run.diagnosis.healthy


def penalised(factor=0.0, decay=0.0, times=1.0, epochs=12):
    """Train a wide network, and log what was minimised, `times` over."""
    torch.manual_seed(0)
    entropy = nn.CrossEntropyLoss()
    model = nn.Sequential(nn.Linear(6, 512), nn.ReLU(), nn.Linear(512, 3))
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=decay)
    with luthier.watch(model, optimizer, entropy, live=False) as run:
        for _ in range(epochs):
            total = 0.0
            for rows in torch.randperm(160).split(16):
                loss = entropy(model(X[rows]), CLASSES[rows])
                loss = loss + factor * sum(p.square().sum() for p in model.parameters())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() / 10
            run.log(train_loss=times * total)
    return run


def test_a_penalty_that_the_loop_adds_is_told_from_the_loss():
    run = penalised(factor=0.05)
    assert run.run.recipe.l2 == pytest.approx(0.05, rel=0.2)
    assert run.diagnosis.problems[0] == "over_regularised"


def test_an_optimizers_own_decay_is_a_penalty_too():
    assert penalised(decay=1.0).diagnosis.problems[0] == "over_regularised"


@pytest.mark.parametrize("times", [1.0, 10.0], ids=["the mean", "a sum over batches"])
def test_what_is_logged_without_a_penalty_has_none(times):
    run = penalised(times=times).run
    assert (run.recipe.l2, run.curves.penalty) == (0.0, ())
    assert bool(run.curves.train_loss_eval) == (times == 1.0)


def test_inputs_that_are_no_numbers_are_the_first_cause():
    x = X.clone()
    x[7, 2] = torch.nan
    found = looped(ends(), nn.CrossEntropyLoss(), (x, CLASSES), epochs=6)
    assert found.problems[0] == "nonfinite_data"
    assert "nan_loss" in found.findings[0].consequences


def test_gaps_that_the_network_fills_are_none_of_its_business():
    class Fills(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = ends()

        def forward(self, x):
            return self.body(torch.nan_to_num(x))

    x = X.clone()
    x[::9, 2] = torch.nan
    assert looped(Fills(), nn.CrossEntropyLoss(), (x, CLASSES), rate=0.3, epochs=6).healthy


def test_an_optimizer_of_another_network_is_found():
    torch.manual_seed(0)
    model, loss_fn = ends(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(ends().parameters(), lr=0.01)
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(8):
            for rows in torch.randperm(160).split(16):
                optimizer.zero_grad()
                loss = loss_fn(model(X[rows]), CLASSES[rows])
                loss.backward()
                optimizer.step()
            run.log(train_loss=loss, val_loss=loss)
    assert run.diagnosis.problems[0] == "parameters_not_trained"


def test_an_optimizer_that_never_steps_is_found_and_steps_by_hand_are_none_of_its_business():
    for by_hand in (False, True):
        model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with luthier.watch(model, optimizer, live=False) as run:
            for _ in range(3):
                loss = model(torch.ones(4, 2)).square().mean()
                loss.backward()
                for p in model.parameters() if by_hand else ():
                    p.data -= 0.1 * p.grad
                run.log(train_loss=loss)
        found = [one.problem for one in run.diagnosis.findings if one.severity == "error"]
        assert found == ([] if by_hand else ["parameters_not_trained"])


def test_whether_steps_are_epochs_is_told_as_the_curves_have_it():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = torch.randn(20, 2)
    with luthier.watch(model, optimizer, live=False) as run:
        for _ in range(40):  # the same rows at each step: a step is an epoch
            optimizer.zero_grad()
            loss = model(batch).square().mean()
            loss.backward()
            optimizer.step()
            run.log(train_loss=loss)
        assert run.diagnosis.notes == ()
    assert len(run.run.curves.train_loss) == 40
