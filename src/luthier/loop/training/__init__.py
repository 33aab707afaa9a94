"""How a trial trains: from a claimed step to an engine that was chosen, and its test scores."""
