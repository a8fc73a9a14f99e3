"""Two releases compared: the numbers, the causes, what the pair tells, and the sentence that says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mentorship_eval.errors import DataError
from mentorship_eval.report.compare.causes import GROUPS, Cause, find_causes, groups_of
from mentorship_eval.report.compare.numbers import CHANGES, Change, compare_numbers
from mentorship_eval.report.compare.pair import Told, near_estimates, told_together
from mentorship_eval.report.compare.release import Release, read_release
from mentorship_eval.report.compare.rows import RowChange
from mentorship_eval.report.earlier import EARLIER
from mentorship_eval.report.stored import ANSWERS_FILE

if TYPE_CHECKING:
    from mentorship_eval.report.compare.explain import Explained

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """told: where the pair tells a small count; hidden: (id, column) of counts left out for that. rows: of tables, where both cohorts
    are at hand; explained: estimates taken apart, where that was asked for.
    """

    old: Release
    new: Release
    changes: tuple[Change, ...]
    causes: tuple[Cause, ...]
    told: tuple[Told, ...]
    hidden: frozenset[tuple[str, str]]
    rows: tuple[RowChange, ...] = ()
    explained: tuple[Explained, ...] = ()

    @property
    def counted(self) -> dict[str, int]:
        """How many estimates became what, without what none became."""
        found = Counter(change.change for change in self.changes)
        return {kind: found[kind] for kind in CHANGES if found[kind]}

    @property
    def different(self) -> list[Change]:
        """Estimates with which something happened: the furthest moved first, then the others in their order."""
        quiet = {"unchanged", "withheld in both", "not estimable in either"}
        found = [change for change in self.changes if change.change not in quiet or change.plan_changed]
        return sorted(found, key=lambda change: -abs(change.in_se) if change.in_se == change.in_se else 0.0)

    @property
    def guarded(self) -> bool:
        """Whether the newer release was protected against the older when it was made."""
        known = {each["answers_sha256"] for each in self.new.manifest.get("further", {}).get(EARLIER, ())}
        return self.old.manifest["outputs"].get(ANSWERS_FILE) in known

    @property
    def groups(self) -> list[str]:
        return groups_of(list(self.causes))

    def why(self) -> list[str]:
        """What can be said about the cause, and what cannot; a sentence each."""
        return list(_why(self))

    def cautions(self) -> list[str]:
        """What must be known beside the numbers."""
        found = [f"answers.json of {each.label} is not as its manifest says: `mentorship-eval verify` tells more."
                 for each in (self.old, self.new) if not each.intact]  # fmt: skip
        if self.told:
            places = f"{len(self.told)} place{'s' if len(self.told) != 1 else ''}"
            guard = "" if self.guarded else ", or make the newer again with `run --earlier` and the older"
            found.append(
                f"Taken together, the two releases tell small counts in {places}, if they describe the same people: a count that is shown in both "
                f"differs by less than the threshold. Publish only one of them{guard}."
            )
        plans = [change.id for change in self.changes if change.plan_changed]
        if plans:
            found.append(f"{len(plans)} estimate{'s have' if len(plans) != 1 else ' has'} another status in the plan than before.")
        return found


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _why(comparison: Comparison) -> list[str]:
    moved = sum(change.moved for change in comparison.changes)
    groups = comparison.groups
    numbers = "no number that both releases show differs" if not moved else "1 number differs" if moved == 1 else f"{moved} numbers differ"
    if not groups:
        if moved:
            return [f"Nothing that a manifest records is different, yet {numbers}: one of the two was edited, or a computation is not "
                    "reproducible. `mentorship-eval verify` tells which; please report the latter."]  # fmt: skip
        return ["Nothing that moves a number is different, and none did move."]
    names = [GROUPS[group] for group in groups]
    if not moved:
        return [f"{_joined(names).capitalize()} changed; {numbers}."]
    if len(groups) == 1:
        return [f"Only {names[0]} changed, so that is where every difference comes from."]
    if comparison.explained:
        return [f"{_joined(names).capitalize()} changed at the same time; what each did is taken apart below."]
    said = [f"{_joined(names).capitalize()} changed at the same time. Which of them moved a number cannot be told from two releases."]
    if len({"data", "plan"} & set(groups)) == 2 or {"code", "environment"} & set(groups):
        said.append("With both cohort folders, `--explain --cohort OLD NEW` answers again with one thing changed at a time.")
    if {"code", "environment"} & set(groups):
        said.append(
            "To tell code and libraries apart: install the older requirements.lock beside the newer package, or the reverse, run the old "
            "cohort there, and compare again."
        )
    return said


def compare_runs(old: str | Path, new: str | Path) -> Comparison:
    """Compare two run folders. Raises `UsageError` when one is not there, `DataError` when it is damaged."""
    first, second = read_release(old), read_release(new)
    try:
        return compare_releases(first, second)
    except (KeyError, TypeError) as error:
        raise DataError(f"A manifest is not whole ({error}).", fix="`mentorship-eval verify RUN` says what it lacks.") from None


def compare_releases(old: Release, new: Release) -> Comparison:
    """Compare two releases that were read."""
    return Comparison(
        old, new, tuple(compare_numbers(old, new)), tuple(find_causes(old.manifest, new.manifest)), tuple(told_together(old, new)),
        near_estimates(old, new),
    )  # fmt: skip
