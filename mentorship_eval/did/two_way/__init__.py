"""Two-way fixed effects and what they are made of: diagnostics, not estimates of a programme's effect."""
