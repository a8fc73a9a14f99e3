"""What counts as leaving: the organisation, the department, the post or the profession.

``organisation`` (the default): the employment ends; a move inside continues it, and so does a return within the bridging gap.
``department``: the first move to another department ends it too. ``role``: so does any move to another post, even within the
department (``spells.role`` tells posts apart; going over to the bank is one, too); a change of hours, of status (maternity leave
begins or ends) or from a fixed term to a permanent contract is the same post. Such a move has the cause ``transfer``, or
``rotation`` from a rotational contract, which was planned. ``profession``: the employment ends and the
destination says that the person left the profession; who stays in it elsewhere is followed until then and censored, and an end
whose destination is not known has a cause of its own.

Which causes are the outcome is a choice (`OUTCOME_CAUSES`): people move between departments and posts mostly because they or
their managers wish it, and records seldom say which, so that at those two levels the outcome is leaving voluntarily *or* by
transfer. Planned rotations compete with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mentorship_eval.errors import DataError

__all__ = ["LEVELS", "OUTCOME_CAUSES", "begins_employment", "moves", "profession_causes"]

LEVELS = ("organisation", "department", "role", "profession")
OUTCOME_CAUSES: dict[str, tuple[str, ...]] = {
    "organisation": ("voluntary",),
    "department": ("voluntary", "transfer"),
    "role": ("voluntary", "transfer"),
    "profession": ("voluntary",),
}
STAYED = "stayed"
UNKNOWN_DESTINATION = "unknown_destination"
# the end of a working life, wherever the record says that the person went; not where it says that they stayed
_ENDS_WORK = ("retirement", "death")


def begins_employment(spells: pd.DataFrame, bridge_gap: float, level: str) -> np.ndarray:
    """Which spells (ordered by person and time, with ``gap`` in days) begin an employment of their own.

    A change of organisation ends one unless the post ended in a transfer; it does not end a career in the profession.
    """
    begins = (spells["gap"] > bridge_gap).to_numpy()
    if "org_id" in spells and level != "profession":
        other = spells["org_id"].ne(spells["org_id"].shift()) & spells["org_id"].notna() & spells["org_id"].shift().notna()
        begins |= (other & spells["reason"].shift().ne("transfer")).to_numpy()
    return begins


def moves(spells: pd.DataFrame, begins: np.ndarray, level: str) -> pd.DataFrame:
    """Moves inside employments that are leaving at ``level``: run, day (last day of the post left) and cause.

    At the levels of the organisation and the profession there are none.
    """
    before = spells.shift()
    moved = spells["dept_id"].ne(before["dept_id"])
    if level == "role":
        def changed(name: str) -> pd.Series:
            if name not in spells:
                return pd.Series(False, index=spells.index)
            now, then = spells[name].astype(object), before[name].astype(object)
            return now.where(now.notna(), "").ne(then.where(then.notna(), ""))

        # hours, status or contract changed: the same post goes on, however the record words the end of the row before it
        goes_on = changed("suspended") | changed("wte") | changed("contract")
        to_bank = changed("contract") & spells["contract"].eq("bank") if "contract" in spells else goes_on & False
        moved |= changed("role") | to_bank | (before["reason"].eq("transfer") & ~goes_on)
    moved &= ~begins
    if level not in ("department", "role"):
        moved &= False
    rotational = before["contract"].eq("rotational") if "contract" in spells else pd.Series(False, index=spells.index)
    cause = np.where(rotational, "rotation", "transfer")
    run = np.cumsum(begins) - 1
    here = moved.to_numpy()
    return pd.DataFrame({"run": run[here], "day": before["end"].to_numpy(float)[here], "cause": cause[here]})


def profession_causes(reason: pd.Series, destination: pd.Series | None, meaning: Mapping[str, str] | None) -> np.ndarray:
    """Causes of leaving the profession: as recorded where the destination says ``left``, ``stayed``, or ``unknown_destination``.

    meaning: destination -> left, stayed or unknown; whatever it does not name is unknown. Raises `DataError` without a
    destination or without its meaning.
    """
    if destination is None:
        raise DataError(
            "Who left the profession cannot be told: spells has no column destination.",
            fix="Add spells.destination (where people went), or set plan.leaving to organisation, department or role.",
        )
    if not meaning:
        raise DataError(
            "Which destinations mean leaving the profession is not said.",
            fix="Write rules.profession_destinations in study.yaml, for example {No employment: left, Another hospital: stayed}.",
        )
    known = {key.strip().casefold(): value for key, value in meaning.items()}
    text = destination.astype(object).where(destination.notna(), "").astype(str).str.strip().str.casefold()
    said = text.map(known).fillna("unknown").to_numpy(object)
    recorded = reason.where(reason.ne(""), "unknown").to_numpy(object)
    kept = (said == "left") | ((said == "unknown") & np.isin(recorded, _ENDS_WORK))
    return np.where(kept, recorded, np.where(said == "stayed", STAYED, UNKNOWN_DESTINATION))
