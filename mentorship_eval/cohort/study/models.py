"""The keys of study.yaml, typed. Every unknown key is refused. The descriptions are what docs/study.md says of a key."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, field_validator, model_validator

from mentorship_eval.cohort.study.choices import EconomicsChoice, ExposureChoice, ForecastChoice, IncidentChoice, SensitivityChoice
from mentorship_eval.cohort.study.database import is_address, shown_address
from mentorship_eval.cohort.study.rules import Benchmark, Rules
from mentorship_eval.cohort.study.types import NameMap, Names, Strict, TextMap, as_text, map_of_lists, map_of_maps

__all__ = ["Benchmark", "Disclosure", "Earlier", "Plan", "Rules", "TableSource", "Window"]


@cache
def _profiles() -> dict[str, tuple[int, int]]:
    """Shipped disclosure profiles: the smallest count that each lets out, and the base to which it rounds (0: none)."""
    folder = files("mentorship_eval") / "resources" / "disclosure"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    keys = {item.name.removesuffix(".yaml"): yaml.safe_load(item.read_text(encoding="utf-8")) for item in found}
    return {name: (said["threshold"], said.get("round", 0)) for name, said in keys.items() if name != "none"}


class Earlier(Strict):
    """An evaluation of the same programme before this one."""

    name: Annotated[str, BeforeValidator(as_text)] = Field(description="its `study.name`")
    start: date | None = Field(default=None, description="first day of its window")
    end: date | None = Field(default=None, description="last day of its window")
    plan: Annotated[str | None, BeforeValidator(as_text)] = Field(default=None, description="first digits of the hash of its plan")
    data: Annotated[str | None, BeforeValidator(as_text)] = Field(default=None, description="first digits of the hash of its files")


class Window(Strict):
    """The cohort and its window."""

    name: Annotated[str, BeforeValidator(as_text)] = Field(default="", description="what reports call the cohort; left out: the name of its folder")
    programme: Annotated[str, BeforeValidator(as_text)] = Field(
        default="", description="name of the programme, the same from cohort to cohort; left out: `study.name`"
    )
    start: date | None = Field(
        default=None, description="first day of the window. Needed with `spells`; else the months of `exposure` or `audits` say it"
    )
    end: date | None = Field(default=None, description="last day of the window, a part of it; likewise")
    extract: date | None = Field(default=None, description="day on which the files were drawn; a date after it stops the work (E105)")
    earlier: list[Earlier] = Field(
        default_factory=list, description="evaluations of the programme before this one; `new --like` writes them ([reruns.md](reruns.md))"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.start and self.end and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class TableSource(Strict):
    """Where a table stands, how its file is written, and what its columns and codes are called there."""

    file: str | list[str] = Field(  # an address may hold a password
        repr=False, description="a file, a folder, a pattern, a list of these, or the address of a database ([files.md](files.md))"
    )
    table: str | None = Field(default=None, description="of a database: the name of the table, or schema.name")
    query: str | None = Field(default=None, description="of a database, in place of `table`: a single SELECT")
    recipe: str | None = Field(
        default=None, description="import recipe that makes this table of an export: a shipped one or a file of yours ([recipes.md](recipes.md))"
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="keys of that recipe, laid over it")
    sheet: str | int | None = Field(default=None, description="sheet of a workbook, by name or number; left out: the first")
    header_row: int = Field(default=1, ge=1, description="row in which the names of the columns begin")
    header_rows: int = Field(default=1, ge=1, le=10, description="how many rows make up the names")
    header_join: str = Field(default=" ", description="what stands between the parts of a name")
    skip_rows_after_header: int = Field(default=0, ge=0, description="rows below the names that are no data (2 in a Qualtrics export)")
    encoding: str | None = Field(default=None, description="of a text file; left out: UTF-8 and UTF-16 are recognised, else cp1252")
    delimiter: str | None = Field(default=None, description="of a text file; left out: told by the header")
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal sign of the numbers; left out: told by the cells")
    columns: TextMap = Field(default_factory=dict, description="`ours: theirs`, for columns with another name; others are found by ours")
    values: Annotated[dict[str, dict[str, str]], BeforeValidator(map_of_maps)] = Field(
        default_factory=dict, description="per column of ours, `theirs: ours`: `{leaving_reason: {Resignation: voluntary}}`"
    )
    dates: str | dict[str, str] | None = Field(
        default=None,
        description="format of the dates, `%d/%m/%Y` or `excel`, for all or by column of ours; left out: ISO, and what can be read in one way only",
    )
    outcomes: NameMap = Field(
        default_factory=dict, description="of `counts`, where it is required: what is counted, `name: column` or a list of columns"
    )
    covariates: NameMap = Field(default_factory=dict, description="further columns that the plan may use, `name: column` or a list of columns")
    reference: TextMap = Field(default_factory=dict, description="of `durations`: the level of `mentored` with which others are compared")
    levels: Annotated[dict[str, list[str]], BeforeValidator(map_of_lists)] = Field(
        default_factory=dict, description="per column, the categories that it may hold; another stops the work (E125). `new --like` writes them"
    )
    cross_sectional: bool = Field(default=False, description="of `surveys`: nobody answers twice, on purpose (E126)")
    unit: Literal["days", "weeks", "months", "years"] = Field(default="days", description="of `durations`: the unit of its times")
    not_identifiers: Names = Field(default_factory=list, description="columns of the file that look as if they identified people and do not (E121)")

    @field_validator("file", mode="before")
    @classmethod
    def _some_file(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("give a file, a folder, a pattern, or a list of these")
        if not names or not all(name.strip() for name in names):
            raise ValueError("the file name is empty")
        if len(names) > 1 and any(is_address(name) for name in names):
            raise ValueError("a database stands alone, not in a list")
        return value

    @model_validator(mode="after")
    def _file_or_database(self) -> TableSource:
        if self.is_database:
            if (self.table is None) == (self.query is None):
                raise ValueError("with a database, give either table or query")
            of_files = self.model_fields_set & {"sheet", "header_row", "header_rows", "skip_rows_after_header", "encoding", "delimiter"}
            if of_files:
                raise ValueError(f"{', '.join(sorted(of_files))}: for files only, not for a database")
        elif self.table is not None or self.query is not None:
            raise ValueError("table and query need the address of a database under file, such as postgresql://host/database")
        return self

    @property
    def files(self) -> list[str]:
        """What stands under ``file``, as a list."""
        return [self.file] if isinstance(self.file, str) else self.file

    @property
    def is_database(self) -> bool:
        """Whether the table stands in a database."""
        return is_address(self.files[0])

    @property
    def shown(self) -> str:
        """What messages call the whole of it: the last part of the first name, since a path says where a machine keeps its data."""
        if self.is_database:
            return shown_address(self.files[0])
        first = Path(self.files[0]).name
        return first if len(self.files) == 1 else f"{first} and {len(self.files) - 1} more"

    def date_format(self, name: str) -> str | None:
        """The declared format of one date column of ours, if any."""
        return self.dates.get(name) if isinstance(self.dates, dict) else self.dates


class Plan(Strict):
    """What was planned before the data were seen; everything else in a report is exploratory."""

    primary: Names = Field(default_factory=list, description="primary outcomes, by their names ([outcomes](#outcomes))")
    secondary: Names = Field(default_factory=list, description="secondary outcomes, likewise")
    covariates: dict[str, Names] = Field(
        default_factory=dict,
        description="baseline columns to adjust for, by outcome: `all`, `retention`, `careers`, `collaboration`, `innovation`, `wellbeing`; "
        "the last four take those of retention when they have none. A plain list is for all",
    )
    subgroups: dict[str, Names] = Field(
        default_factory=dict,
        description="columns of `staff` or `departments`, and `tenure`, by which retention is told apart: `{retention: [profession]}`; left out: "
        "profession, specialty, high_burnout, gender, ethnicity_group, newly_qualified, tenure, where they are there",
    )
    families: dict[str, Names] = Field(
        default_factory=dict,
        description="results whose p-values are adjusted together, `name: [ids, or parts of ids]`, in retention (subgroups), wellbeing, careers "
        "and equity",
    )
    sensitivity: SensitivityChoice = SensitivityChoice()
    incidents: IncidentChoice = IncidentChoice()
    exposure: ExposureChoice = ExposureChoice()
    economics: EconomicsChoice = EconomicsChoice()
    forecasts: ForecastChoice = ForecastChoice()
    leaving: Literal["organisation", "department", "role", "profession"] = Field(
        default="organisation", description="what counts as leaving; `profession` needs `rules.profession_destinations`"
    )
    strata: Names | None = Field(
        default=None, description="columns whose categories `new --like` takes over, as those of covariates; models have strata of the department "
        "whatever stands here",
    )  # fmt: skip
    horizons_days: list[Annotated[float, Field(gt=0)]] = Field(
        default_factory=lambda: [182.5, 365.0, 730.0], description="days after hire, or after the landmark, at which shares still employed are told"
    )
    landmark_days: float | None = Field(
        default=None, gt=0, description="days since hire from which the mentored by then are compared with the others; left out: the tenure by "
        "which 90 % of the matches of people hired in the window had begun",
    )  # fmt: skip
    anticipation: int = Field(default=0, ge=0, description="months before a go-live that count neither as with nor as without the programme")
    permutations: int = Field(default=9999, ge=0, description="the most draws of a permutation test; 0: adoption dates are not permuted")
    seed: int = Field(default=0, description="of all that a report draws: permutations, imputed scores, costs")
    senior_grades: Names = Field(default_factory=list, description="levels of `staff.grade` that count as senior")
    claims: dict[Literal["retention"], Annotated[float, Field(gt=0)]] = Field(
        default={"retention": 25.0},
        description="per cent of improvement that is claimed of mentorship elsewhere, held against what is found here; `{}` for none",
    )

    @field_validator("covariates", "subgroups", mode="before")
    @classmethod
    def _for_every_outcome(cls, value: Any) -> Any:
        # a plain list stands for all outcomes
        return {"all": value} if isinstance(value, list | str) else value


class Disclosure(Strict):
    """What may leave the building. Counts below ``threshold`` are held back unless protection is ``off``.

    ``profile``: a shipped rule; ``threshold`` and ``round`` (a base to which counts are rounded) beside it may only make it stricter.
    """

    threshold: int = Field(default=10, ge=1, description="the smallest count that is shown")
    profile: str | None = Field(default=None, description="the rule of an authority ([disclosure.md](disclosure.md))")
    round: int | None = Field(default=None, ge=1, description="a number to whose multiples other counts are rounded")
    off: bool = Field(default=False, description="no protection; `disclosure: none` is the short form")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            raise ValueError("write none to switch protection off, or a number, or the name of a profile")
        if isinstance(value, int):
            return {"threshold": value}
        if isinstance(value, str):
            value = {"profile": value}
        if isinstance(value, dict) and value.get("profile") == "none":
            if set(value) != {"profile"}:
                raise ValueError("none has no threshold to change; give a number alone, or the name of another profile")
            return {"off": True, "threshold": 1}
        return value

    @model_validator(mode="after")
    def _known(self) -> Disclosure:
        if self.profile is None:
            return self
        if self.profile not in _profiles():
            raise ValueError(f"unknown profile {self.profile!r}; there are {', '.join(_profiles())} and none")
        threshold, base = _profiles()[self.profile]
        if "threshold" not in self.model_fields_set:
            object.__setattr__(self, "threshold", threshold)
        if self.threshold < threshold:
            raise ValueError(f"profile {self.profile} shows counts from {threshold} on; a threshold of {self.threshold} would be looser")
        if self.round is not None and self.round < base:
            raise ValueError(f"profile {self.profile} rounds to {base}; {self.round} would be looser")
        return self
