"""Packs of trials on a GPU, against one trial at a time."""
