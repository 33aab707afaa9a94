"""Loops as tutorials write them, changed by two lines: sound ones get a calm one, faults a name."""

import importlib.util
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import luthier
from luthier.diagnosis import diagnose_run

CALM = "Nothing wrong found. Looked at {} epochs: train_loss, val_loss"
LOOPS = Path(__file__).parents[1] / "unit" / "diagnosis" / "runs" / "watched.py"


def loaders(size=64, shuffle=True):
    inputs, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(inputs / 16, dtype=torch.float32), torch.tensor(labels)
    train, test = TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])
    return DataLoader(train, batch_size=size, shuffle=shuffle), DataLoader(test, batch_size=256)


def mlp_loop(epochs=8):
    """Train and test in functions, a loss printed now and then."""
    torch.manual_seed(1)
    train_dataloader, test_dataloader = loaders()

    class NeuralNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear_relu_stack = nn.Sequential(
                nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
            )

        def forward(self, x):
            return self.linear_relu_stack(x)

    model = NeuralNetwork()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train(dataloader, model, loss_fn, optimizer):
        model.train()
        total = 0.0
        for X, y in dataloader:
            pred = model(X)
            loss = loss_fn(pred, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item()
        return total / len(dataloader)

    def test(dataloader, model, loss_fn):
        model.eval()
        test_loss, correct = 0.0, 0.0
        with torch.no_grad():
            for X, y in dataloader:
                pred = model(X)
                test_loss += loss_fn(pred, y).item()
                correct += (pred.argmax(1) == y).type(torch.float).sum().item()
        return test_loss / len(dataloader), correct / len(dataloader.dataset)

    with luthier.watch(model, optimizer, loss_fn) as run:
        for _ in range(epochs):
            train_loss = train(train_dataloader, model, loss_fn, optimizer)
            val_loss, accuracy = test(test_dataloader, model, loss_fn)
            run.log(train_loss=train_loss, val_loss=val_loss, val_accuracy=accuracy)
    return run


def lstm_loop(epochs=10):
    """Rows of an image as a sequence; Adam, clipping, a schedule of epochs."""
    torch.manual_seed(2)
    train_loader, test_loader = loaders(50)

    class RNN(nn.Module):
        def __init__(self, input_size, hidden_size, num_layers, num_classes):
            super().__init__()
            self.hidden_size, self.num_layers = hidden_size, num_layers
            self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
            self.fc = nn.Linear(hidden_size, num_classes)

        def forward(self, x):
            h0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
            c0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
            out, _ = self.lstm(x, (h0, c0))
            return self.fc(out[:, -1, :])

    model = RNN(8, 64, 2, 10)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    with luthier.watch(model, optimizer, criterion) as run:
        for epoch in range(epochs):
            running = 0.0
            for images, labels in train_loader:
                outputs = model(images.reshape(-1, 8, 8))
                loss = criterion(outputs, labels)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                running += loss.item()
            scheduler.step()
            with torch.no_grad():
                losses = [criterion(model(x.reshape(-1, 8, 8)), y) for x, y in test_loader]
            run.log(
                epoch=epoch,
                train_loss=running / len(train_loader),
                val_loss=sum(losses) / len(losses),
                lr=scheduler.get_last_lr()[0],
            )
    return run


def transformer_loop(epochs=10):
    """Patches, a class token, pre-norm blocks; AdamW, warm-up and cosine at each step."""
    torch.manual_seed(3)
    train_loader, test_loader = loaders(64)

    class Block(nn.Module):
        def __init__(self, dim, heads):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
            self.attn = nn.MultiheadAttention(dim, heads, dropout=0.1, batch_first=True)
            self.mlp = nn.Sequential(
                nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim)
            )

        def forward(self, x):
            y = self.norm1(x)
            x = x + self.attn(y, y, y, need_weights=False)[0]
            return x + self.mlp(self.norm2(x))

    class ViT(nn.Module):
        def __init__(self, dim=48):
            super().__init__()
            self.patch = nn.Conv2d(1, dim, kernel_size=2, stride=2)
            self.cls = nn.Parameter(torch.zeros(1, 1, dim))
            self.pos = nn.Parameter(0.02 * torch.randn(1, 17, dim))
            self.blocks = nn.Sequential(Block(dim, 4), Block(dim, 4))
            self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

        def forward(self, x):
            x = self.patch(x.view(-1, 1, 8, 8)).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
            return self.head(self.norm(self.blocks(x))[:, 0])

    model, criterion = ViT(), nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    steps = epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    with luthier.watch(model, optimizer, criterion) as run:
        for epoch in range(epochs):
            model.train()
            for x, y in train_loader:
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                scheduler.step()
                run.log(train_loss=loss, epoch=epoch)  # each step
            model.eval()
            with torch.inference_mode():
                losses = [criterion(model(x), y) for x, y in test_loader]
            run.log(val_loss=torch.stack(losses).mean(), epoch=epoch)  # each epoch
    return run


@pytest.mark.parametrize(
    ("loop", "epochs"), [(mlp_loop, 8), (lstm_loop, 10), (transformer_loop, 10)]
)
def test_a_sound_loop_of_a_tutorial_gets_one_calm_line(loop, epochs, capsys):
    run = loop()
    text = str(run.diagnosis)
    assert text.startswith(CALM.format(epochs)), text
    assert len(text.splitlines()) == 1
    assert capsys.readouterr() == ("", "")


def test_the_rate_that_is_divided_by_ten_each_epoch_is_said_within_five_epochs():
    """The rate times 0.1 before each of 100 epochs, beginning at 0.1."""
    epoch, text = decayed(connected=True)
    assert epoch <= 5
    assert "schedule_collapses" in text


def test_the_rate_that_never_reaches_the_optimizer_is_said_within_five_epochs():
    epoch, text = decayed(connected=False)
    assert epoch <= 5
    assert "schedule_not_applied" in text


def decayed(*, connected):
    torch.manual_seed(0)
    train_loader, _ = loaders(100)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    said, learning_rate = [], 0.1
    with luthier.watch(model, optimizer, criterion, notify=said.append) as run:
        for epoch in range(100):
            learning_rate *= 0.1
            if connected:
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate
            for x, y in train_loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
            run.log(train_loss=loss, learning_rate=learning_rate)
            if said:
                return epoch + 1, said[0]
    return 100, "nothing"


def loops():
    spec = importlib.util.spec_from_file_location("watched", LOOPS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WATCHED = loops()


@pytest.mark.parametrize("name", WATCHED.HEALTHY)
def test_what_looks_odd_and_is_fine_gets_no_alarm_while_it_is_watched(name):
    diagnosis = diagnose_run(WATCHED.seen(WATCHED.HEALTHY[name]))
    assert diagnosis.healthy, str(diagnosis)


@pytest.mark.parametrize("name", WATCHED.FAULTY)
def test_what_is_wrong_gets_one_while_it_is_watched(name):
    assert not diagnose_run(WATCHED.seen(WATCHED.FAULTY[name])).healthy
