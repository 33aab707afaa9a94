"""Repair: from a recipe that trains badly to the changes that help, with the proof."""
