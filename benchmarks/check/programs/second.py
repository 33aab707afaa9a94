"""A second set of programs: written after the rules had been worked on with the first."""

from __future__ import annotations

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.check.programs.program import (
    Program,
    cancer,
    circles,
    diabetes,
    digits,
    floats,
    houses,
    made,
    mlp,
    one_hot,
    parts,
    sentences,
    standard,
    waves,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD = "wrong_output_activation"
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")


def relu_at_the_end_of_an_autoencoder() -> Program:
    """Standardised rows, put together again by a network that ends with relu."""
    x, _ = datasets.load_wine(return_X_y=True)
    rows = floats(standard(x))
    model = mlp(13, 8, 4, 8, 13, end=(nn.ReLU(),))
    return made(model, parts(rows, rows), nn.MSELoss(), HEAD, epochs=40)


def sigmoid_autoencoder_of_bytes() -> Program:
    """Pixels from 0 to 255, and a sigmoid at the end of the decoder."""
    (x, _), (xv, _) = digits(255 / 16)
    model = mlp(64, 32, 8, 32, 64, end=(nn.Sigmoid(),))
    wrong = (HEAD, "unscaled_inputs", "unscaled_targets")
    return made(model, ((x, x), (xv, xv)), nn.MSELoss(), *wrong, epochs=15)


def cross_entropy_of_standardised_pixels() -> Program:
    """binary_cross_entropy_with_logits against pixels that were standardised."""
    (x, _), (xv, _) = digits()
    x, xv = (x - 0.3) / 0.37, (xv - 0.3) / 0.37
    model = mlp(64, 16, 64)
    return made(model, ((x, x), (xv, xv)), nn.BCEWithLogitsLoss(), "label_range", epochs=15)


def softmax_for_three_numbers() -> Program:
    """Three measurements at once, with softmax because there are three outputs."""
    torch.manual_seed(2)
    x = torch.randn(700, 5)
    y = torch.stack([x[:, 0] * 2, x[:, 1] - x[:, 2], x[:, 3] ** 2], 1)
    model = mlp(5, 64, 3, end=(nn.Softmax(dim=1),))
    return made(model, parts(x, y), nn.MSELoss(), HEAD, epochs=30)


class Forecast(nn.Module):
    """An LSTM whose last dense layer ends with relu."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.fc = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions."""
        return functional.relu(self.fc(self.lstm(x)[0][:, -1]))


def relu_on_a_forecast() -> Program:
    """A sine between -1 and 1, and a relu on what is predicted."""
    torch.manual_seed(1)
    return made(Forecast(), waves(), nn.MSELoss(), HEAD, epochs=20, lr=0.005)


class Deep(nn.Module):
    """Six encoder layers, normalised after each."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.fc = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.encoder(self.embed(x)).mean(1))  # type: ignore[no-any-return]


def transformer_at_a_high_rate() -> Program:
    """Adam at 0.02 without warm-up: 0.693 for ever."""
    return made(Deep(), sentences(), ENTROPY(), *HIGH, epochs=8, lr=0.05)


class Frozen(nn.Module):
    """Features under no_grad, which was meant for validation."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = mlp(64, 64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        with torch.no_grad():
            x = torch.relu(self.features(x))
        return self.head(x)  # type: ignore[no-any-return]


def features_without_gradient() -> Program:
    """Digits: with torch.no_grad() in forward."""
    return made(Frozen(), digits(), ENTROPY(), "parameters_not_trained", epochs=12)


class ByHand(nn.Module):
    """A layer by hand, whose weight is a tensor and no parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.randn(64, 64, requires_grad=True)
        self.out = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.out(torch.tanh(x @ self.weight))  # type: ignore[no-any-return]


def weight_that_is_no_parameter() -> Program:
    """Digits: requires_grad=True, and not nn.Parameter."""
    return made(ByHand(), digits(), ENTROPY(), "parameters_not_trained", epochs=12)


def epsilon_of_one() -> Program:
    """Diabetes: Adam with eps=1e3, copied from a table of hyperparameters."""
    model = mlp(10, 32, 1)
    optimizer = Adam(model.parameters(), lr=1e-3, eps=1e3)
    wrong = ("optimizer_settings", "learning_rate_too_low")
    return made(model, diabetes(), nn.MSELoss(), *wrong, optimizer=optimizer, epochs=25)


def decay_of_ten_with_sgd() -> Program:
    """Digits: weight_decay=5 beside a rate of 0.05."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.05, weight_decay=5.0)
    wrong = ("over_regularised",)
    return made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=15)


def all_rows_the_same() -> Program:
    """A merge went wrong: every row has the same features."""
    y = (torch.arange(400) % 2).float()[:, None]
    x = torch.ones(400, 5)
    data = parts(x, y)
    return made(mlp(5, 16, 1), data, nn.BCEWithLogitsLoss(), "constant_features", epochs=8)


def sorted_and_cut_in_two() -> Program:
    """Iris in the order of the file: the last kind stands in the validation part alone."""
    x, y = datasets.load_iris(return_X_y=True)
    rows, target = floats(x), torch.tensor(y)
    data = (rows[:100], target[:100]), (rows[100:], target[100:])
    return made(mlp(4, 16, 3), data, ENTROPY(), "split_mismatch", epochs=20, lr=0.01)


def validation_is_not_scaled() -> Program:
    """Tumours: StandardScaler on the training part alone."""
    (x, y), (xv, yv) = cancer(scaled=False)
    mean, std = x.mean(0), x.std(0)
    data = ((x - mean) / std, y), (xv, yv)
    return made(mlp(30, 32, 1), data, nn.BCEWithLogitsLoss(), "split_mismatch", epochs=15)


def recurrence_that_explodes() -> Program:
    """A relu recurrence over forty steps with SGD at 0.1: NaN."""
    torch.manual_seed(0)

    class Relu(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(3, 64, nonlinearity="relu", batch_first=True)
            self.fc = nn.Linear(64, 1)
            nn.init.normal_(self.rnn.weight_hh_l0, std=0.3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.rnn(x)[0][:, -1])  # type: ignore[no-any-return]

    x = torch.randn(600, 40, 3)
    model = Relu()
    optimizer = SGD(model.parameters(), lr=0.1)
    wrong = ("exploding_gradients", "bad_initialisation", *HIGH)
    data = parts(x, x[:, :, :1].mean(1))
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=8)


def minutes_since_the_epoch() -> Program:
    """A timestamp among standardised columns."""
    torch.manual_seed(4)
    x = torch.randn(800, 5)
    when = 1.6e9 + 1e6 * torch.rand(800, 1)
    y = (x[:, :1] + 0.5 * x[:, 1:2] > 0).float()
    data = parts(torch.cat([x, when], 1), y)
    return made(mlp(6, 32, 1), data, nn.BCEWithLogitsLoss(), "unscaled_inputs", epochs=15)


def sgd_on_a_deep_tanh_network() -> Program:
    """Circles through eight tanh layers with SGD at 1e-4."""
    model = mlp(2, *[16] * 8, 1, act=nn.Tanh)
    optimizer = SGD(model.parameters(), lr=1e-4)
    wrong = ("learning_rate_too_low", "learning_rate_out_of_range")
    loss = nn.BCEWithLogitsLoss()
    return made(model, circles(), loss, *wrong, optimizer=optimizer, epochs=50)


HARMFUL = (
    relu_at_the_end_of_an_autoencoder, sigmoid_autoencoder_of_bytes,
    cross_entropy_of_standardised_pixels, softmax_for_three_numbers, relu_on_a_forecast,
    transformer_at_a_high_rate, features_without_gradient, weight_that_is_no_parameter,
    epsilon_of_one, decay_of_ten_with_sgd, all_rows_the_same, sorted_and_cut_in_two,
    validation_is_not_scaled, recurrence_that_explodes,
    minutes_since_the_epoch, sgd_on_a_deep_tanh_network,
)  # fmt: skip


def root_of_the_mean_square() -> Program:
    """RMSE as a loss."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return torch.sqrt(functional.mse_loss(outputs, target) + 1e-6)

    data = houses(scaled=True, scaled_target=True)
    return made(mlp(4, 64, 64, 1), data, loss, epochs=30)


def focal_loss() -> Program:
    """Rare cases, and the focal loss on logits."""
    torch.manual_seed(3)
    x = torch.randn(1200, 8)
    y = ((x[:, :1] + 0.7 * x[:, 1:2]) > 1.8).float()

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        entropy = functional.binary_cross_entropy_with_logits(outputs, target, reduction="none")
        return ((1 - torch.exp(-entropy)) ** 2 * entropy).mean()

    return made(mlp(8, 32, 1), parts(x, y), loss, epochs=25)


def distillation() -> Program:
    """A student of soft targets: KLDivLoss on log_softmax."""
    (x, y), (xv, yv) = digits()
    torch.manual_seed(0)
    soft = [functional.one_hot(t, 10).float() * 0.9 + 0.01 for t in (y, yv)]
    model = mlp(64, 64, 10, end=(nn.LogSoftmax(dim=1),))
    loss = nn.KLDivLoss(reduction="batchmean")
    return made(model, ((x, soft[0]), (xv, soft[1])), loss, epochs=15)


def one_dimensional_convolutions() -> Program:
    """Noisy signals of two kinds."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 800)
    t = np.arange(48)
    x = np.sin(t[None] * np.where(y, 0.5, 0.35)[:, None] + rng.uniform(0, 6, (800, 1)))
    x = floats((x + rng.normal(0, 0.5, x.shape))[:, None])
    model = nn.Sequential(
        nn.Conv1d(1, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
        nn.Flatten(), nn.Linear(32, 2),
    )  # fmt: skip
    return made(model, parts(x, torch.tensor(y)), ENTROPY(), epochs=12)


def group_normalisation_and_nesterov() -> Program:
    """GroupNorm, PReLU, Nesterov's momentum, a cosine."""
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.PReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    one = made(model, digits(images=True), ENTROPY(), optimizer=optimizer, epochs=10)
    one.scheduler = CosineAnnealingLR(optimizer, 10)
    return one


def logistic_regression() -> Program:
    """One linear layer, SGD at 0.1."""
    model = nn.Linear(30, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    return made(model, cancer(), nn.BCEWithLogitsLoss(), optimizer=optimizer, epochs=30)


def targets_around_their_mean() -> Program:
    """Regression of the mean absolute error with Adam, AMSGrad."""
    model = mlp(10, 64, 1, act=nn.LeakyReLU)
    optimizer = Adam(model.parameters(), lr=2e-3, amsgrad=True)
    return made(model, diabetes(), nn.L1Loss(), optimizer=optimizer, epochs=30)


class Words(nn.Module):
    """A GRU in two directions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 24)
        self.gru = nn.GRU(24, 24, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(48, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit."""
        return self.fc(self.gru(self.embed(x))[0].max(1).values)  # type: ignore[no-any-return]


def reading_both_ways() -> Program:
    """BCEWithLogitsLoss on one logit, Adam at 0.003."""
    (x, y), (xv, yv) = sentences()
    data = (x, y.float()[:, None]), (xv, yv.float()[:, None])
    return made(Words(), data, nn.BCEWithLogitsLoss(), epochs=10, lr=0.003)


def time_before_rows() -> Program:
    """An LSTM that takes time first, and gets it so."""

    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.fc = nn.LSTM(1, 32), nn.Linear(32, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.lstm(x.permute(1, 0, 2))[0][-1])  # type: ignore[no-any-return]

    return made(First(), waves(), nn.MSELoss(), epochs=20, lr=0.01)


def mixture_of_two_heads() -> Program:
    """A class and a number from one body, two losses added."""
    torch.manual_seed(5)
    x = torch.randn(800, 6)
    y = torch.cat([(x[:, :1] > 0).float(), x[:, 1:2] + 0.1 * torch.randn(800, 1)], 1)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        first = functional.binary_cross_entropy_with_logits(outputs[:, 0], target[:, 0])
        return first + functional.mse_loss(outputs[:, 1], target[:, 1])

    return made(mlp(6, 64, 2), parts(x, y), loss, epochs=20)


def wine_of_few_rows() -> Program:
    """A hundred and forty rows, batches of 16, weight decay, tanh."""
    model = mlp(13, 24, 3, act=nn.Tanh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    return made(model, wine(), ENTROPY(), optimizer=optimizer, epochs=25, batch_size=16)


def one_hot_squares_that_learn() -> Program:
    """Squared error on one-hot rows without an activation, Adam: an old way that works."""
    train, val = digits()
    data = one_hot(train, 10), one_hot(val, 10)
    return made(mlp(64, 128, 10), data, nn.MSELoss(), epochs=20)


HEALTHY = (
    root_of_the_mean_square, focal_loss, distillation, one_dimensional_convolutions,
    group_normalisation_and_nesterov, logistic_regression, targets_around_their_mean,
    reading_both_ways, time_before_rows, mixture_of_two_heads, wine_of_few_rows,
    one_hot_squares_that_learn,
)  # fmt: skip
