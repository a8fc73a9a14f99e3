"""A simulated cohort written as the raw extracts that evaluators get, with a list of every fault that was planted."""
