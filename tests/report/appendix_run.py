"""A run folder of a few exhibits, made by hand: what an appendix needs, without the minute that a run takes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Result, Statement
from mentorship_eval.report.stored import store_answers

__all__ = ["write_run"]


def _forest() -> Exhibit:
    rows = pd.DataFrame({
        "label": ["While mentored", "Programme active in the department"], "estimate": [0.81, 0.9], "ci_low": [0.7, 0.8], "ci_high": [0.95, 1.02],
        "n": [2015, "<10"], "n_events": [498, "<10"],
    })  # fmt: skip
    return Exhibit("retention.forest", "forest", "Leaving: the two questions", {"rows": rows}, options={"value_label": "Hazard ratio"})


def _curves() -> Exhibit:
    times = [0.0, 6.0, 12.0, 18.0, 24.0]
    curve = pd.DataFrame({"by": "All staff", "time": times, "estimate": [1, 0.92, 0.85, 0.8, 0.74]})
    curve = curve.assign(ci_low=curve["estimate"] - 0.03, ci_high=(curve["estimate"] + 0.03).clip(upper=1))
    at_risk = pd.DataFrame({"by": "All staff", "time": times, "n_risk": [2015, 1700, 1200, 400, "<10"]})
    return Exhibit("retention.cif", "survival_curves", "Still employed", {"curve": curve, "at_risk": at_risk}, options={"n": 2015})


def _flow() -> Exhibit:
    flow = pd.DataFrame({"step": ["In the window"], "start": [2100], "reason": ["left before the window"], "removed": [85], "kept": [2015]})
    return Exhibit("retention.flow", "flow_diagram", "People, from the staff table to the analysis", {"flow": flow}, options={"unit": "people"})


def _table() -> Exhibit:
    rows = pd.DataFrame({"group": ["Nurse", "=Physician|x"], "n": [1204, "<10"], "rate": [12.5, float("nan")]})
    return Exhibit("retention.follow_up", "table", "Follow-up by mentorship at the time", {"rows": rows}, options={"labels": {"group": "Group"}})


def write_run(folder: Path, *, disclosure: dict[str, object] | None = None, exhibits: tuple[Exhibit, ...] = ()) -> Path:
    """A finished run of one chapter in ``folder``; exhibits: besides the four that it always has."""
    folder.mkdir(parents=True)
    result = Result("retention.being_mentored", "retention", "leaving", "staff", Estimate(value=0.81, ci_low=0.7, ci_high=0.95), "While mentored")
    answer = Answer(
        "retention", "Retention", (Statement("1,204 people were followed."),), (result,), (_forest(), _curves(), _flow(), _table(), *exhibits),
        methods=("Cox model on (start, stop] rows.",),
    )  # fmt: skip
    store_answers(folder, {"retention": answer}, ["retention"])
    manifest = {
        "cohort": {"folder": "riverside", "name": "Riverside"}, "content_key": "0123456789ab",
        "disclosure": disclosure or {"off": False, "threshold": 10},
        "package": {"name": "mentorship-eval", "version": "0.1.0", "source_sha256": "f" * 64}, "python": "3.11.7", "platform": "linux x86_64",
        "libraries": {"numpy": "2.4.6", "matplotlib": "3.11.2"}, "seeds": {"permutation": 7}, "plan": {"primary": ["retention"]},
        "look": {"number": 2},
        "inputs": [{"table": "staff", "file": "staff.csv", "sha256": "0" * 64}],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "repair_log.csv").write_text("code,table,reason,count\nR102,spells,exact duplicate,12\n", encoding="utf-8")
    (folder / "index.html").write_text("<p>a report</p>", encoding="utf-8")
    return folder
