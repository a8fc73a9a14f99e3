"""The messy cohort put together: what is written, the study file that reads it, and faults.json."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mentorship_eval.cohort.simulation.messy.errors import plant_errors
from mentorship_eval.cohort.simulation.messy.extract import Extract
from mentorship_eval.cohort.simulation.messy.faults import Book, chosen_kinds
from mentorship_eval.cohort.simulation.messy.hr import leavers_file, monthly_lists, plant_hr_faults
from mentorship_eval.cohort.simulation.messy.mentoring import (
    invite_file,
    key_file,
    loop_report,
    plant_mentoring_faults,
    plant_survey_faults,
    session_file,
    survey_download,
)
from mentorship_eval.cohort.simulation.messy.safety import (
    calendar_file,
    datix_export,
    patient_day_file,
    plant_safety_faults,
    renamed,
    rollout_file,
    ward_names,
)
from mentorship_eval.cohort.simulation.parameters import Parameters

__all__ = ["Messy", "make_messy"]

# what the recipes say of any cohort that comes through them, whether or not there is a fault in it
_BY_RECIPE = (
    ("R127", "spells", "", "monthly lists are joined into spells"), ("R127", "surveys", "", "items become scores"),
    ("R102", "staff", "Unique Nhs Identifier", "the first list of each person says who they are"),
    ("R104", "spells", "leaving_reason", "posts that follow each other in the lists are moves"),
    ("R128", "staff", "Occupation Code", "codes of occupations become professions"), ("R128", "spells", "contract", "contracts in our words"),
    ("R128", "spells", "status", "statuses in our words"), ("R128", "spells", "leaving_reason", "reasons in our words"),
    ("R128", "matches", "Match Type", "ways of matching in our words"), ("R128", "incidents", "Severity", "near misses are a result"),
    ("R121", "matches", "mentor_id", "addresses become ids"), ("R121", "matches", "mentee_id", "addresses become ids"),
    ("R123", "surveys", "", "lines of labels below the header are left out"),
)


@dataclass
class Messy:
    """extracts: every file; study: study.yaml; faults: what is in faults.json."""

    extracts: list[Extract]
    study: dict[str, Any]
    faults: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        for one in self.extracts:
            one.write(folder)


def make_messy(parameters: Parameters, tables: dict[str, pd.DataFrame], lost: dict[str, Any], study: dict[str, Any], seed: int,
               faults: str | list[str]) -> Messy:
    """The raw extracts of ``tables`` (as the lists show them) with the faults asked for; lost: what no list shows."""
    book = Book(seed, chosen_kinds(faults))
    ward = ward_names(tables)
    lists, leavers = monthly_lists(parameters, tables, ward), leavers_file(parameters, tables)
    extracts = {
        "incidents": datix_export(tables, ward), "exposure": patient_day_file(tables, ward), "rollout": rollout_file(tables, ward),
        "calendar": calendar_file(tables), "departments": _plain("departments", tables["departments"]), "matches": loop_report(tables),
        "sessions": session_file(tables), "surveys": survey_download(tables), "invites": invite_file(tables),
    }
    keys = key_file(tables)
    renamed(book, parameters, ward, extracts, lists)
    plant_hr_faults(book, parameters, tables, lists, leavers)
    plant_safety_faults(book, parameters, tables, ward, extracts)
    plant_mentoring_faults(book, tables, extracts["matches"], keys, extracts["sessions"])
    plant_survey_faults(book, extracts["surveys"], extracts["invites"])
    told = _study(study, ward, extracts, book)
    plant_errors(book, tables, extracts, lists, told)
    if not book.asks("few_answers"):
        del extracts["invites"]
    files = [*lists, leavers, keys, *extracts.values()]
    listed = [fault.told() for fault in book.faults]
    if any(lost.values()):
        listed.append({"kind": "between_lists", "code": "", "file": "", "rows": None, "column": "", "undone": False,
                       "what": "employments and posts that begin and end between two monthly lists: no list shows them, and nothing can find them",
                       "bound": lost})
    recipes = [dict(zip(("code", "table", "column", "what"), entry, strict=True)) for entry in _BY_RECIPE]
    return Messy(files, told, {"faults": listed, "of_the_recipes": recipes})


def _plain(name: str, table: pd.DataFrame) -> Extract:
    return Extract(f"{name}.csv", {str(column): table[column].astype(str).tolist() for column in table})


def _study(study: dict[str, Any], ward: dict[str, str], extracts: dict[str, Extract], book: Book) -> dict[str, Any]:
    """The study file that reads the extracts."""
    names = {name: dept for dept, name in ward.items()}
    uk = "%d/%m/%Y"
    tables: dict[str, Any] = {
        "staff": {"file": "staff_in_post/*.csv", "recipe": "esr", "columns": {"newly_qualified": "Newly Qualified"},
                  "values": {"profession": {"S1P": "pharmacist", "S2T": "technician", "S0A": "allied_health"}}},
        "spells": {"file": "staff_in_post/*.csv", "recipe": "esr", "dates": uk,
                   "values": {"dept_id": names, "contract": {"Rotational": "rotational"}}},
        "departments": "departments.csv",
        "rollout": {"file": "rollout.csv", "columns": {"dept_id": "Ward", "active_from": "Go-live", "allocation": "Allocation"}, "dates": uk,
                    "values": {"dept_id": names}},
        "matches": {"file": "mentorloop_loops.csv", "recipe": "mentorloop", "dates": uk, "settings": {"key": {"file": "keys/people_key.csv"}}},
        "sessions": {"file": "sessions.csv", "dates": uk,
                     "columns": {"match_id": "Loop", "date": "Date", "minutes": "Minutes", "status": "Outcome", "mode": "Mode"}},
        "incidents": {"file": "incidents.xlsx", "recipe": "datix", "sheet": "Export", "header_row": 3, "dates": uk, "values": {"dept_id": names}},
        "exposure": {"file": "patient_days.csv", "decimal": ".", "values": {"dept_id": names},
                     "columns": {"dept_id": "Ward", "month": "Month", "patient_days": "Occupied bed days", "staffed_wte": "Staff WTE"}},
        "surveys": {"file": "survey/wellbeing.csv", "recipe": "qualtrics",
                    "settings": {"scales": [{"key": "WHO-5", "items": "Q5_1 to Q5_5"},
                                            {"instrument": "MBI", "subscale": "EE", "column": "mbi_ee", "low": 0, "high": 54}]}},
    }
    if book.asks("second_sheet"):
        del tables["incidents"]["sheet"]
    if "calendar" in extracts:
        tables["calendar"] = "calendar.csv"
    if "dept_lineage" in extracts:
        tables["dept_lineage"] = "dept_lineage.csv"
    if book.asks("few_answers"):
        tables["survey_invites"] = "survey_invites.csv"
    told = {**deepcopy(study), "tables": tables}  # errors are planted in it, and the cohort may be written again
    if book.asks("patient_days_missing"):
        told["rules"] = {"missing_exposure": "exclude"}
    return told
