"""How well the items of a scale measure one thing, wave by wave."""
