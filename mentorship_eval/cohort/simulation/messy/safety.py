"""The incident export, the patient-days, the roll-out and what else is recorded of wards, with what goes wrong in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.messy.extract import Extract, day_text, texts
from mentorship_eval.cohort.simulation.messy.faults import Book
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["calendar_file", "datix_export", "lineage_file", "patient_day_file", "plant_safety_faults", "renamed", "rollout_file", "ward_names"]

OLD = "OLD1"  # the id of a ward before it got its present name


def ward_names(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Name of each ward as the exports spell it; one has an accent."""
    names = dict(zip(tables["departments"]["dept_id"], tables["departments"]["name"], strict=True))
    first = next(iter(names))
    return {dept: f"{name} (Salle Pasteur à l'Est)" if dept == first else name for dept, name in names.items()}


def datix_export(tables: dict[str, pd.DataFrame], ward: dict[str, str]) -> Extract:
    """A row per incident under two lines of title; near misses are a result, not a severity."""
    rows = tables["incidents"]
    near = rows["harm"].eq("near_miss")
    columns = {
        "ID": rows["incident_id"].tolist(), "Incident date": day_text(rows["occurred"]), "Reported date": day_text(rows["reported"]),
        "Location (exact)": rows["dept_id"].map(ward).tolist(), "Category": rows["category"].str.capitalize().tolist(),
        "Severity": rows["harm"].where(~near, "none").str.capitalize().tolist(),
        "Result": np.where(near, "Near Miss", np.where(rows["harm"].eq("none"), "No Harm", "Harm")).tolist(),
        "Approval status": ["Finally approved"] * len(rows),
    }
    return Extract("incidents.xlsx", columns, above=[["Incident listing"], [""]])


def patient_day_file(tables: dict[str, pd.DataFrame], ward: dict[str, str]) -> Extract:
    rows = tables["exposure"]
    return Extract("patient_days.csv", {"Ward": rows["dept_id"].map(ward).tolist(), "Month": day_text(rows["month"], "%Y-%m"),
                                        "Occupied bed days": texts(rows["patient_days"]), "Staff WTE": texts(rows["staffed_wte"])})


def rollout_file(tables: dict[str, pd.DataFrame], ward: dict[str, str]) -> Extract:
    rows = tables["rollout"]
    return Extract("rollout.csv", {"Ward": rows["dept_id"].map(ward).tolist(), "Go-live": day_text(rows["active_from"]),
                                   "Allocation": rows["allocation"].tolist()})


def calendar_file(tables: dict[str, pd.DataFrame]) -> Extract:
    rows = tables["calendar"]
    return Extract("calendar.csv", {"start": day_text(rows["start"], "%Y-%m-%d"), "end": day_text(rows["end"], "%Y-%m-%d"),
                                    "scope": rows["scope"].tolist(), "label": rows["label"].tolist()})


def lineage_file(day: pd.Timestamp, dept: str) -> Extract:
    return Extract("dept_lineage.csv", {"from_id": [OLD], "to_id": [dept], "effective": [f"{day:%Y-%m-%d}"], "share": ["1"]})


def renamed(book: Book, parameters: Parameters, ward: dict[str, str], extracts: dict[str, Extract], lists: list[Extract]) -> None:
    """A ward bore another name in the first months: every export before the day has it, and dept_lineage says so."""
    if not book.asks("renamed_ward"):
        return
    dept = list(ward)[2]
    day = pd.Timestamp(parameters.start) + pd.Timedelta(days=int(window_days(parameters)[6]))
    old = f"{ward[dept]} old block"
    for name, column, when, pattern in (("incidents", "Location (exact)", "Incident date", "%d/%m/%Y"), ("exposure", "Ward", "Month", "%Y-%m")):
        one = extracts[name]
        for label in one.where(column, ward[dept]):
            if pd.to_datetime(one.cell(label, when), format=pattern) < day:
                one.put(label, column, old)
    for one in lists:
        if pd.to_datetime(one.cell(one.order[0], "Tm Year Month"), format="%Y%m") < day:
            for label in one.where("Department", ward[dept]):
                one.put(label, "Department", old)
    extracts["dept_lineage"] = lineage_file(day, dept)
    ward[OLD] = old
    book.add("renamed_ward", extracts["dept_lineage"], [0], "to_id", "a ward under its old name in the first six months")
    after = next(one for one in lists if pd.to_datetime(one.cell(one.order[0], "Tm Year Month"), format="%Y%m") >= day)
    book.add("renamed_ward", after, None, "Department", "posts that go on under the new name", code="R103")


def plant_safety_faults(book: Book, parameters: Parameters, tables: dict[str, pd.DataFrame], ward: dict[str, str],
                        extracts: dict[str, Extract]) -> None:
    _incidents(book, parameters, extracts["incidents"])
    _exposure(book, parameters, tables, ward, extracts["exposure"])
    rollout = extracts["rollout"]
    if book.asks("allocation_spelt"):
        labels = [label for label in rollout.order if rollout.cell(label, "Go-live")][:5]
        for label in labels:
            rollout.put(label, "Allocation", "Random")
        book.add("allocation_spelt", rollout, labels, "Allocation", "a category with a capital")
    if book.asks("never_row_missing"):
        label = next(label for label in rollout.order if not rollout.cell(label, "Go-live"))
        rollout.order.remove(label)
        book.add("never_row_missing", rollout, None, "Ward", "a ward that never had the programme has no row")
    if book.asks("mojibake"):
        calendar = extracts["calendar"]
        label = calendar.insert({"start": "2019-01-01", "end": "2019-01-31", "scope": "all", "label": "CafÃ© closed"})
        book.add("mojibake", calendar, [label], "label", "text decoded wrongly, of a time before the window")
    calendar = extracts["calendar"]
    for kind, lasting in (("shock_noted", False), ("system_noted", True)):
        labels = [label for label in calendar.order if (calendar.cell(label, "end") == "") == lasting and calendar.cell(label, "start") > "2020"]
        if not book.asks(kind):
            calendar.order = [label for label in calendar.order if label not in labels]
        elif labels:
            book.add(kind, calendar, labels, "label", "a change of system" if lasting else "a shock inside the window")
    if not calendar.order:
        del extracts["calendar"]


def _incidents(book: Book, parameters: Parameters, one: Extract) -> None:
    if book.asks("late_reports"):
        end = pd.Timestamp(parameters.start) + pd.DateOffset(months=parameters.months)
        late = [label for label in one.order if pd.to_datetime(one.cell(label, "Reported date"), format="%d/%m/%Y") >= end]
        harm = sum(one.cell(label, "Severity") not in ("None", "") for label in late)
        one.order = [label for label in one.order if label not in set(late)]
        book.add("late_reports", one, None, "Reported date", "drawn on the last day of the window: later reports are not in it", undone=False,
                 bound={"incidents": len(late), "harm": harm})
    if book.asks("merged_header"):
        # the name of the last column spans an empty one, as reports lay them out
        one.header.append("")
        for cells in one.rows.values():
            cells.append("")
        one.merged = "H3:I3"
        book.add("merged_header", one, None, "", "merged cells in the header")
    if book.asks("person_rows"):
        some = book.stream("person_rows").permutation(np.array(one.order))[:25]
        labels = [one.copy_of(int(label)) for label in some]
        book.add("person_rows", one, labels, "ID", "a further row of an incident, for a second person")
    if book.asks("rejected_reports"):
        some = book.stream("rejected_reports").permutation(np.array(one.order))[:12]
        labels = [one.copy_of(int(label), **{"ID": f"X{number:03d}", "Approval status": "Rejected"}) for number, label in enumerate(some)]
        book.add("rejected_reports", one, labels, "Approval status", "a report that was rejected")
    if book.asks("second_sheet"):
        one.more_sheets = True
        book.add("second_sheet", one, None, "", "a further sheet with codes")


def _exposure(book: Book, parameters: Parameters, tables: dict[str, pd.DataFrame], ward: dict[str, str], one: Extract) -> None:
    start = pd.Timestamp(parameters.start)
    if book.asks("early_jump"):
        rng = book.stream("early_jump")
        dept = sorted(set(tables["departments"]["dept_id"]) - {list(ward)[2]})[int(rng.integers(3, 6))]
        name = ward[dept]
        first = one.where("Ward", name)[0]
        days = int(one.cell(first, "Occupied bed days"))
        months = [start - pd.DateOffset(months=2), start - pd.DateOffset(months=1)]
        labels = [one.insert({"Ward": name, "Month": f"{month:%Y-%m}", "Occupied bed days": str(value), "Staff WTE": "10"})
                  for month, value in zip(months, (days * 5, days), strict=True)]
        book.add("early_jump", one, labels[1:], "Occupied bed days", "patient-days fall fivefold, before the window")
    if book.asks("duplicate_months"):
        some = book.stream("duplicate_months").permutation(np.array(one.order[:200]))[:4]
        labels = [one.copy_of(int(label)) for label in some]
        book.add("duplicate_months", one, labels, "", "a row twice")
    if book.asks("patient_days_missing"):
        counts = tables["incidents"].assign(month=tables["incidents"]["occurred"].dt.strftime("%Y-%m")).groupby(["dept_id", "month"]).agg(
            incidents=("harm", "size"), harm=("harm", lambda harm: int((~harm.isin(["none", "near_miss"])).sum())))
        dept = list(ward)[4]
        month = f"{start + pd.DateOffset(months=5):%Y-%m}"
        label = next(label for label in one.where("Ward", ward[dept]) if one.cell(label, "Month") == month)
        hit = counts.loc[(dept, month)]
        days = int(one.cell(label, "Occupied bed days"))
        one.put(label, "Occupied bed days", "")
        book.add("patient_days_missing", None, None, "Occupied bed days", "no patient-days in a month with incidents: the month is left out",
                 file="incidents.xlsx", undone=False,
                 bound={"department_months": 1, "patient_days": days, "incidents": int(hit["incidents"]), "harm": int(hit["harm"])})
    if book.asks("thousands"):
        texts_of = {label: one.cell(label, "Occupied bed days") for label in one.order}
        labels = [label for label, text in texts_of.items() if text.isdigit() and int(text) > 999]
        for label in labels:
            one.put(label, "Occupied bed days", f"{int(one.cell(label, 'Occupied bed days')):,}")
        book.add("thousands", one, labels, "Occupied bed days", "numbers with a separator of thousands")
    if book.asks("exposure_total"):
        label = one.insert({"Ward": "Grand Total", "Occupied bed days": str(int(tables["exposure"]["patient_days"].sum()))})
        book.add("exposure_total", one, [label], "", "a total at the foot of the file")
