"""Treatment fixed at the start of follow-up: propensity, weights, balance, and the weighted Cox model."""
