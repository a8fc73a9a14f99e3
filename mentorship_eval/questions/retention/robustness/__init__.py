"""How far the default analysis of being mentored can be trusted: sensitivity, negative controls, other designs, diagnostics."""
