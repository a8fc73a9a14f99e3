"""Analyses of scores over waves: the default mixed model, its companions, and what is done about answers that are missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval import surveys
from mentorship_eval.estimate import Estimate
from validation.analyses import ANALYSES, LABELS, Found, of_estimate
from validation.survey_worlds import SurveyDraw

__all__ = ["IN_POINTS", "Surveyed"]

IMPUTATIONS, SWEEPS = 10, 10  # the package takes 20 of each
COLUMNS = {"outcome": "y", "arm": "arm", "baseline": "base", "cluster": "dept"}


class Surveyed:
    """One survey; models of it are fitted once for all analyses."""

    def __init__(self, drawn: SurveyDraw) -> None:
        self.drawn = drawn
        self.last = drawn.rows[drawn.rows["wave"] == drawn.rows["wave"].max()]

    def mixed(self, **how: Any) -> Any:
        return surveys.mixed_model(self.drawn.rows, wave="wave", person="person", icc_intervals=False, **COLUMNS, **how)

    @cached_property
    def default(self) -> Any:
        return self.mixed()

    @cached_property
    def imputed(self) -> surveys.Imputations:
        wide = self.drawn.rows.pivot_table(index="person", columns="wave", values="y", dropna=False).add_prefix("y")
        people = self.drawn.rows.drop_duplicates("person").set_index("person")[["dept", "arm", "base"]]
        frame = people.join(wide).reset_index()
        columns = ["base", *wide.columns]
        return surveys.impute(frame, columns=columns, arm="arm", cluster="dept", imputations=IMPUTATIONS, iterations=SWEEPS, seed=self.drawn.seed)


def _found(who: Surveyed, estimate: Estimate) -> Found:
    return of_estimate(estimate, who.drawn.world.effect)


def default(who: Surveyed) -> Found:
    return _found(who, who.default.estimate)


def jackknife(who: Surveyed) -> Found:
    return _found(who, who.default.jackknife[0])


def mixed(**how: Any) -> Callable[[Surveyed], Found]:
    return lambda who: _found(who, who.mixed(jackknife=False, **how).estimate)


def independent(who: Surveyed) -> Found:
    """Departments not told: people are taken as independent, as many published evaluations do."""
    columns = {name: value for name, value in COLUMNS.items() if name != "cluster"}
    fit = surveys.mixed_model(who.drawn.rows, wave="wave", person="person", jackknife=False, icc_intervals=False, **columns)
    return _found(who, fit.estimate)


def last_wave(variance: str) -> Callable[[Surveyed], Found]:
    return lambda who: _found(who, surveys.ancova(who.last, variance=variance, companions=False, **COLUMNS).estimate)


def raw(who: Surveyed) -> Found:
    """Those who answered the last wave, without their baseline."""
    return _found(who, surveys.ancova(who.last, outcome="y", arm="arm", cluster="dept", companions=False).estimate)


def weighted(who: Surveyed) -> Found:
    return _found(who, surveys.weighted_ancova(who.last, outcome="y", arm="arm", cluster="dept", response_covariates=["base"]).estimate)


def _at_last(who: Surveyed, frame: pd.DataFrame) -> Estimate:
    last = f"y{who.drawn.rows['wave'].max()}"
    return surveys.ancova(frame, outcome=last, arm="arm", baseline="base", cluster="dept", companions=False).estimate


def imputed(who: Surveyed) -> Found:
    return _found(who, who.imputed.pooled(lambda frame: _at_last(who, frame)).estimate)


def shifted(who: Surveyed) -> Found:
    """The imputation moved, in each arm, by what the missing answers differ from it on average, which only a simulation knows."""
    made = who.imputed
    j = len(made.columns) - 1
    whole = who.last.sort_values("person")["whole"].to_numpy()
    move = np.zeros(len(whole))
    for arm in (0.0, 1.0):
        gone = made.missing[:, j] & (made.inside == arm)
        move[gone] = (whole[gone] - made.values[:, gone, j].mean(axis=0)).mean() if gone.any() else 0.0
    frames = (frame.assign(**{made.columns[j]: filled[:, j] + move}) for filled, frame in zip(made.values, made.datasets, strict=True))
    return _found(who, surveys.pool_imputed([_at_last(who, frame) for frame in frames]).estimate)


_ANALYSES: dict[str, tuple[Callable[[Surveyed], Found], str]] = {
    "survey_default": (default, "mixed model, intercepts of department and person, Kenward-Roger t (default)"),
    "survey_satterthwaite": (mixed(df="satterthwaite"), "the same, Satterthwaite t"),
    "survey_jackknife": (jackknife, "the same, jackknife over departments, t(G-1)"),
    "survey_unstructured": (mixed(structure="unstructured"), "mixed model, unstructured over waves, department intercept, Kenward-Roger t"),
    "survey_independent": (independent, "mixed model without departments"),
    "survey_ancova": (last_wave("CR2"), "last wave: analysis of covariance, CR2 t"),
    "survey_ancova_cr3": (last_wave("CR3"), "last wave: analysis of covariance, CR3 t"),
    "survey_ancova_cr1": (last_wave("CR1"), "last wave: analysis of covariance, CR1 t"),
    "survey_raw": (raw, "last wave: difference of means of those who answered, CR2 t"),
    "survey_weighted": (weighted, "last wave: difference of means, weighted by the chance of an answer, jackknife t"),
    "survey_imputed": (imputed, f"last wave: {IMPUTATIONS} imputations, analysis of covariance, CR2 t"),
    "survey_shifted": (shifted, "last wave: the imputation moved by the true delta of each arm"),
}
IN_POINTS = frozenset(_ANALYSES)
ANALYSES.update({name: function for name, (function, _) in _ANALYSES.items()})  # type: ignore[misc]
LABELS.update({name: label for name, (_, label) in _ANALYSES.items()})
