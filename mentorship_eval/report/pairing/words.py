"""How good proposed pairs are, what was decided and who was left out, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.choices import MatchingChoice
from mentorship_eval.matching import Proposal, Weights
from mentorship_eval.questions.next_wave import LAST_WAVE_DAYS, NextWave

__all__ = ["Round", "about_choice", "about_fairness", "about_last_wave", "about_random", "about_settings", "about_size", "decided", "sentences"]


@dataclass(frozen=True)
class Round:
    """pairs: as proposal.csv has them, refused ones at the end; last: scores of the last wave's pairs; notes: beyond those of the wave."""

    proposal: Proposal
    pairs: pd.DataFrame
    wave: NextWave
    weights: Weights
    choice: MatchingChoice
    last: np.ndarray
    notes: Sequence[str] = ()

    def of(self, status: str) -> pd.DataFrame:
        """The pairs that are proposed, kept or refused."""
        return self.pairs[self.pairs["status"] == status]

    @property
    def scarce(self) -> bool:
        """Whether somebody goes without because places are fewer than mentees."""
        return bool(len(self.proposal.unmatched)) and int(self.wave.pool.room.sum()) < len(self.wave.pool.mentees)


def sentences(made: Round) -> Iterator[str]:
    """Everything in the order in which the verb prints it."""
    yield about_size(made)
    if told := decided(made):
        yield told
    if len(made.of("proposed")):
        yield about_choice(made)
        yield about_random(made)
    yield from about_fairness(made)
    if len(made.last):
        yield about_last_wave(made)
    yield about_settings(made)
    yield from made.wave.notes
    yield from made.notes


def about_size(made: Round) -> str:
    pool = made.wave.pool
    return (f"Pairs for {len(made.proposal.pairs):,} of {len(pool.mentees):,} mentees with {len(pool.mentors):,} mentors who have "
            f"{int(pool.room.sum()):,} places free, as of {made.wave.day:%Y-%m-%d}; without a mentor: {len(made.proposal.unmatched):,}.")


def decided(made: Round) -> str:
    """What was decided beforehand; empty before anything was."""
    kept, refused = len(made.of("kept")), len(made.of("refused"))
    if not kept and not refused:
        return ""
    return f"Decided beforehand: {kept:,} kept, {refused:,} refused (for this wave; a row `excludes` in wishes rules a pair out for good)."


def about_choice(made: Round) -> str:
    """The mean score of the pairs that were free to choose, and the proof that no choice would have been better."""
    found, equal = made.proposal.assignment, made.choice.scarce == "equal"
    best = "no assignment leaves mentees less short of the best that was open to them" if equal else "no assignment has a higher total"
    proof = f"under these weights {best} (gap 0)" if found.proved else f"another assignment could be better by {found.gap:.3g} in all, not by more"
    return f"Mean score of the {len(made.of('proposed')):,} pairs chosen: {made.proposal.mean_free:.3f} of 1; {proof}."


def about_random(made: Round) -> str:
    random = made.proposal.random
    low, high = random.interval
    return (f"Random pairs of the same people: {random.mean:.3f} (95 % Monte-Carlo interval {low:.3f} to {high:.3f}; {len(random.means):,} draws, "
            f"{random.matched.mean():,.1f} matched on average).")


def about_last_wave(made: Round) -> str:
    return (f"Pairs of the last wave, begun in the {LAST_WAVE_DAYS} days before: {made.last.mean():.3f} by the same score ({len(made.last):,} pairs; "
            "their wishes count as far as the table wishes still has them).")


def about_fairness(made: Round) -> Iterator[str]:
    """When places are scarce: who was passed over, or what it cost that nobody was for being hard to suit; nothing where nothing was chosen."""
    if made.of("proposed").empty:
        return
    best = made.proposal.best_scores
    without = best.index.isin(made.proposal.unmatched["mentee_id"])
    if made.choice.scarce == "equal" and len(made.proposal.unmatched):
        total = float(made.of("proposed")["score"].sum())
        yield (f"Everybody had the same claim to a place, however easily suited (scarce: equal): the scores add up to {total:,.2f}, where the "
               f"highest total would be {made.proposal.highest:,.2f}.")
    elif made.scarce:
        yield ("Beware: places are scarcer than mentees, and the highest total passes over those who are hardest to suit, such as who wishes more or "
               "is one of few. With --scarce equal everybody has the same claim. Look at unmatched.csv for who they are before you decide.")
    if made.scarce and best[without].notna().any() and best[~without].notna().any():
        yield (f"The best score that was open: {best[without].mean():.3f} on average to those without a mentor, {best[~without].mean():.3f} to "
               "those with one.")


def about_settings(made: Round) -> str:
    weights = ", ".join(f"{name} {weight:g}" for name, weight in made.weights.parts.items())
    return f"Weights: {weights}; without a mentor -{made.weights.unmatched:g}."
