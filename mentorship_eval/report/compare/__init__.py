"""Two releases side by side: what changed, by how much, and why."""
