"""Faulty trainings as they are asked about on forums, and sound ones as tutorials have them."""

from benchmarks.check.programs import (
    eighth,
    eighth_loops,
    eighth_sound,
    fifth,
    fourth,
    fourth_loops,
    fourth_sound,
    heads,
    healthy,
    loops,
    networks,
    ninth_agents,
    ninth_generative,
    ninth_loops,
    ninth_objectives,
    second,
    seventh,
    seventh_loops,
    seventh_sound,
    sixth,
    sixth_sound,
    third,
    third_sound,
)
from benchmarks.check.programs.program import Program

FIRST = (*heads.ALL, *networks.ALL, *loops.ALL, *healthy.ALL)
SECOND = (*second.HARMFUL, *second.HEALTHY)
THIRD = (*third.HARMFUL, *third_sound.HEALTHY)
FOURTH = (*fourth.HARMFUL, *fourth_loops.HARMFUL, *fourth_sound.HEALTHY)
FIFTH = (*fifth.HARMFUL, *fifth.HEALTHY)
SIXTH = (*sixth.HARMFUL, *sixth_sound.HEALTHY)
SEVENTH = (*seventh.HARMFUL, *seventh_loops.HARMFUL, *seventh_sound.HEALTHY)
EIGHTH = (*eighth.HARMFUL, *eighth_loops.HARMFUL, *eighth_sound.HEALTHY)
_NINTH = (ninth_generative, ninth_agents, ninth_loops, ninth_objectives)
NINTH = (
    *(one for part in _NINTH for one in part.HARMFUL),
    *(one for part in _NINTH for one in part.HEALTHY),
)
SETS = (FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH, NINTH)

__all__ = ["SETS", "Program"]
