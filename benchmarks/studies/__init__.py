"""A whole study on two cores, against the way in which Optuna's users run one."""
