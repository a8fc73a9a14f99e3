"""Validation by simulation: worlds with a known truth, the analyses of the report, and the rule that accepts a claim.

Order of reading: `cells` (what is run, from validate.toml), `worlds` and `strained` (how data come about), `analyses`
(what is done with them), `run` (replicates, with checkpoints), `accept` (the rule), `tables` and `document` (docs/validation.md).
"""
