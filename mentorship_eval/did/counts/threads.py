"""One thread for the matrix products of ordinary panels.

A default analysis makes thousands of products of small matrices. Shared among threads each takes longer, and many times longer
on a busy machine, where the threads wait for each other at every one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["suitable_threads"]

LARGE = 300_000  # cells of a panel whose products are worth sharing


@contextmanager
def suitable_threads(cells: int) -> Iterator[None]:
    """Run the body with one thread of linear algebra, unless the panel is large."""
    if cells >= LARGE:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
