"""Columns of counts beside a forest: drawn where a row has one, and not where none has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display

ROWS = pd.DataFrame({"label": ["Exhaustion: high", "Poor wellbeing"], "estimate": [-4.0, -2.0], "ci_low": [-9.0, -6.0], "ci_high": [1.0, 2.0]})


def drawn(**columns: list[object]) -> tuple[set[str], list[str]]:
    """Headings of count columns, and the cells under them."""
    figure = display.forest(ROWS.assign(**columns), value_label="Percentage points", log=False).figure
    texts = list(figure.texts)
    return {text.get_text() for text in texts if text.get_text() in ("n", "Events")}, [t.get_text() for t in texts if t.get_gid() == "count"]


@pytest.mark.parametrize("nothing", [[None, None], [np.nan, np.nan], ["", ""], [pd.NA, None]])
def test_a_column_of_counts_in_which_no_row_has_anything_is_not_drawn(nothing):
    assert drawn(n=nothing, n_events=nothing) == (set(), [])


def test_a_column_in_which_one_row_has_a_count_or_a_mark_is_drawn():
    assert drawn(n=[938, None], n_events=[np.nan, np.nan]) == ({"n"}, ["938", "–"])
    assert drawn(n=[None, None], n_events=["<10", None]) == ({"Events"}, ["<10", "–"])
