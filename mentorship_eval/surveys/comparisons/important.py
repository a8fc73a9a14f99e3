"""An interval held against the smallest difference that matters, in words; and several outcomes adjusted for their number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.inference.multiplicity import benjamini_hochberg, holm, within_families
from mentorship_eval.inference.scales.keys import scoring_key

__all__ = ["AgainstImportant", "families", "important_difference"]

CONVENTION = "half a standard deviation, a convention and no measured difference (Norman, Sloan & Wyrwich 2003, Medical Care 41:582-592)"

# of a score of unknown direction: what would be a benefit, if more of it were one
_NEUTRAL = {"benefit": "higher", "harm": "lower", "some benefit": "some higher", "some harm": "some lower"}


@dataclass(frozen=True)
class AgainstImportant:
    """mid: the smallest difference that matters (NaN where there is nothing to take it from); source; place: ``benefit``, ``harm``, ``some benefit``,
    ``some harm``, or, of a score of which nobody said that more is better or worse, ``higher``, ``lower``, ``some higher``, ``some lower``; of either
    ``too small``, ``unclear`` or ``unknown``; words: a sentence."""

    mid: float
    source: str
    place: str
    words: str

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame([{"mid": self.mid, "source": self.source, "place": self.place, "words": self.words}])

    def statement(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(self.words)}</p>"


def important_difference(
    estimate: Estimate,
    *,
    mid: float | None = None,
    sd: float | None = None,
    key: str | None = None,
    subscale: str | None = None,
    higher_is_better: bool | None = None,
) -> AgainstImportant:
    """Where the interval of ``estimate`` lies beside the smallest important difference.

    mid : given by the caller; else that of the scoring ``key`` (and ``subscale``) where one is published; else half of ``sd`` (the
    standard deviation between people), said to be a convention; with an ``sd`` that is no positive number the place is ``unknown``.
    higher_is_better : of the score; by default what the key says; where that says nothing either, no difference is called a benefit or a harm.

    Raises `UsageError` when nothing was given to hold it against, or for a ratio.
    """
    if estimate.is_ratio:
        raise UsageError("A ratio has no smallest important difference on the scale of the score.", fix="Give the estimate of a difference.")
    source = "given by the analyst"
    if key is not None:
        known = scoring_key(key)
        if higher_is_better is None:
            part = known.subscales.get(subscale or "")
            higher_is_better = {"higher": True, "lower": False}.get(part.better if part else known.better)
        if mid is None and known.important is not None:
            mid, source = known.important, known.important_source
    if mid is None and sd is not None:
        if not sd > 0:
            source = "no spread between people to take half of"
            return AgainstImportant(math.nan, source, "unknown", f"{estimate.interval()}; there is nothing to hold it against ({source}).")
        mid, source = sd / 2, CONVENTION
    if mid is None or not mid > 0:
        raise UsageError(
            "There is no smallest important difference to hold this against.", fix="Give mid, a key with one, or the SD between people as sd."
        )
    sign = -1 if higher_is_better is False else 1
    low, high = sorted((sign * estimate.ci_low, sign * estimate.ci_high))
    place = _place(low, high, mid)
    if higher_is_better is None:
        place = _NEUTRAL.get(place, place)
    said = {
        "benefit": "the whole interval is a benefit that matters",
        "harm": "the whole interval is a harm that matters",
        "higher": "the whole interval is higher by what matters or more",
        "lower": "the whole interval is lower by what matters or more",
        "too small": "the whole interval is smaller than what matters, in either direction",
        "some benefit": "the interval holds a benefit only, and does not settle whether it is large enough to matter",
        "some harm": "the interval holds a harm only, and does not settle whether it is large enough to matter",
        "some higher": "the interval holds higher scores only, and does not settle whether by enough to matter",
        "some lower": "the interval holds lower scores only, and does not settle whether by enough to matter",
        "unclear": "the interval holds both no difference and a difference that matters: the data do not settle it",
        "unknown": "there is no interval",
    }[place]
    return AgainstImportant(mid, source, place, f"{estimate.interval()}; smallest difference that matters {format_number(mid)} ({source}): {said}.")


def _place(low: float, high: float, mid: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if low >= mid:
        return "benefit"
    if high <= -mid:
        return "harm"
    if -mid < low and high < mid:
        return "too small"
    if low > 0:
        return "some benefit"
    return "some harm" if high < 0 else "unclear"


def families(estimates: Mapping[str, Estimate], *, family: Mapping[str, str] | None = None) -> pd.DataFrame:
    """id, family, estimate, p_value, holm, benjamini_hochberg: p-values adjusted within each family (all one family by default)."""
    table = pd.DataFrame({
        "id": list(estimates), "family": [(family or {}).get(name, "all") for name in estimates], "estimate": [e.value for e in estimates.values()],
        "p_value": [e.p_value for e in estimates.values()],
    })  # fmt: skip
    for name, adjust in (("holm", holm), ("benjamini_hochberg", benjamini_hochberg)):
        table[name] = within_families(table["family"].tolist(), table["p_value"].to_numpy(float), adjust)
    return table
