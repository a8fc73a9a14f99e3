"""Engine of costs: uncertain amounts, net benefit by probabilistic sensitivity analysis, one-way ranges, acceptability, discounting."""
