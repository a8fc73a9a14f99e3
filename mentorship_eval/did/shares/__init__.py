"""Shares (numerators and denominators) of treated units, against those expected from untreated ones."""
