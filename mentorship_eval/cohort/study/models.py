"""The keys of study.yaml, typed. Every unknown key is refused."""

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
    """An evaluation of the same programme before this one; ``plan`` and ``data`` are the first digits of hashes."""

    name: Annotated[str, BeforeValidator(as_text)]
    start: date | None = None
    end: date | None = None
    plan: Annotated[str | None, BeforeValidator(as_text)] = None
    data: Annotated[str | None, BeforeValidator(as_text)] = None


class Window(Strict):
    """``study``: name and window, both days inside; ``extract`` is the day on which the files were drawn.

    ``earlier``: evaluations of the same programme before this one, each of which is a look at it.
    """

    name: Annotated[str, BeforeValidator(as_text)] = ""
    programme: Annotated[str, BeforeValidator(as_text)] = ""
    start: date | None = None
    end: date | None = None
    extract: date | None = None
    earlier: list[Earlier] = Field(default_factory=list)

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.start and self.end and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class TableSource(Strict):
    """Where one table stands and how its columns map: ``columns`` is ours: theirs, ``values`` is theirs: ours per column of ours.

    ``file``: a file, a folder, a pattern (``monthly/Staff in Post *.csv``) or a list of these; the rows of all stand one below the other.
    Or the SQLAlchemy address of a database, and with it either ``table`` (name, or schema.name) or ``query`` (a single SELECT).
    ``recipe``: name of an import recipe that turns the export of one system into this table before its columns are mapped, or a file
    of the user's; ``settings``: keys of that recipe, laid over it.
    ``header_row``: the row of the (first) header row, 1 unless told; ``header_rows``: how many rows make up the names, which are joined
    with ``header_join``; ``skip_rows_after_header``: rows below them that are no data (2 in a Qualtrics export).
    ``levels``: the categories that an open column may hold (E125 beyond them), as ``new --like`` takes them over, per column.
    ``cross_sectional``: surveys in which nobody answers twice, on purpose.
    """

    file: str | list[str] = Field(repr=False)  # an address may hold a password
    table: str | None = None
    query: str | None = None
    recipe: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    sheet: str | int | None = None
    header_row: int = Field(default=1, ge=1)
    header_rows: int = Field(default=1, ge=1, le=10)
    header_join: str = " "
    skip_rows_after_header: int = Field(default=0, ge=0)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    columns: TextMap = Field(default_factory=dict)
    values: Annotated[dict[str, dict[str, str]], BeforeValidator(map_of_maps)] = Field(default_factory=dict)
    dates: str | dict[str, str] | None = None
    outcomes: NameMap = Field(default_factory=dict)
    covariates: NameMap = Field(default_factory=dict)
    reference: TextMap = Field(default_factory=dict)
    levels: Annotated[dict[str, list[str]], BeforeValidator(map_of_lists)] = Field(default_factory=dict)
    cross_sectional: bool = False
    unit: Literal["days", "weeks", "months", "years"] = "days"
    not_identifiers: Names = Field(default_factory=list)

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

    primary: Names = Field(default_factory=list)
    secondary: Names = Field(default_factory=list)
    covariates: dict[str, Names] = Field(default_factory=dict)
    subgroups: dict[str, Names] = Field(default_factory=dict)
    families: dict[str, Names] = Field(default_factory=dict)
    sensitivity: SensitivityChoice = SensitivityChoice()
    incidents: IncidentChoice = IncidentChoice()
    exposure: ExposureChoice = ExposureChoice()
    economics: EconomicsChoice = EconomicsChoice()
    forecasts: ForecastChoice = ForecastChoice()
    leaving: Literal["organisation", "department", "role", "profession"] = "organisation"
    strata: Names | None = None
    horizons_days: list[Annotated[float, Field(gt=0)]] = Field(default_factory=lambda: [182.5, 365.0, 730.0])
    landmark_days: float | None = Field(default=None, gt=0)
    anticipation: int = Field(default=0, ge=0)
    permutations: int = Field(default=9999, ge=0)
    seed: int = 0
    senior_grades: Names = Field(default_factory=list)  # levels of staff.grade that count as senior
    # per cent of improvement that is claimed of mentorship elsewhere, by chapter; held against what is found here
    claims: dict[Literal["retention"], Annotated[float, Field(gt=0)]] = Field(default={"retention": 25.0})

    @field_validator("covariates", "subgroups", mode="before")
    @classmethod
    def _for_every_outcome(cls, value: Any) -> Any:
        # a plain list stands for all outcomes
        return {"all": value} if isinstance(value, list | str) else value


class Disclosure(Strict):
    """What may leave the building: counts below ``threshold`` are held back unless protection is ``off``.

    ``profile``: a shipped rule; ``threshold`` and ``round`` (a base to which counts are rounded) beside it may only make it stricter.
    """

    threshold: int = Field(default=10, ge=1)
    profile: str | None = None
    round: int | None = Field(default=None, ge=1)
    off: bool = False

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
