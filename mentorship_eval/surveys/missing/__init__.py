"""Who answered, and what the answers say when those who did not are different."""
