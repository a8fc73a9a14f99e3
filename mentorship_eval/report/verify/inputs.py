"""The files of a cohort folder against the inputs that a run names."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval.report.manifest import list_inputs
from mentorship_eval.report.verify.checked import Check
from mentorship_eval.report.verify.outputs import files_of

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["check_inputs", "check_people"]


def check_inputs(manifest: Mapping[str, Any], cohort: Cohort) -> Check:
    """Every input by its hash: changed, missing, or new in the folder."""
    there = {(item["table"], item["file"]): item["sha256"] for item in manifest["inputs"]}
    here = {(item["table"], item["file"]): item["sha256"] for item in list_inputs(cohort)}
    details = [
        *(f"{table} ({file}): changed" for table, file in there if (table, file) in here and here[table, file] != there[table, file]),
        *(f"{table} ({file}): not in this cohort" for table, file in there if (table, file) not in here),
        *(f"{table} ({file}): not an input of the run" for table, file in here if (table, file) not in there),
    ]  # fmt: skip
    if details:
        return Check("inputs", "differs", f"{len(details)} of {len(there)} inputs are not those of the run", details)
    return Check("inputs", "ok", f"{len(there)} files of the cohort have the hashes that the run names")


def check_people(run: Path, cohort: Cohort) -> Check:
    """No id of a person of the cohort stands in a file of the run."""
    from mentorship_eval.report.lint import LeakError, person_ids, scan

    ids = person_ids(cohort.tables)
    try:
        scan(run, [], ids)
    except LeakError as error:
        return Check("no person", "differs", str(error).split(";")[0])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        return Check("no person", "differs", f"a file cannot be read to the end ({type(error).__name__})")
    return Check("no person", "ok", f"none of {len(ids):,} ids of people stands in the {len(files_of(run))} files")
