"""What is being worked on, as one line in a notebook that is gone when the work is done, so that nothing of it is saved with the notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["told_in_notebook"]


def _silent(_: str) -> None:
    return None


def _in_kernel() -> bool:
    """Whether a notebook's kernel runs us, and not a script or a plain terminal."""
    import sys

    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


@contextmanager
def told_in_notebook() -> Iterator[Callable[[str], Any]]:
    """A function that shows its text, and the seconds so far, below the cell that runs; outside a notebook it does nothing.

    The cell's outputs are cleared at the end, also after an error: what the cell shows by itself comes after that.
    """
    if not _in_kernel():
        yield _silent
        return
    from IPython.display import clear_output, display

    started = time.monotonic()

    def line(text: str) -> dict[str, str]:
        return {"text/plain": f"{text} … ({time.monotonic() - started:.0f} s)"}

    shown = display(line("starting"), raw=True, display_id=True)
    try:
        yield lambda text: shown.update(line(text), raw=True)
    finally:
        clear_output()
