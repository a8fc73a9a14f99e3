"""The tables of a cohort, declared once: validation, templates, the data dictionary and the simulation follow from it."""
