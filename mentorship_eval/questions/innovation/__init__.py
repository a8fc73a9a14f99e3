"""Innovation: who begins improvement, innovation, research and digital projects, what comes of them, labs beside it, patient outcomes."""
