"""Competing events: the subdistribution hazard of Fine and Gray."""
