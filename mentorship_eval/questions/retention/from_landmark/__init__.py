"""Comparisons of mentored and not mentored staff from a landmark: the only start from which the two may be drawn as curves."""
