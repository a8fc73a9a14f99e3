"""The personnel system's exports: monthly lists of staff in post and a file of leavers, with what goes wrong in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.messy.extract import Extract, day_text, texts
from mentorship_eval.cohort.simulation.messy.faults import Book
from mentorship_eval.cohort.simulation.messy.listed import list_days, rounded_to_lists
from mentorship_eval.cohort.simulation.parameters import Parameters

__all__ = ["ID", "leavers_file", "monthly_lists", "plant_hr_faults"]

ID = "Unique Nhs Identifier"
OCCUPATIONS = {"nurse": "N0A", "physician": "020", "pharmacist": "S1P", "technician": "S2T", "allied_health": "S0A", "administrator": "G1A"}
CONTRACTS = {"permanent": "Permanent", "fixed_term": "Fixed Term Temp", "rotational": "Rotational"}
REASONS = {"voluntary": "Voluntary Resignation - Work Life Balance", "retirement": "Retirement Age", "end_of_contract": "End of Fixed Term Contract"}


def monthly_lists(parameters: Parameters, tables: dict[str, pd.DataFrame], ward: dict[str, str]) -> list[Extract]:
    """One list per month: everybody in post on its last day, with the days of hire and of the present post."""
    spells = tables["spells"].merge(tables["staff"], on="staff_id").sort_values(["staff_id", "start"], kind="stable", ignore_index=True)
    same = spells["staff_id"].eq(spells["staff_id"].shift()) & ((spells["start"] - spells["end"].shift()).dt.days == 1)
    hired = spells["start"].where(~same).ffill()
    columns = {
        ID: spells["staff_id"], "Org": "RX1", "Department": spells["dept_id"].map(ward), "Occupation Code": spells["profession"].map(OCCUPATIONS),
        "Contracted Wte": texts(spells["wte"]), "Asg Type Of Contract": spells["contract"].map(CONTRACTS), "Status": "Active Assignment",
        "Latest Start Date": day_text(hired), "Start Date In Position": day_text(spells["start"]), "Gender": spells["gender"].str.capitalize(),
        "Ethnic Origin": spells["ethnicity_group"], "Year Of Birth": spells["birth_year"].astype(str),
        "Newly Qualified": np.where(spells["newly_qualified"] == 1, "Yes", "No"),
    }
    whole = pd.DataFrame(columns)
    lists = []
    for day in list_days(parameters):
        there = (spells["start"] <= day) & (spells["end"].isna() | (spells["end"] >= day))
        month = whole[there].copy()
        month.insert(1, "Tm Year Month", f"{day:%Y%m}")
        place = f"staff_in_post/Staff in Post - Workforce {day:%Y%m}.csv"
        lists.append(Extract(place, {str(name): month[name].astype(str).tolist() for name in month}))
    return lists


def leavers_file(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> Extract:
    """Everybody who left the organisation between the first list and the last."""
    spells, days = tables["spells"], list_days(parameters)
    left = spells[spells["end"].between(days[0], days[-1]) & spells["leaving_reason"].isin(list(REASONS))]
    return Extract("leavers.csv", {ID: left["staff_id"].astype(str).tolist(), "Leaving Date": day_text(left["end"]),
                                   "Leaving Reason": left["leaving_reason"].map(REASONS).tolist()})


def plant_hr_faults(book: Book, parameters: Parameters, tables: dict[str, pd.DataFrame], lists: list[Extract], leavers: Extract) -> None:
    stayers = _stayers(lists)
    _second_posts(book, lists, stayers)
    _maternity(book, lists, stayers)
    _terminated(book, lists, leavers, stayers)
    _comings_and_goings(book, tables, lists, leavers, stayers)
    _leavers(book, tables, lists, leavers)
    _cells(book, lists, stayers)
    _files(book, lists)
    if book.asks("months_only"):
        for one in lists:
            one.drop_column("Latest Start Date")
            one.drop_column("Start Date In Position")
        leavers.drop_column("Leaving Date")
        lost = rounded_to_lists(parameters, tables["spells"])[1]
        book.add("months_only", lists[0], None, "Latest Start Date", "lists without days of hire and of leaving: the day within the month is lost",
                 undone=False, bound=lost)


def _stayers(lists: list[Extract]) -> set[str]:
    """People who are in the first list, the last one and all between, in one post under one name of its ward."""
    everywhere = set.intersection(*({one.cell(label, ID) for label in one.order} for one in lists))
    posts: dict[str, set[tuple[str, str]]] = {}
    for one in lists:
        for label in one.order:
            posts.setdefault(one.cell(label, ID), set()).add((one.cell(label, "Start Date In Position"), one.cell(label, "Department")))
    return {person for person in everywhere if len(posts[person]) == 1}


def _second_posts(book: Book, lists: list[Extract], stayers: set[str]) -> None:
    """A second assignment of 0.1 WTE in another ward, through the whole series: the larger one counts."""
    if not book.asks("second_post"):
        return
    full = {lists[0].cell(label, ID) for label in lists[0].order if float(lists[0].cell(label, "Contracted Wte")) >= 0.4}
    for person in book.people("second_post", stayers & full, 3):
        for one in lists:
            main = one.where(ID, person)[0]
            other = next(name for label in one.order if (name := one.cell(label, "Department")) != one.cell(main, "Department"))
            label = one.copy_of(main, **{"Department": other, "Contracted Wte": "0.1"})
            book.add("second_post", one, [label], "Contracted Wte", "a second post of 0.1 WTE of the same person")


def _maternity(book: Book, lists: list[Extract], stayers: set[str]) -> None:
    if not book.asks("maternity"):
        return
    for person in book.people("maternity", stayers, 4):
        low = int(book.stream(f"maternity {person}").integers(3, len(lists) - 10))
        for position, one in enumerate(lists[low : low + 6]):
            label = one.where(ID, person)[0]
            one.put(label, "Status", "Maternity")
            if position == 0:
                book.add("maternity", one, [label], "Status", "six months of maternity leave, kept at risk")
        for one in (lists[0], lists[low]):
            book.add("maternity", one, None, "Status", "the post goes on under another status", code="R104")


def _terminated(book: Book, lists: list[Extract], leavers: Extract, stayers: set[str]) -> None:
    """Somebody who has left is still in the next list, as terminated; and a leaver in the file is still listed."""
    if book.asks("terminated_row"):
        known = [{one.cell(label, ID): label for label in one.order} for one in lists]
        gone: dict[str, int] = {}
        for at in range(3, len(lists) - 1):
            for person in set(known[at - 1]) - set(known[at]):
                gone.setdefault(person, at)
        for person in book.people("terminated_row", gone, 3):
            at = gone[person]
            cells = dict(zip(lists[at - 1].header, lists[at - 1].rows[known[at - 1][person]], strict=True))
            label = lists[at].insert(cells | {"Tm Year Month": lists[at].cell(lists[at].order[0], "Tm Year Month"), "Status": "Terminate Assignment"},
                                     lists[at].order[len(lists[at].order) // 2])
            book.add("terminated_row", lists[at], [label], "Status", "a person who had left is still listed, as terminated")
    if book.asks("leaver_still_listed"):
        for person in book.people("leaver_still_listed", stayers, 2):
            label = leavers.insert({ID: person, "Leaving Date": "", "Leaving Reason": "Not Known"})
            book.add("leaver_still_listed", leavers, [label], ID, "a leaver in the file who is still in post in every list")


def _comings_and_goings(book: Book, tables: dict[str, pd.DataFrame], lists: list[Extract], leavers: Extract, stayers: set[str]) -> None:
    """A person who is missing from one list, one who retired and came back, one who came and left on one day."""
    days = [_day_of(one) for one in lists]
    if book.asks("missing_from_one_list"):
        at = next(position for position, day in enumerate(days) if day.month == 2)  # the one month that is no longer than the rehire gap
        for person in book.people("missing_from_one_list", stayers, 3):
            lists[at].order.remove(lists[at].where(ID, person)[0])
            for one in (lists[0], lists[at + 1]):
                book.add("missing_from_one_list", one, one.where(ID, person), ID, "in post before and after, and not in the list of February")
    if book.asks("retired_and_back"):
        spells = tables["spells"]
        gone = spells[spells["leaving_reason"].eq("retirement") & spells["end"].between(days[2], days[-6])].drop_duplicates("staff_id", keep="last")
        gone = gone[~gone["staff_id"].isin(spells.loc[spells["end"].isna(), "staff_id"])].set_index("staff_id")
        for person in book.people("retired_and_back", gone.index, 2):
            back = gone.loc[person, "end"] + pd.Timedelta(days=70)
            last = next(one for one in reversed(lists) if one.where(ID, person))
            cells = dict(zip(last.header, last.rows[last.where(ID, person)[0]], strict=True))
            same = ("Start Date In Position", "Department")  # a new name of the ward begins a new row
            post = [one for one in lists if any(all(one.cell(label, name) == cells[name] for name in same) for label in one.where(ID, person))]
            book.add("retired_and_back", post[0], post[0].where(ID, person)[:1], "Leaving Reason", "retired, and back after ten weeks")
            for one, day in zip(lists, days, strict=True):
                if day >= back:
                    one.insert(cells | {"Tm Year Month": f"{day:%Y%m}", "Latest Start Date": f"{back:%d/%m/%Y}",
                                        "Start Date In Position": f"{back:%d/%m/%Y}"})
    if book.asks("same_day"):
        one, day = lists[8], days[8]
        cells = dict(zip(one.header, one.rows[one.order[0]], strict=True))
        text = f"{day:%d/%m/%Y}"
        label = one.insert(cells | {ID: "SAMEDAY1", "Latest Start Date": text, "Start Date In Position": text})
        leavers.insert({ID: "SAMEDAY1", "Leaving Date": text, "Leaving Reason": "Voluntary Resignation - Health"})
        book.add("same_day", one, [label], "Leaving Date", "a person who came and left on one day", undone=False,
                 bound={"leavers": 1, "person_days": 1})


def _day_of(one: Extract) -> pd.Timestamp:
    return pd.to_datetime(one.cell(one.order[0], "Tm Year Month"), format="%Y%m") + pd.offsets.MonthEnd(0)


def _leavers(book: Book, tables: dict[str, pd.DataFrame], lists: list[Extract], leavers: Extract) -> None:
    """Reasons and days that were not filled in: what is lost is bounded by the leavers and the days concerned."""
    spells = tables["spells"]
    inside = spells[spells["leaving_reason"].eq("voluntary") & (spells["end"] > _day_of(lists[0]))]
    once = set(inside["staff_id"]) - set(spells.loc[spells["staff_id"].duplicated(), "staff_id"])
    if book.asks("reason_missing"):
        for person in book.people("reason_missing", once, 2):
            label = leavers.where(ID, person)[0]
            leavers.put(label, "Leaving Reason", "")
            # the finding stands at the row of the list in which the post is first seen
            one = next(one for one in lists if one.where(ID, person))
            book.add("reason_missing", one, [one.where(ID, person)[0]], "Leaving Reason", "a voluntary leaver without a reason: counted as unknown",
                     undone=False, bound={"leavers": 1, "person_days": 0})
    if book.asks("leaving_day_missing"):
        for person in book.people("leaving_day_missing", once, 3):
            label = leavers.where(ID, person)[0]
            day = pd.to_datetime(leavers.cell(label, "Leaving Date"), format="%d/%m/%Y")
            last = day if day.is_month_end else day - pd.offsets.MonthEnd(1)
            leavers.put(label, "Leaving Date", "")
            book.add("leaving_day_missing", None, None, "Leaving Date", "no day of leaving: the post ends on the last day of the last month listed",
                     code="", file=leavers.file, undone=False, bound={"leavers": 0, "person_days": int((day - last).days)})


def _cells(book: Book, lists: list[Extract], stayers: set[str]) -> None:
    if book.asks("gender_missing"):
        for person in book.people("gender_missing", stayers, 3):
            for position, one in enumerate(lists):
                one.put(one.where(ID, person)[0], "Gender", "")
                if position == 0:
                    book.add("gender_missing", one, [one.where(ID, person)[0]], "Gender", "gender not given: a category of its own")
    if book.asks("blanks_around"):
        one = lists[5]
        labels = one.order[10:14]
        for label in labels:
            one.put(label, "Department", f" {one.cell(label, 'Department')} ")
        book.add("blanks_around", one, labels, "Department", "blanks around the name of the ward")
    if book.asks("identifier_column"):
        for one in lists:
            one.add_column("Registration Number", [f"REG{one.cell(label, ID)[1:]}" for label in one.order])
        book.add("identifier_column", lists[0], None, "Registration Number", "a column of registration numbers: dropped unread")


def _files(book: Book, lists: list[Extract]) -> None:
    if book.asks("byte_order_mark"):
        lists[2].mark = True
        book.add("byte_order_mark", lists[2], None, "", "a byte order mark at the start of the file")
    if book.asks("cp1252"):
        one = next(one for one in lists[3:] if any(not cell.isascii() for label in one.order for cell in one.rows[label]))
        one.encoding = "cp1252"
        book.add("cp1252", one, None, "", "written in the code page of Windows, with an accent in the name of a ward")
    if book.asks("blank_row"):
        one = lists[6]
        label = one.insert([""] * len(one.header), one.order[7])
        book.add("blank_row", one, [label], "", "an empty row inside the list")
    if book.asks("total_row"):
        one = lists[7]
        wte = sum(float(one.cell(label, "Contracted Wte")) for label in one.order)
        label = one.insert({ID: "Total", "Contracted Wte": f"{wte:.1f}"})
        book.add("total_row", one, [label], "", "a total at the foot of the list")
