"""The analyses around the default one of an incident rate: each changes one thing, and none looks at counts to choose it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.checks.reporting import drawn_on, share_reported
from mentorship_eval.cohort.reading.reread import under_rules
from mentorship_eval.errors import DataError
from mentorship_eval.questions.allocation import own_rollout, programme_ends
from mentorship_eval.questions.incidents.calendar_events import shocks, switches
from mentorship_eval.questions.incidents.prepared import Prepared, from_records

__all__ = ["Variant", "variants"]

# what rates of incidents are told from
_TABLES = ("incidents", "exposure", "rollout", "departments", "dept_lineage", "calendar", "programmes")


@dataclass(frozen=True)
class Variant:
    """name (part of an id), label, what the estimand changes; rows: None for the panel's own; options of `Prepared.fit`.

    same: why it could not differ from the default in these data; lacks: why it cannot be made of them.
    """

    name: str
    label: str
    change: str
    rows: pd.DataFrame | None = None
    options: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    same: str = ""
    lacks: str = ""


def variants(study: Prepared) -> Iterator[Variant]:
    """Those that the plan names and the data allow, in order, with those that could not differ from the default or cannot be made."""
    yield from _which_months(study)
    yield from _who_compares(study)
    yield from _what_divides(study)


def _which_months(study: Prepared) -> Iterator[Variant]:
    chosen, plan = study.cohort.study.plan.incidents, study.cohort.study.plan
    word = study.time_unit
    for count in dict.fromkeys(chosen.anticipation_months):
        if count == plan.anticipation:
            continue
        many = f"the {word}" if count == 1 else f"the {count} {word}s"
        yield Variant(f"anticipation_{count}", f"Without {many} before go-live", f"with {many} before go-live left out of the comparison",
            options={"anticipation": count}, group=f"Which {word}s")
    if study.made is None:
        return
    if chosen.without_months_after_end:
        yield _after_the_end(study)
    if chosen.without_incomplete_months:
        yield _incomplete(study)
        yield _still_coming_in(study)
    yield from _selection(study)
    yield from _calendar(study)
    if chosen.rules:
        yield from _records_read_otherwise(study)


def _kept(study: Prepared, keep: np.ndarray, name: str, label: str, change: str, same: str, **more: Any) -> Variant:
    """The panel without some department-months; the default analysis when none is taken out."""
    more.setdefault("group", f"Which {study.time_unit}s")
    if keep.all():
        return Variant(name, label, change, same=same, **more)
    return Variant(name, label, change, study.rows[keep], **more)


def _month(study: Prepared) -> pd.Series:
    return study.rows["month"].dt.to_period("M")


def _after_the_end(study: Prepared) -> Variant:
    end = study.rows["dept_id"].map(programme_ends(study.cohort))
    after = end.notna() & (study.rows["month"] > end) & (study.rows["period"] >= study.rows["adopted"])
    return _kept(study, ~after.to_numpy(), "after_end", "Without months after the programme's end", "while it lasted", "it ended nowhere")


def _incomplete(study: Prepared) -> Variant:
    exposure = study.cohort.table("exposure")
    keep = np.ones(len(study.rows), dtype=bool)
    if "complete" in exposure:
        bad = exposure.loc[exposure["complete"].eq(False), ["dept_id", "month"]].assign(bad=True)
        bad["month"] = pd.to_datetime(bad["month"]).dt.to_period("M")
        marked = pd.DataFrame({"dept_id": study.rows["dept_id"], "month": _month(study)}).merge(bad.drop_duplicates(), how="left")
        keep = marked["bad"].isna().to_numpy()
    return _kept(study, keep, "complete", "Complete months only", "complete months only", "no month is marked incomplete")


def _still_coming_in(study: Prepared) -> Variant:
    """Months of which too few reports can have come in when the files were drawn (W114), by the lags of earlier months."""
    records, rules, name, label = study.records, study.cohort.study.rules, "reported_in_full", "Without months whose reports may still come in"
    assert records is not None
    reported = pd.to_datetime(records["reported"]) if "reported" in records else pd.Series(pd.NaT, index=records.index)
    occurred = pd.to_datetime(records["occurred"])
    if not (reported >= occurred).any():
        return Variant(name, label, label, same="the day of the report is not recorded")
    drawn, month = drawn_on(study.cohort.study, reported), _month(study)
    assert drawn is not None
    share = share_reported(occurred, reported, drawn, pd.PeriodIndex(month.unique(), freq="M"))
    if share is None:
        return Variant(name, label, label, same="there are too few reports to learn from how long they take")
    keep = ~month.isin(share.index[share < rules.reported_share]).to_numpy()
    change = f"without the months of which less than {rules.reported_share:.0%} of the reports can have come in when the files were drawn"
    return _kept(study, keep, name, label, change, f"{rules.reported_share:.0%} or more of the reports of every month had come in")


def _records_read_otherwise(study: Prepared) -> Iterator[Variant]:
    """Rules for messy records that touched the tables of incidents, turned."""
    cohort, group = study.cohort, "How records are read"
    if cohort.findings.of("R110"):
        label = "Departments as they are written"
        yield _read_again(study, "lineage_off", label, "departments as they are written, whatever became of them", group, lineage="ignore")
    if cohort.findings.of("R114"):
        label = "With months whose reports may still come in"
        yield _read_again(study, "all_months", label, label[:1].lower() + label[1:], group, reporting_lag="flag")
    if cohort.findings.of("R111"):
        log = cohort.repair_log[cohort.repair_log["code"] == "R111"]
        lacking = set(log["before"].str.rsplit(" ", n=1).str[0])
        label = "Without departments that lack patient-days in some month"
        keep = ~study.rows["dept_id"].astype(str).isin(lacking).to_numpy()
        yield _kept(study, keep, "units_with_exposure", label, label[:1].lower() + label[1:], "they have no other month", group=group)


def _read_again(study: Prepared, name: str, label: str, change: str, group: str, **rules: Any) -> Variant:
    try:
        other = from_records(under_rules(study.cohort, _TABLES, **rules))
    except DataError as error:
        return Variant(name, label, change, group=group, lacks=error.problem)
    return Variant(name, label, change, other.rows, group=group)


def _selection(study: Prepared) -> Iterator[Variant]:
    """Without the months by whose values departments were chosen: their chance deviations are what regresses to the mean."""
    rollout = own_rollout(study.cohort)
    if "allocation" not in rollout or not rollout["allocation"].eq("targeted").any():
        return
    name, label, change = "selection_window", "Without the months of selection", "without the months by whose values departments were chosen"
    windows = rollout["selection_window"].dropna() if "selection_window" in rollout else pd.Series(dtype=object)
    spans = [span for span in map(_span, windows) if span]
    if not spans:
        yield Variant(name, label, change, same="selection_window in rollout does not say which months they were, such as 2022-01/2022-06")
        return
    month = _month(study)
    keep = ~np.logical_or.reduce([(month >= low) & (month <= high) for low, high in spans])
    yield _kept(study, np.asarray(keep), name, label, change, "they lie outside the window")


def _span(text: object) -> tuple[pd.Period, pd.Period] | None:
    """Two months written as 2022-01/2022-06 (or with "to"); one month stands for itself."""
    parts = [part.strip() for part in str(text).replace(" to ", "/").split("/")]
    try:
        return pd.Period(parts[0], "M"), pd.Period(parts[-1], "M")
    except ValueError:
        return None


def _calendar(study: Prepared) -> Iterator[Variant]:
    chosen, month = study.cohort.study.plan.incidents, _month(study)
    group = f"Which {study.time_unit}s"
    if chosen.switch_months:
        for number, switch in enumerate(switches(study), 1):
            keep = ((month - switch.month).map(lambda gap: gap.n).abs() > chosen.switch_months).to_numpy()
            label = f"Without the months around {switch.label} ({switch.month})"
            yield _kept(study, keep, f"switch_{number}", label, label[:1].lower() + label[1:], "they lie outside the window", group=group)
    if chosen.without_shocks:
        for number, shock in enumerate(shocks(study), 1):
            touched = shock.touches(study)
            hit = ((month >= shock.first) & (month <= shock.last)).to_numpy() & touched
            same = "it lies outside the window" if touched.any() else f"{shock.scope} is no department, site or specialty here"
            yield _kept(study, ~hit, f"shock_{number}", f"Without {shock.label}", f"without {shock.label}", same, group=group)


def _who_compares(study: Prepared) -> Iterator[Variant]:
    chosen, rules = study.cohort.study.plan.incidents, study.cohort.study.rules
    for count in dict.fromkeys(chosen.min_controls):
        if count != rules.min_controls:
            label = f"At least {count} comparison department" + ("" if count == 1 else "s")
            yield Variant(f"min_controls_{count}", label, f"{study.time_unit}s with {label.lower()}", options={"min_controls": count},
                group="Who compares")
    if chosen.spillover and study.made is not None:
        yield from _spillover(study)


def _spillover(study: Prepared) -> Iterator[Variant]:
    """What reaches the departments of a site that do not have the programme pulls the comparison along: they are left out, or the share of their
    site that has it is held fixed."""
    labels = "Compared with untouched sites only", "The site's share with the programme held fixed"
    if not study.cohort.has("departments") or "site_id" not in study.cohort.table("departments"):
        for name, label in zip(("other_sites", "site_share"), labels, strict=True):
            yield Variant(name, label, label, same="departments do not say their site", group="Who compares")
        return
    site = study.rows["dept_id"].map(study.cohort.table("departments").drop_duplicates("dept_id").set_index("dept_id")["site_id"])
    begun = study.rows.groupby(site)["adopted"].transform("min")
    treated = study.rows["period"] >= study.rows["adopted"]
    keep = (treated | ~(study.rows["period"] >= begun)).to_numpy()
    change = "compared only with months of sites in which no department had the programme yet"
    if not (keep & ~treated & study.rows["period"].isin(study.rows.loc[treated, "period"])).any():
        yield Variant("other_sites", labels[0], change, lacks="Once the programme runs anywhere, no site is without it.")
    else:
        yield _kept(study, keep, "other_sites", labels[0], change, "no site has departments of both kinds at the same time", group="Who compares")
    own, cell = treated.astype(float), [site, study.rows["period"]]
    number, with_it = own.groupby(cell).transform("size"), own.groupby(cell).transform("sum")
    share = ((with_it - own) / (number - 1).where(number > 1)).fillna(0.0)
    change = "with the share of the site's other departments that have the programme held at what it was"
    if share[~treated].nunique() < 2:
        yield Variant("site_share", labels[1], change, same="in comparison months it is the same everywhere", group="Who compares")
        return
    yield Variant("site_share", labels[1], change, study.rows.assign(site_share=share), {"covariates": ["site_share"]}, "Who compares")


def _what_divides(study: Prepared) -> Iterator[Variant]:
    if study.made is None:
        return
    exposure = study.cohort.table("exposure")
    words = {"staffed_wte": "staff in post (WTE)", "items_dispensed": "items dispensed", "admissions": "admissions"}
    for column in study.cohort.study.plan.incidents.denominators:
        if column == study.exposure or column not in exposure or exposure[column].notna().sum() == 0:
            continue
        what = words.get(column, column.replace("_", " "))
        made = study.panel(denominator=column)
        options = {"exposure": column, "words": f"per 1,000 {what}"}
        yield Variant(f"per_{column}", f"Per {what}", f"events per {what} instead of patient-days", made.rows, options, "Divided by")
