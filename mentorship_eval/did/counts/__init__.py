"""Counts with an exposure: Poisson imputation and its inference."""
