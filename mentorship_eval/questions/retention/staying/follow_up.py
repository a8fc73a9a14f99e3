"""People, person-time and leavers by cause, by mentorship at the time: the counts behind every rate and ratio of the chapter."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.inference.cluster_rate import cluster_rate_limits
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.retention.prepared import Prepared

__all__ = ["follow_up_table", "followed_by_arm"]

_STATES = {0: "not_mentored", 1: "mentored"}
_HEADERS = {"not_mentored": "Not mentored (yet)", "mentored": "Mentored"}
_ALL = "All exits"


def follow_up_table(study: Prepared) -> Exhibit:
    """One line for people, one for person-years, one for each cause of leaving with its rate per 100 person-years."""
    rows = study.rows.assign(years=(study.rows["stop"] - study.rows["start"]) / 365.25)
    causes = [*study.episodes.outcome, *(c for c in rows.loc[rows["cause"] != "", "cause"].value_counts().index if c not in study.episodes.outcome)]
    here = {cause: rows["cause"].eq(cause) for cause in causes if rows["cause"].eq(cause).any() or cause in study.episodes.outcome}
    people = {"line": "People", "group": "people", "statistic": "n"}
    time = {"line": "Person-years", "group": "person-years", "statistic": "time"}
    lines = [_exits(rows, f"Left: {_name(cause)}", which) for cause, which in here.items()]
    if len(here) > 1:
        lines.append(_exits(rows, _ALL, rows["cause"].ne("")))
    for state, ending in _STATES.items():
        mine = rows[rows["mentored"] == state]
        people[f"n_{ending}"], people["n_all"] = int(mine["staff_id"].nunique()), math.nan
        time[f"years_{ending}"] = float(mine["years"].sum())
    frame = pd.DataFrame([people, time, *lines])
    joined: dict[str, dict[str, str]] = {}
    for ending in _STATES.values():
        joined[f"count_{ending}"] = {"n": f"{{n_{ending}}}", "time": f"{{years_{ending}:whole}}", "rate": f"{{n_{ending}}}"}
        joined[f"rate_interval_{ending}"] = {"rate": f"{{rate_{ending}:2}} ({{low_{ending}:2}} to {{high_{ending}:2}})"}
    n = tuple(f"n_{ending}" for ending in _STATES.values())
    told = {f"{part}_{ending}": f"n_{ending}" for ending in _STATES.values() for part in ("rate", "low", "high")}
    return table_exhibit(
        "retention.follow_up", "Follow-up and leaving, by mentorship at the time", frame[["line", *(c for c in frame if c != "line")]],
        counts=n, derived=tuple(told), of=told, within="group", totals=(_ALL,), sums=(("n_all", *n),), behind=("n_all", "group"),
        columns=["line", *joined], joined=joined, joined_by="statistic", sparse=[name for name in joined if name.startswith("rate")],
        spanners={_HEADERS[ending]: [f"count_{ending}", f"rate_interval_{ending}"] for ending in _STATES.values()},
        labels={"line": "", **{f"count_{e}": "Number" for e in _STATES.values()},
                **{f"rate_interval_{e}": "per 100 person-years (95 % CI)" for e in _STATES.values()}},
        formats={"line": "text", "statistic": "text"}, note=_note(study),
    )  # fmt: skip


def followed_by_arm(study: Prepared) -> pd.DataFrame:
    """The foot of the flow diagram: group, n (people) and detail (their person-years) by mentorship at the time."""
    lines = []
    for state, ending in _STATES.items():
        mine = study.rows[study.rows["mentored"] == state]
        years = float((mine["stop"] - mine["start"]).sum()) / 365.25
        lines.append({"group": _HEADERS[ending], "n": int(mine["staff_id"].nunique()), "detail": f"{years:,.0f} person-years"})
    return pd.DataFrame(lines)


def _name(cause: object) -> str:
    return str(cause).replace("_", " ")


def _exits(rows: pd.DataFrame, line: str, which: pd.Series) -> dict[str, object]:
    out: dict[str, object] = {"line": line, "group": "exits", "statistic": "rate", "n_all": int(which.sum())}
    for state, ending in _STATES.items():
        mine = rows["mentored"] == state
        each = pd.DataFrame({"events": (which & mine).astype(float), "years": rows["years"].where(mine, 0.0)}).groupby(rows["dept_at_entry"]).sum()
        events, years = each["events"].to_numpy(), each["years"].to_numpy()
        low, high = cluster_rate_limits(events, years) if years.sum() else (np.nan, np.nan)
        rate = events.sum() / years.sum() if years.sum() else np.nan
        out |= {f"n_{ending}": int(events.sum()), f"rate_{ending}": 100 * rate, f"low_{ending}": 100 * low, f"high_{ending}": 100 * high}
    return out


def _note(study: Prepared) -> str:
    persons = study.episodes.persons
    observed = (persons["stop"] - persons["entry"]) / DAYS_PER_MONTH
    low, middle, high = (float(observed.quantile(q)) for q in (0.25, 0.5, 0.75)) if len(observed) else (math.nan,) * 3
    delayed = float((persons["entry"] > 0).mean()) if len(persons) else math.nan
    return (
        f"People pass from not mentored to mentored, and count in both. Observed for a median of {middle:.0f} months (quartiles {low:.0f} and "
        f"{high:.0f}); {delayed:.0%} were employed before the window and are followed from its first day. Intervals allow for departments; there are "
        "none with fewer than six of them. The rates of the two columns differ in tenure, profession and department; they are no comparison."
    )
