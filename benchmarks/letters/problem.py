"""What both sides are given: letters, their splits, a network, and what may vary."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from scipy.special import log_softmax
from torch import nn

from luthier import Categorical, Float, Int

EPOCHS, BATCH, PROCESSES = 48, 128, 2
RATE = Float(1e-4, 1e-1, log=True)
DECAY = Float(1e-4, 1.0, log=True)
BETA = Float(0.8, 0.98)
WIDTH, DEPTH, DROPOUT = Int(16, 256, log=True), Int(1, 4), Float(0.0, 0.5)
ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}
NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
ACTIVATION, NORM = Categorical(*ACTIVATIONS), Categorical(*NORMS)


class Pair(NamedTuple):
    """Inputs and class numbers."""

    x: np.ndarray
    y: np.ndarray


def build(
    n_features: int,
    n_outputs: int,
    width: Annotated[int, WIDTH] = 128,
    depth: Annotated[int, DEPTH] = 2,
    dropout: Annotated[float, DROPOUT] = 0.1,
    activation: Annotated[str, ACTIVATION] = "relu",
    norm: Annotated[str, NORM] = "none",
) -> nn.Module:
    """Return a multilayer perceptron."""
    sizes = [n_features] + [width] * depth
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), NORMS[norm](after)]
        layers += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))


def letters(path: str | Path, seed: int) -> tuple[Pair, Pair, Pair]:
    """Return rows for training, for choosing, and hidden ones: 60, 20 and 20 %.

    Args:
        path: ``LetterRecognition.rda`` of R's package mlbench (Debian: ``r-cran-mlbench``; read
            with ``pip install rdata``), or the same as CSV: the letter, then 16 numbers.
        seed: Of the split.
    """
    if str(path).endswith(".rda"):
        import rdata

        frame = rdata.read_rda(path)["LetterRecognition"]
        names, x = frame.iloc[:, 0].to_numpy(), frame.iloc[:, 1:].to_numpy(np.float32)
    else:
        table = np.loadtxt(path, delimiter=",", dtype=str)
        names, x = table[:, 0], table[:, 1:].astype(np.float32)
    y = np.unique(names.astype(str), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(len(y))
    cuts = [int(0.6 * len(y)), int(0.8 * len(y))]
    parts = np.split(order, cuts)
    middle, scale = x[parts[0]].mean(0), x[parts[0]].std(0)
    train, val, hidden = (Pair((x[rows] - middle) / scale, y[rows]) for rows in parts)
    return train, val, hidden


def note(log: Path, began: float, val: float, logits: np.ndarray, classes: np.ndarray) -> None:
    """Append a line about a new best network.

    Args:
        log: Where.
        began: When the search began.
        val: The network's loss on the rows for choosing.
        logits: Its outputs for the hidden rows.
        classes: What those are.
    """
    shares = log_softmax(logits.astype(np.float64), axis=1)
    found = {
        "seconds": time.time() - began,
        "val": val,
        "accuracy": float((shares.argmax(1) == classes).mean()),
        "loss": float(-shares[np.arange(len(classes)), classes].mean()),
    }
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")
