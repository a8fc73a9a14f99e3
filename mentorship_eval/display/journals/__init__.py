"""Figures as a journal wants them: its profile, the figure laid out for its page, what was measured, and which rules are broken."""
