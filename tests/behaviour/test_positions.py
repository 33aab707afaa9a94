"""A class at each token or pixel, from arrays to scripts: networks as others write them."""

import csv
import inspect
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import luthier

RNG = np.random.default_rng(0)


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.block(x)


class UNet(nn.Module):
    """Ronneberger et al. 2015, with padding and two steps down."""

    def __init__(self, channels, classes, width=4):
        super().__init__()
        self.inc = DoubleConv(channels, width)
        self.down = DoubleConv(width, 2 * width)
        self.bottom = DoubleConv(2 * width, 4 * width)
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.conv1 = DoubleConv(4 * width, 2 * width)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.conv2 = DoubleConv(2 * width, width)
        self.outc = nn.Conv2d(width, classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down(self.pool(x1))
        x3 = self.bottom(self.pool(x2))
        x = self.conv1(torch.cat([x2, self.up1(x3)], dim=1))
        x = self.conv2(torch.cat([x1, self.up2(x)], dim=1))
        return self.outc(x)


class TextClassifier(nn.Module):
    """Packs its sequences by their lengths, which it counts itself."""

    def __init__(self, vocabulary, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 8, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(16, classes)

    def forward(self, text):
        lengths = (text != 0).sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(text), lengths, batch_first=True, enforce_sorted=False
        )
        _, (hidden, _) = self.lstm(packed)
        return self.fc(torch.cat([hidden[0], hidden[1]], dim=1))


class Tagger(nn.Module):
    def __init__(self, vocabulary, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 8, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(16, classes)

    def forward(self, text):
        return self.fc(self.lstm(self.embedding(text))[0])


def unet(n_outputs):
    return UNet(1, n_outputs)


def unet_of_one_logit():
    return UNet(1, 1)


def tagger(n_outputs):
    return Tagger(12, n_outputs)


def classifier(n_outputs):
    return TextClassifier(12, n_outputs)


def discs(rows=160, side=12):
    y, x = np.mgrid[:side, :side]
    middle, radius = RNG.uniform(3, side - 3, (rows, 2, 1, 1)), RNG.uniform(2, 4, (rows, 1, 1))
    mask = (y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2
    images = mask[:, None] + RNG.normal(0, 0.3, (rows, 1, side, side))
    return images.astype(np.float32), mask


def sentences(rows=200, length=9):
    x = RNG.integers(1, 12, (rows, length))
    x[np.arange(length) >= RNG.integers(3, length + 1, (rows, 1))] = 0
    return x, np.where(x > 0, (x > 4).astype(int) + (x > 8), -100)


PIXELS = {"epochs": 12, "learning_rate": 0.02, "batch_size": 8}
WORDS = {"preprocessing": "tokens", "epochs": 8, "learning_rate": 0.03, "batch_size": 16}


@pytest.mark.parametrize("build", [unet, unet_of_one_logit])
def test_a_u_net_segments(build):
    training = luthier.train(build, discs(), recipe=PIXELS, engine="torch_eager")
    metrics = training.trial.curves.metrics
    assert training.score < 0.35
    assert metrics["mean_iou"][-1] > 0.7
    assert metrics["accuracy"][-1] > 0.9
    assert training.diagnosis.worst is None or training.diagnosis.worst == "info"


def test_a_u_net_sees_pixels_move_with_their_images():
    training = luthier.train(unet, discs(), recipe={**PIXELS, "augmentation": "flip_shift"})
    assert training.trial.curves.metrics["mean_iou"][-1] > 0.6


def ran(folder, *command):
    found = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def scores_of(printed):
    """What a script says of the validation part."""
    return {
        name: float(value)
        for name, value in re.findall(r"'(\w+)': ([\d.]+)", printed.partition("validation")[2])
    }


def test_a_search_of_taggers_is_handed_over(tmp_path):
    X, y = sentences()
    np.savez(tmp_path / "words.npz", X=X, y=y)
    np.savez(tmp_path / "new.npz", X=X[:5])
    (tmp_path / "net.py").write_text(
        f"import torch\nfrom torch import nn\n\n\n{inspect.getsource(Tagger)}\n\n"
        f"{inspect.getsource(tagger)}"
    )
    (tmp_path / "recipe.yaml").write_text("".join(f"{k}: {v}\n" for k, v in WORDS.items()))
    options = [
        "--model",
        "net.py:tagger",
        "--recipe",
        "recipe.yaml",
        "--engine",
        "torch_eager",
        "--out",
        "out",
    ]
    ran(tmp_path, "-m", "luthier", "tune", "words.npz", "--budget", "16 epochs", *options)
    reported = json.loads((tmp_path / "out" / "study.json").read_text())
    assert "accuracy" in str(reported)
    assert scores_of(ran(tmp_path / "out", "train.py", "../words.npz"))["accuracy"] > 0.9
    command = ["-m", "luthier", "predict", "new.npz", "--model", "out"]
    rows = list(csv.reader(ran(tmp_path, *command).splitlines()))
    assert rows[0] == [f"prediction_{i}" for i in range(1, 10)]
    assert {len(row) for row in rows[1:]} == {9}
    assert len(rows) == 6
    found = json.loads(ran(tmp_path, *command, "--json"))
    assert [row["prediction"] for row in found] == rows[1:]
    assert (np.array(rows[1:], int)[y[:5] >= 0] == y[:5][y[:5] >= 0]).mean() > 0.9


def test_a_script_for_pixels_reaches_the_same_scores(tmp_path):
    X, y = discs()
    np.savez(tmp_path / "discs.npz", X=X, y=y)
    recipe = {**PIXELS, "augmentation": "flip_shift", "class_weight": "balanced"}
    study = luthier.tune(
        unet_of_one_logit,
        tmp_path / "discs.npz",
        recipe=recipe,
        budget="1 trials",
        metric="mean_iou",
        storage=f"sqlite:///{tmp_path / 'l.db'}",
    )
    study.export(tmp_path / "out")
    again = scores_of(ran(tmp_path / "out", "train.py"))
    assert again["mean_iou"] == pytest.approx(study.best.score, abs=0.1)


def test_packed_sequences_train_in_pytorchs_engine():
    x, tags = sentences()
    kinds = (tags == 2).any(1).astype(int)
    training = luthier.train(classifier, (x, kinds), recipe={**WORDS, "epochs": 15})
    assert training.trial.engine == "torch_eager"
    assert training.trial.curves.metrics["accuracy"][-1] > 0.85


def test_two_rates_are_compared_by_rows_not_by_words(tmp_path):
    (tmp_path / "net.py").write_text(
        f"import torch\nfrom torch import nn\n\n\n{inspect.getsource(Tagger)}\n\n"
        f"{inspect.getsource(tagger)}"
    )
    recipe = {**WORDS, "epochs": 3, "network": f"{tmp_path / 'net.py'}:tagger"}
    found = luthier.compare(
        recipe,
        {**recipe, "learning_rate": 1e-4},
        sentences(),
        seeds=3,
        storage=f"sqlite:///{tmp_path / 'l.db'}",
        engine="torch_eager",
    )
    assert found.sentence.startswith("Take A: it is better than B")


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_loop_of_pixels_is_watched(forgotten):
    X, y = (torch.from_numpy(a) for a in discs())
    network, loss_fn = UNet(1, 1), nn.BCEWithLogitsLoss()
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    with luthier.watch(network, adam, loss_fn, live=False) as run:
        for _ in range(5):
            for rows in torch.randperm(len(X)).split(16):
                if not forgotten:
                    adam.zero_grad()
                loss = loss_fn(network(X[rows]), y[rows].unsqueeze(1).float())
                loss.backward()
                adam.step()
            run.log(train_loss=loss)
    found = [one.problem for one in run.diagnosis.findings if one.severity != "info"]
    assert found == (["gradients_not_zeroed"] if forgotten else [])


def test_check_finds_labels_out_of_range():
    loss_fn = nn.CrossEntropyLoss()
    X, y = (torch.from_numpy(a) for a in discs(60))
    found = luthier.check(UNet(1, 2), (X, y.long()), loss_fn=loss_fn, seconds=2)
    assert found.healthy
    found = luthier.check(UNet(1, 2), (X, 255 * y.long()), loss_fn=loss_fn, seconds=2)
    assert [one.problem for one in found.findings] == ["label_range"]
    assert "ignore_index=255" in str(found)
