"""What must hold within and between the tables of a cohort, and the repairs of spells that are documented rules."""
