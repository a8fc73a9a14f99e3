"""What study.yaml says that the tables do not bear out: a window in which nobody is (E013), names in the plan that nothing answers to (W013)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.study.document import STUDY_FILE, did_you_mean
from mentorship_eval.cohort.study.surveys import same_instrument
from mentorship_eval.inference.scales.known import plain

__all__ = ["ADJUSTED", "OUTCOMES", "check_plan_names", "check_window"]

# the column ``outcome`` of estimates.csv, but for what the data name themselves
OUTCOMES = (
    "retention", "still_employed", "stability", "harm_incidents", "no_harm_incidents", "near_miss_incidents", "all_incidents", "near_miss_share",
    "prompt_reports", "low_incidents", "moderate_up_incidents", "severe_up_incidents", "innovation", "promotion", "leadership_role", "acting_up",
    "certification", "senior_grade", "collaboration", "reach", "dose", "concordance", "match_ending", "match_quality",
    "attendance", "sessions", "delivery", "economics",
)  # fmt: skip
_KINDS = ("harm_", "no_harm_", "exit_", "leaver_rate_")  # followed by a category of incident, or a reason for leaving
# whose covariates a plan may name
ADJUSTED = ("all", "retention", "careers", "collaboration", "innovation", "wellbeing")


def check_window(reading: Reading) -> None:
    """E013: nobody is in post, or no month has an exposure, between the first and the last day of the window."""
    window = reading.study.study
    if not (window.start and window.end):
        return
    start, end = pd.Timestamp(window.start), pd.Timestamp(window.end)
    for name, first, last in (("spells", "start", "end"), ("exposure", "month", "month")):
        source = reading.sources.get(name)
        if source is None or not {first, last} <= set(source.frame) or source.frame.empty:
            continue
        begin, finish = source.frame[first], source.frame[last]
        inside = (begin <= end) & (finish.isna() | (finish >= start.to_period("M").start_time))
        if begin.notna().any() and not inside.any():
            latest = "open" if first != last and finish.isna().any() else f"{finish.max():%Y-%m-%d}"
            what = "nobody is in post" if name == "spells" else "no month has an exposure"
            source.find(
                "E013", f"{what} between {start:%Y-%m-%d} and {end:%Y-%m-%d}: the table runs from {begin.min():%Y-%m-%d} to {latest}",
                column=first, fix="Correct study.start and study.end in study.yaml, or name the right file.",
            )  # fmt: skip


def check_plan_names(reading: Reading) -> None:
    """W013: outcomes that no estimate has, outcomes that are not adjusted, and covariates, subgroups and strata that no table has."""
    plan = reading.study.plan
    known, beginnings = _outcomes(reading), (*_KINDS, *_scales(reading))
    for key, names in (("plan.primary", plan.primary), ("plan.secondary", plan.secondary)):
        for name in names:
            if name not in known and not name.startswith(beginnings):
                fix = did_you_mean(name, known) or "Outcomes are named as in the column outcome of estimates.csv."
                _say(reading, key, f"no outcome is called {name!r}: nothing would count as planned by it", fix)
    columns = _columns(reading)
    for key, groups in (("plan.covariates", plan.covariates), ("plan.subgroups", plan.subgroups)):
        for outcome, names in groups.items():
            if key == "plan.covariates" and outcome not in ADJUSTED:
                _say(reading, f"{key}.{outcome}", "no outcome of this name is adjusted", did_you_mean(outcome, list(ADJUSTED)))
            _absent(reading, f"{key}.{outcome}", names, columns)
    _absent(reading, "plan.strata", plan.strata or [], columns)
    _declared_scales(reading)


def _declared_scales(reading: Reading) -> None:
    """Directions of scales that nobody was asked."""
    source = reading.sources.get("surveys")
    if source is None or not {"instrument", "subscale"} <= set(source.frame):
        return
    asked = source.frame[["instrument", "subscale"]].astype(str).drop_duplicates()
    for name, said in reading.study.surveys.higher_is_better.items():
        key = f"surveys.higher_is_better.{name}"
        own = asked[[same_instrument(name, each) for each in asked["instrument"]]]
        if own.empty:
            known = sorted(asked["instrument"].unique())
            _say(reading, key, "surveys has no scores of this instrument", did_you_mean(name, known))
            continue
        known = sorted(own["subscale"].unique())
        for subscale in said if isinstance(said, dict) else ():
            if plain(subscale) not in map(plain, known):
                _say(reading, f"{key}.{subscale}", f"surveys has no scores of {name} under this subscale", did_you_mean(subscale, known))


def _absent(reading: Reading, key: str, names: Iterable[str], columns: list[str]) -> None:
    for name in names:
        if name not in columns:
            _say(reading, key, f"no table of people has a column {name!r}: it is left out", did_you_mean(name, columns))


def _say(reading: Reading, key: str, message: str, fix: str) -> None:
    reading.findings.add("W013", f"{key}: {message}", file=STUDY_FILE, column=key, fix=fix)


def _outcomes(reading: Reading) -> list[str]:
    own = list(reading.study.tables["counts"].outcomes) if "counts" in reading.study.tables else []
    if "audits" in reading.sources and "measure" in reading.sources["audits"].frame:
        measures = sorted(map(str, reading.sources["audits"].frame["measure"].dropna().unique()))
        own += [re.sub(r"[^a-z0-9]+", "_", measure.lower()).strip("_") for measure in measures]
    return list(dict.fromkeys([*OUTCOMES, *own]))


def _scales(reading: Reading) -> tuple[str, ...]:
    """Beginnings of the names of scales: the instruments in surveys, written as in estimates.csv."""
    source = reading.sources.get("surveys")
    if source is None or "instrument" not in source.frame:
        return ()
    return tuple(str(each).lower().replace("-", "_").replace(" ", "_") for each in source.frame["instrument"].dropna().unique())


def _columns(reading: Reading) -> list[str]:
    """Columns that describe people, or their place: of the tables that are here, and what the aggregated forms declare besides."""
    here = [name for name in ("staff", "departments", "spells", "durations", "counts") if name in reading.study.tables]
    found = [str(column) for name in here if name in reading.sources for column in reading.sources[name].frame]
    # a table that could not be read has said so already
    found += [column for name in here if name not in reading.sources for column in TABLES[name].names]
    return list(dict.fromkeys([*found, *(column for name in here for column in reading.study.tables[name].covariates), "period", "tenure"]))
