"""What an appendix is made from: the protected answers of a run and its manifest, and the rule that they were protected by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.errors import UsageError
from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.exhibits import file_stem
from mentorship_eval.report.parameters import NOTEBOOKS
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.stored import load_answers

__all__ = ["Source", "open_source"]


@dataclass(frozen=True, eq=False)
class Source:
    """folder: of the run; answers: protected, by chapter; planned: outcomes of the plan; manifest: as written."""

    folder: Path
    answers: Mapping[str, Answer]
    planned: list[str]
    manifest: Mapping[str, Any]

    @property
    def key(self) -> str:
        return str(self.manifest["content_key"])

    @property
    def name(self) -> str:
        return str(self.manifest["cohort"]["name"] or self.manifest["cohort"]["folder"])

    @property
    def journal(self) -> str:
        """The profile that study.yaml named, or the generic one."""
        return str(self.manifest.get("study", {}).get("journal") or "generic")

    @cached_property
    def rule(self) -> Rule:
        """The rule that the run applied."""
        from mentorship_eval.cohort.study.models import Disclosure
        from mentorship_eval.report.answers import rule_from

        held = self.manifest["disclosure"]
        known = {name: value for name, value in held.items() if name in ("threshold", "profile", "round") and value is not None}
        return rule_from(Disclosure.model_validate({"off": True} if held.get("off") else known))

    @cached_property
    def repairs(self) -> pd.DataFrame:
        """The published repair log: what was put right in the data before the analysis, by kind."""
        try:
            return pd.read_csv(self.folder / "repair_log.csv", dtype=str, keep_default_na=False)
        except (FileNotFoundError, pd.errors.EmptyDataError):
            return pd.DataFrame()

    def anchor(self, exhibit: str) -> str:
        """Where the report shows an exhibit: ``02_retention.html#exhibit-retention-forest``."""
        return f"{NOTEBOOKS[exhibit.split('.')[0]]}.html#exhibit-{file_stem(exhibit)}"


def open_source(run: str | Path, disclosure: str | None = None) -> Source:
    """The run that ``run`` names: its folder, or the folder of a cohort's runs, whose latest is meant.

    disclosure: the profile that the appendix has to keep to. What a run has protected by one rule cannot be protected by another without
    the data, so it has to be the run's own. Raises `UsageError` where it is not, and where there is no finished run.
    """
    folder = find_run(run)
    answers, planned = load_answers(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        raise UsageError(f"{run} has no manifest.json that can be read.", fix="Name a finished run folder.") from None
    source = Source(folder, answers, planned, manifest)
    if disclosure is not None:
        _same_rule(source, disclosure)
    return source


def _same_rule(source: Source, wanted: str) -> None:
    from mentorship_eval.disclosure.profiles import load_profile

    load_profile(wanted)  # refuses a name that there is not
    own = source.manifest["disclosure"]
    if own.get("profile") == wanted or (wanted == "none" and own.get("off")):
        return
    kept = "no disclosure control" if not source.rule.active else f"the rule “{source.rule.name}”"
    raise UsageError(
        f"The run was made under {kept}, not under {wanted}; protecting it otherwise needs the data.",
        fix=f"Write `disclosure: {wanted}` into study.yaml, run the cohort again, and make the appendix from that run.",
    )
