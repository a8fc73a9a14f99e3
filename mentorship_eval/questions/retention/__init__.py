"""Did mentorship keep staff? One module an analysis; `chapter` puts them together."""
