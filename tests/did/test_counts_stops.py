"""Programmes that stop: intention to treat by default, later cells left out on demand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.panels import COLUMNS, simulated_panel


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 0, "tables": False, **options})


@pytest.fixture
def frame():
    """Two of the treated units stop: after three periods, and in the last period of the panel."""
    out = simulated_panel(units=12, periods=14, waves=(6, 8), never=4, seed=11)
    treated = out.loc[out["start"].notna(), "unit"].unique()
    first = out.groupby("unit")["start"].first()
    return out.assign(end=out["unit"].map({treated[0]: first[treated[0]] + 2, treated[1]: 14.0}))


def test_intention_to_treat_is_the_default_and_says_what_it_counts(frame):
    plain, stopped = fit(frame.drop(columns="end")), fit(frame, active_to="end")
    assert stopped.irr.value == plain.irr.value and stopped.irr.se == plain.irr.se and stopped.dropped.equals(plain.dropped)
    caution = next(c for c in stopped.warnings if c.code == "programme_stopped")
    unit = frame.loc[frame["end"].notna(), "unit"].iloc[0]
    later = ((frame["unit"] == unit) & (frame["period"] > frame["end"])).sum()
    assert caution.data["cells"] == later and caution.data["units"] == [unit] and "intention to treat" in caution.text
    left_out = fit(frame, active_to="end", after_stop="left_out")
    assert caution.data["ratio_other_way"] == pytest.approx(left_out.irr.value) != pytest.approx(stopped.irr.value)
    assert not [c for c in plain.warnings if c.code == "programme_stopped"]


def test_left_out_cells_are_in_neither_and_listed(frame):
    result = fit(frame, active_to="end", after_stop="left_out")
    later = frame["period"] > frame["end"]
    gone = result.dropped[result.dropped["reason"].str.startswith("after the programme stopped")]
    assert len(gone) == later.sum() > 0
    # the same as a panel in which those rows never were, but for the remark that they are missing
    without = fit(frame[~later])
    assert result.irr.value == pytest.approx(without.irr.value, rel=1e-12) and result.irr.se == pytest.approx(without.irr.se, rel=1e-9)
    changed = fit(frame.assign(events=frame["events"] + 90 * later), active_to="end", after_stop="left_out")
    assert changed.irr.value == pytest.approx(result.irr.value, rel=1e-12)
    assert fit(frame.assign(events=frame["events"] + 90 * later), active_to="end").irr.value > 1.2 * result.irr.value


def test_a_stop_moves_with_its_date_when_dates_are_permuted():
    frame = simulated_panel(units=6, periods=8, waves=(4,), never=4, rate=4, seed=5)
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    frame["end"] = frame["unit"].map({treated[0]: 5.0})
    result = fit(frame, active_to="end", after_stop="left_out", permutations=9999)
    names = sorted(frame["unit"].unique())
    pairs = [(4.0, 5.0), (4.0, np.nan)] + [(np.nan, np.nan)] * 4
    observed, extreme = abs(np.log(result.irr.value)), 0
    orders = sorted({tuple(order) for order in permutations(range(6)) if list(order[2:]) == sorted(order[2:])})
    for order in orders:
        owner = dict(zip([names[i] for i in order], pairs, strict=True))
        moved = frame.assign(start=frame["unit"].map({n: p[0] for n, p in owner.items()}), end=frame["unit"].map({n: p[1] for n, p in owner.items()}))
        extreme += abs(np.log(fit(moved, active_to="end", after_stop="left_out").irr.value)) >= observed - 1e-7
    assert result.permutation.possible == len(orders) == 30
    assert result.permutation_p == pytest.approx(extreme / 30)
    assert fit(frame, active_to="end", permutations=9999).permutation.possible == 15, "with intention to treat all are one wave"


def test_dates_and_refusals(frame):
    months = dict(enumerate(pd.date_range("2024-01-01", periods=14, freq="MS"), start=1))
    dated = frame.assign(**{name: frame[name].map(months) for name in ("period", "start", "end")})
    assert fit(dated, active_to="end", after_stop="left_out").irr.value == pytest.approx(fit(frame, active_to="end", after_stop="left_out").irr.value)
    with pytest.raises(UsageError, match="after_stop"):
        fit(frame, active_to="end", after_stop="gone")
    with pytest.raises(UsageError, match="no column 'ended'"):
        fit(frame, active_to="ended")
    with pytest.raises(EstimationError, match="before their adoption"):
        fit(frame.assign(end=frame["start"] - 1), active_to="end")
    with pytest.raises(EstimationError, match="no adoption"):
        fit(frame.assign(end=9.0), active_to="end")
    with pytest.raises(EstimationError, match="changes within unit"):
        fit(frame.assign(end=frame["start"] + (frame["period"] > 3)), active_to="end")
