"""The package's own exceptions: each says what is wrong, where, and what to do.

``str(error)`` is one line fit for a terminal; ``rows`` names the offending rows
(positions or labels of the caller's frame) when rows are to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["DataError", "EstimationError", "MentorshipEvalError", "StudyError", "UsageError", "listing"]


def listing(items: Iterable[object], most: int = 5) -> str:
    """The first few of ``items`` as ``a, b, c and 12 more``, for a message of one line."""
    values = [str(item) for item in items]
    if len(values) <= most:
        return ", ".join(values)
    return f"{', '.join(values[:most])} and {len(values) - most:,} more"


class MentorshipEvalError(Exception):
    """Base of every error that the package raises on purpose.

    Parameters
    ----------
    problem : what is wrong, in one sentence.
    fix : what the reader can do about it, in one sentence.
    rows : labels of the rows to blame, when there are any.
    """

    def __init__(self, problem: str, *, fix: str = "", rows: Sequence[object] = ()) -> None:
        self.problem = problem
        self.fix = fix
        self.rows = tuple(rows)
        super().__init__(f"{problem} {fix}".strip())

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: the message alone, for it says what to do (IPython's hook)."""
        return [f"{type(self).__name__}: {self}"]


class DataError(MentorshipEvalError):
    """The data stop the work (exit code 1)."""


class StudyError(DataError):
    """study.yaml cannot be read as a study (exit code 1)."""


class EstimationError(DataError):
    """The data are in order but this question cannot be answered from them (exit code 1)."""


class UsageError(MentorshipEvalError):
    """The program was called wrongly (exit code 2)."""
