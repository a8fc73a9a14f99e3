"""Panels of units and periods: one calendar, validated rows, covariates as arrays."""
