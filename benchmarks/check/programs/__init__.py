"""Faulty trainings as they are asked about on forums, and sound ones as tutorials have them."""

from benchmarks.check.programs import heads, healthy, loops, networks, second, third, third_sound
from benchmarks.check.programs.program import Program

HARMFUL = (*heads.ALL, *networks.ALL, *loops.ALL)
HEALTHY = healthy.ALL
SECOND = (*second.HARMFUL, *second.HEALTHY)
THIRD = (*third.HARMFUL, *third_sound.HEALTHY)

__all__ = ["HARMFUL", "HEALTHY", "SECOND", "THIRD", "Program"]
