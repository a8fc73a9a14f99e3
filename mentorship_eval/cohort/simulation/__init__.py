"""The generator behind `simulate_cohort`: parameters, departments, careers, incidents and the truth of each."""
