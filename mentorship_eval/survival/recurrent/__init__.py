"""Events that come again and again to one person: mean cumulative functions, with or without an end that stops them for good."""
