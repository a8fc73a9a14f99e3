"""From files to typed tables: readers, text to types, and the records of what was found, repaired and counted."""
