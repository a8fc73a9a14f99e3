"""The keys of study.yaml, typed. Every unknown key is refused."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mentorship_eval.cohort.study.choices import ExposureChoice, IncidentChoice, SensitivityChoice
from mentorship_eval.cohort.study.types import NameMap, Names, Strict, TextMap, as_text, map_of_maps, text_map

__all__ = ["PROFILES", "Benchmark", "Disclosure", "Plan", "Rules", "TableSource", "Window"]

# profile -> smallest count that it lets out
PROFILES = {"cms11": 11, "hes": 8, "opensafely": 8, "acro": 10, "survey": 10, "nhs5": 6, "tre10": 10}

_URL = re.compile(r"^[A-Za-z][\w+.-]*://")


class Window(Strict):
    """``study``: name and window, both days inside; ``extract`` is the day on which the files were drawn."""

    name: Annotated[str, BeforeValidator(as_text)] = ""
    start: date | None = None
    end: date | None = None
    extract: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.start and self.end and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class TableSource(Strict):
    """Where one table stands and how its columns map: ``columns`` is ours: theirs, ``values`` is theirs: ours per column of ours."""

    file: str
    sheet: str | int | None = None
    header_row: int = Field(default=1, ge=1)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    columns: TextMap = Field(default_factory=dict)
    values: Annotated[dict[str, dict[str, str]], BeforeValidator(map_of_maps)] = Field(default_factory=dict)
    dates: str | dict[str, str] | None = None
    outcomes: NameMap = Field(default_factory=dict)
    covariates: NameMap = Field(default_factory=dict)
    reference: TextMap = Field(default_factory=dict)
    unit: Literal["days", "weeks", "months", "years"] = "days"
    not_identifiers: Names = Field(default_factory=list)

    @field_validator("file")
    @classmethod
    def _a_file(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the file name is empty")
        if _URL.match(value):
            raise ValueError("database addresses are not read yet; export the table to CSV, XLSX or Parquet and name that file")
        return value

    def date_format(self, name: str) -> str | None:
        """The declared format of one date column of ours, if any."""
        return self.dates.get(name) if isinstance(self.dates, dict) else self.dates


class Plan(Strict):
    """What was planned before the data were seen; everything else in a report is exploratory."""

    primary: Names = Field(default_factory=list)
    secondary: Names = Field(default_factory=list)
    covariates: dict[str, Names] = Field(default_factory=dict)
    subgroups: dict[str, Names] = Field(default_factory=dict)
    families: dict[str, Names] = Field(default_factory=dict)
    sensitivity: SensitivityChoice = SensitivityChoice()
    incidents: IncidentChoice = IncidentChoice()
    exposure: ExposureChoice = ExposureChoice()
    leaving: Literal["organisation", "department", "role", "profession"] = "organisation"
    strata: Names | None = None
    horizons_days: list[Annotated[float, Field(gt=0)]] = Field(default_factory=lambda: [182.5, 365.0, 730.0])
    landmark_days: float | None = Field(default=None, gt=0)
    anticipation: int = Field(default=0, ge=0)
    permutations: int = Field(default=9999, ge=0)
    seed: int = 0

    @field_validator("covariates", "subgroups", mode="before")
    @classmethod
    def _for_every_outcome(cls, value: Any) -> Any:
        # a plain list stands for all outcomes
        return {"all": value} if isinstance(value, list | str) else value


class Disclosure(Strict):
    """What may leave the building: counts below ``threshold`` are held back unless protection is ``off``."""

    threshold: int = Field(default=10, ge=1)
    profile: str | None = None
    off: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("write none to switch protection off, or a number, or the name of a profile")
        if isinstance(value, bool):
            raise ValueError("write none to switch protection off, or a number, or the name of a profile")
        if isinstance(value, int):
            return {"threshold": value}
        if isinstance(value, str):
            if value == "none":
                return {"off": True, "threshold": 1}
            return {"profile": value}
        return value

    @model_validator(mode="after")
    def _known(self) -> Disclosure:
        if self.profile is None:
            return self
        if self.profile not in PROFILES:
            raise ValueError(f"unknown profile {self.profile!r}; there are {', '.join(PROFILES)} and none")
        if "threshold" not in self.model_fields_set:
            object.__setattr__(self, "threshold", PROFILES[self.profile])
        return self


class Benchmark(Strict):
    """A published leaver rate to set beside this cohort's."""

    leaver_rate: float = Field(gt=0, lt=1)
    source: str
    includes_suspended: bool = True


class Rules(Strict):
    """How messy records are read; every use is in the repair log."""

    rehire_gap_days: float = Field(default=30, ge=0)
    suspended: Literal["keep", "remove"] = "keep"
    same_day_days: float = Field(default=0.5, gt=0, lt=1)
    min_controls: int = Field(default=2, ge=1)
    missing_exposure: Literal["stop", "exclude"] = "stop"
    benchmark: Benchmark | None = None
    profession_destinations: Annotated[dict[str, Literal["left", "stayed", "unknown"]], BeforeValidator(text_map)] = Field(default_factory=dict)
