"""The command line. Only click is imported here: every verb imports what it needs when it is called.

Exit codes: 0 done, 1 the data stop the work, 2 wrong use, 3 our own failure.
"""

from __future__ import annotations

from mentorship_eval.cli.program import cli, main

__all__ = ["cli", "main"]
