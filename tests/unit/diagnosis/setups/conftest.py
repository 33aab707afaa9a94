"""Real set-ups, sound and faulty, measured once."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from luthier.data import describe
from luthier.frameworks.torch import TorchFramework

X, Y = load_digits(return_X_y=True)
X, Y = (X[:900] / 16).astype("float32"), Y[:900]
A, B = load_diabetes(return_X_y=True)
A = ((A - A.mean(0)) / A.std(0)).astype("float32")
B = ((B - B.mean()) / B.std()).astype("float32")[:, None]
ENTROPY, SQUARES = nn.CrossEntropyLoss(), nn.MSELoss()


def mlp(inputs=64, outputs=10, width=32, act=nn.ReLU, depth=2, tail=()):
    sizes = [inputs, *[width] * depth]
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), act())]
    return nn.Sequential(*layers, nn.Linear(width, outputs), *tail)


def filled(model, value):
    for p in model.parameters():
        nn.init.constant_(p, value)
    return model


def scaled(model, by):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(by)
    return model


def tiny(model):
    for p in model.parameters():
        nn.init.normal_(p, std=0.01) if p.ndim > 1 else nn.init.zeros_(p)
    return model


def adam(model, lr=1e-3, **more):
    return torch.optim.Adam(model.parameters(), lr=lr, **more)


def adamw(model, lr=1e-3, **more):
    return torch.optim.AdamW(model.parameters(), lr=lr, **more)


def sgd(model, lr=0.1, **more):
    return torch.optim.SGD(model.parameters(), lr=lr, **more)


def measured(model, x=X, y=Y, loss_fn=ENTROPY, optimizer=adam, epochs=20, **more):
    opt = optimizer(model) if callable(optimizer) else optimizer
    setup = TorchFramework().inspect(
        model, (x, y), loss_fn=loss_fn, optimizer=opt, epochs=epochs, seconds=60.0, **more
    )
    return replace(setup, data=describe([np.asarray(x)], np.asarray(y)))


def healthy():
    torch.manual_seed(0)
    images = (X * 255).reshape(-1, 1, 8, 8)
    first = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), mlp())
    embed = nn.Sequential(nn.Embedding(17, 4, sparse=False), nn.Flatten(), mlp(256))
    zero_head = mlp()
    nn.init.zeros_(zero_head[-1].weight)
    frozen = mlp()
    frozen[0].requires_grad_(False)
    hot = np.eye(10, dtype="float32")[Y]
    yield measured(mlp())
    yield measured(mlp(act=nn.Tanh), optimizer=lambda m: sgd(m, momentum=0.9, lr=0.05))
    yield measured(mlp(act=nn.GELU, depth=3), optimizer=lambda m: torch.optim.AdamW(m.parameters()))
    yield measured(mlp(), optimizer=lambda m: adamw(m, weight_decay=1.0))
    yield measured(mlp(10, 1), A, B, SQUARES)
    yield measured(first, images, Y)
    yield measured(embed, (X * 16).astype("int64"), Y)
    yield measured(zero_head)
    yield measured(frozen)
    yield measured(mlp(tail=(nn.LogSoftmax(1),)), loss_fn=nn.NLLLoss())
    yield measured(mlp(outputs=1, tail=(nn.Sigmoid(),)), X, (Y > 4).astype("float32")[:, None],
                   nn.BCELoss())  # fmt: skip
    yield measured(mlp(), loss_fn=nn.CrossEntropyLoss(label_smoothing=0.1))
    yield measured(mlp(), X, hot)
    yield measured(mlp(), batch_size=4)
    yield measured(mlp(10, 1), A, amounts(A), SQUARES)
    yield warmed()


def faulty():
    torch.manual_seed(0)
    hot = np.eye(10, dtype="float32")[Y]
    lost = X.copy()
    lost[3, 5] = np.nan
    other = mlp()
    same_units = filled(mlp(), 0.01)
    shut = mlp(10, 1, tail=(nn.ReLU(),))
    nn.init.constant_(shut[-2].bias, -50.0)
    detached = Detached()
    yield "nonfinite_data", measured(mlp(), lost)
    yield "label_range", measured(mlp(), X, Y + 1)
    yield "output_shape", measured(mlp(10, 1), A, B[:, 0], SQUARES)
    yield "wrong_gradient_sign", measured(mlp(10, 1), A, B, lambda o, t: -SQUARES(o, t))
    yield "wrong_loss", measured(mlp(10, 1, tail=(nn.Softplus(),)), A, B + 3, boundless)
    yield "double_softmax", measured(mlp(tail=(nn.Softmax(1),)))
    yield "wrong_output_activation", measured(mlp(tail=(nn.Sigmoid(),)))
    yield "wrong_output_activation", measured(shut, A, B, SQUARES)
    yield "wrong_output_activation", measured(mlp(tail=(nn.Softmax(1),)), loss_fn=nn.NLLLoss())
    yield "wrong_output_activation", measured(mlp(), X, hot, shares)
    yield "parameters_not_trained", measured(mlp(), optimizer=adam(other))
    yield "parameters_not_trained", measured(detached)
    yield "missing_nonlinearity", measured(mlp(act=nn.Identity, width=64))
    yield "bad_initialisation", measured(same_units)
    yield "bad_initialisation", measured(scaled(mlp(), 20.0))
    yield "bad_initialisation", measured(tiny(mlp(width=64, depth=9)), optimizer=sgd)
    yield "unscaled_inputs", measured(mlp(), X * 5000, optimizer=sgd)
    yield "unscaled_targets", measured(mlp(10, 1), A, B * 1000 + 5000, SQUARES)
    yield "vanishing_gradients", measured(mlp(act=nn.Sigmoid, depth=8, width=8))
    yield "learning_rate_out_of_range", measured(mlp(), optimizer=lambda m: adam(m, 3.0))
    yield "learning_rate_too_high", measured(mlp(), optimizer=lambda m: adam(m, 0.2))
    yield "learning_rate_too_low", measured(mlp(), optimizer=lambda m: adam(m, 3e-6))
    yield "optimizer_settings", measured(mlp(), optimizer=lambda m: sgd(m, momentum=0.9999))
    yield "over_regularised", measured(mlp(width=256), optimizer=lambda m: sgd(m, weight_decay=0.5))
    yield "over_regularised", measured(mlp(), optimizer=lambda m: adamw(m, weight_decay=10.0))
    head = mlp()
    yield "parameters_not_trained", measured(head, optimizer=adam(head[-1], 3e-3))
    yield "vanishing_gradients", measured(Reader(), padded(A[:, :6]), (A[:, 2] > 0).astype(int))
    yield "double_softmax", measured(mlp(), loss_fn=lambda o, t: ENTROPY(o.softmax(1), t))
    yield "wrong_loss", measured(mlp(outputs=1), X, Y.astype("float32")[:, None], SQUARES)
    yield "output_shape", measured(Reshaped(), X.reshape(-1, 8, 8), ink())
    yield "batch_too_small", measured(normalised(), X[:300], Y[:300], batch_size=2, epochs=5)


def amounts(x):
    """Return whole numbers from 0 on that are amounts: a sum of columns."""
    y = np.round(1.2 * (x[:, 2] + x[:, 3] + x[:, 8])).clip(-3, 3) + 3
    return y.astype("float32")[:, None]


def ink():
    """Return for each line of an image how much of it is inked, in four classes."""
    return np.digitize(X.reshape(-1, 8, 8).mean(2), (0.15, 0.3, 0.45))


def normalised():
    return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32),
                         nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))  # fmt: skip


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64)) for _ in range(2)
        )

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def warmed():
    torch.manual_seed(0)  # without its warm-up and end this rate is too high for these weights
    model = Residual()
    optimizer = sgd(model, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=500)
    return measured(model, optimizer=optimizer, scheduler=cycle)


def padded(x):
    """Return sequences of six numbers, and sixty zeros behind them."""
    return np.concatenate([x, np.zeros((len(x), 60), "float32")], 1)[..., None].astype("float32")


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.RNN(1, 32, batch_first=True), nn.Linear(32, 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


class Reshaped(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp(8, 4)

    def forward(self, x):
        return self.body(x).reshape(len(x), 4, x.shape[1])


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = mlp(outputs=16), nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.body(x).detach())


def boundless(outputs, targets):
    return -(targets * torch.log(outputs.clip(1e-10))).mean()


def shares(outputs, targets):
    return -(targets * torch.log(outputs.clip(1e-7, 1.0))).sum(1).mean()


@pytest.fixture(scope="session")
def healthy_setups():
    return list(healthy())


@pytest.fixture(scope="session")
def faulty_setups():
    return list(faulty())
