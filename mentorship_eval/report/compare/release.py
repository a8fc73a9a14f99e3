"""A release as comparison reads it: its manifest and its protected answers, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mentorship_eval.disclosure import Rule
from mentorship_eval.questions.answer import Answer, Result
from mentorship_eval.report.estimates import estimate_rows
from mentorship_eval.report.fingerprint import file_sha256
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.stored import ANSWERS_FILE, load_answers
from mentorship_eval.report.verify.record import read_manifest

__all__ = ["Release", "read_release"]


@dataclass(frozen=True)
class Release:
    """label: cohort and key. answers: protected, by chapter. intact: answers.json is as the manifest says."""

    label: str
    manifest: Mapping[str, Any]
    answers: Mapping[str, Answer]
    planned: tuple[str, ...]
    intact: bool = True

    @cached_property
    def results(self) -> dict[str, Result]:
        return {result.id: result for answer in self.answers.values() for result in answer.results}

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of estimates.csv by id."""
        return {row["id"]: row for row in estimate_rows(self.answers.values(), self.planned)}

    @cached_property
    def rule(self) -> Rule:
        """The disclosure rule of the release."""
        from mentorship_eval.cohort.study.models import Disclosure
        from mentorship_eval.report.answers import rule_from

        return rule_from(Disclosure.model_validate(self.manifest["disclosure"]))


def read_release(path: str | Path) -> Release:
    """The release in a run folder. Raises `UsageError` or `DataError` as `find_run`, `read_manifest` and `load_answers` do."""
    run = find_run(path)
    manifest = read_manifest(run)
    answers, planned = load_answers(run)
    intact = file_sha256(run / ANSWERS_FILE) == manifest["outputs"].get(ANSWERS_FILE)
    return Release(f"{manifest['cohort']['folder']}/{manifest.get('content_key', run.name)}", manifest, answers, tuple(planned), intact)
