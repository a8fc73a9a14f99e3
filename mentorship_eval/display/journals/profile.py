"""What a journal asks of figures, and how it numbers what is supplementary: read from ``resources/journals/NAME.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mentorship_eval.errors import UsageError

__all__ = ["COLUMNS", "Journal", "Rule", "journal_names", "load_journal"]

COLUMNS = ("single", "middle", "double")
GENERIC = "generic"
_UNITS = {"width": " mm", "height": " mm", "dpi": " dpi", "type_size": " pt", "line_width": " pt", "file_size": " MB"}
_NUMBERED = ("figure", "table", "text")


@dataclass(frozen=True)
class Rule:
    """One rule with its source. allowed: ``least`` and ``most`` of what is measured, or what else the rule says."""

    name: str
    allowed: Mapping[str, Any]
    source: str

    @property
    def words(self) -> str:
        """What is allowed, as a reader needs it: ``66.8 to 190.5 mm``."""
        unit, least, most = _UNITS.get(self.name, ""), self.allowed.get("least"), self.allowed.get("most")
        if least is not None and most is not None:
            return f"{least:g} to {most:g}{unit}"
        if least is not None:
            return f"at least {least:g}{unit}"
        if most is not None:
            return f"at most {most:g}{unit}"
        listed = [str(each) for value in self.allowed.values() if isinstance(value, list) for each in value]
        return ", ".join([*listed, *(["embedded"] if self.allowed.get("embedded") else [])])

    def holds(self, value: float, slack: float = 0.0) -> bool:
        """Whether ``value`` is within the limits; slack: what measuring may be off by."""
        return self.allowed.get("least", value) - slack <= value <= self.allowed.get("most", value) + slack


@dataclass(frozen=True, eq=False)
class Journal:
    """A profile. widths: mm by column; formats, dpi, type_size (points of the smallest type): what we make. notes: what a user has to know."""

    name: str
    title: str
    notes: tuple[str, ...]
    numbering: Mapping[str, str]
    widths: Mapping[str, float]
    widths_known: bool
    rules: Mapping[str, Rule]
    formats: tuple[str, ...]
    dpi: int
    type_size: float

    def label(self, kind: str, number: int) -> str:
        """``S3 Fig`` for the third figure; kind: figure, table or text."""
        return self.numbering[kind].format(n=number)

    def width(self, column: str) -> float:
        """Millimetres of a column. Raises `UsageError` where the journal has no such column."""
        if column not in self.widths:
            raise UsageError(f"The profile {self.name} has no column {column!r}.", fix=f"Use one of {', '.join(self.widths)}.")
        return self.widths[column]


def _folder() -> Any:
    return files("mentorship_eval") / "resources" / "journals"


def journal_names() -> list[str]:
    """The profiles that there are, the generic one last."""
    names = sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))
    return [name for name in names if name != GENERIC] + [GENERIC]


@cache
def load_journal(name: str) -> Journal:
    """The profile ``name``.

    A profile that says ``widths: unknown`` takes widths, and every rule that it does not state itself, from the generic one.
    Raises `UsageError` for a name that there is not.
    """
    import yaml

    if name not in journal_names():
        raise UsageError(f"There is no journal profile {name!r}.", fix=f"Use one of {', '.join(journal_names())}.")
    held = yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    known = held["widths"] != "unknown"
    rules = {rule: _rule(rule, said) for rule, said in held["rules"].items()}
    if known:
        widths = {column: float(held["widths"][column]) for column in COLUMNS if column in held["widths"]}
    else:
        generic = load_journal(GENERIC)
        widths = dict(generic.widths)
        rules = {**{rule: Rule(rule, each.allowed, "generic profile; not the journal's own") for rule, each in generic.rules.items()}, **rules}
    drawn = held["drawn"]
    return Journal(
        name, held["title"], tuple(held.get("notes", ())), {kind: held["numbering"][kind] for kind in _NUMBERED}, widths, known, rules,
        tuple(drawn["formats"]), int(drawn["dpi"]), float(drawn["type_size"]),
    )  # fmt: skip


def _rule(name: str, said: Mapping[str, Any]) -> Rule:
    return Rule(name, {key: value for key, value in said.items() if key != "source"}, said["source"])
