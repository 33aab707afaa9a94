"""A corpus of trainings, healthy and harmed, and how the rules of a run do on it."""
