"""Real trainings that are watched: healthy ones that look odd, and faults that people make.

Each is a loop of a few seconds in plain PyTorch, as its author would have written it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional as F

import luthier
from luthier.core import Run

ROWS = 1000  # of digits, to train with; the rest is validation
Batches = Iterable[tuple[Tensor, Tensor]]


def digits() -> tuple[Tensor, Tensor]:
    """Return 64 grey values between 0 and 1, and 10 classes."""
    inputs, labels = datasets.load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(inputs / 16.0, dtype=torch.float32)[order], torch.tensor(labels)[order]


X, Y = digits()


def shuffled(x: Tensor, y: Tensor, size: int = 50) -> Batches:
    """Yield batches in a new order."""
    for rows in torch.randperm(len(x)).split(size):
        yield x[rows], y[rows]


def in_order(x: Tensor, y: Tensor, size: int = 50) -> Batches:
    """Yield batches in the order of the rows."""
    return zip(x.split(size), y.split(size), strict=True)


def mlp(width: int = 64, activation: type[nn.Module] = nn.ReLU, depth: int = 2) -> nn.Sequential:
    """Return a network for digits."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(width if i else 64, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def noisy_mlp() -> nn.Sequential:
    """Return a network with all that differs between the modes."""
    return nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10)
    )


def cnn() -> nn.Sequential:
    """Return two convolutions for digits as rows of 64."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    epochs: int = 10,
    batches: Callable[[Tensor, Tensor], Batches] = shuffled,
    data: tuple[Tensor, Tensor] = (X, Y),
    loss_fn: nn.Module | None = None,
    zero: bool = True,
    evaluate: bool = True,
    accumulate: int = 1,
    before_epoch: Callable[[int], dict[str, float]] = lambda epoch: {},
    after_step: Callable[[], Any] = lambda: None,
    after_epoch: Callable[[], Any] = lambda: None,
    watch: Callable[..., Any] = luthier.watch,
) -> Run | None:
    """Train a network as most people do; return what was seen of it."""
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = loss_fn or nn.CrossEntropyLoss()
    x, y = data
    with watch(model, optimizer, loss_fn, live=False) or nullcontext() as run:
        for epoch in range(epochs):
            logged = before_epoch(epoch)
            model.train()
            losses = []
            for i, (a, b) in enumerate(batches(x[:ROWS], y[:ROWS])):
                loss = loss_fn(model(a), b)
                if zero and i % accumulate == 0:
                    optimizer.zero_grad()
                (loss / accumulate).backward()
                if i % accumulate == accumulate - 1:
                    optimizer.step()
                    after_step()
                losses.append(loss.item())
            after_epoch()
            if evaluate:
                model.eval()
            with torch.no_grad():
                outputs = model(x[ROWS:])
                val_loss = loss_fn(outputs, y[ROWS:]).item()
            if run is not None:
                values = {"train_loss": sum(losses) / len(losses), "val_loss": val_loss, **logged}
                if y.ndim == 1:
                    values["val_acc"] = float((outputs.argmax(-1) == y[ROWS:]).float().mean())
                run.log(**values)
    return None if run is None else run.run


def sgd(model: nn.Module, rate: float = 0.1, **settings: Any) -> torch.optim.Optimizer:
    """Return gradient descent of a whole network."""
    return torch.optim.SGD(model.parameters(), lr=rate, **settings)


# What looks odd and is fine.


def zero_initialised_head() -> Run | None:
    model = mlp()
    nn.init.zeros_(model[-1].weight)
    nn.init.zeros_(model[-1].bias)
    return fit(model)


def frozen_layers() -> Run | None:
    model = mlp()
    fit(model, epochs=3)
    model[0].requires_grad_(False)
    model[-1] = nn.Linear(64, 10)
    return fit(model, torch.optim.Adam([p for p in model.parameters() if p.requires_grad]))


class LowRank(nn.Module):
    """A dense layer that is frozen, and a low-rank update that begins at zero."""

    def __init__(self, layer: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / rank)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + x @ self.down.T @ self.up.T


def low_rank_tuning() -> Run | None:
    model = mlp()
    fit(model, epochs=2)
    for i in (0, 2):
        model[i] = LowRank(model[i])
    wanted = [p for p in model.parameters() if p.requires_grad]
    return fit(model, torch.optim.Adam(wanted, lr=1e-3), epochs=8)


def sparse_embedding() -> Run | None:
    """Rows of an embedding that no batch asks for never move."""
    table = nn.Embedding(20_000, 16, sparse=True)
    model = nn.Sequential(table, nn.Flatten(), nn.Linear(64 * 16, 10))
    words = (X * 16).long() + 17 * torch.arange(64)
    optimizers = [
        torch.optim.SparseAdam(table.parameters(), lr=0.01),
        torch.optim.Adam(model[2].parameters(), lr=2e-3),
    ]

    class Both:
        def zero_grad(self) -> None:
            for one in optimizers:
                one.zero_grad()

        def step(self) -> None:
            for one in optimizers:
                one.step()

    return fit(
        model,
        Both(),
        data=(words, Y),
        watch=lambda m, _, loss, **kwargs: luthier.watch(m, optimizers, loss, **kwargs),
    )


def edge_of_stability() -> Run | None:
    """Full-batch gradient descent whose sharpness hovers at 2 / rate (Cohen et al. 2021)."""
    model = mlp(32, nn.Tanh)
    return fit(model, sgd(model, 0.5), epochs=150, batches=lambda x, y: [(x, y)])


def cosine_to_zero() -> Run | None:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    return fit(model, optimizer, epochs=20, after_epoch=schedule.step)


def one_cycle() -> Run | None:
    model = mlp()
    optimizer = sgd(model, 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=100)
    return fit(model, optimizer, epochs=5, after_step=schedule.step)


def fine_tuning() -> Run | None:
    model = noisy_mlp()
    fit(model, epochs=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=60)
    return fit(model, optimizer, epochs=3, after_step=schedule.step)


def skipped_steps() -> Run | None:
    """Mixed precision: a scale that begins too high skips steps until it fits."""
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn, scaler = nn.CrossEntropyLoss(), torch.amp.GradScaler("cpu", init_scale=2.0**60)
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(10):
            losses = []
            for a, b in shuffled(X[:ROWS], Y[:ROWS]):
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16):
                    loss = loss_fn(model(a), b)
                scaler.scale(loss).backward()
                with torch.no_grad():  # what half precision does to a large scale
                    for p in model.parameters():
                        p.grad[p.grad.abs() > 65504.0] = torch.inf
                scaler.step(optimizer)
                scaler.update()
                losses.append(loss.item())
            run.log(train_loss=sum(losses) / len(losses))
    return run.run


def accumulated() -> Run | None:
    return fit(mlp(), accumulate=4)


class Tied(nn.Module):
    """One layer that is used twice, and an encoder whose weight is the decoder's."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(64, 32)
        self.middle = nn.Linear(32, 32)
        self.decode = nn.Linear(32, 64)
        self.decode.weight = nn.Parameter(self.encode.weight.T.clone())
        self.encode.weight = nn.Parameter(self.decode.weight.detach().T.clone())

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.encode(x))
        for _ in range(2):
            hidden = torch.relu(self.middle(hidden))
        return F.linear(hidden, self.encode.weight.T, self.decode.bias)


def shared_layers() -> Run | None:
    model = Tied()
    del model.decode.weight
    model.decode.weight = model.encode.weight  # registered twice
    return fit(model, data=(X, X), loss_fn=nn.MSELoss(), epochs=15)


class GatedCell(nn.Module):
    """A recurrent network with gates as modules, over the rows of a digit."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.update, self.new = nn.Linear(8 + width, width), nn.Linear(8 + width, width)
        self.gate, self.squash = nn.Sigmoid(), nn.Tanh()
        self.head = nn.Linear(width, 10)
        self.width = width
        nn.init.constant_(self.update.bias, 6.0)  # a gate that begins open

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), self.width)
        for row in x.view(-1, 8, 8).unbind(1):
            both = torch.cat([row, state], 1)
            gate = self.gate(self.update(both))
            state = (1 - gate) * state + gate * self.squash(self.new(both))
        return self.head(state)


def gates_that_saturate() -> Run | None:
    return fit(GatedCell(), epochs=12)


class Recurrent(nn.Module):
    """An LSTM over the rows of a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x.view(-1, 8, 8))[0][:, -1])


def lstm() -> Run | None:
    model = Recurrent()
    return fit(model, torch.optim.Adam(model.parameters(), lr=5e-3), epochs=12)


class Attending(nn.Module):
    """One encoder block over the rows of a digit, with a pooler that nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, dropout=0.1)
        self.pooler, self.head = nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.block(self.embed(x.view(-1, 8, 8)))
        self.pooler(hidden[:, 0])
        return self.head(hidden.mean(1))


def transformer() -> Run | None:
    model = Attending()
    return fit(model, torch.optim.AdamW(model.parameters(), lr=3e-3), epochs=12)


def adversaries() -> Run | None:
    """Two optimizers; the generator's pass goes through the other network."""
    make = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())
    judge = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    both = nn.ModuleDict({"make": make, "judge": judge})
    first = torch.optim.Adam(make.parameters(), lr=1e-3, betas=(0.5, 0.999))
    second = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    loss_fn = nn.BCEWithLogitsLoss()
    with luthier.watch(both, [first, second], loss_fn, live=False) as run:
        for _ in range(10):
            for real, _labels in shuffled(X[:ROWS], Y[:ROWS]):
                ones, fake = torch.ones(len(real), 1), make(torch.randn(len(real), 8))
                second.zero_grad()
                against = loss_fn(judge(real), ones) + loss_fn(judge(fake.detach()), 0 * ones)
                against.backward()
                second.step()
                first.zero_grad()
                loss = loss_fn(judge(fake), ones)
                loss.backward()
                first.step()
            run.log(train_loss=loss, judge_loss=against)
    return run.run


def pairs() -> Run | None:
    """A contrastive loss: labels number the pairs, and its start is no guess."""
    model = mlp(32)
    optimizer, loss_fn = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(10):
            for real, _labels in shuffled(X[:ROWS], Y[:ROWS]):
                one, two = (
                    F.normalize(model(real + 0.1 * torch.randn_like(real))) for _ in range(2)
                )
                loss = loss_fn(one @ two.T / 0.5, torch.arange(len(real)))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            run.log(train_loss=loss)
    return run.run


def wide_and_sparse() -> Run | None:
    """Inputs that are mostly zero: units sleep through a batch, and not through an epoch."""
    x = F.relu(X - 0.9) * 10.0
    return fit(mlp(256), data=(x, Y), batches=lambda a, b: shuffled(a, b, 10))


def fixed_order() -> Run | None:
    """Rows that are mixed already, and never again: no harm to speak of."""
    return fit(mlp(), batches=in_order)


def imbalance_alone() -> Run | None:
    """One row in forty is of the class that is looked for."""
    rare = (Y == 3) & (torch.arange(len(Y)) % 4 > 0)
    keep = ((Y != 3) & (torch.arange(len(Y)) % 8 > 0)) | (rare & (torch.rand(len(Y)) < 0.3))
    x = torch.cat([X[keep], X[keep]])[: len(Y)]
    y = torch.cat([rare[keep], rare[keep]])[: len(Y)]
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    return fit(model, data=(x, y.float()[:, None]), loss_fn=nn.BCEWithLogitsLoss())


class Density(nn.Module):
    """The negative log-likelihood of a normal distribution: below zero where it is narrow."""

    def forward(self, outputs: Tensor, target: Tensor) -> Tensor:
        mean, log_variance = outputs.chunk(2, 1)
        return F.gaussian_nll_loss(mean, target, log_variance.exp())


def density() -> Run | None:
    target = 0.1 * X @ torch.linspace(-1, 1, 64)[:, None]
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    return fit(model, data=(X, target), loss_fn=Density(), epochs=15)


def halving_when_flat() -> Run | None:
    model = mlp()
    optimizer = sgd(model, 0.2)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.1)
    losses = iter([1.0] * 30)
    return fit(model, optimizer, epochs=15, after_epoch=lambda: schedule.step(next(losses)))


def clipped() -> Run | None:
    model = mlp()
    optimizer = sgd(model, 0.3, momentum=0.9)
    optimizer.register_step_pre_hook(
        lambda *_: nn.utils.clip_grad_norm_(model.parameters(), 0.5) and None
    )
    return fit(model, optimizer)


HEALTHY: dict[str, Callable[[], Run | None]] = {
    "mlp": lambda: fit(mlp()),
    "mlp, batch norm and dropout": lambda: fit(noisy_mlp()),
    "cnn": lambda: fit(cnn()),
    "sigmoid mlp": lambda: fit(mlp(64, nn.Sigmoid, 1), epochs=20),
    "lstm": lstm,
    "transformer": transformer,
    "a head that begins at zero": zero_initialised_head,
    "frozen layers": frozen_layers,
    "low-rank tuning": low_rank_tuning,
    "a sparse embedding, two optimizers": sparse_embedding,
    "full batch, at the edge of stability": edge_of_stability,
    "a cosine that ends at zero": cosine_to_zero,
    "one cycle": one_cycle,
    "a rate that falls when the loss is flat": halving_when_flat,
    "fine-tuning for three epochs": fine_tuning,
    "mixed precision that skips steps": skipped_steps,
    "accumulated gradients": accumulated,
    "clipped gradients": clipped,
    "shared layers": shared_layers,
    "gates that saturate": gates_that_saturate,
    "adversaries": adversaries,
    "pairs that attract": pairs,
    "a loss that falls below zero": density,
    "imbalance alone": imbalance_alone,
    "sparse inputs, small batches": wide_and_sparse,
    "mixed rows in one order": fixed_order,
}

# What people do wrong.


def tenfold_each_epoch(*, connected: bool, epochs: int = 8) -> Run | None:
    model = mlp()
    optimizer, rate = sgd(model, 0.1), 0.1

    def before(epoch: int) -> dict[str, float]:
        nonlocal rate
        rate *= 0.1
        if not connected:
            return {"learning_rate": rate}
        for group in optimizer.param_groups:
            group["lr"] = rate
        return {}

    return fit(model, optimizer, epochs=epochs, before_epoch=before)


def decay_each_batch() -> Run | None:
    model = mlp()
    optimizer = sgd(model, 0.05)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    return fit(model, optimizer, after_step=schedule.step)


def schedule_forgotten() -> Run | None:
    model = mlp()
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    return fit(model, optimizer, after_epoch=lambda: schedule.gamma)


class Listed(nn.Module):
    """Layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


def head_replaced() -> Run | None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    model[-1] = nn.Linear(64, 10)
    return fit(model, optimizer)


class Detached(nn.Module):
    """Features that are cut off from the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.features(x)).detach())


def sorted_rows() -> Run | None:
    order = torch.cat([Y[:ROWS].argsort(), torch.arange(ROWS, len(Y))])
    return fit(mlp(), data=(X[order], Y[order]), batches=in_order)


def biases_below_zero() -> Run | None:
    model = mlp()
    nn.init.constant_(model[2].bias, -30.0)
    return fit(model)


def thrown_below_zero() -> Run | None:
    """Raw inputs and a high rate kill a layer in the first steps."""
    model = mlp()
    return fit(model, sgd(model, 0.5, momentum=0.9), data=(X * 255.0, Y))


def large_tanh() -> Run | None:
    model = mlp(64, nn.Tanh, 3)
    for layer in (model[0], model[2], model[4]):
        nn.init.normal_(layer.weight, std=30.0)
    return fit(model, sgd(model, 0.01))


def deep_sigmoid() -> Run | None:
    model = mlp(32, nn.Sigmoid, 10)
    return fit(model, sgd(model, 0.1, momentum=0.9))


def wide_and_penalised(*, by_hand: bool) -> Run | None:
    """A layer of 1,024 units under an l2 of 0.01, ten epochs."""
    model, loss_fn = mlp(1024, depth=1), nn.CrossEntropyLoss()
    decay = 0.0 if by_hand else 0.02  # what a loss that is added by hand differentiates to
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=decay)
    factor = 0.01 if by_hand else 0.0
    with luthier.watch(model, optimizer, loss_fn, live=False) as run:
        for _ in range(10):
            losses = []
            for a, b in shuffled(X[:ROWS], Y[:ROWS]):
                squares = sum(p.square().sum() for p in model.parameters() if p.ndim > 1)
                loss = loss_fn(model(a), b) + factor * squares
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            with torch.no_grad():
                val_loss = loss_fn(model(X[ROWS:]), Y[ROWS:]).item()
            run.log(train_loss=sum(losses) / len(losses), val_loss=val_loss)
    return run.run


def recurrent_blow_up() -> Run | None:
    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.again = nn.Linear(1, 32), nn.Linear(32, 32)
            self.head = nn.Linear(32, 10)
            nn.init.orthogonal_(self.again.weight, 1.08)

        def forward(self, x: Tensor) -> Tensor:
            state = x.new_zeros(len(x), 32)
            for one in x.T:
                state = F.leaky_relu(self.again(state) + self.enter(one[:, None]), 0.5)
            return self.head(state)

    model = Unrolled()
    return fit(model, sgd(model, 0.05, momentum=0.9), epochs=6)


def no_zero_grad() -> Run | None:
    model = mlp()
    return fit(model, sgd(model), zero=False)


FAULTY: dict[str, Callable[[], Run | None]] = {
    "no zero_grad": no_zero_grad,
    "no zero_grad, adam": lambda: fit(mlp(), zero=False),
    "no model.eval()": lambda: fit(noisy_mlp(), evaluate=False),
    "rate times 0.1 each epoch": lambda: tenfold_each_epoch(connected=True),
    "rate times 0.1 each epoch, five epochs": lambda: tenfold_each_epoch(connected=True, epochs=5),
    "rate times 0.1 each epoch, in a variable": lambda: tenfold_each_epoch(connected=False),
    "a schedule of epochs stepped each batch": decay_each_batch,
    "a schedule that is never stepped": schedule_forgotten,
    "layers in a plain list": lambda: fit(Listed()),
    "a head replaced after the optimizer was made": head_replaced,
    "features detached": lambda: fit(Detached()),
    "sorted rows, never shuffled": sorted_rows,
    "biases that begin far below zero": biases_below_zero,
    "raw inputs and a high rate": thrown_below_zero,
    "tanh with huge weights": large_tanh,
    "ten layers of sigmoid": deep_sigmoid,
    "recurrence that grows": recurrent_blow_up,
    "a wide layer, l2 0.01 in the loss": lambda: wide_and_penalised(by_hand=True),
    "a wide layer, l2 0.01 in the optimizer": lambda: wide_and_penalised(by_hand=False),
}


def seen(training: Callable[[], Run | None]) -> Run:
    """Train from seed 0; return what was seen."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    run = training()
    assert run is not None
    return copy.deepcopy(run)
