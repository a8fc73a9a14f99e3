"""Events, exposure and rates as they were observed, without and with the programme: the counts behind every ratio of the chapter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mentorship_eval.inference.cluster_rate import cluster_rate_limits
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["observed_rates"]

_STATES = {"without": "Without the programme", "with": "With the programme"}
_WHOLE = "Whole time"


def observed_rates(study: Prepared) -> Section:
    """One group of rows for each outcome: the whole time, and each calendar year where months are known."""
    rows = study.rows.assign(state=np.where(study.rows["period"] >= study.rows[study.adopted], "with", "without"))
    told = [kind for kind in study.kinds if kind.role != "audit"]
    if not told or len(rows["state"].unique()) < 2:
        return Section()
    frame = pd.DataFrame([line for kind in told for line in _lines(study, rows, kind)])
    per = study.exposure_words.removeprefix("per 1,000 ").split(" and ")[0]
    joined = {}
    for state in _STATES:
        joined[f"size_{state}"] = f"{{exposure_{state}:whole}}"
        joined[f"count_{state}"] = f"{{n_{state}}}"
        joined[f"rate_interval_{state}"] = f"{{rate_{state}:2}} ({{low_{state}:2}} to {{high_{state}:2}})"
    n = tuple(f"n_{state}" for state in _STATES)
    of = {f"{part}_{state}": f"n_{state}" for state in _STATES for part in ("rate", "low", "high")}
    table = table_exhibit(
        "incidents.rates", "Events and rates as observed, without and with the programme", frame,
        counts=n, derived=tuple(of), of=of, within="outcome", totals=(_WHOLE,), sums=(("n_all", *n),), behind=("n_all",),
        columns=list(joined), joined=joined, stub=["outcome", "when"],
        spanners={header: [f"{part}_{state}" for part in ("size", "count", "rate_interval")] for state, header in _STATES.items()},
        labels={"outcome": "", **{f"size_{s}": per[:1].upper() + per[1:] for s in _STATES}, **{f"count_{s}": "Events" for s in _STATES},
                **{f"rate_interval_{s}": f"{study.exposure_words} (95 % CI)" for s in _STATES}},
        note=f"Department-{study.time_unit}s before go-live, and of departments that never have the programme, stand at the left. Intervals allow "
        "for departments; there are none with fewer than six of them. The two sides differ in departments and in time; what the programme changed is "
        "told by the rate ratios, which compare within both.",
    )  # fmt: skip
    return Section(exhibits=[table])


def _lines(study: Prepared, rows: pd.DataFrame, kind: Kind) -> Iterator[dict[str, object]]:
    yield _line(study, rows, kind, _WHOLE)
    if study.time_unit != "month":
        return
    year = rows["period"].map({period: str(study.name_of(period))[:4] for period in rows["period"].unique()})
    if len(year.unique()) > 1:
        for name in sorted(year.unique()):
            yield _line(study, rows[year == name], kind, name)


def _line(study: Prepared, rows: pd.DataFrame, kind: Kind, when: str) -> dict[str, object]:
    out: dict[str, object] = {"outcome": kind.short, "when": when}
    for state in _STATES:
        each = rows[rows["state"] == state].groupby("dept_id")[[kind.column, study.exposure]].sum()
        events, size = each[kind.column].to_numpy(float), each[study.exposure].to_numpy(float)
        some = size.sum() > 0
        low, high = cluster_rate_limits(events, size) if some else (np.nan, np.nan)
        values = (size.sum(), events.sum(), 1000 * events.sum() / size.sum(), 1000 * low, 1000 * high) if some else (np.nan,) * 5
        out |= dict(zip((f"{part}_{state}" for part in ("exposure", "n", "rate", "low", "high")), values, strict=True))
    return out | {"n_all": float(rows[kind.column].sum())}
