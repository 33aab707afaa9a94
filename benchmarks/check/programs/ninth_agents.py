"""The ninth set's agents: losses that say little, and targets that move."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.program import Program, mlp

Adam = torch.optim.Adam
BLOWS_UP = ("diverging", "learning_rate_too_high", "learning_rate_out_of_range", "nan_loss",
            "exploding_gradients")  # fmt: skip
WALK = 9  # places in a row; the last one pays


class Walks:
    """Many walks at once over places in a row: one step left or right, 20 at most."""

    def __init__(self, count: int) -> None:
        self.at = torch.full((count,), WALK // 2)
        self.left = torch.full((count,), 20)

    def seen(self) -> Tensor:
        """Return where each walker is, one-hot."""
        return functional.one_hot(self.at, WALK).float()

    def step(self, right: Tensor) -> tuple[Tensor, Tensor]:
        """Move; return what it paid, and who has arrived or gone on for too long."""
        self.at = (self.at + 2 * right - 1).clamp(0, WALK - 1)
        self.left = self.left - 1
        paid = torch.where(self.at == WALK - 1, 1.0, -0.02)
        over = (self.at == WALK - 1) | (self.left == 0)
        self.at = torch.where(over, WALK // 2, self.at)
        self.left = torch.where(over, 20, self.left)
        return paid, over


def _walked(policy: nn.Module, count: int = 16, steps: int = 40) -> tuple[Tensor, ...]:
    """Return what was seen, chosen, and gained from there on, all walkers in one row."""
    world = Walks(count)
    seen, chosen, paid, over = [], [], [], []
    for _ in range(steps):
        x = world.seen()
        with torch.no_grad():
            right = torch.distributions.Categorical(logits=policy(x)[:, :2]).sample()
        reward, end = world.step(right)
        for kept, one in zip((seen, chosen, paid, over), (x, right, reward, end), strict=True):
            kept.append(one)
    gains, gain = [], torch.zeros(count)
    for reward, end in zip(reversed(paid), reversed(over), strict=True):
        gain = reward + 0.95 * gain * (~end)
        gains.append(gain)
    total = torch.stack(paid).sum(0)
    return torch.cat(seen), torch.cat(chosen), torch.cat(gains[::-1]), total


def _policy(sign: float, *wrong: str) -> Program:
    model = mlp(WALK, 32, 2, act=nn.Tanh)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            seen, chosen, gain, total = _walked(model)
            advantage = (gain - gain.mean()) / gain.std()
            log = model(seen).log_softmax(1).gather(1, chosen[:, None])[:, 0]
            loss = -sign * (log * advantage).mean()
            one.optimizer.zero_grad()
            loss.backward()
            one.optimizer.step()
            run.log(policy_loss=loss, reward=total.mean())

    x = torch.eye(WALK)
    return Program(model, (x, x), None, Adam(model.parameters(), lr=3e-3), None, wrong, epochs=150,
                   loop=loop)  # fmt: skip


def a_walk_by_reinforce() -> Program:
    """The policy gradient: its loss stays about zero while rewards rise (Williams, 1992)."""
    return _policy(1.0)


def the_sign_is_lost() -> Program:
    """The policy's loss without its minus: rewards fall.

    KanishJebaMathewM/Truxify, pull request 11885.
    """
    return _policy(-1.0, "wrong_gradient_sign", "wrong_loss", "diverging", "not_learning")


def a_walk_by_actor_and_critic() -> Program:
    """One body, a head that chooses and one that values, and entropy (A2C)."""
    model = mlp(WALK, 32, 3, act=nn.Tanh)

    def loop(one: Program, run: Any) -> None:
        for _ in range(one.epochs):
            seen, chosen, gain, total = _walked(model)
            out = model(seen)
            log, value = out[:, :2].log_softmax(1), out[:, 2]
            advantage = gain - value.detach()
            actor = -(log.gather(1, chosen[:, None])[:, 0] * advantage).mean()
            entropy = -(log.exp() * log).sum(1).mean()
            loss = actor + 0.5 * functional.mse_loss(value, gain) - 0.01 * entropy
            one.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            one.optimizer.step()
            run.log(loss=loss, reward=total.mean(), entropy=entropy)

    x = torch.eye(WALK)
    return Program(model, (x, x), None, Adam(model.parameters(), lr=3e-3), None, epochs=150,
                   loop=loop)  # fmt: skip


def _values(optimizer: Any, *wrong: str, discount: float = 0.95,
            copies: int = 50) -> Program:  # fmt: skip
    model = mlp(WALK, 64, 2)

    def loop(one: Program, run: Any) -> None:
        target = copy.deepcopy(model)
        world, memory = Walks(8), []
        step = 0
        for epoch in range(one.epochs):
            losses = []
            for _ in range(50):
                x = world.seen()
                with torch.no_grad():
                    best = model(x).argmax(1)
                chance = max(0.1, 1 - epoch / 10)
                right = torch.where(torch.rand(8) < chance, torch.randint(2, (8,)), best)
                paid, over = world.step(right)
                memory = [*memory[-200:], (x, right, paid, world.seen(), over)]
                some = [memory[i] for i in torch.randint(len(memory), (8,))]
                seen, chosen, reward, after, end = (torch.cat(p) for p in zip(*some, strict=True))
                with torch.no_grad():
                    aim = reward + discount * target(after).max(1).values * (~end)
                value = model(seen).gather(1, chosen[:, None])[:, 0]
                loss = functional.mse_loss(value, aim)
                one.optimizer.zero_grad()
                loss.backward()
                one.optimizer.step()
                losses.append(loss.detach())
                step += 1
                if step % copies == 0:
                    target.load_state_dict(model.state_dict())
            run.log(loss=torch.stack(losses).mean())

    x = torch.eye(WALK)
    return Program(model, (x, x), None, optimizer(model.parameters()), None, wrong, epochs=25,
                   loop=loop)  # fmt: skip


def a_walk_by_values() -> Program:
    """A network of values with a target network (Mnih et al., 2015): its loss rises at first."""
    return _values(lambda p: Adam(p, lr=1e-3))


def values_that_run_away() -> Program:
    """A discount above one, and a target that follows at once: the TD loss grows and grows.

    facebookresearch/ReAgent, issue 189.
    """
    return _values(
        lambda p: Adam(p, lr=1e-3), *BLOWS_UP, "not_learning", discount=1.2, copies=1,
    )  # fmt: skip


HARMFUL = (the_sign_is_lost, values_that_run_away)
HEALTHY = (a_walk_by_reinforce, a_walk_by_actor_and_critic, a_walk_by_values)
