"""Table 1 as an exhibit: what `described` found, with every count declared for protection."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.baseline.described import arm_columns
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["baseline_exhibit"]

_NOTE = (
    "Percentages are of all in the column; means and medians of those known; a variable without a line Missing is complete. SD, standard "
    "deviation; IQR, interquartile range; SMD, standardised mean difference (a single one for all levels of a variable), not told where a count "
    "behind it is withheld; –, not known, or withheld. There are no p values: whether groups differ enough to matter does not depend on how "
    "many people there are."
)
_PATTERNS = {
    "n": "{n}", "n (%)": "{n} ({share:share})", "mean (SD)": "{middle:near} ({sd:near})", "median (IQR)": "{middle:near} ({low:near} to {high:near})",
    "rate": "{middle:2}",
}  # fmt: skip


def _pattern(pattern: str, ending: str, frame: pd.DataFrame) -> str | None:
    for part, column in arm_columns(ending).items():
        if f"{{{part}" in pattern and column not in frame:
            return None
        pattern = pattern.replace(f"{{{part}}}", f"{{{column}}}").replace(f"{{{part}:", f"{{{column}:")
    return pattern


def baseline_exhibit(
    exhibit_id: str, title: str, frame: pd.DataFrame, arms: Mapping[str, str], *, note: str, spanner: str = "", people: bool = True,
    sizes: tuple[float, ...] = (),
) -> Exhibit:  # fmt: skip
    """frame: of `described`; arms: ending of the columns of each group to its header; note: who the groups are, and since when.

    people: whether rows were people, whose numbers are protected; sizes: of the groups; the whole table is left out where one is small.
    """
    parts = {ending: arm_columns(ending) for ending in arms}
    n = tuple(column["n"] for column in parts.values()) if people else ()
    known = tuple(c[part] for c in parts.values() for part in ("known", "rest") if c[part] in frame)
    # means and the like are told to two decimals: with more, how many were known could be worked out from them
    rounded = [c[part] for c in parts.values() for part in ("middle", "sd", "low", "high") if c[part] in frame]
    frame = frame.assign(**{column: frame[column].round(2) for column in rounded})
    of_known = {column: next(c["known"] for c in parts.values() if column in c.values()) for column in rounded}
    shares = {c["share"]: c["n"] for c in parts.values()} if people else {}
    sizes_of = {f"size_{ending}": frame[column["n"]].iloc[0] for ending, column in parts.items()} if people else {}
    frame = frame.assign(**sizes_of)
    joined = {
        f"arm_{ending}": {statistic: found for statistic, text in _PATTERNS.items() if (found := _pattern(text, ending, frame))} for ending in arms
    }
    first = ["characteristic", "level", "statistic"]
    yes_and_no = [(c["known"], c["n"], c["rest"]) for c in parts.values() if c["rest"] in frame]
    return table_exhibit(
        exhibit_id, title, frame[[*first, *(column for column in frame if column not in first)]],
        counts=n, derived=(*shares, *rounded, "smd"), of={**shares, **of_known, "smd": "fewest"},
        within="adds_up" if people else "", sums=(("n_all", *n), *yes_and_no) if people else (),
        behind=(*known, *sizes_of, "n_all", "fewest", "adds_up"), ratios=dict(zip(shares, zip(n, sizes_of, strict=True), strict=True)),
        rests_on=sizes, note=f"{note} {_NOTE}",
        columns=[*joined, "smd"], joined=joined, joined_by="statistic", stub=first[:2], suffix="statistic", sparse=["smd"],
        spanners={spanner: list(joined)} if spanner else {},
        labels={"characteristic": "", **{f"arm_{ending}": header for ending, header in arms.items()}, "smd": "SMD"},
        formats={"smd": "2", "statistic": "text"},
        footnotes={"smd": "The largest difference between any two of the columns."} if len(arms) > 2 else {},
    )  # fmt: skip
