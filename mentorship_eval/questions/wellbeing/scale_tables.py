"""The tables of the comparison of scales: differences beside what matters, and p-values for their number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.models import Plan
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.families import planned_families
from mentorship_eval.questions.wellbeing.asked import Scale
from mentorship_eval.surveys import families, important_difference

__all__ = ["adjusted_for_number", "scale_line", "scales_table"]

# places of `important_difference` as a table has room for them
_AGAINST = {
    "benefit": "benefit that matters", "harm": "harm that matters", "too small": "smaller than matters", "some benefit": "benefit, of unsettled size",
    "some harm": "harm, of unsettled size", "higher": "higher by what matters", "lower": "lower by what matters",
    "some higher": "higher, of unsettled size", "some lower": "lower, of unsettled size", "unclear": "not settled", "unknown": "no interval",
}  # fmt: skip
# the same answers told in another way: they are no further comparisons
_AGAIN = (".beyond", ".standardised")


def scale_line(scale: Scale, estimate: Estimate, spread: float) -> dict[str, object]:
    """The line of a scale in `scales_table`; spread: SD at its first wave."""
    worth = important_difference(estimate, sd=spread, key=None if scale.key is None else scale.key.name,
                                 subscale=scale.subscale if scale.key is not None and scale.key.subscales else None,
                                 higher_is_better=scale.higher_is_better)  # fmt: skip
    told = f"wellbeing.{scale.slug}"
    return {
        "scale": scale.name, "reading": scale.direction, "n": estimate.n, "difference": estimate.interval(2).replace("95 % CI ", ""),
        "standardised": estimate.value / spread if spread > 0 else np.nan, "mid": worth.mid,
        "place": "no size to hold it against" if np.isnan(worth.mid) else _AGAINST[worth.place], "source": worth.source,
        "id": f"{told} {told}.standardised" if spread > 0 else told,
    }  # fmt: skip


def scales_table(lines: list[dict[str, object]]) -> Exhibit:
    frame = pd.DataFrame(lines)
    of = frame.groupby("source", sort=False)["scale"].agg(list)
    sources = "; ".join(f"{', '.join(scales) if len(of) > 1 else 'all scales'}: {source}" for source, scales in of.items())
    return table_exhibit(
        "wellbeing.scales", "Mentored by the wave against not yet, in points of each scale", frame.drop(columns="source"), counts=("n",),
        derived=("difference", "standardised", "mid", "place"), results={"id": ""},
        labels={"scale": "Scale", "reading": "Reading", "n": "People", "difference": "Difference (95 % CI)", "standardised": "In SD",
                "mid": "Smallest that matters", "place": "The interval against it"},
        formats={"n": "count", "standardised": "number", "mid": "number"},
        note=f"In SD of the first wave at which the scale was asked. Smallest difference that matters, by scale: {sources}. Smaller than matters: "
        "the whole interval is, in either direction. Not settled: it holds both no difference and one that matters. Benefit and harm are told of "
        "scales whose direction is known, higher and lower of the others.",
    )  # fmt: skip


def adjusted_for_number(results: list[Result], plan: Plan) -> list[Exhibit]:
    """p-values adjusted within the families of the plan; scales that it does not name are one."""
    compared = {r.id: r.estimate for r in results if r.role in ("headline", "companion") and not r.id.endswith(_AGAIN)}
    compared = {name: estimate for name, estimate in compared.items() if np.isfinite(estimate.p_value)}
    if len(compared) < 2:
        return []
    names = {r.id: r.label for r in results}
    family = dict(zip(compared, planned_families(plan.families, list(compared), "all scales"), strict=True))
    frame = families(compared, family=family)
    several = len(set(family.values())) > 1
    shown = ["scale", *(["family"] if several else []), "p_value", "holm", "benjamini_hochberg", "id"]
    frame = frame.assign(scale=frame["id"].map(names))[shown]
    return [
        table_exhibit(
            "wellbeing.adjusted", "p-values for the number of scales", frame, derived=("p_value", "holm", "benjamini_hochberg"), results={"id": ""},
            labels={"scale": "Scale", **({"family": "Family"} if several else {}), "p_value": "p", "holm": "Holm",
                    "benjamini_hochberg": "Benjamini-Hochberg"},
            formats=dict.fromkeys(("p_value", "holm", "benjamini_hochberg"), "p"),
            note="Adjusted within each family of the plan, as far as it stands in this table: what it has elsewhere is not counted." if several else
            "All scales are one family: adjusted within this table.",
        )
    ]
