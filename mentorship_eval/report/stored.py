"""The protected answers of a run as a file: ``answers.json``, from which every figure and table can be made again without the data.

What disclosure control has passed, and nothing else: of a caution its code and text, not the figures behind it. Plain JSON, so that another
program can read it too; what JSON has no word for (missing numbers, infinity, tuples, times) is an object with the single key ``~``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement

__all__ = ["ANSWERS_FILE", "load_answers", "store_answers"]

ANSWERS_FILE = "answers.json"
_FORMAT = 1
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_RESULT_WORDS = ("id", "outcome", "estimand", "population", "label", "role", "group", "truth")


# -- values -----------------------------------------------------------------------------------------------------------------


def _packed(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NaT or value is pd.NA:
        return {"~": str(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"~": "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return {"~": [_packed(each) for each in value]}
    if isinstance(value, list | np.ndarray):
        return [_packed(each) for each in value]
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) and name != "~" for name in value):
            raise TypeError(f"An option of an exhibit has keys that are no names: {list(value)[:3]}")
        return {name: _packed(each) for name, each in value.items()}
    if isinstance(value, pd.Timestamp):
        return {"~": f"time {value.isoformat()}"}
    raise TypeError(f"An option of an exhibit is a {type(value).__name__}, which cannot be stored.")


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "~" not in value:
        return {name: _unpacked(each) for name, each in value.items()}
    held = value["~"]
    if isinstance(held, list):
        return tuple(_unpacked(each) for each in held)
    if held in _SPECIAL:
        return _SPECIAL[held]
    if held.startswith("time "):
        return pd.Timestamp(held.removeprefix("time "))
    return {"NaT": pd.NaT, "<NA>": pd.NA}[held]


def _packed_frame(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "columns": list(frame.columns),
        "types": [str(kind) for kind in frame.dtypes],
        "values": [[_packed(value) for value in frame[column].astype(object)] for column in frame],
    }


def _unpacked_frame(stored: Mapping[str, Any]) -> pd.DataFrame:
    columns = zip(stored["columns"], stored["types"], stored["values"], strict=True)
    return pd.DataFrame({name: pd.Series([_unpacked(value) for value in values], dtype=kind) for name, kind, values in columns})


# -- answers ----------------------------------------------------------------------------------------------------------------


def _packed_cautions(cautions: tuple[Caution, ...]) -> list[dict[str, str]]:
    return [{"code": caution.code, "text": caution.text} for caution in cautions]


def _packed_result(result: Result) -> dict[str, Any]:
    estimate = {each.name: _packed(getattr(result.estimate, each.name)) for each in fields(Estimate) if each.name != "warnings"}
    words = {name: _packed(getattr(result, name)) for name in _RESULT_WORDS}
    return {**words, "estimate": {**estimate, "warnings": _packed_cautions(result.estimate.warnings)}}


def _packed_exhibit(exhibit: Exhibit) -> dict[str, Any]:
    return {
        "id": exhibit.id, "kind": exhibit.kind, "title": exhibit.title, "note": exhibit.note, "options": _packed(exhibit.options),
        "frames": {name: _packed_frame(frame) for name, frame in exhibit.frames.items()},
    }  # fmt: skip


def _packed_answer(answer: Answer) -> dict[str, Any]:
    return {
        "chapter": answer.chapter, "title": answer.title, "lead": [str(each) for each in answer.lead],
        "results": [_packed_result(each) for each in answer.results], "exhibits": [_packed_exhibit(each) for each in answer.exhibits],
        "cautions": _packed_cautions(answer.cautions), "methods": list(answer.methods),
        "gaps": [{"question": gap.question, "reason": gap.reason, "unlock": gap.unlock} for gap in answer.gaps],
    }  # fmt: skip


def store_answers(folder: Path, answers: Mapping[str, Answer], planned: list[str]) -> None:
    """Write ``answers.json`` into ``folder``. answers: protected, by chapter; planned: outcomes of the plan."""
    whole = {"format": _FORMAT, "planned": planned, "chapters": {name: _packed_answer(answer) for name, answer in answers.items()}}
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # a line for each exhibit, so that a difference between two runs can be read
    text = text.replace('},{"id":', '},\n{"id":')
    (folder / ANSWERS_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def _cautions(stored: list[dict[str, str]]) -> tuple[Caution, ...]:
    return tuple(Caution(each["code"], each["text"]) for each in stored)


def _result(stored: dict[str, Any]) -> Result:
    estimate = {name: _unpacked(value) for name, value in stored["estimate"].items() if name != "warnings"}
    words = {name: _unpacked(stored[name]) for name in _RESULT_WORDS}
    return Result(**words, estimate=Estimate(**estimate, warnings=_cautions(stored["estimate"]["warnings"])))


def _exhibit(stored: dict[str, Any]) -> Exhibit:
    frames = {name: _unpacked_frame(frame) for name, frame in stored["frames"].items()}
    return Exhibit(stored["id"], stored["kind"], stored["title"], frames, options=_unpacked(stored["options"]), note=stored["note"])


def _answer(stored: dict[str, Any]) -> Answer:
    return Answer(
        stored["chapter"], stored["title"], tuple(_literal(text) for text in stored["lead"]),
        tuple(_result(each) for each in stored["results"]), tuple(_exhibit(each) for each in stored["exhibits"]),
        _cautions(stored["cautions"]), tuple(Gap(**each) for each in stored["gaps"]), tuple(stored["methods"]),
    )  # fmt: skip


def _literal(text: str) -> Statement:
    """A sentence whose counts are filled in already."""
    return Statement(text)


def load_answers(run: str | Path) -> tuple[dict[str, Answer], list[str]]:
    """The protected answers of a run, by chapter, and the outcomes of its plan.

    Raises
    ------
    UsageError : ``run`` is no run folder, or was written by another version of the format.
    """
    path = Path(run) / ANSWERS_FILE
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        if whole["format"] != _FORMAT:
            raise UsageError(f"{path} has the format {whole['format']}, not {_FORMAT}.", fix="Run the cohort again with this version.")
        return {name: _answer(stored) for name, stored in whole["chapters"].items()}, list(whole["planned"])
    except FileNotFoundError:
        raise UsageError(f"{run} is no run folder: it has no {ANSWERS_FILE}.", fix="Name a folder that holds manifest.json and index.html.") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({type(error).__name__}).", fix="Run the cohort again.") from None
