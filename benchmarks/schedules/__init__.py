"""The schedule as a dimension: whether searches that look early lose what decays late."""
