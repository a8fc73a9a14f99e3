"""Careers: promotion, leadership posts and certification, who reaches them, and who holds the senior grades."""
