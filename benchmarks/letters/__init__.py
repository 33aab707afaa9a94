"""Real training, end to end: how soon luthier's network is as good as the one Optuna ends with."""
