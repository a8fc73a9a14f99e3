"""Tables and figure of leaver rates and stability, each count of people declared for protection."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.estimate import format_number
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.staying.leaver_measures import ALL, OVERALL

__all__ = ["rates_figure", "rates_table", "stability_table", "wte_table"]

_TOGETHER = "all periods together"
TOTALS = (ALL, OVERALL, _TOGETHER)  # labels of rows that others add up to


def rates_figure(table: pd.DataFrame, period: str) -> Exhibit:
    """Rates of all exits over the last period (the whole window), one line per staff group."""
    mine = table[table["period"] == period]
    frame = pd.DataFrame({"label": [_name(name) for name in mine["group"]], "headline": (mine["group"] == ALL).to_numpy()})
    columns = {
        "rate": "rate_all", "ci_low": "low_all", "ci_high": "high_all", "rate_wte": "wte_rate_all", "wte_low": "wte_low_all",
        "wte_high": "wte_high_all", "stability": "stability", "stability_low": "stability_low", "stability_high": "stability_high",
    }  # fmt: skip
    for name, column in columns.items():
        if mine[column].notna().any():
            frame[name] = mine[column].to_numpy()
    frame["n"], frame["n_events"] = mine["people"].to_numpy(), mine["left"].to_numpy()
    # rates and stability stand in one row here: what withholds one takes the row
    frame["told"] = (mine["told"] + " " + mine["told_stability"]).to_numpy()
    return Exhibit(
        "retention.leaver_rates_figure",
        "dot_rates",
        f"Leaver rates, all exits, and stability by staff group, {period}",
        {"rows": frame},
        {"rows": Counted(("n", "n_events"), tuple(columns), within="*", totals=TOTALS, results={"told": ""}, ratios=_RATIOS)},
        {"method": "Exact Poisson limits of rates, Wilson's of the stability index, people taken as independent"},
        "Staff groups with few leavers are joined.",
    )


_RATIOS = {
    **dict.fromkeys(("rate", "ci_low", "ci_high", "rate_wte", "wte_low", "wte_high"), "n_events"),
    **dict.fromkeys(("stability", "stability_low", "stability_high"), "n"),
}


def rates_table(table: pd.DataFrame) -> Exhibit:
    """All exits and voluntary leaving, by period and staff group."""
    frame = table[["period", "group", "heads", "left"]].assign(group=table["group"].map(_name))
    frame["rate"] = _limits(table, "rate_all", "low_all", "high_all")
    frame["voluntary"] = table["voluntary"]
    frame["voluntary_rate"] = _limits(table, "rate_voluntary", "low_voluntary", "high_voluntary")
    frame["other"] = table["other"]
    frame["told"], frame["told_voluntary"] = table["told"], table["told_voluntary"]
    return table_exhibit(
        "retention.leaver_rates",
        "Leaver rates by staff group, a year",
        frame,
        counts=("left", "voluntary", "other"),
        derived=("rate", "voluntary_rate"),
        of={"rate": "left", "voluntary_rate": "voluntary"},
        ratios={"rate": "left", "voluntary_rate": "voluntary"},
        sums=(("left", "voluntary", "other"),),
        within=("period", "group"),
        totals=TOTALS,
        results={"told": "left", "told_voluntary": "voluntary"},
        labels={
            "period": "Period and staff group",
            "heads": "Head-count (mean)",
            "left": "Left",
            "rate": "Leaver rate (95 % CI)",
            "voluntary": "Left voluntarily",
            "voluntary_rate": "Voluntary leaver rate (95 % CI)",
            "other": "Left otherwise",
        },
        stub=["period", "group"],
        formats={**dict.fromkeys(("left", "voluntary", "other"), "count"), "heads": "whole", "rate": "number", "voluntary_rate": "number"},
        note="Leavers of the organisation over the mean of month-end head-counts. People on maternity leave, a career break or a secondment are "
        "in post. Staff groups with few leavers are joined. Intervals take people as independent.",
    )


def stability_table(table: pd.DataFrame) -> list[Exhibit]:
    """The stability index; nothing where no twelve-month period begins with anybody in post."""
    table = table[table["at_start"] > 0]
    if table.empty:
        return []
    frame = table[["period", "group", "at_start", "stayed", "gone", "told_stability"]].assign(group=table["group"].map(_name))
    frame["period"] = frame["period"].replace(OVERALL, _TOGETHER)
    frame["stability"] = _limits(table, "stability", "stability_low", "stability_high")
    return [
        table_exhibit(
            "retention.stability",
            "Stability index by staff group, over twelve months",
            frame,
            counts=("at_start", "stayed", "gone"),
            derived=("stability",),
            ratios={"stability": "stayed"},
            sums=(("at_start", "stayed", "gone"),),
            within=("period", "group"),
            totals=TOTALS,
            results={"told_stability": ""},
            labels={
                "period": "Period and staff group",
                "at_start": "In post the day before",
                "stayed": "Of them in post at the end",
                "gone": "Of them gone",
                "stability": "Stability index (95 % CI)",
            },
            stub=["period", "group"],
            formats={**dict.fromkeys(("at_start", "stayed", "gone"), "count"), "stability": "number"},
            note="Who left and came back within the period is in post at both ends. Over several periods a person counts once in each.",
        )
    ]


def wte_table(table: pd.DataFrame) -> Exhibit:
    """Both in whole-time equivalents."""
    frame = table[["period", "group", "wte", "left"]].assign(group=table["group"].map(_name))
    frame["rate"] = _limits(table, "wte_rate_all", "wte_low_all", "wte_high_all")
    frame["voluntary"] = table["voluntary"]
    frame["voluntary_rate"] = _limits(table, "wte_rate_voluntary", "wte_low_voluntary", "wte_high_voluntary")
    frame["stability"] = _limits(table, "wte_stability", "wte_stability_low", "wte_stability_high")
    for name in ("other", "gone", "told", "told_voluntary"):
        frame[name] = table[name]
    return table_exhibit(
        "retention.leaver_rates_wte",
        "Leaver rates and stability in whole-time equivalents",
        frame,
        counts=("left", "voluntary"),
        derived=("rate", "voluntary_rate", "stability"),
        of={"rate": "left", "voluntary_rate": "voluntary", "stability": "gone"},
        ratios={"rate": "left", "voluntary_rate": "voluntary", "stability": "gone"},
        # the same sums as in the table of heads, for the same blanks
        sums=(("left", "voluntary", "other"),),
        behind=("other", "gone"),
        within=("period", "group"),
        totals=TOTALS,
        results={"told": "left", "told_voluntary": "voluntary"},
        labels={
            "period": "Period and staff group",
            "wte": "Whole-time equivalents (mean)",
            "left": "Left (people)",
            "rate": "Leaver rate (95 % CI)",
            "voluntary": "Left voluntarily (people)",
            "voluntary_rate": "Voluntary leaver rate (95 % CI)",
            "stability": "Stability index (95 % CI)",
        },
        stub=["period", "group"],
        formats={"wte": "number", "left": "count", "voluntary": "count", "rate": "number", "voluntary_rate": "number", "stability": "number"},
        note="Leavers count by the whole-time equivalent of their last post, over the mean of month-end whole-time equivalents.",
    )


def _name(group: object) -> str:
    return str(group)[:1].upper() + str(group)[1:]


def _limits(table: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    """``12.3 % (11.0 to 13.8)``, a dash where there is none."""
    return [
        "–" if v != v else f"{format_number(100 * v, 1)} % ({format_number(100 * a, 1)}\u00a0to\u00a0{format_number(100 * b, 1)})"
        for v, a, b in zip(table[value], table[low], table[high], strict=True)
    ]
