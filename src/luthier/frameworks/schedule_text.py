"""A recipe's schedule as lines of plain Python."""

from __future__ import annotations

from luthier.core import Recipe


def schedule_text(recipe: Recipe) -> str:
    """Return the function ``learning_rate(step, total, val_losses)`` as text.

    `step` counts updates from 0, `total` those of the full run.
    """
    r = recipe
    lines = ["def learning_rate(step, total, val_losses):"]
    if r.warmup and r.schedule != "inverse_sqrt":
        lines += [
            f"    warm = round({r.warmup!r} * total)",
            "    rise = (step + 1) / warm if step < warm else 1.0",
            "    step, total = max(step - warm, 0), max(total - warm, 1)",
        ]
    lines += [f"    {line}" for line in _factor(r)]
    rise = " * rise" if r.warmup and r.schedule != "inverse_sqrt" else ""
    return "\n".join([*lines, f"    return LEARNING_RATE * factor{rise}"])


def _factor(r: Recipe) -> list[str]:
    """Return the lines that set `factor`."""
    cosine = "(1 + math.cos(math.pi * share)) / 2"
    down = f"{r.end_factor!r} + {1 - r.end_factor!r}"
    match r.schedule:
        case "constant":
            return ["factor = 1.0"]
        case "step":
            size = f"max(1, round({r.step_size!r} * total))"
            return [f"factor = {r.gamma!r} ** (step // {size})"]
        case "multi_step":
            passed = f"sum(round(share * total) <= step for share in {r.milestones!r})"
            return [f"factor = {r.gamma!r} ** {passed}"]
        case "exponential":
            return [f"factor = {r.gamma!r} ** (step / total)"]
        case "polynomial":
            return [f"factor = {down} * (1 - step / total) ** {r.power!r}"]
        case "linear":
            return [f"factor = {down} * (1 - step / total)"]
        case "cosine":
            return ["share = step / total", f"factor = {down} * {cosine}"]
        case "cosine_restarts":
            return [
                f"share = step * {r.cycles!r} % total / total",
                f"factor = {down} * {cosine}",
            ]
        case "one_cycle":
            return [
                f"top, last = {r.peak!r} * total - 1, total - 1",
                "if step <= top:",
                "    begin, end, share = 1 / 25, 1.0, step / top if top > 0 else 1.0",
                "else:",
                "    begin, end, share = 1.0, 1 / 250_000, (step - top) / (last - top)",
                f"factor = end + (begin - end) * {cosine}",
            ]
        case "inverse_sqrt":
            warm = f"round({r.warmup!r} * total)"
            return [
                f"warm = {warm}",
                "scale = max(1, warm or round(0.1 * total))",
                "if step < scale:",
                "    factor = (step + 1) / warm if warm else 1.0",
                "else:",
                "    factor = math.sqrt(scale / (step + 1))",
            ]
        case "warmup_stable_decay":
            return [
                f"decay = max(1, round({r.decay_share!r} * total))",
                "done = max(0.0, step - (total - decay)) / decay",
                f"factor = 1 + {r.end_factor - 1!r} * done",
            ]
        case _:
            return [
                "best, bad, factor = math.inf, 0, 1.0",
                "for loss in val_losses:",
                "    better = loss < (best - abs(best) * 1e-4 if math.isfinite(best) else best)",
                "    best, bad = (loss, 0) if better else (best, bad + 1)",
                f"    if bad > {r.plateau_patience!r}:",
                f"        factor, bad = factor * {r.gamma!r}, 0",
            ]
