"""Words that stand beside each other on a sheet."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.style import DPI


def lowest_ink(text: str, va: str) -> int:
    """Row of pixels, from the top, on which the letters of ``text`` end."""
    sheet = Sheet(2.0)
    sheet.set_height(1.0)
    sheet.text(0.1, 0.5, text, va=va, size=12)
    sheet.figure.canvas.draw()
    dark = np.asarray(sheet.figure.canvas.buffer_rgba())[..., 0] < 128
    return int(np.flatnonzero(dark.any(axis=1)).max())


@pytest.mark.parametrize("va", ["top", "center", "bottom"])
def test_words_stand_on_one_line_whichever_letters_they_have(va):
    ends = [lowest_ink(text, va) for text in ("more", "fewer", "12", "HI", "n", "fl")]
    assert max(ends) - min(ends) <= 1, "more than the rounding of a pixel"


@pytest.mark.parametrize("va, place", [("top", (0.5, 0.8)), ("center", (0.45, 0.62)), ("bottom", (0.35, 0.5))])
def test_they_stand_where_they_were_asked_to(va, place):
    assert place[0] <= lowest_ink("n", va) / DPI <= place[1]
