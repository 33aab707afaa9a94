"""The ninth set's generators: networks that make points and digits, and loops of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.program import Program, digits, floats, mlp, standard

Adam = torch.optim.Adam
HEAD = "wrong_output_activation"


def moons(count: int = 1024) -> Tensor:
    """Return points on two half moons, of mean 0 and deviation 1."""
    x, _ = datasets.make_moons(count, noise=0.05, random_state=5)
    return floats(standard(x))


def batches(x: Tensor, size: int) -> Iterator[Tensor]:
    """Yield shuffled batches."""
    for index in torch.randperm(len(x)).split(size):
        yield x[index]


def program(model: nn.Module, x: Tensor, optimizer: Any, loop: Any, *wrong: str,
            **more: Any) -> Program:  # fmt: skip
    """Return a program with a loop of its own; rows are their own targets."""
    return Program(model, (x, x), None, optimizer, None, wrong, loop=loop, **more)


class Gan(nn.Module):
    """A generator and its critic."""

    def __init__(self, *end: nn.Module) -> None:
        super().__init__()
        self.generator = mlp(8, 64, 64, 2, act=lambda: nn.LeakyReLU(0.2), end=end)
        self.critic = mlp(2, 64, 64, 1, act=lambda: nn.LeakyReLU(0.2))


def adversaries(*, detached: bool = False, zeroes: bool = True) -> Any:
    """Return the loop of a GAN with the loss that does not saturate (Goodfellow et al., 2014)."""

    def loop(one: Program, run: Any) -> None:
        first, second = one.optimizer
        gan: Any = one.model
        entropy = nn.BCEWithLogitsLoss()
        for _ in range(one.epochs):
            for real in batches(one.train[0], one.batch_size):
                ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
                fake = gan.generator(torch.randn(len(real), 8))
                if zeroes:
                    first.zero_grad()
                judged = entropy(gan.critic(real), ones)
                judged = judged + entropy(gan.critic(fake.detach()), zeros)
                judged.backward()
                first.step()
                second.zero_grad()
                fooled = entropy(gan.critic(fake.detach() if detached else fake), ones)
                if detached:
                    fooled = fooled + 1e-3 * fake.square().mean()
                fooled.backward()
                second.step()
            run.log(d_loss=judged, g_loss=fooled)

    return loop


def _gan(*wrong: str, **how: Any) -> Program:
    gan = Gan()
    optimizers = [
        Adam(gan.critic.parameters(), lr=1e-3, betas=(0.5, 0.999)),
        Adam(gan.generator.parameters(), lr=1e-3, betas=(0.5, 0.999)),
    ]
    return program(gan, moons(), optimizers, adversaries(**how), *wrong, epochs=40, batch_size=64)


def two_moons_by_a_gan() -> Program:
    """Two optimizers in turn; no loss falls, and it is well (PyTorch's DCGAN tutorial)."""
    return _gan()


def generator_cut_off() -> Program:
    """detach() in the generator's step, too: only a penalty trains it.

    nikhilsinghmus/image2reverb, issue 37.
    """
    return _gan("parameters_not_trained", "not_learning", "vanishing_gradients", detached=True)


def critic_never_zeroed() -> Program:
    """The critic's gradients are never zeroed (Lightning-AI/pytorch-lightning, issue 557)."""
    return _gan("gradients_not_zeroed", zeroes=False)


def critic_with_a_penalty() -> Program:
    """Wasserstein's distance, a penalty on gradients, five steps of the critic a step of the other.

    Gulrajani et al., 2017.
    """
    gan = Gan()
    optimizers = [Adam(part.parameters(), lr=1e-3, betas=(0.0, 0.9))
                  for part in (gan.critic, gan.generator)]  # fmt: skip

    def loop(one: Program, run: Any) -> None:
        first, second = one.optimizer
        for _ in range(one.epochs):
            for at, real in enumerate(batches(one.train[0], one.batch_size)):
                fake = gan.generator(torch.randn(len(real), 8))
                mixed = torch.lerp(real, fake.detach(), torch.rand(len(real), 1)).requires_grad_()
                (slope,) = torch.autograd.grad(gan.critic(mixed).sum(), mixed, create_graph=True)
                distance = gan.critic(fake.detach()).mean() - gan.critic(real).mean()
                loss = distance + 10 * (slope.norm(dim=1) - 1).square().mean()
                first.zero_grad()
                loss.backward()
                first.step()
                if at % 5 == 4:
                    second.zero_grad()
                    (-gan.critic(fake).mean()).backward()
                    second.step()
            run.log(wasserstein=-distance, critic_loss=loss)

    return program(gan, moons(), optimizers, loop, epochs=30, batch_size=64)


def _denoiser(*wrong: str, end: tuple[nn.Module, ...] = ()) -> Program:
    steps = 50
    shares = torch.cumprod(1 - torch.linspace(1e-3, 0.15, steps), 0)
    model = mlp(3, 128, 128, 2, act=nn.SiLU, end=end)

    def loss_of(network: nn.Module, x: Tensor) -> Tensor:
        t, noise = torch.randint(steps, (len(x),)), torch.randn_like(x)
        share = shares[t][:, None]
        noisy = share.sqrt() * x + (1 - share).sqrt() * noise
        return functional.mse_loss(network(torch.cat([noisy, t[:, None] / steps], 1)), noise)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            losses = []
            for x in batches(one.train[0], one.batch_size):
                one.optimizer.zero_grad()
                loss = loss_of(model, x)
                loss.backward()
                one.optimizer.step()
                losses.append(loss.detach())
            run.log(train_loss=torch.stack(losses).mean())

    return program(
        model, moons(2048), Adam(model.parameters(), lr=1e-3), loop, *wrong, epochs=40,
        batch_size=64, loss=lambda network, batch: loss_of(network, batch[0]),
    )  # fmt: skip


def noise_of_moons() -> Program:
    """Diffusion of two numbers (Ho et al., 2020): its loss ends near a half, and it is well."""
    return _denoiser()


def noise_through_a_sigmoid() -> Program:
    """The network that tells the noise ends in a sigmoid: half of it cannot be told.

    computational-cell-analytics/patho-sam, pull request 55.
    """
    return _denoiser(HEAD, "underfitting", end=(nn.Sigmoid(),))


class Flow(nn.Module):
    """Four affine couplings (Dinh et al., 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(mlp(1, 64, 64, 2, act=nn.Tanh) for _ in range(6))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what points come from, and logarithms of volumes."""
        a, b = x[:, :1], x[:, 1:]
        volume = torch.zeros(len(x))
        for part in self.parts:
            scale, shift = part(a).chunk(2, 1)
            scale = scale.tanh()
            a, b = (b - shift) * (-scale).exp(), a
            volume = volume - scale[:, 0]
        return torch.cat([a, b], 1), volume


def likelihood(model: nn.Module, batch: Any) -> Tensor:
    """Return the negative logarithm of a flow's density."""
    z, volume = model(batch[0])
    loss: Tensor = (0.5 * z.square().sum(1) + np.log(2 * np.pi) - volume).mean()
    return loss


def density_of_thin_moons() -> Program:
    """A flow whose loss falls below zero, since densities may exceed one."""
    x = 0.1 * moons(2000)
    model = Flow()
    return Program(
        model, (x[:1600], x[:1600]), None, Adam(model.parameters(), lr=1e-3),
        (x[1600:], x[1600:]), loss=likelihood, epochs=25, batch_size=64,
    )  # fmt: skip


def mixture(model: nn.Module, batch: Any) -> Tensor:
    """Return the negative logarithm of a density of five bells."""
    x, y = batch
    share, mean, width = model(x).chunk(3, 1)
    each = torch.distributions.Normal(mean, width.exp()).log_prob(y)
    loss: Tensor = -(share.log_softmax(1) + each).logsumexp(1).mean()
    return loss


def several_answers() -> Program:
    """A mixture density network of a curve that bends back (Bishop, 1994)."""
    rng = np.random.default_rng(2)
    y = rng.random((2000, 1))
    x = y + 0.3 * np.sin(2 * np.pi * y) + 0.05 * rng.uniform(-1, 1, y.shape)
    rows, truth = floats(standard(x)), floats(standard(y))
    model = mlp(1, 64, 15, act=nn.Tanh)
    return Program(
        model, (rows[:1600], truth[:1600]), None, Adam(model.parameters(), lr=3e-3),
        (rows[1600:], truth[1600:]), loss=mixture, epochs=40, batch_size=64,
    )  # fmt: skip


class Vae(nn.Module):
    """Digits through four numbers and noise."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(64, 64, 8), mlp(4, 64, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return pixels' logits and the divergence of each row."""
        mean, log = self.encoder(x).chunk(2, 1)
        hidden = mean + (0.5 * log).exp() * torch.randn_like(mean)
        return self.decoder(hidden), 0.5 * (mean.square() + log.exp() - log - 1).sum(1)


def collapsed(model: nn.Module, batch: Any) -> Tensor:
    """Return the mean over pixels, and the sum of all divergences."""
    guess, divergence = model(batch[0])
    loss: Tensor = functional.mse_loss(guess.sigmoid(), batch[0]) + divergence.sum()
    return loss


def divergence_outweighs() -> Program:
    """A mean over pixels beside a sum over rows: every row becomes the same picture.

    zdebruine/MMVAE, pull request 19.
    """
    (x, _), (xv, _) = digits()
    model = Vae()
    wrong = ("wrong_loss", "over_regularised", "not_learning", "underfitting", "plateau")
    return Program(
        model, (x, x), None, Adam(model.parameters(), lr=1e-3), (xv, xv), wrong, loss=collapsed,
        epochs=25, batch_size=64,
    )  # fmt: skip


HARMFUL = (generator_cut_off, critic_never_zeroed, noise_through_a_sigmoid, divergence_outweighs)
HEALTHY = (
    two_moons_by_a_gan, critic_with_a_penalty, noise_of_moons, density_of_thin_moons,
    several_answers,
)  # fmt: skip
