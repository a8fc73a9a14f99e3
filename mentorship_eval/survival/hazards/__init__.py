"""Cox regression and what hangs on it: risk sets, variance, residuals, tests, penalty, frailty, concordance, adjusted curves."""
