"""A recipe's optimizer as a line of plain PyTorch."""

from __future__ import annotations

from luthier.core import Recipe

LION = '''class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"."""

    def __init__(self, params, lr, betas):
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.sub_(group["lr"] * torch.sign(beta1 * mean + (1 - beta1) * p.grad))
                mean.mul_(beta2).add_(p.grad, alpha=1 - beta2)


'''


def optimizer_text(recipe: Recipe) -> str:
    """Return the expression that makes the recipe's optimizer.

    Decoupled weight decay is not in it: the loop applies it, to kernels alone.

    >>> optimizer_text(Recipe(optimizer="momentum"))
    'torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=0.9)'
    """
    r = recipe
    betas = f"betas=({r.beta1!r}, {r.beta2!r})"
    kind, settings = {
        "sgd": ("SGD", ""),
        "momentum": ("SGD", f"momentum={r.momentum!r}"),
        "nesterov": ("SGD", f"momentum={r.momentum!r}, nesterov=True"),
        "rmsprop": ("RMSprop", f"alpha={r.beta2!r}, eps={r.epsilon!r}"),
        "adagrad": ("Adagrad", f"eps={r.epsilon!r}"),
        "adadelta": ("Adadelta", f"rho={r.beta2!r}, eps={r.epsilon!r}"),
        "adam": ("Adam", f"{betas}, eps={r.epsilon!r}"),
        "adamw": ("Adam", f"{betas}, eps={r.epsilon!r}"),
        "nadam": ("NAdam", f"{betas}, eps={r.epsilon!r}"),
        "radam": ("RAdam", f"{betas}, eps={r.epsilon!r}"),
        "adamax": ("Adamax", f"{betas}, eps={r.epsilon!r}"),
        "lion": ("Lion", betas),
    }[recipe.optimizer]
    arguments = ", ".join(part for part in ("lr=LEARNING_RATE", settings) if part)
    prefix = "" if kind == "Lion" else "torch.optim."
    return f"{prefix}{kind}(network.parameters(), {arguments})"
