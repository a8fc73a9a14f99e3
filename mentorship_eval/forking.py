"""A function over items in forked processes, where that is safe: the processes find everything as it is, and nothing is copied.

A fork is safe only while there is one thread, so that within JupyterLab, and on systems that do not fork, nothing is done here and the
caller goes on by itself, to the same results.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

__all__ = ["can_fork", "in_forks"]

Item = TypeVar("Item")
_shared: list[Callable[[Any], Any]] = []  # what a forked process finds


def can_fork(jobs: int, items: int) -> bool:
    """Whether several processes are wanted, of use and safe."""
    return jobs > 1 and items > 1 and sys.platform.startswith("linux") and threading.active_count() == 1


def _called(item: Any) -> Any:
    return _shared[-1](item)


def in_forks(
    function: Callable[[Item], Any], items: Sequence[Item], jobs: int, done: Callable[[Item], Any] | None = None
) -> list[Any] | None:
    """``function`` of each of ``items``, ``jobs`` at a time, in their order; None where `can_fork` says no, or a process was stopped.

    done: called with an item once it is answered. Only items and results travel between processes. An error of ``function`` is
    raised as it would be without them.
    """
    if not can_fork(jobs, len(items)):
        return None
    _shared.append(function)
    try:
        with ProcessPoolExecutor(min(jobs, len(items)), mp_context=get_context("fork")) as pool:
            waiting = {pool.submit(_called, item): place for place, item in enumerate(items)}
            found: dict[int, Any] = {}
            for each in as_completed(waiting):
                found[waiting[each]] = each.result()
                if done:
                    done(items[waiting[each]])
            return [found[place] for place in range(len(items))]
    except BrokenProcessPool:  # one of them was stopped from outside, as where memory is short
        return None
    finally:
        _shared.pop()
