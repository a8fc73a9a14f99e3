"""Scores on any scale: imputation by least squares and its inference, and interaction-weighted two-way effects."""
