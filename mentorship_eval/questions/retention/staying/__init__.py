"""Who stayed, who left and why, at what rate: descriptions, without a comparison by mentorship."""
