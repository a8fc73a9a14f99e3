"""What `callaway_santanna` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.group_time.aggregate import Aggregate, aggregate_effects
from mentorship_eval.did.group_time.engine import Engine, Estimated
from mentorship_eval.did.group_time.pretest import PreTest, joint_pretest
from mentorship_eval.did.group_time.schemes import KINDS
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.shown import Shown

__all__ = ["VARIANCES", "GroupTimeEffects"]

VARIANCES = ("analytic", "jackknife")


@dataclass(frozen=True, kw_only=True)
class GroupTimeEffects(Shown):
    """Average effects on each group of units (those that adopted together) in each period.

    table : group, time, event_time, att, se, ci_low, ci_high (with a bootstrap band_low, band_high), n_treated, n_controls, note.
    not_estimated : group, time, event_time, reason, of the effects that could not be estimated.
    dropped : unit, time, reason, of the unit-periods that no comparison can use.
    critical_value : of the simultaneous band over the table, NaN without a bootstrap.
    """

    table: pd.DataFrame
    not_estimated: pd.DataFrame
    dropped: pd.DataFrame
    critical_value: float
    n_units: int
    n_clusters: int
    settings: dict[str, Any]
    warnings: tuple[Caution, ...]
    _engine: Engine = field(repr=False, compare=False)
    _estimated: Estimated = field(repr=False, compare=False)

    def aggregate(
        self, kind: str = "simple", *, min_e: float | None = None, max_e: float | None = None, balance_e: float | None = None,
        variance: str | None = None,
    ) -> Aggregate:
        """Averages of the effects.

        Parameters
        ----------
        kind : "simple" (all effects after adoption, groups by size), "dynamic" (by time since adoption, their
            overall value the plain mean from adoption on), "group" (by group, then by size) or "calendar" (by
            period, then the plain mean).
        min_e, max_e : first (dynamic only) and last (dynamic, simple, group) event time.
        balance_e : dynamic only: only groups observed for at least this many periods after adoption.
        variance : "analytic" or "jackknife" (leave one cluster out, CR3); that of the call by default.

        Raises
        ------
        UsageError : an unknown kind, or an option that the kind does not have. EstimationError : nothing to average.
        """
        if kind not in KINDS:
            raise UsageError(f"There is no {kind!r} average.", fix=f"Use one of {', '.join(KINDS)}.")
        given = {"min_e": min_e, "max_e": max_e, "balance_e": balance_e}
        allowed = {"dynamic": {"min_e", "max_e", "balance_e"}, "simple": {"max_e"}, "group": {"max_e"}, "calendar": set()}[kind]
        wrong = [name for name, value in given.items() if value is not None and name not in allowed]
        if wrong:
            raise UsageError(f"The {kind} average has no {', '.join(wrong)}.", fix="Use the dynamic average, or leave it out.")
        s, variance = self.settings, variance or self.settings["variance"]
        if variance not in VARIANCES:
            raise UsageError(f"There is no variance {variance!r}.", fix=f"Use one of {', '.join(VARIANCES)}.")
        return aggregate_effects(
            self._engine, self._estimated, kind, min_e=-np.inf if min_e is None else min_e, max_e=np.inf if max_e is None else max_e,
            balance_e=balance_e, variance=variance, bootstrap=s["bootstrap"], multiplier=s["multiplier"], seed=s["seed"],
            ci_level=s["ci_level"], unit=f"in {s['outcome']}", warnings=self.warnings,
        )

    @cached_property
    def estimate(self) -> Estimate:
        """The simple average."""
        return self.aggregate("simple").estimate

    @cached_property
    def pretest(self) -> PreTest:
        """Joint Wald test of the effects before adoption."""
        return joint_pretest(self._engine, self._estimated)

    def statement(self) -> str:
        """A few sentences with their interval; never a verdict."""
        s = self.settings
        kind = "never treated" if s["control"] == "never_treated" else "not yet treated"
        given = f", given {', '.join(s['covariates'])} ({s['method']})" if s["covariates"] else ""
        after = self.table[self.table["event_time"] >= 0]
        groups = after["group"].nunique()
        return (
            f"{self.estimate.statement()} It averages {len(after):,} effects of {groups:,} group{'' if groups == 1 else 's'}; controls are units "
            f"{kind}{given}. {self.pretest.statement()}"
        )
