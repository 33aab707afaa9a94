"""What a law suite expects. pytest explains `assert` in test files alone; laws lie in a package."""

from __future__ import annotations


def same(actual: object, expected: object) -> None:
    """Fail a test where two values differ.

    >>> same([1, 2], [1, 2])
    >>> same(1, 2)
    Traceback (most recent call last):
    AssertionError: expected 2, but got 1
    """
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, but got {actual!r}")
