"""Compiles C with the compiler of the system, each part once, and loads what comes out."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from luthier.core import CaptureError, MissingCompilerError
from luthier.core.folders import cache_folder
from luthier.engines.chunks.processor import processor

NAMES = ("gcc", "clang", "cc")
# GCC's first level with what O3 adds for loops, and what makes one operation of a product and a
# sum: as fast as the second, the same to the last bit, and compiled in four fifths of the time.
_LEVEL = ("-O1", "-fexpensive-optimizations")
_FLAGS = (
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
    "-fPIC",
)


@cache
def compiler() -> str | None:
    """Return the path of a C compiler: what ``CC`` names, or the first of those on the path."""
    wanted = os.environ.get("CC")
    return next((path for name in (wanted, *NAMES) if name and (path := shutil.which(name))), None)


@cache
def version() -> str:
    """Return what the compiler calls itself, or nothing where there is none."""
    path = compiler()
    if path is None:
        return ""
    ran = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return ran.stdout.partition("\n")[0]


def flags() -> tuple[str, ...]:
    """Return what the compiler is told."""
    wide = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
    level = ("-O2",) if "clang" in version() else _LEVEL
    return (*level, *_FLAGS, *wide)


def folder() -> Path:
    """Return where programs are kept."""
    return cache_folder("native")


def load(source: str, parts: Sequence[str] = ()) -> ctypes.CDLL:
    """Compile a program, unless that was done before, and load it.

    Args:
        source: What is its own.
        parts: What it shares with others: each of them is compiled once, side by side.

    Raises:
        CaptureError: where the compiler refuses; the text says why.
        MissingCompilerError: where there is none.
    """
    path, key = _compiler(), _key()
    program = folder() / f"{_short(key, source, *parts)}.so"
    if not program.exists():
        objects = compile_parts(parts)
        _compile(path, source, program, "-shared", *map(str, objects), "-lm")
    return ctypes.CDLL(str(program))


def compile_parts(parts: Sequence[str], *, side_by_side: bool = True) -> Sequence[Path]:
    """Compile what programs share, unless that was done before.

    Args:
        parts: Their sources.
        side_by_side: Whether all at a time; else one after the other, beside what cannot wait.

    Returns:
        Where they lie, for a linker.

    Raises:
        CaptureError: where the compiler refuses; the text says why.
        MissingCompilerError: where there is none.
    """
    path, key = _compiler(), _key()

    def compiled(part: str) -> Path:
        made = folder() / f"{_short(key, part)}.o"
        if not made.exists():
            _compile(path, part, made, "-c")
        return made

    folder().mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(len(parts), 1) if side_by_side else 1) as pool:
        return list(pool.map(compiled, parts))


def _compiler() -> str:
    path = compiler()
    if path is None:
        raise MissingCompilerError
    return path


def _key() -> str:
    """Return what decides a program beside its source."""
    return repr((version(), flags(), processor()))


def _short(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]


def _compile(path: str, source: str, into: Path, *others: str) -> None:
    with tempfile.TemporaryDirectory(dir=into.parent) as made:
        text, built = Path(made) / "part.c", Path(made) / into.name
        text.write_text(source, encoding="utf-8")
        command = [path, *flags(), "-o", str(built), str(text), *others]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if ran.returncode:
            said = ran.stderr.strip().partition("\n")[0][:200]
            raise CaptureError(f"{Path(path).name} cannot compile it: {said}")
        built.replace(into)  # whole or not at all, whoever else compiles the same
