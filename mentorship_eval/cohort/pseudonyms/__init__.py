"""Direct identifiers replaced by keyed hashes, before a file comes near a cohort folder."""
