"""The ninth set's objectives: teachers, alignments, graphs, equations, sequences, spreads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.ninth_generative import batches
from benchmarks.check.programs.program import Program, digits, floats, made, mlp, parts

Adam = torch.optim.Adam
HEAD = "wrong_output_activation"


def _taught(*wrong: str, log: bool = True) -> Program:
    data = digits()
    teacher, model = mlp(64, 256, 10), mlp(64, 32, 10)
    optimizer = Adam(teacher.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(teacher(data[0][0]), data[0][1]).backward()
        optimizer.step()

    def distilled(network: nn.Module, batch: Any) -> Tensor:
        with torch.no_grad():
            aim = (teacher(batch[0]) / 3).softmax(1)
        out = network(batch[0]) / 3
        guess = out.log_softmax(1) if log else out.softmax(1)
        return 9 * functional.kl_div(guess, aim, reduction="batchmean")

    return Program(model, data[0], None, Adam(model.parameters(), lr=2e-3), data[1], wrong,
                   loss=distilled, epochs=20)  # fmt: skip


def a_small_one_taught() -> Program:
    """Distillation at a temperature of 3 (Hinton et al., 2015)."""
    return _taught()


def taught_by_shares() -> Program:
    """kl_div gets the student's shares, where it wants their logarithms: a loss below zero.

    microsoft/ProDA, issue 43.
    """
    return _taught(HEAD, "wrong_loss", log=False)


class Reader(nn.Module):
    """A GRU over a line of strokes, and classes at each moment."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.end = nn.GRU(8, 48, batch_first=True, bidirectional=True), nn.Linear(96, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.end(self.gru(x)[0])
        return out


def _lines(*wrong: str, normalised: bool = True) -> Program:
    rng = np.random.default_rng(4)
    signs = rng.normal(size=(5, 8))
    truth = rng.integers(1, 5, (900, 3))
    rows = np.zeros((900, 15, 8))
    for row, text in zip(rows, truth, strict=True):
        for at, sign in enumerate(text):
            start = 5 * at + int(rng.integers(0, 3))
            row[start : start + 2] = signs[sign]
    rows += 0.3 * rng.normal(size=rows.shape)
    model = Reader()

    def aligned(network: nn.Module, batch: Any) -> Tensor:
        x, y = batch
        out = network(x).transpose(0, 1)
        out = out.log_softmax(2) if normalised else out
        long, short = torch.full((len(x),), 15), torch.full((len(x),), 3)
        return functional.ctc_loss(out, y, long, short)

    data = parts(floats(rows), torch.tensor(truth))
    return Program(model, data[0], None, Adam(model.parameters(), lr=3e-3), data[1], wrong,
                   loss=aligned, epochs=15)  # fmt: skip


def signs_in_a_line() -> Program:
    """CTC (Graves et al., 2006): the loss stands still while blanks are learnt, then falls."""
    return _lines()


def signs_by_logits() -> Program:
    """ctc_loss gets logits, where it wants logarithms of shares: a loss below zero.

    gwx314/STARS, issue 9, and SeanNaren/deepspeech.pytorch, issue 488.
    """
    return _lines(HEAD, "wrong_loss", normalised=False)


class Graph(nn.Module):
    """Two graph convolutions (Kipf & Welling, 2017) over a graph that is part of the network."""

    def __init__(self, near: Tensor, *end: nn.Module) -> None:
        super().__init__()
        self.register_buffer("near", near)
        self.first, self.second, self.end = nn.Linear(20, 32), nn.Linear(32, 4), nn.Sequential(*end)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for all nodes."""
        near: Any = self.near
        hidden = functional.dropout(near @ self.first(x), 0.3, self.training).relu()
        out: Tensor = self.end(near @ self.second(hidden))
        return out


def _nodes(*wrong: str, end: tuple[nn.Module, ...] = ()) -> Program:
    rng = np.random.default_rng(6)
    y = rng.integers(0, 4, 400)
    edges = rng.random((400, 400)) < np.where(y[:, None] == y[None], 0.04, 0.005)
    near = np.maximum(edges, edges.T) + np.eye(400)
    scale = 1 / np.sqrt(near.sum(1))
    x = rng.normal(size=(400, 20)) + 0.4 * rng.normal(size=(4, 20))[y]
    model = Graph(floats(near * scale[:, None] * scale), *end)
    order = torch.tensor(rng.permutation(400))
    known, held = order[:160], order[160:280]
    truth = torch.tensor(y)
    loss_fn = nn.CrossEntropyLoss()

    def loop(one: Program, run: Any) -> None:
        rows = one.train[0]
        for _ in range(one.epochs):
            model.train()
            one.optimizer.zero_grad()
            loss = loss_fn(model(rows)[known], truth[known])
            loss.backward()
            one.optimizer.step()
            model.eval()
            with torch.no_grad():
                out = model(rows)
                val = functional.cross_entropy(out[held], truth[held])
                share = (out[held].argmax(1) == truth[held]).float().mean()
            run.log(train_loss=loss, val_loss=val, accuracy=share)

    optimizer = Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    return Program(model, (floats(x), truth), loss_fn, optimizer, None, wrong, epochs=100,
                   batch_size=400, loop=loop)  # fmt: skip


def nodes_of_a_graph() -> Program:
    """One step an epoch over the whole graph, some of whose nodes are labelled."""
    return _nodes()


def nodes_through_two_softmaxes() -> Program:
    """A softmax at the end of the graph network, then CrossEntropyLoss.

    bowang-lab/Transformer-GCN-QA, pull request 32.
    """
    return _nodes("double_softmax", HEAD, end=(nn.Softmax(dim=1),))


def _equation(act: Any, *wrong: str) -> Program:
    """Return a network that is to solve u'' = -sin(x), u = 0 at both ends."""
    model = mlp(1, 32, 32, 1, act=act)

    def loop(one: Program, run: Any) -> None:
        ends = torch.tensor([[0.0], [np.pi]])
        for _ in range(one.epochs):
            losses = []
            for _ in range(20):
                x = (np.pi * torch.rand(64, 1)).requires_grad_()
                u = model(x)
                (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
                bent = torch.zeros_like(x)
                if slope.grad_fn is not None:
                    found = torch.autograd.grad(
                        slope.sum(), x, create_graph=True, allow_unused=True
                    )
                    bent = found[0] if found[0] is not None else bent
                loss = (bent + x.sin()).square().mean() + 10 * model(ends).square().mean()
                one.optimizer.zero_grad()
                loss.backward()
                one.optimizer.step()
                losses.append(float(loss))
            run.log(train_loss=sum(losses) / len(losses))

    x = torch.linspace(0, np.pi, 64)[:, None]
    return Program(model, (x, x.sin()), None, Adam(model.parameters(), lr=3e-3), None, wrong,
                   epochs=60, loop=loop)  # fmt: skip


def an_equation() -> Program:
    """Its residual as the loss, derivatives by autograd (Raissi et al., 2019)."""
    return _equation(nn.Tanh)


def an_equation_by_relu() -> Program:
    """Second derivatives of relu are zero: the residual cannot fall.

    ComputationalDomain/PINNs, issue 1.
    """
    return _equation(nn.ReLU, "not_learning", "plateau", "underfitting")


class Translator(nn.Module):
    """A GRU that reads, and one that writes with the truth before it (teacher forcing)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 24)
        self.reads, self.writes = (nn.GRU(24, 64, batch_first=True) for _ in range(2))
        self.end = nn.Linear(64, 12)

    def forward(self, pair: Tensor) -> Tensor:
        """Return logits (rows, words, time) of a text and what was written so far."""
        text, written = pair.chunk(2, 1)
        _, state = self.reads(self.words(text))
        out: Tensor = self.end(self.writes(self.words(written), state)[0]).transpose(1, 2)
        return out


def words_turned_round() -> Program:
    """Texts of three to six words, padded, to be written backwards; padding does not count."""
    rng = np.random.default_rng(9)
    text, back = np.zeros((1500, 6), int), np.full((1500, 6), -100)
    for row, target in zip(text, back, strict=True):
        size = int(rng.integers(3, 7))
        row[:size] = rng.integers(2, 12, size)
        target[:size] = row[:size][::-1]
    written = np.concatenate([np.ones((1500, 1), int), np.maximum(back[:, :-1], 0)], 1)
    rows = torch.tensor(np.concatenate([text, written], 1))
    return made(Translator(), parts(rows, torch.tensor(back)), nn.CrossEntropyLoss(), lr=5e-3,
                epochs=20)  # fmt: skip


def _spread(model: nn.Module, batch: Any) -> Tensor:
    mean, log = model(batch[0]).chunk(2, 1)
    return functional.gaussian_nll_loss(mean, batch[1], log.exp())


def spread_that_grows() -> Program:
    """A mean and a variance for each row (nn.GaussianNLLLoss): the loss falls below zero."""
    x = torch.linspace(-2, 2, 1200)[:, None]
    noise = torch.randn(1200, 1, generator=torch.Generator().manual_seed(0))
    data = parts(x, x.sin() + noise * (0.05 + 0.1 * (x + 2)))
    model = mlp(1, 64, 64, 2, act=nn.Tanh)
    return Program(model, data[0], None, Adam(model.parameters(), lr=3e-3), data[1], loss=_spread,
                   epochs=30)  # fmt: skip


def weighed_by_doubt() -> Program:
    """Two tasks, each weighed by a learnt doubt (Kendall et al., 2018): a sum below zero."""
    (x, y), val = digits()
    body = mlp(64, 64, 11)
    doubts = nn.Parameter(torch.zeros(2))
    both = nn.ModuleDict({"body": body, "doubts": nn.ParameterList([doubts])})

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            for index in batches(torch.arange(len(y)), one.batch_size):
                out = body(x[index])
                kinds = functional.cross_entropy(out[:, :10], y[index])
                ink = functional.mse_loss(out[:, 10], x[index].mean(1))
                loss = (torch.stack([kinds, ink]) * (-doubts).exp() + doubts / 2).sum()
                one.optimizer.zero_grad()
                loss.backward()
                one.optimizer.step()
            with torch.no_grad():
                share = (body(val[0])[:, :10].argmax(1) == val[1]).float().mean()
            run.log(train_loss=loss, accuracy=share)

    return Program(both, (x, y), None, Adam(both.parameters(), lr=2e-3), None, epochs=20,
                   loop=loop)  # fmt: skip


HARMFUL = (
    taught_by_shares, signs_by_logits, nodes_through_two_softmaxes, an_equation_by_relu,
)  # fmt: skip
HEALTHY = (
    a_small_one_taught, signs_in_a_line, nodes_of_a_graph, an_equation, words_turned_round,
    spread_that_grows, weighed_by_doubt,
)  # fmt: skip
