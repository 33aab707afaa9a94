"""The learning rate alone: which short trainings tell it, and what they say."""

from luthier.search.rates.sweep import Sweep
from luthier.search.rates.verdict import verdict

__all__ = ["Sweep", "verdict"]
