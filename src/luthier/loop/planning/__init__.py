"""A plan for few trials: told before anything is trained, then carried out."""

from luthier.loop.planning.planned import Plan, plan

__all__ = ["Plan", "plan"]
