"""Faults that stop: most of them together, each in a table of its own, so that one does not hide another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.messy.extract import Extract
from mentorship_eval.cohort.simulation.messy.faults import Book
from mentorship_eval.cohort.simulation.messy.hr import ID

__all__ = ["plant_errors"]

Extracts = dict[str, Extract]


def plant_errors(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: list[Extract], study: dict[str, Any]) -> None:
    """Plant the errors that ``book`` asks for, in the order of their names in `ERRORS`; works on ``extracts`` and ``study``."""
    for kind, plant in ERRORS.items():
        if book.asks(kind):
            plant(book, tables, extracts, lists, study)


def _table(extracts: Extracts, study: dict[str, Any], name: str, columns: dict[str, list[str]]) -> Extract:
    extracts[name] = Extract(f"{name}.csv", columns)
    study["tables"][name] = f"{name}.csv"
    return extracts[name]


def _file_missing(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    study["tables"]["goals"] = "goals.csv"
    book.add("file_missing", None, None, "", "a file that study.yaml names and nobody sent", file="goals.csv")


def _table_empty(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _table(extracts, study, "feedback", {"match_id": [], "date": [], "role": []})
    book.add("table_empty", one, None, "", "a header and no rows")


def _column_missing(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _table(extracts, study, "programmes", {"programme_id": ["P1"], "name": ["Staff mentoring"]})
    book.add("column_missing", one, None, "", "no column for the version")


def _audits(extracts: Extracts, tables: dict[str, pd.DataFrame], study: dict[str, Any]) -> Extract:
    if "audits" not in extracts:
        dept = tables["departments"]["dept_id"].tolist()[:4]
        same = {"month": "2022-03", "measure": "hand hygiene", "num": "9", "den": "10"}
        _table(extracts, study, "audits", {"dept_id": dept, **{name: [text] * 4 for name, text in same.items()}})
    return extracts["audits"]


def _key_twice(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _audits(extracts, tables, study)
    label = one.copy_of(one.order[0], num="8")
    book.add("key_twice", one, [one.order[0], label], "dept_id", "two audits of one ward, month and measure that differ")


def _suppressed_count(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _audits(extracts, tables, study)
    label = one.copy_of(one.order[2], measure="handover", num="<5")
    book.add("suppressed_count", one, [label], "num", "a count below five, suppressed")


def _unknown_person(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    person = tables["staff"]["staff_id"].tolist()
    columns = {"staff_id": [person[0], "NOBODY"], "competency": ["basic life support"] * 2, "due": ["2022-05-13"] * 2}
    one = _table(extracts, study, "training", columns)
    book.add("unknown_person", one, [1], "staff_id", "a person who is not among the staff")


def _not_a_number(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    columns = {"item": ["training", "time"], "unit": ["mentor", "hour"], "amount": ["a few hundred", "24"], "currency": ["GBP"] * 2}
    book.add("not_a_number", _table(extracts, study, "costs", columns), [0], "amount", "words where a number is due")


def _career(extracts: Extracts, tables: dict[str, pd.DataFrame], study: dict[str, Any]) -> Extract:
    if "career_events" not in extracts:
        people = tables["staff"]["staff_id"].tolist()[:3]
        _table(extracts, study, "career_events", {"staff_id": people, "date": ["2022-05-13", "2022-06-14", "2022-07-15"], "event": ["promotion"] * 3})
    return extracts["career_events"]


def _value_missing(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _career(extracts, tables, study)
    one.put(1, "date", "")
    book.add("value_missing", one, [1], "date", "a step in a career without its day")


def _email_column(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = _career(extracts, tables, study)
    one.add_column("contact", [f"{one.cell(label, 'staff_id').lower()}@example.org" for label in one.order])
    book.add("email_column", one, one.order, "contact", "e-mail addresses in a column that nobody asked for")


def _end_before_start(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    cells = {"start": "2018-03-13", "end": "2018-02-20", "scope": "all", "label": "Closed ward"}
    if "calendar" not in extracts:
        _table(extracts, study, "calendar", {name: [] for name in cells})
    one = extracts["calendar"]
    label = one.insert(cells)
    book.add("end_before_start", one, [label], "end", "an end before its start")


def _ambiguous_dates(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    people = tables["staff"]["staff_id"].tolist()
    one = _table(extracts, study, "collaboration", {"from_id": people[:2], "to_id": people[2:4], "date": ["03/04/2022", "05/06/2022"]})
    book.add("ambiguous_dates", one, [0, 1], "date", "dates that could be day/month or month/day")


def _unknown_allocation(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = extracts["rollout"]
    one.put(one.order[-1], "Allocation", "whoever asked")
    book.add("unknown_allocation", one, [one.order[-1]], "Allocation", "a kind of allocation that is not one")


def _single_reports(one: Extract) -> list[int]:
    """Labels of reports that stand in one row and were not rejected."""
    names = pd.Series([one.cell(label, "ID") for label in one.order], index=one.order)
    return [label for label in names.index[~names.duplicated(keep=False)] if one.cell(label, "Approval status") != "Rejected"]


def _unknown_ward(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = extracts["incidents"]
    labels = _single_reports(one)[30:32]
    for label in labels:
        one.put(label, "Location (exact)", "Car park")
    book.add("unknown_ward", one, labels, "Location (exact)", "a place that is no ward of the roll-out")


def _new_category(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = extracts["incidents"]
    known = sorted({one.cell(label, "Category") for label in one.order})
    study["tables"]["incidents"]["levels"] = {"category": known}
    label = _single_reports(one)[-1]
    one.put(label, "Category", "Sharps")
    book.add("new_category", one, [label], "Category", "a category never seen before")


def _no_patient_days(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    study.pop("rules", None)
    one, incidents = extracts["exposure"], extracts["incidents"]
    known = pd.Series([(one.cell(label, "Ward"), one.cell(label, "Month")) for label in one.order], index=one.order)
    cells = {cell: label for label, cell in known[~known.duplicated(keep=False)].items()}
    place: dict[tuple[str, str], list[int]] = {}
    for label in incidents.order:
        day = incidents.cell(label, "Incident date")
        if incidents.cell(label, "Approval status") != "Rejected":
            place.setdefault((incidents.cell(label, "Location (exact)"), f"{day[6:]}-{day[3:5]}"), []).append(label)
    cell = next(cell for cell in place if len(cell[1]) == 7 and cell in cells and one.cell(cells[cell], "Occupied bed days").isdigit())
    one.put(cells[cell], "Occupied bed days", "0")
    first = {incidents.cell(label, "ID"): label for label in reversed(place[cell])}  # further rows of an incident are left out before
    book.add("no_patient_days", incidents, first.values(), "Incident date", "incidents in a month without patient-days")


def _too_many_strays(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one, matches = extracts["sessions"], tables["matches"]
    labels = []
    for match, start in zip(matches["match_id"], matches["start"], strict=True):
        day = start - pd.Timedelta(days=40)
        labels.append(one.insert({"Loop": match, "Date": f"{day:%d/%m/%Y}", "Minutes": "30", "Outcome": "held", "Mode": "remote"}))
    book.add("too_many_strays", one, labels, "Date", "many sessions before their matches began")


def _item_out_of_range(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = extracts["surveys"]
    one.put(one.order[2], "Q5_2", "9")
    book.add("item_out_of_range", one, [one.order[2]], "Q5_2", "an item beyond its scale")


def _merged_across(book: Book, tables: dict[str, pd.DataFrame], extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    plan = tables["rollout"]
    with_, without = plan.loc[plan["active_from"].notna(), "dept_id"].iloc[-1], plan.loc[plan["active_from"].isna(), "dept_id"].iloc[-1]
    cells = {"from_id": without, "to_id": with_, "effective": str(np.datetime64(study["study"]["start"], "M") + 6) + "-01", "share": "1"}
    if "dept_lineage" in extracts:
        label = extracts["dept_lineage"].insert(cells)
    else:
        _table(extracts, study, "dept_lineage", {name: [text] for name, text in cells.items()})
        label = 0
    book.add("merged_across", extracts["dept_lineage"], [label], "to_id", "a ward without the programme goes into one with it")


def _unknown_key(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    study["plan"]["primry"] = ["retention"]
    book.add("unknown_key", None, None, "plan.primry", "a key that study.yaml does not have", file="study.yaml")


def _too_few_tables(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    study["tables"] = {"staff": study["tables"]["staff"]}
    book.add("too_few_tables", None, None, "tables", "staff alone answer no question", file="study.yaml")


def _unknown_recipe(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    study["tables"]["incidents"]["recipe"] = "datics"
    book.add("unknown_recipe", None, None, "", "a recipe that there is not", file="study.yaml")


def _birth_years_differ(book: Book, tables: Any, extracts: Extracts, lists: list[Extract], study: dict[str, Any]) -> None:
    one = lists[4]
    earlier = {lists[0].cell(label, ID) for label in lists[0].order}
    label = next(label for label in one.order if one.cell(label, ID) in earlier)
    one.put(label, "Year Of Birth", "1931")
    for other in lists:
        if same := other.where(ID, one.cell(label, ID)):
            book.add("birth_years_differ", other, same, "Year Of Birth", f"another year of birth in {one.file} than in the other lists")


def _no_consent_column(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    extracts["surveys"].drop_column("linkage_consent")
    extracts["surveys"].below = [line[: len(extracts["surveys"].header)] for line in extracts["surveys"].below]
    book.add("no_consent_column", extracts["surveys"], None, "ExternalReference", "ids in a survey that asked for no consent")


def _nobody_twice(book: Book, tables: Any, extracts: Extracts, lists: Any, study: dict[str, Any]) -> None:
    one = extracts["surveys"]
    seen: set[str] = set()
    kept = []
    for label in one.order:
        person = one.cell(label, "ExternalReference")
        if person not in seen:
            kept.append(label)
        seen.add(person)
    one.order = kept
    book.add("nobody_twice", one, None, "", "waves in which nobody answers twice")


def _list_missing(book: Book, tables: Any, extracts: Extracts, lists: list[Extract], study: dict[str, Any]) -> None:
    gone = lists.pop(9)
    book.add("list_missing", None, None, "Tm Year Month", f"the list of {gone.file[-10:-4]} was not sent", file=lists[9].file)


ERRORS: dict[str, Callable[..., None]] = {
    "file_missing": _file_missing, "table_empty": _table_empty, "column_missing": _column_missing, "key_twice": _key_twice,
    "unknown_person": _unknown_person, "not_a_number": _not_a_number, "value_missing": _value_missing, "end_before_start": _end_before_start,
    "ambiguous_dates": _ambiguous_dates, "unknown_allocation": _unknown_allocation, "unknown_ward": _unknown_ward, "merged_across": _merged_across,
    "no_patient_days": _no_patient_days, "too_many_strays": _too_many_strays, "item_out_of_range": _item_out_of_range, "email_column": _email_column,
    "suppressed_count": _suppressed_count, "new_category": _new_category, "unknown_key": _unknown_key, "unknown_recipe": _unknown_recipe,
    "birth_years_differ": _birth_years_differ, "no_consent_column": _no_consent_column, "nobody_twice": _nobody_twice,
    "list_missing": _list_missing, "too_few_tables": _too_few_tables,
}
