"""Small random cohorts, person by person, with the exhibits that a chapter would make of them: what the auditor of disclosure is tried on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import counted_curve, counted_forest, forest_rows

__all__ = ["naive", "random_answer"]

_Z = 1.959963984540054
_GROUPS = ("nurse", "physician", "pharmacist", "midwife")


def people(rng: np.random.Generator) -> pd.DataFrame:
    """One row per person: group, sex, mentored, months followed, left, cause, score."""
    n = int(rng.integers(30, 160))
    groups = int(rng.integers(2, len(_GROUPS) + 1))
    frame = pd.DataFrame(
        {
            "group": np.array(_GROUPS)[rng.choice(groups, n, p=rng.dirichlet(np.full(groups, 1.5)))],
            "sex": np.where(rng.random(n) < rng.uniform(0.3, 0.9), "female", "male"),
            "mentored": rng.random(n) < rng.uniform(0.1, 0.6),
            "score": rng.integers(1, 6, n),
        }
    )
    leaving, censored = rng.exponential(rng.uniform(8, 40), n), rng.uniform(3, 18, n)
    frame["months"] = np.ceil(np.minimum(leaving, censored))
    frame["left"] = leaving <= censored
    frame["cause"] = np.where(frame["left"], np.where(rng.random(n) < 0.7, "voluntary", "other"), "")
    return frame


def random_answer(seed: int) -> Answer:
    """A chapter about one random cohort: two-way table, characteristics, shares with limits, flow, curves and a forest."""
    rng = np.random.default_rng(seed)
    staff = people(rng)
    results = _results(staff)
    exhibits = (_causes(staff), _characteristics(staff), _shares(staff), _flow(rng, len(staff)), _curves(staff), _forest(results))
    lead = (Statement("{left} of {people} people left.", {"left": float(staff["left"].sum()), "people": float(len(staff))}),)
    return Answer("toy", "A random cohort", lead, results, exhibits)


def _causes(staff: pd.DataFrame) -> Exhibit:
    rows = []
    for name, part in [("All", staff), *sorted(staff.groupby("group"))]:
        left, voluntary = int(part["left"].sum()), int((part["cause"] == "voluntary").sum())
        rows.append({"group": name, "people": len(part), "left": left, "share": left / len(part), "voluntary": voluntary,
                     "voluntary_share": voluntary / len(part), "other": left - voluntary})  # fmt: skip
    counted = Counted(
        ("people", "left", "voluntary", "other"), ("share", "voluntary_share"), within="*", totals=("All",), sums=(("left", "voluntary", "other"),),
    )  # fmt: skip
    return Exhibit("toy.causes", "table", "Leavers by group and cause", {"rows": pd.DataFrame(rows)}, {"rows": counted},
                   {"n": len(staff), "n_events": int(staff["left"].sum())})  # fmt: skip


def _characteristics(staff: pd.DataFrame) -> Exhibit:
    rows = [{"characteristic": "", "level": "All", **_profile(staff)}]
    for characteristic in ("group", "sex"):
        rows += [{"characteristic": characteristic, "level": level, **_profile(part)} for level, part in sorted(staff.groupby(characteristic))]
    counted = Counted(("people", "mentees"), ("share", "mean"), within="characteristic", totals=("All",))
    return Exhibit("toy.people", "table", "Who they are", {"rows": pd.DataFrame(rows)}, {"rows": counted}, {"n": len(staff)})


def _profile(part: pd.DataFrame) -> dict[str, float]:
    return {"people": len(part), "mentees": int(part["mentored"].sum()), "share": float(part["mentored"].mean()), "mean": float(part["score"].mean())}


def wilson(events: int, n: int) -> tuple[float, float]:
    share, z2 = events / n, _Z**2 / n
    middle, half = (share + z2 / 2) / (1 + z2), _Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2)
    return middle - half, middle + half


def _shares(staff: pd.DataFrame) -> Exhibit:
    rows = []
    for (group, sex), part in sorted(staff.groupby(["group", "sex"])):
        left = int(part["left"].sum())
        low, high = wilson(left, len(part))
        rows.append({"group": group, "sex": sex, "people": len(part), "left": left,
                     "share": f"{100 * left / len(part):.1f} % ({100 * low:.1f} to {100 * high:.1f})"})  # fmt: skip
    counted = Counted(("people", "left"), ("share",), within=("group", "sex"))
    return Exhibit("toy.shares", "table", "Shares who left", {"rows": pd.DataFrame(rows)}, {"rows": counted})


def _flow(rng: np.random.Generator, n: int) -> Exhibit:
    removed = [int(rng.choice([0, rng.integers(1, 10), rng.integers(10, 40)])) for _ in range(4)]
    read = n + sum(removed)
    rows = []
    for step, gone in enumerate(removed):
        rows.append({"table": "staff", "reason": f"step {step + 1}", "read": read, "removed": gone, "kept": read - gone})
        read -= gone
    counted = Counted(("read", "removed", "kept"), adds_up=True)
    return Exhibit("toy.flow", "flow_diagram", "Rows kept", {"flow": pd.DataFrame(rows)}, {"flow": counted})


def curve_rows(staff: pd.DataFrame, by: str, last: int = 12) -> pd.DataFrame:
    """Kaplan-Meier by whole months with log-log limits of Greenwood's variance; at risk at the month, events until then."""
    rows, survival, variance, so_far = [], 1.0, 0.0, 0
    for month in range(last + 1):
        at_risk = int((staff["months"] >= month).sum())
        events = int((staff["left"] & (staff["months"] == month)).sum())
        if at_risk == 0 or events == at_risk:
            break
        survival *= 1 - events / at_risk
        variance += events / (at_risk * (at_risk - events))
        so_far += events
        width = 0.0 if survival == 1 else _Z * np.sqrt(variance) / np.log(survival)
        limits = [survival ** np.exp(sign * width) for sign in (-1, 1)] if survival < 1 else [1.0, 1.0]
        rows.append({"by": by, "time": float(month), "estimate": survival, "ci_low": min(limits), "ci_high": max(limits),
                     "n_risk": float(at_risk), "n_event": float(so_far)})  # fmt: skip
    return pd.DataFrame(rows)


def _curves(staff: pd.DataFrame) -> Exhibit:
    arms = [curve_rows(part, "Mentored" if arm else "Not mentored") for arm, part in staff.groupby("mentored")]
    curve = pd.concat(arms, ignore_index=True)
    ticks = curve.loc[curve["time"] % 4 == 0, ["by", "time", "n_risk", "n_event"]].reset_index(drop=True)
    return Exhibit("toy.curves", "survival_curves", "Still in post", {"curve": curve, "at_risk": ticks}, counted_curve())


def _results(staff: pd.DataFrame) -> tuple[Result, ...]:
    out = []
    for group, part in sorted(staff.groupby("group")):
        events = float(part["left"].sum())
        estimate = Estimate(value=0.8, se=0.2, ci_low=0.54, ci_high=1.18, p_value=0.27, scale="hazard ratio", n=len(part), n_events=events)
        out.append(Result(f"toy.ratio.{group}", "leaving", "hazard ratio", "staff", estimate, group))
    return tuple(out)


def _forest(results: tuple[Result, ...]) -> Exhibit:
    return Exhibit("toy.forest", "forest", "Ratios", {"rows": forest_rows(results)}, {"rows": counted_forest()})


def naive(answer: Answer, rule: Rule) -> Answer:
    """Primary suppression alone: small counts and the derived numbers of their rows are blanked, and nothing that gives them away."""
    from dataclasses import replace

    exhibits = []
    for exhibit in answer.exhibits:
        frames = {}
        for name, frame in exhibit.frames.items():
            counted = exhibit.counted[name]
            small = frame[[c for c in counted.counts if c in frame]].apply(lambda column: (column > 0) & (column < rule.threshold))
            kept = frame.copy()
            for column in small:
                kept[column] = frame[column].astype(object).mask(small[column], rule.mark)
            for column in counted.derived:
                if column in kept:
                    kept[column] = kept[column].mask(small.any(axis=1))
            hidden = [column for column in (*counted.behind, counted.cumulative) if column in kept and column not in counted.counts]
            frames[name] = kept.drop(columns=hidden)
        exhibits.append(replace(exhibit, frames=frames))
    lead = tuple(Statement(one.text.format(**{name: rule.show(value) for name, value in one.counts.items()})) for one in answer.lead)
    results = tuple(replace(r, estimate=replace(r.estimate, n_events=None)) if rule.small(r.estimate.n_events) else r for r in answer.results)
    return replace(answer, exhibits=tuple(exhibits), lead=lead, results=results)
