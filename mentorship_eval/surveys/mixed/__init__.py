"""Linear mixed models by restricted maximum likelihood: department intercepts over persons whose waves are correlated."""
