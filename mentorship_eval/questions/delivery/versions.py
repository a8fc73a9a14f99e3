"""The programme in its versions: the twelve items of TIDieR, those on delivery filled in from the data, and what differed between versions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.schema.programme import TIDIER_FIELDS
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.delivery.compared import REMOTE
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.groups import fewest_places, jackknifed_difference
from mentorship_eval.questions.section import Section

__all__ = ["FIRST", "NOT_DESCRIBED", "versions", "versions_of"]

_SHOWN = 3  # versions, the last ones
NOT_DESCRIBED, FIRST = "Not described", "First version"
_CHANGED, _HELD = "10. From the data: items described otherwise than before", "8. From the data: sessions held"
_RECORDED, _AGREED = "11. From the data: what is recorded of fidelity", "12. From the data: of those agreed"
# columns of sessions by which fidelity can be told, and their names in the table
_OF_SESSIONS = {"status": "sessions held or not", "minutes": "length", "mode": "mode", "protected": "protected time", "topic": "topic"}


def versions(study: DeliveryStudy) -> Section:
    """The description as a table; share of sessions held remotely by version, and the second minus the first."""
    told, question = Section(), "Which versions of the programme there were"
    if not study.cohort.has("programmes"):
        return told.lacks(question, "The programme is not described in these data.", "programmes (version, the TIDieR items, valid_from)")
    table = versions_of(study.cohort, study.mentoring)
    told.exhibits.append(_described(study, table))
    told.methods.append(
        "Programme: as described in the table of programmes, by the items of TIDieR (Hoffmann et al. 2014); items 8 and 10 to 12 also from the data."
    )
    rows = study.sessions
    if len(table) < 2 or table["valid_from"].isna().any() or rows.empty or "mode" not in rows:
        return told.lacks(
            "What changed between versions",
            "There are no two versions with a first day, or sessions do not tell their mode.",
            "valid_from in programmes, mode in sessions",
        )
    known = rows[(rows["held"] == 1) & rows["mode"].notna()]
    begins = pd.to_datetime(table["valid_from"]).to_numpy()
    place = np.searchsorted(begins, known["date"].to_numpy(), side="right") - 1
    remote = known["mode"].astype(str).str.lower().isin(REMOTE).to_numpy(float)
    for number, version in enumerate(table["version"].astype(str)):
        mine = place == number
        if mine.any():
            told.results.append(
                share_of(
                    f"remote.version_{version.replace('.', '_')}",
                    f"Sessions held remotely, version {version}",
                    f"share of sessions held remotely while version {version} was valid",
                    remote[mine],
                    known.loc[mine, "dept_id"],
                    population="sessions held, mode known",
                    group="Programme versions",
                )
            )
    if len(told.results) < 2:
        return told
    code = pd.factorize(known["dept_id"].astype(str), sort=True)[0]
    places, shares, behind = int(code.max()) + 1, [], []
    for number in sorted(set(place[place >= 0]))[:2]:
        mine = place == number
        sums = [np.bincount(code[mine], weights=part, minlength=places) for part in (remote[mine], np.ones(mine.sum()))]
        top, bottom = (part.sum() - np.append(0.0, part) for part in sums)
        shares.append(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
        behind += [float(top[0]), float(bottom[0] - top[0])]
    estimand = "share of sessions held remotely, second version minus first"
    estimate = jackknifed_difference(
        shares[1],
        shares[0],
        n=len(known),
        n_events=int(behind[0] + behind[2]),
        estimand=estimand,
        places=fewest_places(code, *(place == number for number in sorted(set(place[place >= 0]))[:2])),
        method="leave-one-department-out jackknife, t on the departments of the version in fewest - 1",
    )
    told.results.append(
        Result(
            "delivery.versions.remote",
            "delivery",
            estimand,
            "sessions held, mode known",
            estimate,
            "Sessions held remotely, second version minus first",
            "companion",
            "Programme versions",
            rests_on=tuple(behind),
        )
    )
    told.methods.append("Versions: sessions by the version valid on their day; a difference between versions is also one between times.")
    return told


def versions_of(cohort: Cohort, matches: pd.DataFrame) -> pd.DataFrame:
    """Rows of programmes that have ``matches``, where these tell theirs, by first day: another programme is no version of this one."""
    table = cohort.table("programmes")
    ours = matches["programme_id"].dropna() if "programme_id" in matches else ()
    kept = table[table["programme_id"].isin(ours)]
    return (kept if len(kept) else table).sort_values("valid_from", kind="stable", ignore_index=True)


def _described(study: DeliveryStudy, table: pd.DataFrame) -> Exhibit:
    """Item by item, one column a version (the last three); item 10 also from what it is described by otherwise than the version before, items 8, 11
    and 12 from the sessions while it was valid."""
    shown = table.tail(_SHOWN)
    names = [f"v{number}" for number in range(len(shown))]
    items = [(f"{number}. {text}", name) for number, (name, text) in enumerate(TIDIER_FIELDS, start=1) if name in table]
    rows, counts = study.sessions, [float(len(study.mentoring))]
    told: dict[str, list[str]] = {}
    lines = [text for text, _ in items] + [_CHANGED] + ([_HELD, _RECORDED, _AGREED] if len(rows) else [])
    for place, (number, row) in zip(names, shown.iterrows(), strict=True):
        told[place] = [str(row[name]) if pd.notna(row[name]) else NOT_DESCRIBED for _, name in items]
        told[place].append(_changed(table, number))
        if not len(rows):
            continue
        begin = pd.to_datetime(row["valid_from"]) if pd.notna(row["valid_from"]) else study.start
        later = pd.to_datetime(table["valid_from"])
        later = later[later > begin]
        mine = rows[(rows["date"] >= begin) & (rows["date"] < (later.min() if len(later) else study.end + pd.Timedelta(days=1)))]
        held = mine[mine["held"] == 1]
        if held.empty:
            told[place] += ["None", _recorded(study, mine), "None"]
            continue
        counts += [float(len(held)), float(len(mine) - len(held))]
        length = pd.to_numeric(held["minutes"]).median() if "minutes" in held else np.nan
        told[place] += [
            f"{length:.0f} minutes, median" if np.isfinite(length) else "Length not recorded",
            _recorded(study, mine),
            f"{mine['held'].mean():.0%} held",
        ]
    return table_exhibit(
        "delivery.versions",
        "The programme, by the items of TIDieR",
        # what the data say of an item stands below what was declared of it
        pd.DataFrame({"item": lines, **told}).sort_values("item", key=_number, kind="stable", ignore_index=True),
        rests_on=tuple(counts),
        labels={"item": "Item", **{name: f"Version {version}" for name, version in zip(names, shown["version"].astype(str), strict=True)}},
    )


def _number(items: pd.Series) -> pd.Series:
    return items.str.split(".").str[0].astype(int)


def _changed(table: pd.DataFrame, number: int) -> str:
    """The items in which a version differs from the one before, by their numbers, and since when; items 10 and 12 say so themselves."""
    if number == 0:
        return FIRST
    before, now = table.loc[number - 1], table.loc[number]
    items = [
        str(item) for item, (name, _) in enumerate(TIDIER_FIELDS, start=1)
        if name in table and name not in ("modifications", "how_well_actual") and str(before[name]) != str(now[name])
    ]
    since = f", from {now['valid_from']:%Y-%m-%d}" if pd.notna(now["valid_from"]) else ""
    return f"{'Item' if len(items) == 1 else 'Items'} {', '.join(items)}{since}" if items else f"None{since}"


def _recorded(study: DeliveryStudy, sessions: pd.DataFrame) -> str:
    """Which records there are by which fidelity can be told, in this version."""
    cohort = study.cohort
    # without a status every session counts as held
    has = [words for name, words in _OF_SESSIONS.items() if name in cohort.table("sessions") and name in sessions and sessions[name].notna().any()]
    has += [words for name, words in (("goals", "goals"), ("feedback", "ratings")) if cohort.has(name)]
    rollout = cohort.table("rollout") if cohort.has("rollout") else pd.DataFrame()
    if "protected_hours_month" in rollout and rollout["protected_hours_month"].notna().any():
        has.append("protected hours planned")
    return ", ".join(has).capitalize() if has else "Nothing"
