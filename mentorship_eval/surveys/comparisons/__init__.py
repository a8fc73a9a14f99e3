"""Two arms at one wave: adjusted differences, odds of a higher answer, shares of favourable answers, and what size matters."""
