"""Collaboration: new ties between professions and departments, hand-offs, and how people mix against chance."""
