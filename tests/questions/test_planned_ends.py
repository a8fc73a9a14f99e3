"""Which reasons say that a match ended as planned."""

import pandas as pd
import pytest

from mentorship_eval.questions.planned_ends import FINISHED, ended_as_planned


@pytest.mark.parametrize("reason", ["completed", "Completed", " COMPLETE ", "Goals met", "goals-met", "planned", "Finished"])
def test_planned(reason):
    assert ended_as_planned(pd.Series([reason])).tolist() == [True]


def test_another_reason_is_early_and_none_is_neither():
    told = ended_as_planned(pd.Series(["dissolved", "mentor_left", None, float("nan"), pd.NA, " ", "Unknown"], index=list("abcdefg"), dtype=object))
    assert told.iloc[:2].tolist() == [False, False] and told.iloc[2:].isna().all() and list(told.index) == list("abcdefg")
    assert ended_as_planned(pd.Series([None, None], dtype=object)).isna().all() and len(ended_as_planned(pd.Series(dtype=object))) == 0


def test_categories_are_read_too():
    assert ended_as_planned(pd.Series(["Completed", None, "dissolved"], dtype="category")).tolist()[::2] == [True, False]
    assert all(word == word.lower().replace(" ", "_") for word in FINISHED)
