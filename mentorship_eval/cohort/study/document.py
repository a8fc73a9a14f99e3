"""study.yaml: read, typed, and explained with key path, line and "did you mean" where it is wrong."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from mentorship_eval.cohort.reading.findings import Findings, StudyFileError
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.study.choices import MatchingChoice
from mentorship_eval.cohort.study.database import password_written_out
from mentorship_eval.cohort.study.models import Disclosure, Plan, Rules, TableSource, Window
from mentorship_eval.cohort.study.surveys import SurveyChoice
from mentorship_eval.cohort.study.types import Strict
from mentorship_eval.cohort.study.yaml_lines import KeyPath, YamlProblem, expand_variables, read_yaml

__all__ = ["Study", "did_you_mean", "load_study"]

STUDY_FILE = "study.yaml"
JournalName = Literal["bmc", "bmj", "elsevier", "jama", "nature", "plos", "generic"]  # those of resources/journals


def _source(value: Any) -> Any:
    return {"file": value} if isinstance(value, str | list) else value


class Study(Strict):
    """A typed study.yaml. File names are as written, with variables expanded; they are relative to the cohort folder."""

    study: Window = Field(default_factory=Window)
    tables: dict[str, Annotated[TableSource, BeforeValidator(_source)]]
    plan: Plan = Plan()
    disclosure: Disclosure = Disclosure()
    journal: JournalName | None = Field(default=None, description="whose rules `mentorship-eval appendix` follows unless it is told another")
    rules: Rules = Rules()
    surveys: SurveyChoice = SurveyChoice()
    matching: MatchingChoice = MatchingChoice()

    @property
    def name(self) -> str:
        return self.study.name


def did_you_mean(word: str, known: list[str]) -> str:
    """``Did you mean 'x'?`` for the nearest known word, or the list of what there is."""
    lower = {item.lower(): item for item in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    if not near and len(word) > 2:
        near = [item for item in lower if item.startswith(word.lower()) or word.lower().startswith(item)][:1]
    if near:
        return f"Did you mean {lower[near[0]]!r}?"
    return f"There are: {', '.join(known)}." if len(known) <= 40 else ""


def load_study(folder: Path) -> Study:
    """Read ``folder/study.yaml``.

    Raises
    ------
    StudyFileError : with one finding E001 for everything that is wrong, each with key path and line.
    """
    findings = Findings()
    path = folder / STUDY_FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        findings.add("E001", "the file is not UTF-8 text", file=STUDY_FILE, rows=line, fix="Save it as UTF-8.")
        raise StudyFileError(findings) from None
    except OSError as error:
        findings.add("E001", f"cannot be read: {error.strerror}", file=STUDY_FILE)
        raise StudyFileError(findings) from None
    try:
        document, lines = read_yaml(text)
    except YamlProblem as error:
        findings.add("E001", str(error), file=STUDY_FILE, rows=() if error.line is None else error.line, fix="Mend that line.")
        raise StudyFileError(findings) from None
    if not isinstance(document, dict):
        findings.add("E001", "holds no keys", file=STUDY_FILE, fix="Start from `mentorship-eval new DIR`, which writes one to fill in.")
        raise StudyFileError(findings)
    _expand(document, lines, findings)
    from mentorship_eval.cohort.recipes.declared import names_of_recipes  # recipes are typed as studies are, and stand above this module

    _check_tables(document, lines, findings, names_of_recipes(document, lines, findings, folder))
    study = None
    try:
        study = Study.model_validate(document)
    except ValidationError as error:
        for item in error.errors():
            _explain(item, lines, findings)
    if findings.errors or study is None:
        raise StudyFileError(findings)
    if not study.study.name:
        object.__setattr__(study.study, "name", folder.resolve().name)
    return study


def _expand(document: dict[str, Any], lines: dict[KeyPath, int], findings: Findings) -> None:
    tables = document.get("tables")
    for name, source in tables.items() if isinstance(tables, dict) else ():
        written = source.get("file") if isinstance(source, dict) else source
        path: KeyPath = ("tables", str(name), "file") if isinstance(source, dict) else ("tables", str(name))
        if isinstance(written, list):
            value: Any = [_expanded(item, (*path, i), lines, findings) for i, item in enumerate(written)]
        else:
            value = _expanded(written, path, lines, findings)
        if isinstance(source, dict):
            source["file"] = value
        elif isinstance(tables, dict):
            tables[name] = value


def _expanded(written: Any, path: KeyPath, lines: dict[KeyPath, int], findings: Findings) -> Any:
    if not isinstance(written, str):
        return written
    value, unset = expand_variables(written)
    key = ".".join(map(str, path))
    for variable in unset:
        findings.add(
            "E001",
            f"{key}: the environment variable {variable} is not set",
            file=STUDY_FILE,
            rows=lines.get(path, ()),
            column=key,
            fix=f"Set {variable} to the folder that holds the data, or write ${{{variable}:-a/default}}.",
        )
    if password_written_out(written):
        fix = "Write postgresql://user:${VARIABLE}@host/database and set the variable where the program runs: study.yaml is copied and shared."
        findings.add("E001", f"{key}: a password is written out", file=STUDY_FILE, rows=lines.get(path, ()), column=key, fix=fix)
    return "unset" if unset else value  # reported above; what follows checks the other keys


def _check_tables(document: dict[str, Any], lines: dict[KeyPath, int], findings: Findings, more: dict[str, list[str]]) -> None:
    """Names that only the schema knows: tables, their columns, and outcomes where counts need them; ``more`` are those of recipes."""
    tables = document.get("tables")
    if not isinstance(tables, dict):
        return

    def wrong(path: KeyPath, message: str, fix: str) -> None:
        key = ".".join(map(str, path))
        findings.add("E001", f"{key}: {message}", file=STUDY_FILE, rows=lines.get(path, ()), column=key, fix=fix)

    for name, source in list(tables.items()):
        if name not in TABLES:
            wrong(("tables", str(name)), "there is no such table", did_you_mean(str(name), list(TABLES)))
            continue
        if not isinstance(source, dict):
            if name == "counts" and isinstance(source, str | list):
                wrong(("tables", "counts"), "outcomes are not named", "Use the long form and add outcomes: {name: column}.")
            continue
        known = list(dict.fromkeys([*TABLES[name].names, *more.get(name, ())]))
        extra = [key for part in ("outcomes", "covariates") if isinstance(source.get(part), dict | list) for key in source[part]]
        for part in ("columns", "values", "reference", "dates", "levels"):
            mapping = source.get(part)
            for key in mapping if isinstance(mapping, dict) else ():
                allowed = known if part == "columns" else [*known, *map(str, extra)]
                if str(key) not in allowed:
                    wrong(("tables", name, part, str(key)), f"{name} has no column {key!r}", did_you_mean(str(key), allowed))
        for part in ("outcomes", "covariates"):
            mapping = source.get(part)
            for key in mapping if isinstance(mapping, dict | list) else ():
                if str(key) in known:
                    wrong(("tables", name, part), f"{key!r} is a column of {name} already", "Choose another name for it.")
        if name == "counts" and not source.get("outcomes"):
            wrong(("tables", "counts"), "outcomes are not named", "Add outcomes: {name: column}.")
        if name != "counts" and source.get("outcomes"):
            wrong(("tables", name, "outcomes"), "only counts has outcomes", "Remove the key.")


def _explain(item: Any, lines: dict[KeyPath, int], findings: Findings) -> None:
    path = tuple(part for part in item["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    shown = [str(part) for part in path]
    fix = ""
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = f"unknown key {shown[-1]!r}"
        fix = did_you_mean(shown[-1], _known_keys(path[:-1]))
    elif item["type"] == "missing":
        message = "this key is missing"
    elif item["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        message = f"{str(item['input'])[:60]!r} is not one of {', '.join(allowed)}"
        fix = did_you_mean(str(item["input"]), allowed)
    elif item["type"] == "model_type" and path[0] == "tables" and len(path) == 2:
        message, fix = "no file is named", f"Write {shown[-1]}: {shown[-1]}.csv, or take the line out."
    elif item["type"].startswith("date"):
        message = f"{item['input']!r} is not a date"
        fix = "Write dates as 2022-01-31."
    elif isinstance(item["input"], str | int | float) and "error" not in item["type"]:
        message = f"{message} (found {str(item['input'])[:60]!r})"
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    key = ".".join(shown)
    findings.add("E001", f"{key}: {message}" if key else message, file=STUDY_FILE, rows=() if line is None else line, column=key, fix=fix)


def _known_keys(path: KeyPath) -> list[str]:
    """The keys that the model at ``path`` takes."""
    model: Any = Study
    for part in path:
        field = model.model_fields.get(str(part)) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = _model_in(field.annotation) if field is not None else _model_in(model)
        if model is None:
            return []
        if part == "tables":
            # the next part is a table's name: all tables share one model
            return list(TableSource.model_fields) if len(path) > 1 else list(TABLES)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = get_origin(annotation)
    for inner in get_args(annotation) if origin else ():
        found = _model_in(inner)
        if found is not None:
            return found
    return None
