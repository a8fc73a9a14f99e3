"""From one Poisson imputation to results and exhibits; incidents and leavers are told in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did import poisson_imputation
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["RateFit", "fit_rates", "rate_exhibits", "rate_results"]

# A figure with more waves than this shows treated against expected instead of a panel per wave.
_MOST_WAVES = 6


@dataclass(frozen=True)
class RateFit:
    """One outcome fitted: what it is called, its panel and how its periods are named.

    panel has the columns unit, time, adopted and place: the department, of which a panel may have several units.
    """

    outcome: str
    label: str
    fit: PoissonImputation
    panel: pd.DataFrame
    count: str
    exposure: str
    rate_label: str
    per: float
    month_of: Callable[[float], Any]
    time_unit: str

    def places(self, wave: float) -> int:
        """Departments (not unit rows) of a wave; infinity stands for never."""
        mine = self.panel[self.panel["adopted"].isna() if np.isinf(wave) else self.panel["adopted"] == wave]
        return int(mine["place"].nunique())


def fit_rates(
    panel: pd.DataFrame,
    *,
    outcome: str,
    label: str,
    count: str,
    exposure: str,
    unit: str,
    adopted: str,
    rate_label: str,
    per: float,
    time: str = "period",
    cluster: str | None = None,
    min_controls: int = 2,
    anticipation: int = 0,
    permutations: int = 9999,
    seed: int = 0,
    permute_within: str | None = None,
    month_of: Callable[[float], Any] | None = None,
    time_unit: str = "month",
    **options: Any,
) -> RateFit:
    """Run the default estimator for one outcome; ``options`` are further ones of `poisson_imputation`."""
    fit = poisson_imputation(
        panel,
        count=count,
        exposure=exposure,
        unit=unit,
        time=time,
        adopted=adopted,
        cluster=cluster,
        min_controls=min_controls,
        anticipation=anticipation,
        permutations=permutations,
        seed=seed,
        permute_within=permute_within,
        per=per,
        **options,
    )
    shown = panel.assign(place=panel[cluster or unit]).rename(columns={unit: "unit", time: "time", adopted: "adopted"})
    return RateFit(outcome, label, fit, shown, count, exposure, rate_label, per, month_of or (lambda period: period), time_unit)


def rate_results(
    rates: RateFit, *, result_id: str, estimand: str, population: str, role: str, group: str = "", test: bool = True, random_timing: bool = False
) -> list[Result]:
    """The rate ratio, the rate difference, the events avoided and the permutation p-value, one row each."""
    fit = rates.fit
    ratio = replace(fit.irr, estimand=estimand)
    out = [Result(result_id, rates.outcome, estimand, population, ratio, rates.label, role, group)]
    # what is counted stands in the label
    unit = rates.rate_label.removeprefix(rates.label.split(" (")[0]).strip() or rates.rate_label
    out.append(
        Result(
            f"{result_id}.difference",
            rates.outcome,
            f"{estimand}: difference of rates",
            population,
            replace(fit.rate_difference, unit=unit),
            f"{rates.label}: rate difference",
            "companion",
            group,
        )
    )
    out.append(
        Result(
            f"{result_id}.avoided",
            rates.outcome,
            f"{estimand}: events avoided",
            population,
            fit.events_avoided,
            f"{rates.label}: events avoided",
            "companion",
            group,
        )
    )
    if test and fit.permutation.draws and np.isfinite(fit.permutation_p):
        kind = "all" if fit.permutation.exact else f"{fit.permutation.draws:,} random (seed {fit.permutation.seed})"
        name = "randomisation test" if random_timing else "placebo test"
        about = f"{name}: {kind} reassignments of the go-live dates, smallest p attainable {fit.smallest_permutation_p:.2g}"
        out.append(
            Result(
                f"{result_id}.permutation",
                rates.outcome,
                f"{estimand}: permutation test",
                population,
                replace(ratio, se=np.nan, ci_low=np.nan, ci_high=np.nan, p_value=fit.permutation_p, df=None, method=about, warnings=()),
                f"{rates.label}: permutation test",
                "diagnostic",
                group,
            )
        )
    return out


def _binned(rates: RateFit) -> pd.DataFrame:
    """Observed and expected by wave and period; quarters in place of months where months hold few events."""
    cells = rates.fit.cells.merge(rates.panel[["unit", "time", "adopted"]], on=["unit", "time"], how="left")
    cells["wave"] = cells["adopted"].fillna(np.inf)
    by_month = cells.groupby(["wave", "time"], as_index=False)["observed"].sum()
    sparse = ((by_month["observed"] > 0) & (by_month["observed"] < 10)).mean() > 0.1
    first = cells["time"].min()
    cells["bin"] = (cells["time"] - first) // (3 if sparse else 1) * (3 if sparse else 1) + first
    treated = cells["role"] == "target"
    cells["expected_treated"] = cells["expected"].where(treated)
    out = cells.groupby(["wave", "bin"], as_index=False).agg(
        events=("observed", "sum"),
        exposure=("exposure", "sum"),
        expected=("expected_treated", "sum"),
        treated=("role", lambda r: (r == "target").all()),
    )
    out["rate"] = rates.per * out["events"] / out["exposure"]
    out["expected"] = (rates.per * out["expected"] / out["exposure"]).where(out["treated"])
    out.attrs["bin"] = "quarter" if sparse else rates.time_unit
    return out


def _trend(rates: RateFit, exhibit_id: str) -> Exhibit | None:
    waves = sorted(rates.panel["adopted"].dropna().unique())
    never = rates.panel["adopted"].isna().any()
    if len(waves) + never > _MOST_WAVES:
        return None
    binned = _binned(rates)
    names = {
        wave: (
            f"Never in the window (n = {rates.places(wave)})"
            if np.isinf(wave)
            else f"Go-live {rates.month_of(wave)} (n = {rates.places(wave)})"
        )
        for wave in binned["wave"].unique()
    }
    frame = pd.DataFrame(
        {
            "group": binned["wave"].map(names),
            "period": [rates.month_of(value) for value in binned["bin"]],
            "rate": binned["rate"],
            "expected": binned["expected"],
            "events": binned["events"],
        }
    )
    live = pd.DataFrame([{"group": names[wave], "go_live": rates.month_of(wave)} for wave in waves if wave in names])
    word = binned.attrs["bin"]
    return Exhibit(
        exhibit_id,
        "rate_trend",
        f"{rates.label} by wave of go-live",
        {"rates": frame, "go_live": live},
        # the total is told elsewhere: one withheld row needs a second
        {"rates": Counted(("events",), ("rate", "expected"), within="*", ratios={"rate": "events"})},
        {"rate_label": rates.rate_label, "period_label": word.capitalize(), "group_label": "wave"},
        f"Rates by {word}. The line of expected rates comes from departments without the programme.",
    )


def _observed_expected(rates: RateFit, exhibit_id: str) -> Exhibit:
    places = rates.panel.drop_duplicates("unit").set_index("unit")["place"]
    cells = rates.fit.expected.assign(place=rates.fit.expected["unit"].map(places))
    by_time = cells.groupby("time", as_index=False).agg(
        events=("observed", "sum"), expected=("expected", "sum"), exposure=("exposure", "sum"), n_units=("place", "nunique")
    )
    frame = pd.DataFrame(
        {
            "period": [rates.month_of(value) for value in by_time["time"]],
            "observed": rates.per * by_time["events"] / by_time["exposure"],
            "expected": rates.per * by_time["expected"] / by_time["exposure"],
            "n_units": by_time["n_units"],
            "events": by_time["events"],
        }
    )
    return Exhibit(
        exhibit_id,
        "observed_expected",
        f"{rates.label} where the programme was active: observed and expected",
        {"rows": frame},
        {"rows": Counted(("events",), ("observed",), within="*", ratios={"observed": "events"})},
        {"rate_label": rates.rate_label, "period_label": rates.time_unit.capitalize(), "n_events": float(by_time["events"].sum())},
        "Expected: what department and period effects of the untreated department-periods predict for the treated ones.",
    )


def _event_study(rates: RateFit, exhibit_id: str) -> Exhibit:
    rows = rates.fit.event_study.drop(columns="note")
    # a ratio of 0 has no place on a logarithmic axis; its note says that no event was observed
    rows["ratio"] = rows["ratio"].where(rows["ratio"] > 0)
    notes = rates.fit.event_study.loc[rates.fit.event_study["note"] != "", "note"].value_counts()
    text = "; ".join(f"{count} of {len(rows)} points have no interval ({note})" for note, count in notes.items())
    # its last sentence is that a quiet pre-period proves nothing
    tail = rates.fit.pre_trend.statement() if rates.fit.pre_trend is not None and (rows["phase"] == "before").any() else ""
    return Exhibit(
        exhibit_id,
        "event_study",
        f"{rates.label}: event study",
        {"rows": rows},
        {"rows": Counted(("observed",), ("ratio", "se", "ci_low", "ci_high", "band_low", "band_high"), within="phase",
                         ratios={"ratio": "observed"})},
        {"base": rates.fit.event_study_compared_with, "time_unit": rates.time_unit, "value_label": "Rate ratio"},
        " ".join(part for part in (text + "." if text else "", tail) if part),
    )


def _waves(rates: RateFit, exhibit_id: str) -> Exhibit:
    rows = rates.fit.by_wave
    frame = pd.DataFrame(
        {
            "label": [f"{'Go-live ' if rates.time_unit == 'month' else 'Wave '}{rates.month_of(wave)}" for wave in rows["adopted"]],
            "n_units": rows["n_units"],
            "observed": rows["observed"],
            "expected": rows["expected"],
            "estimate": rows["ratio"],
            "ci_low": rows["ci_low"],
            "ci_high": rows["ci_high"],
        }
    )
    if len(frame) <= 12:
        forest = frame.assign(
            n_events=frame["observed"], n=frame["n_units"],
            reason=np.select([frame["estimate"].isna(), frame["estimate"] == 0], ["not estimable", "none observed"], ""),
        )
        # a ratio of 0 has no place on a logarithmic axis
        forest.loc[forest["estimate"] == 0, ["estimate", "ci_low", "ci_high"]] = np.nan
        forest = forest[["label", "estimate", "ci_low", "ci_high", "n", "n_events", "reason"]]
        return Exhibit(
            exhibit_id,
            "forest",
            f"{rates.label} by wave",
            {"rows": forest},
            {"rows": Counted(("n_events",), ("estimate", "ci_low", "ci_high"), within="*")},
            {"value_label": "Rate ratio", "unit": "departments"},
            "The column n counts departments. A wave of fewer than six departments has no interval.",
        )
    return table_exhibit(
        exhibit_id,
        f"{rates.label} by wave",
        frame,
        counts=("observed",),
        derived=("estimate", "ci_low", "ci_high"),
        ratios={"estimate": "observed"},
        within="*",
        labels={
            "label": "Wave",
            "n_units": "Units",
            "observed": "Observed",
            "expected": "Expected",
            "estimate": "Rate ratio",
            "ci_low": "CI low",
            "ci_high": "CI high",
        },
        formats={"observed": "count", "n_units": "count", "expected": "rate", "estimate": "ratio", "ci_low": "ratio", "ci_high": "ratio"},
        note="A wave of fewer than six units has no interval.",
    )


def rate_exhibits(rates: RateFit, prefix: str, *, brief: bool = False) -> list[Exhibit]:
    """Trend by wave (where few), observed against expected, event study, waves; ``brief`` leaves the last out."""
    trend = _trend(rates, f"{prefix}.trend")
    out = [] if trend is None else [trend]
    out += [_observed_expected(rates, f"{prefix}.observed"), _event_study(rates, f"{prefix}.events")]
    return out if brief else [*out, _waves(rates, f"{prefix}.waves")]


def dropped_table(rates: RateFit, exhibit_id: str) -> Exhibit | None:
    """Cells that left the comparison, by reason and period; None when none did."""
    dropped = rates.fit.dropped
    if dropped.empty:
        return None
    frame = dropped.groupby(["reason"], as_index=False).agg(
        cells=("unit", "size"), units=("unit", "nunique"), first=("time", "min"), last=("time", "max"), events=("events", "sum")
    )
    frame["first"], frame["last"] = [rates.month_of(v) for v in frame["first"]], [rates.month_of(v) for v in frame["last"]]
    return table_exhibit(
        exhibit_id,
        f"{rates.label}: left out of the comparison",
        frame,
        counts=("events",),
        labels={"reason": "Reason", "cells": "Unit-periods", "units": "Units", "first": "From", "last": "To", "events": "Events"},
        formats={"events": "count", "cells": "count", "units": "count"},
        note="Chosen by dates and exposure alone, never by counts.",
    )


def caution_list(rates: RateFit, *, drop: tuple[str, ...] = ()) -> list[Caution]:
    """The engine's cautions, told for this outcome; ``drop``: codes that the caller tells better."""
    return [Caution(c.code, f"{rates.label}: {c.text}", c.data) for c in rates.fit.warnings if c.code not in drop]
