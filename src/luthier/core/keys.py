"""Keyed randomness: what is drawn depends on a key and a position, never on a stream.

A trial's data order is a function of (seed, epoch), a dropout mask one of (seed, step, call).
So a trial that pauses, moves to another worker or runs beside others draws the same numbers.

The hash uses operators alone, so that one definition serves Python integers, NumPy, torch and
JAX arrays. It is the 32-bit finaliser with low bias found by Chris Wellons' search
(https://nullprogram.com/blog/2018/07/31/), applied once per word of a 64-bit key.
"""

from __future__ import annotations

from typing import Any

MASK = 0xFFFFFFFF


def mix(x: Any) -> Any:
    """Scramble 32-bit integers: ints, or integer arrays of at least 32 unsigned or 64 bits.

    >>> mix(0), mix(1)
    (0, 1753845952)
    """
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & MASK
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def fold(seed: int, *counters: int) -> tuple[int, int]:
    """Return the two words of the key for a seed and counters such as (step, call).

    >>> fold(0, 1) == fold(0, 1), fold(0, 1) == fold(1, 0)
    (True, False)
    """
    key = mix((seed ^ 0x9E3779B9) & MASK), mix((seed ^ 0x85EBCA6B) & MASK)
    return fold_in(key, seed >> 32, *counters)


def fold_in(key: tuple[Any, Any], *counters: Any) -> tuple[Any, Any]:
    """Return a key's key for more counters, which may be arrays as in `mix`.

    >>> fold_in(fold(7, 1), 2) == fold(7, 1, 2)
    True
    """
    low, high = key
    for counter in counters:
        low = mix((low + mix((counter + 0x9E3779B9) & MASK)) & MASK)
        high = mix((high ^ mix((counter + 0xC2B2AE35) & MASK)) & MASK)
    return low, high


def bits(key: tuple[int, int], positions: Any) -> Any:
    """Return 32 random bits for each position (an integer array), as the same kind of array."""
    low, high = key
    return mix((mix(positions ^ low) + high) & MASK)


def threshold(probability: float) -> int:
    """Return the bound below which `bits` fall with this probability."""
    return min(int(probability * (MASK + 1)), MASK + 1)
