"""Department-months and leaver panels: hand-made cells, reconciled flows, exact agreement with the episodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort.panels import adoption, department_months, leaver_panel
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.simulate import simulate_cohort
from mentorship_eval.errors import DataError, UsageError

QUARTER = {"start": "2022-01-01", "end": "2022-03-31"}


def rollout(**active_from) -> pd.DataFrame:
    return pd.DataFrame({"dept_id": list(active_from), "active_from": list(active_from.values())})


def exposure(**patient_days) -> pd.DataFrame:
    rows = [(dept, f"2022-{month:02d}-01", value) for dept, values in patient_days.items() for month, value in enumerate(values, start=1)]
    return pd.DataFrame(rows, columns=["dept_id", "month", "patient_days"])


def incidents(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["dept_id", "occurred", "harm"])


@pytest.mark.parametrize(("active_from", "adopted", "partial"), [
    ("2022-02-01", 2, np.nan), ("2022-02-02", 3, 2), ("2022-01-31", 2, 1), ("2021-05-15", 1, np.nan), ("2021-12-31", 1, np.nan),
    (None, np.nan, np.nan), ("2022-03-15", np.nan, 3), ("2022-04-01", np.nan, np.nan)])
def test_adoption_is_the_first_full_month(active_from, adopted, partial):
    row = adoption(rollout=rollout(A=active_from), **QUARTER).loc["A"]
    np.testing.assert_equal([row["adopted"], row["partial"]], [adopted, partial])


def test_the_first_of_two_programmes_counts():
    plan = pd.DataFrame({"dept_id": ["A", "A"], "active_from": ["2022-03-01", "2022-02-01"]})
    assert adoption(rollout=plan, **QUARTER).loc["A", "adopted"] == 2


def test_incidents_fall_into_their_month_and_outcome():
    panel = department_months(
        incidents=incidents(("A", "2022-01-01", "low"), ("A", "2022-01-31", "none"), ("A", "2022-02-01", "death"),
                            ("A", "2022-02-28", "near_miss"),
                            ("B", "2022-03-31", "severe"), ("B", "2022-03-31", "moderate"), ("B", "2022-03-30", None)),
        exposure=exposure(A=[100, 110, 120], B=[50, 50, 50]), rollout=rollout(A="2022-02-01", B=None), **QUARTER)
    rows = panel.rows.set_index(["dept_id", "period"])
    counts = rows[["harm", "no_harm", "near_miss", "all_incidents", "unclassified"]]
    assert counts.loc[("A", 1)].tolist() == [1, 1, 0, 2, 0]
    assert counts.loc[("A", 2)].tolist() == [1, 0, 1, 2, 0]
    assert counts.loc[("A", 3)].tolist() == [0, 0, 0, 0, 0]
    assert counts.loc[("B", 3)].tolist() == [2, 0, 0, 3, 1]
    assert rows["patient_days"].tolist() == [100, 110, 120, 50, 50, 50]
    assert rows.loc[("A", 2), "month"] == pd.Timestamp("2022-02-01")
    np.testing.assert_equal(rows["adopted"].tolist(), [2, 2, 2, np.nan, np.nan, np.nan])
    assert panel.flow["kept"].iloc[-1] == 7 == rows["all_incidents"].sum() and len(panel.missing) == 0


def test_every_incident_that_is_not_counted_has_one_reason():
    panel = department_months(
        incidents=incidents(("A", None, "low"), ("A", "2021-12-31", "low"), ("A", "2022-04-01", "low"), ("C", "2022-01-05", "low"),
                            ("A", "2022-02-05", "low"), ("B", "2022-01-05", "low"), ("B", "2022-02-20", "low"), ("B", "2022-03-20", "low")),
        exposure=exposure(A=[100, 0, 120], B=[50, 50, np.nan]), rollout=rollout(B="2022-02-15"), **QUARTER)
    # undated; two outside; one in another department; A has no patient-days in 2, B none in 3; B went live within 2
    assert panel.flow["removed"].tolist() == [1, 2, 1, 2, 1] and panel.flow["kept"].iloc[-1] == 1
    assert (panel.flow["incidents_in"] - panel.flow["removed"] == panel.flow["kept"]).all()
    assert panel.missing[["dept_id", "period"]].to_numpy().tolist() == [["A", 2], ["B", 3]]
    assert panel.partial[["dept_id", "period"]].to_numpy().tolist() == [["B", 2]]
    assert panel.rows[["dept_id", "period"]].to_numpy().tolist() == [["A", 1], ["A", 3], ["B", 1]]
    assert panel.rows["all_incidents"].sum() == 1


def test_months_that_the_window_cuts_are_left_out_of_the_rates():
    panel = department_months(incidents=incidents(("A", "2022-01-20", "low"), ("A", "2022-02-10", "low"), ("A", "2022-03-02", "low")),
                              exposure=exposure(A=[100, 100, 100]), rollout=rollout(A="2022-02-01"), start="2022-01-10", end="2022-03-15")
    assert panel.rows[["period", "harm", "adopted"]].to_numpy().tolist() == [[2, 1, 2]]
    assert panel.flow.set_index("step").loc["window", "removed"] == 2


def test_counts_by_category_and_a_choice_of_departments():
    table = incidents(("A", "2022-01-01", "low"), ("A", "2022-01-02", "none"), ("B", "2022-01-02", "none"))
    table["category"] = ["falls", None, "falls"]
    panel = department_months(incidents=table, exposure=exposure(A=[9, 9, 9], B=[9, 9, 9]), rollout=rollout(), by="category",
                              departments=["A"], **QUARTER)
    assert panel.rows[["category=falls", "category=missing"]].iloc[0].tolist() == [1, 1]
    assert panel.rows["dept_id"].unique().tolist() == ["A"] and panel.rows["adopted"].isna().all()


def test_bad_panels_are_refused():
    good = {"incidents": incidents(), "exposure": exposure(A=[1, 1, 1]), "rollout": rollout(A=None), **QUARTER}
    assert department_months(**good).rows["all_incidents"].tolist() == [0, 0, 0]
    double = pd.concat([good["exposure"], good["exposure"].head(1)], ignore_index=True)
    with pytest.raises(DataError, match="share a department and month") as caught:
        department_months(**{**good, "exposure": double})
    assert caught.value.rows == (0, 3)
    with pytest.raises(DataError, match="negative"):
        department_months(**{**good, "exposure": exposure(A=[1, -1, 1])})
    with pytest.raises(DataError, match="no column wte"):
        department_months(**good, denominator="wte")
    with pytest.raises(DataError, match="whole calendar month"):
        department_months(**{**good, "start": "2022-01-10", "end": "2022-02-20"})


# ---- leavers --------------------------------------------------------------------------------------------------

def spells(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "leaving_reason"])


def leavers(table: pd.DataFrame, plan: pd.DataFrame | None = None, **options):
    staff = pd.DataFrame({"staff_id": table["staff_id"].unique()})
    return leaver_panel(staff=staff, spells=table, rollout=rollout() if plan is None else plan, **{**QUARTER, **options})


def test_person_days_and_leavers_of_one_person_by_hand():
    # hired 2021-02-15: one year of service is reached on 2022-02-15, 45 days after the window opened
    panel = leavers(spells(("a", "D", "2021-02-15", "2022-03-01", "voluntary")), rollout(D="2022-02-01"))
    rows = panel.rows.set_index(["band", "period"])
    assert rows["person_days"].to_dict() == {("0-365", 1): 30, ("0-365", 2): 15, ("365-730", 2): 13, ("365-730", 3): 1}
    assert rows["leavers"].to_dict() == {("0-365", 1): 0, ("0-365", 2): 0, ("365-730", 2): 0, ("365-730", 3): 1}
    assert (rows["adopted"] == 2).all() and rows["unit"].unique().tolist() == ["D|0-365", "D|365-730"]
    np.testing.assert_allclose(rows["person_months"], rows["person_days"] / 30.4375)


def test_a_transfer_moves_person_time_and_is_no_leave():
    panel = leavers(spells(("a", "D", "2022-01-01", "2022-01-31", "transfer"), ("a", "E", "2022-02-01", None, None)), bands=(0,))
    assert panel.rows[["dept_id", "period", "person_days"]].to_numpy().tolist() == [["D", 1, 30], ["E", 2, 28], ["E", 3, 31]]
    assert panel.rows["exits"].sum() == 0


def test_half_a_day_on_the_last_day_and_other_causes():
    table = spells(("a", "D", "2022-03-31", "2022-03-31", "voluntary"), ("b", "D", "2022-01-01", "2022-03-31", "retirement"))
    panel = leavers(table, bands=(0,))
    row = panel.rows.set_index("period").loc[3]
    assert (row["person_days"], row["leavers"], row["exits"]) == (31.5, 1, 2)


def test_leavers_of_a_partial_month_are_counted_out():
    panel = leavers(spells(("a", "D", "2022-01-01", "2022-02-20", "voluntary"), ("b", "D", "2022-01-01", "2022-03-20", "voluntary")),
                    rollout(D="2022-02-10"))
    assert panel.flow[["leavers_in", "removed", "kept"]].to_numpy().tolist() == [[2, 1, 1]]
    assert panel.rows["period"].tolist() == [1, 3] and panel.rows["adopted"].tolist() == [3, 3]


def test_the_panel_and_the_episodes_hold_the_same_time_and_the_same_leavers():
    cohort = simulate_cohort(departments=8, staff=400, months=24, seed=3)
    window = {"start": "2022-01-01", "end": "2023-12-31"}
    tables = {"staff": cohort["staff"], "spells": cohort["spells"]}
    result = mentorship_episodes(**tables, matches=cohort["matches"], rollout=cohort["rollout"], calendar="month", **window)
    panel = leaver_panel(**tables, rollout=cohort["rollout"], **window)
    assert panel.rows["person_days"].sum() == result.person_days
    assert panel.rows["leavers"].sum() == result.leavers("voluntary") > 20
    assert panel.rows["exits"].sum() == result.leavers()
    # month by month, department by department: episodes cut at months give the same cells
    cut = result.rows.assign(days=result.rows["stop"] - result.rows["start"], left=result.rows["cause"].eq("voluntary"))
    cells = cut.groupby(["dept_id", "period"]).agg(days=("days", "sum"), left=("left", "sum"))
    ours = panel.rows.assign(label=panel.rows["month"].dt.strftime("%Y-%m")).groupby(["dept_id", "label"])[["person_days", "leavers"]].sum()
    np.testing.assert_array_equal(ours.to_numpy(), cells.to_numpy())
    treated = panel.rows["period"] >= panel.rows["adopted"]
    assert panel.rows.loc[treated, "person_days"].sum() == (cut["days"] * cut["programme_active"]).sum()


def test_the_incident_panel_of_a_simulated_cohort_reconciles():
    cohort = simulate_cohort(departments=8, staff=400, months=24, seed=3)
    panel = department_months(incidents=cohort["incidents"], exposure=cohort["exposure"], rollout=cohort["rollout"], start="2022-01-01",
                              end="2023-12-31")
    assert len(panel.rows) == 8 * 24 and panel.flow["removed"].sum() == 0
    assert panel.rows["all_incidents"].sum() == len(cohort["incidents"])
    assert panel.rows["harm"].sum() == cohort["incidents"]["harm"].isin(["low", "moderate", "severe", "death"]).sum()


def test_bands_must_ascend_from_zero():
    for bands in ((), (1, 2), (0, 5, 5)):
        with pytest.raises(UsageError):
            leavers(spells(("a", "D", "2022-01-01", None, None)), bands=bands)


def test_adoption_never_touches_uninitialised_numbers() -> None:
    rollout = pd.DataFrame({"dept_id": ["A", "B", "C"], "active_from": ["2023-02-01", None, "2023-04-15"]})
    with np.errstate(all="raise"):
        plan = adoption(rollout=rollout, start="2023-01-01", end="2023-12-31")
    assert plan["active_from"].isna().tolist() == [False, True, False]
    assert plan.loc["C", "active_from"] == pd.Timestamp("2023-04-15")
