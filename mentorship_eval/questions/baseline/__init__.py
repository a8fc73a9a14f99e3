"""Who was compared with whom at time zero: Table 1 of a chapter, and what is missing in the tables."""
