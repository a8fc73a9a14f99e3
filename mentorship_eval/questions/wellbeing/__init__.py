"""Wellbeing, satisfaction, climate: scale scores over survey waves, mentored by the wave against not."""
