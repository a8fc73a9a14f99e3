"""Curves and the tests between them: Kaplan-Meier, Aalen-Johansen, log-rank, Gray, restricted means."""
