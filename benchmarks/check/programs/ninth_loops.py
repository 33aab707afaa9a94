"""The ninth set's loops: averaged weights, two passes a step, inner loops, many at once."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint

from benchmarks.check.programs.ninth_generative import batches
from benchmarks.check.programs.program import Program, digits, made, mlp

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD


def _pairs(one: Program) -> Any:
    x, y = one.train
    for index in batches(torch.arange(len(y)), one.batch_size):
        yield x[index], y[index]


def _epoch(one: Program) -> float:
    """Train a program's network for an epoch; return the mean of its losses."""
    losses = []
    for x, y in _pairs(one):
        one.optimizer.zero_grad()
        loss = functional.cross_entropy(one.model(x), y)
        loss.backward()
        one.optimizer.step()
        losses.append(float(loss))
    return sum(losses) / len(losses)


def _scored(model: nn.Module, one: Program) -> dict[str, float]:
    if one.val is None:
        return {}
    x, y = one.val
    model.eval()
    with torch.no_grad():
        out = model(x)
        found = {"val_loss": float(functional.cross_entropy(out, y)),
                 "accuracy": float((out.argmax(1) == y).float().mean())}  # fmt: skip
    model.train()
    return found


def sharpness_aware() -> Program:
    """Two gradients a step, the second where the loss is worst nearby (Foret et al., 2021)."""
    model = mlp(64, 64, 10)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            for x, y in _pairs(one):
                weights = list(model.parameters())
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                norm = torch.stack([w.grad.norm() for w in weights if w.grad is not None]).norm()
                moves = [0.05 * w.grad / norm for w in weights if w.grad is not None]
                with torch.no_grad():
                    for weight, move in zip(weights, moves, strict=True):
                        weight += move
                one.optimizer.zero_grad()
                functional.cross_entropy(model(x), y).backward()
                with torch.no_grad():
                    for weight, move in zip(weights, moves, strict=True):
                        weight -= move
                one.optimizer.step()
                one.optimizer.zero_grad()
            run.log(train_loss=loss, **_scored(model, one))

    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    return made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=15, loop=loop)


def averaged_weights() -> Program:
    """The mean of the weights is scored, its batch norm measured anew (torch.optim.swa_utils)."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip

    def loop(one: Program, run: Any) -> None:
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
        for _ in range(one.epochs):
            for x, y in _pairs(one):
                one.optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                one.optimizer.step()
                average.update_parameters(model)
            update_bn((x for x, _ in _pairs(one)), average)
            run.log(train_loss=loss, **_scored(average, one))

    data = digits(scale=1.0, images=True)
    return made(model, data, ENTROPY(), lr=1e-3, epochs=8, loop=loop)


class Recomputed(nn.Module):
    """Blocks whose activations are not kept for the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1)) for _ in range(3)
        )
        self.end = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.training else block(x)
        out: Tensor = self.end(x)
        return out


def recomputed() -> Program:
    """Activations with dropout are computed anew on the way back (torch.utils.checkpoint)."""
    return made(Recomputed(), digits(), ENTROPY(), epochs=15)


def eight_at_once() -> Program:
    """Eight networks in one, by vmap (PyTorch's tutorial on ensembles)."""
    networks = [mlp(64, 32, 10) for _ in range(8)]
    weights, _ = stack_module_state(networks)  # type: ignore[arg-type] # it takes any sequence
    skeleton = copy.deepcopy(networks[0]).to("meta")

    class Together(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            names = {name: name.replace(".", "_") for name in weights}
            self.names = names
            for name, value in weights.items():
                self.register_parameter(names[name], nn.Parameter(value.detach().clone()))

        def forward(self, x: Tensor) -> Tensor:
            each = {name: getattr(self, kept) for name, kept in self.names.items()}
            out: Tensor = vmap(lambda w: functional_call(skeleton, w, (x,)))(each).mean(0)
            return out

    return made(Together(), digits(), ENTROPY(), lr=3e-3, epochs=12)


class Adapted(nn.Module):
    """A frozen layer and the product of two thin ones beside it (Hu et al., 2022)."""

    def __init__(self, layer: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down, self.up = (
            nn.Linear(layer.in_features, rank, bias=False),
            nn.Linear(rank, layer.out_features, bias=False),
        )
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.layer(x) + 2 * self.up(self.down(x))
        return out


def _known() -> nn.Sequential:
    (x, y), _ = digits()
    model = mlp(64, 64, 64, 10)
    optimizer = Adam(model.parameters(), lr=2e-3)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y // 2).backward()
        optimizer.step()
    return model


def thin_adapters() -> Program:
    """A network that knows pairs of digits; adapters learn the digits."""
    known = _known()
    model = nn.Sequential(
        *[Adapted(layer) if isinstance(layer, nn.Linear) else layer for layer in known]
    )
    some = [p for p in model.parameters() if p.requires_grad]
    return made(model, digits(), ENTROPY(), optimizer=Adam(some, lr=3e-3), epochs=25)


def adapters_frozen_too() -> Program:
    """Everything but the head is frozen after the adapters were put in.

    huggingface/trl, issue 3926.
    """
    known = _known()
    model = nn.Sequential(
        *[Adapted(layer) if isinstance(layer, nn.Linear) else layer for layer in known[:-1]],
        nn.Linear(64, 10),
    )
    optimizer = Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for part in model[:-1]:
        part.requires_grad_(False)
    return made(model, digits(), ENTROPY(), "parameters_not_trained", optimizer=optimizer,
                epochs=15)  # fmt: skip


def each_weight_by_itself() -> Program:
    """An optimizer for each tensor, which steps as soon as its gradient is there.

    PyTorch's tutorial on optimizers within the backward pass.
    """
    model = mlp(64, 64, 10)
    optimizers = {p: Adam([p], lr=1e-3) for p in model.parameters()}

    def step(tensor: Any) -> None:
        optimizers[tensor].step()
        optimizers[tensor].zero_grad()

    for tensor in model.parameters():
        tensor.register_post_accumulate_grad_hook(step)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            for x, y in _pairs(one):
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
            run.log(train_loss=loss, **_scored(model, one))

    return made(model, digits(), ENTROPY(), optimizer=list(optimizers.values()), epochs=15,
                loop=loop)  # fmt: skip


def weights_of_unit_length() -> Program:
    """Weight normalisation and spectral normalisation (torch.nn.utils.parametrizations)."""
    normal = nn.utils.parametrizations
    model = nn.Sequential(
        normal.weight_norm(nn.Linear(64, 64)), nn.ReLU(),
        normal.spectral_norm(nn.Linear(64, 64)), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    return made(model, digits(), ENTROPY(), lr=2e-3, epochs=15)


def half_precision() -> Program:
    """Autocast to bfloat16, and the gradient clipped."""
    model = mlp(64, 128, 64, 10)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            losses = []
            for x, y in _pairs(one):
                one.optimizer.zero_grad(set_to_none=True)
                with torch.autocast("cpu", torch.bfloat16):
                    loss = functional.cross_entropy(model(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                one.optimizer.step()
                losses.append(float(loss))
            run.log(train_loss=sum(losses) / len(losses), **_scored(model, one))

    return made(model, digits(), ENTROPY(), epochs=15, loop=loop)


def learns_to_learn() -> Program:
    """Sines after one step from a common start; the outer loss is that of the step's end (MAML)."""
    model = mlp(1, 40, 40, 1)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            losses = []
            for _ in range(20):
                outer = torch.zeros(())
                for _ in range(8):
                    high, phase = 0.5 + 2 * torch.rand(()), 3 * torch.rand(())
                    x = 10 * torch.rand(20, 1) - 5
                    y = high * (x + phase).sin()
                    weights = dict(model.named_parameters())
                    inner = functional.mse_loss(functional_call(model, weights, (x[:10],)), y[:10])
                    slopes = torch.autograd.grad(inner, list(weights.values()), create_graph=True)
                    moved = {n: w - 0.02 * s for (n, w), s in zip(weights.items(), slopes,
                                                                  strict=True)}  # fmt: skip
                    outer = outer + functional.mse_loss(
                        functional_call(model, moved, (x[10:],)), y[10:]
                    )
                one.optimizer.zero_grad()
                (outer / 8).backward()
                one.optimizer.step()
                losses.append(float(outer) / 8)
            run.log(meta_loss=sum(losses) / len(losses))

    x = torch.linspace(-5, 5, 64)[:, None]
    return Program(model, (x, x.sin()), None, Adam(model.parameters(), lr=2e-3), None, epochs=30,
                   loop=loop)  # fmt: skip


def loaded_again_each_epoch() -> Program:
    """The weights of the beginning are loaded within the loop, where they were to be loaded once.

    By hand, after threads on resuming a training.
    """
    model = mlp(64, 64, 10)
    first = copy.deepcopy(model.state_dict())

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            model.load_state_dict(first)
            run.log(train_loss=_epoch(one), **_scored(model, one))

    wrong = ("not_learning", "plateau", "slow_convergence", "underfitting")
    return made(model, digits(), ENTROPY(), *wrong, lr=2e-4, epochs=20, loop=loop)


def two_who_teach_each_other() -> Program:
    """Co-teaching: each network learns from rows that the other finds easy (Han et al., 2018)."""
    (x, y), val = digits()
    wrong = torch.rand(len(y), generator=torch.Generator().manual_seed(3)) < 0.2
    noisy = torch.where(wrong, (y + 3) % 10, y)
    both = nn.ModuleList([mlp(64, 64, 10), mlp(64, 64, 10)])
    optimizers = [Adam(one.parameters(), lr=1e-3) for one in both]

    def loop(one: Program, run: Any) -> None:
        for epoch in range(one.epochs):
            keep = 1 - 0.2 * min(1.0, epoch / 5)
            for rows, truth in _pairs(one):
                each = [functional.cross_entropy(m(rows), truth, reduction="none") for m in both]
                easy = [e.argsort()[: int(keep * len(truth))] for e in each]
                for mine, other, optimizer in zip(each, easy[::-1], optimizers, strict=True):
                    optimizer.zero_grad()
                    mine[other].mean().backward()
                    optimizer.step()
            run.log(train_loss=each[0].mean(), **_scored(both[0], one))

    return made(both, ((x, noisy), val), ENTROPY(), optimizer=optimizers, epochs=15, loop=loop)


def thawed_layer_by_layer() -> Program:
    """The head first, then the layers below it in groups of their own (Howard & Ruder, 2018)."""
    model = nn.Sequential(*_known()[:-1], nn.Linear(64, 10))
    for part in model[:-1]:
        part.requires_grad_(False)

    def loop(one: Program, run: Any) -> None:
        for epoch in range(one.epochs):
            if epoch in (4, 8):
                part = model[2 if epoch == 4 else 0]
                part.requires_grad_(True)
                one.optimizer.add_param_group({"params": part.parameters(), "lr": 5e-4})
            run.log(train_loss=_epoch(one), **_scored(model, one))

    optimizer = Adam(model[-1].parameters(), lr=5e-3)
    return made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=16, loop=loop)


def kept_best_and_went_on() -> Program:
    """After three epochs without a gain the best weights come back, and the rate is halved."""
    model = mlp(64, 64, 10)

    def loop(one: Program, run: Any) -> None:
        best, since, kept = float("inf"), 0, copy.deepcopy(model.state_dict())
        for _ in range(one.epochs):
            loss, scored = _epoch(one), _scored(model, one)
            run.log(train_loss=loss, **scored)
            since += 1
            if scored["val_loss"] < best:
                best, since, kept = scored["val_loss"], 0, copy.deepcopy(model.state_dict())
            if since == 3:
                model.load_state_dict(kept)
                since = 0
                for group in one.optimizer.param_groups:
                    group["lr"] /= 2

    return made(model, digits(), ENTROPY(), lr=3e-3, epochs=20, loop=loop)


HARMFUL = (adapters_frozen_too, loaded_again_each_epoch)
HEALTHY = (
    sharpness_aware, averaged_weights, recomputed, eight_at_once, thin_adapters,
    each_weight_by_itself, weights_of_unit_length, half_precision, learns_to_learn,
    two_who_teach_each_other, thawed_layer_by_layer, kept_best_and_went_on,
)  # fmt: skip
