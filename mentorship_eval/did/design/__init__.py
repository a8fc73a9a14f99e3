"""Before the data, or beside them: which rate ratios a design can detect."""
