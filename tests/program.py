"""The program as a user calls it, within the process of the tests."""

from __future__ import annotations

import pytest

from mentorship_eval.cli import main

__all__ = ["call"]


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err
