"""Did mentorship make care safer? Harm and no-harm incidents as a pair; `chapter` puts them together."""
