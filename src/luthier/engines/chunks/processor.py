"""The kind of processor that code is compiled for."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path


@cache
def facts() -> tuple[str, ...]:
    """Return the lines in which the system describes the first core's model and abilities."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return (platform.processor(),)
    wanted = ("model", "flags", "CPU", "Features")
    return tuple(line for line in text.splitlines() if line.startswith(wanted))


@cache
def abilities() -> frozenset[str]:
    """Return the names of its abilities, such as ``avx2``."""
    lines = [line.partition(":")[2] for line in facts() if line.startswith(("flags", "Features"))]
    return frozenset(" ".join(lines).split())


@cache
def processor() -> str:
    """Return a short name for it: code compiled under the same name runs."""
    text = "\n".join((platform.machine(), *facts()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
