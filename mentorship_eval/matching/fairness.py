"""Who has which claim to a place when places are fewer than mentees: what is added to all scores of a mentee before the best assignment is sought."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["Scarce", "best_open", "claims"]

Scarce = Literal["total", "equal"]
# of a lot, at most: summed over mentees below what `Assignment.proved` takes for rounding, so that a lot decides between equals and nothing else
_LOT = 5e-10


def best_open(score: np.ndarray, open_to: np.ndarray) -> np.ndarray:
    """(mentees,): the best score that is open to each, NaN where nothing is. score, open_to: (mentees, mentors)."""
    best = np.where(open_to, score, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(best), best, np.nan)


def claims(best: np.ndarray, scarce: Scarce, seed: int) -> np.ndarray:
    """(mentees,): added to every score of a mentee, so that it bears on who gets a place and never on which.

    ``total``: nothing. The sum of scores is the highest there is; whoever is hard to suit adds little to it and is passed over.
    ``equal``: 1 less ``best``. A pair then counts 1 less what its score falls short of the best that is open to the mentee: everybody has the same
    claim, however easily suited, and what is sought is that people lose as little as can be of what they could have had. A sum over pairs as
    before, so that the optimum stays exact and provable.
    Claims that are equal are settled by lot (``seed``), since the order of ids would favour the same people in every round.
    """
    if scarce not in get_args(Scarce):
        raise UsageError(f"scarce is {scarce!r}.", fix=f"It can be {' or '.join(get_args(Scarce))}.")
    lots = _LOT * np.random.default_rng(seed).random(len(best))
    return lots + np.nan_to_num(1.0 - best) if scarce == "equal" else lots
