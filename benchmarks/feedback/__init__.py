"""Whether a search that reads diagnoses of its trials gets further than one that does not."""
