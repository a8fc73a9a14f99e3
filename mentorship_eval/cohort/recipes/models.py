"""The keys of a recipe, typed. Every unknown key is refused, as in study.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mentorship_eval.cohort.recipes.scales import Linkage, Scale
from mentorship_eval.cohort.study.types import Names, Strict, TextMap, as_text, map_of_lists, map_of_maps

__all__ = ["Keep", "KeyFile", "LabelRows", "Leavers", "OneRow", "Prefixes", "Recipe", "SetRule", "Snapshots", "Stays", "TableRecipe", "Texts"]


def _texts(value: Any) -> Any:
    return [as_text(item) for item in value] if isinstance(value, list) else [as_text(value)]


Texts = Annotated[list[str], BeforeValidator(_texts)]
Alternatives = Annotated[dict[str, list[str]], BeforeValidator(map_of_lists)]


class LabelRows(Strict):
    """Rows between the header and the data, known by a text in the last of them."""

    count: int = Field(ge=1, le=5)
    marker: str


class Keep(Strict):
    """Which rows are kept, by the texts of one column; texts in neither list stop, or go with ``others``."""

    keep: Texts = Field(default_factory=list)
    leave_out: Texts = Field(default_factory=list)
    others: Literal["stop", "keep", "leave_out"] = "stop"


class OneRow(Strict):
    """Of the rows that agree in ``by`` one is kept: the first of those with the largest, latest, earliest or worst value.

    ties: all keeps every row that is as large. must_agree: columns on which such rows may not differ (E101). add_up: a column whose sum
    over the rows, up to rules.wte_cap, the kept row gets.
    each: a repair line for each row left out (up to 2,000 of them), else one for each file.
    """

    by: Names
    largest: str | None = None
    latest: str | None = None
    earliest: str | None = None
    worst: dict[str, Texts] | None = None
    ties: Literal["first", "all"] = "first"
    must_agree: Names = Field(default_factory=list)
    add_up: str | None = None
    code: Literal["R102", "R113"] = "R102"
    each: bool = True
    reason: str

    @model_validator(mode="after")
    def _one_rule(self) -> OneRow:
        if sum(rule is not None for rule in (self.largest, self.latest, self.earliest, self.worst)) > 1:
            raise ValueError("name only one of largest, latest, earliest and worst")
        if self.worst is not None and len(self.worst) != 1:
            raise ValueError("worst names one column with its values, the worst first")
        return self


class SetRule(Strict):
    """Rows whose columns hold one of the texts of ``when`` get ``to`` in ``column``."""

    column: str
    to: Annotated[str, BeforeValidator(as_text)]
    when: dict[str, Texts]


class Prefixes(Strict):
    """Codes mapped by their longest known beginning; only texts without blanks of ``length`` characters are codes."""

    length: tuple[int, int]
    map: TextMap


class KeyFile(Strict):
    """Who an e-mail address is: ``columns`` of ours that hold addresses are replaced by the ``id`` of the key file."""

    file: str
    email: Names
    id: Names
    columns: Alternatives
    unknown: dict[str, Literal["stop", "blank", "leave_out"]] = Field(default_factory=dict)


class Leavers(Strict):
    """A second file that says why people left, joined by ``staff_id``; left out when it is not there."""

    file: str
    columns: Alternatives


class Snapshots(Strict):
    """Monthly lists of who is in post, joined into spells."""

    new_spell: Names
    missing_months: Literal["stop", "go_on"] = "stop"
    leavers: Leavers | None = None


class Stays(Strict):
    """Stays on units, summed to patient-days by unit and month."""

    count: Literal["midnight", "hours"] = "midnight"


class TableRecipe(Strict):
    """How one table of ours is made of one export. Names under ``columns`` are ours, ``helpers`` are names for further columns of the export.

    ``refused``: columns of the export (a star stands for any letters) that must not be taken for one of ours, and why.
    """

    file: str = ""
    sheet: str | int | None = None
    header_row: int | None = Field(default=None, ge=1)
    header_rows: int | None = Field(default=None, ge=1, le=10)
    header_join: str | None = None
    skip_rows_after_header: int | None = Field(default=None, ge=0)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    label_rows: LabelRows | None = None
    columns: Alternatives = Field(default_factory=dict)
    helpers: Alternatives = Field(default_factory=dict)
    values: Annotated[dict[str, dict[str, str]], BeforeValidator(map_of_maps)] = Field(default_factory=dict)
    prefixes: dict[str, Prefixes] = Field(default_factory=dict)
    dates: str | dict[str, str] | None = None
    constants: TextMap = Field(default_factory=dict)
    refused: dict[str, TextMap] = Field(default_factory=dict)
    drop: Names = Field(default_factory=list)
    year_of: Alternatives = Field(default_factory=dict)
    key: KeyFile | None = None
    scale: dict[str, float] = Field(default_factory=dict)
    keep: dict[str, Keep] = Field(default_factory=dict)
    set: list[SetRule] = Field(default_factory=list)
    one_row_per: list[OneRow] = Field(default_factory=list)
    somebody_stays: bool = False
    snapshots: Snapshots | None = None
    stays: Stays | None = None
    scales: list[Scale] | None = None
    missing_codes: Texts = Field(default_factory=list)
    linkage: Linkage | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_shape(self) -> TableRecipe:
        if sum(shape is not None for shape in (self.snapshots, self.stays, self.scales)) > 1:
            raise ValueError("a table is made by only one of snapshots, stays and scales")
        return self

    @property
    def reshapes(self) -> bool:
        """Whether the rows of the table are not rows of the file."""
        return self.snapshots is not None or self.stays is not None or self.scales is not None

    @property
    def names(self) -> list[str]:
        """Every name that steps and study.yaml may use: columns of ours and helpers."""
        return list(dict.fromkeys([*self.columns, *self.helpers, *self.year_of, *self.constants, *(self.key.columns if self.key else ())]))


class Recipe(Strict):
    """One import recipe. ``names_vary``: columns are named differently from site to site, so that the map is a start."""

    title: str
    fits: str
    notes: str
    names_vary: bool = False
    drop: Names = Field(default_factory=list)
    tables: dict[str, TableRecipe]
