"""The programme in its versions: the twelve items of TIDieR, those on delivery filled in from the data, and what differed between versions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.schema.programme import TIDIER_FIELDS
from mentorship_eval.estimate import format_number
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.groups import jackknifed_difference
from mentorship_eval.questions.section import Section

__all__ = ["versions"]

_REMOTE = ("remote", "virtual", "online", "video", "telephone")


def versions(study: DeliveryStudy) -> Section:
    """The description as a table; share of sessions held remotely by version, and the second minus the first."""
    told, question = Section(), "Which versions of the programme there were"
    if not study.cohort.has("programmes"):
        return told.lacks(question, "The programme is not described in these data.", "programmes (version, the TIDieR items, valid_from)")
    table = study.cohort.table("programmes").sort_values("valid_from", kind="stable", ignore_index=True)
    told.exhibits.append(_described(study, table))
    told.methods.append("Programme: as described in the table of programmes, by the items of TIDieR (Hoffmann et al. 2014); item 12 from the data.")
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
    remote = known["mode"].astype(str).str.lower().isin(_REMOTE).to_numpy(float)
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
        method="leave-one-department-out jackknife, t(G-1)",
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


def _described(study: DeliveryStudy, table: pd.DataFrame) -> object:
    """Item by item, one column a version; what was delivered is said from the data behind it, not from the description."""
    shown = table.tail(3)
    items = [(f"{number}. {text}", name) for number, (name, text) in enumerate(TIDIER_FIELDS, start=1) if name in table]
    columns = {
        f"v{i}": [str(value) if pd.notna(value) else "Not described" for value in (row[name] for _, name in items)]
        for i, (_, row) in enumerate(shown.iterrows())
    }
    frame = pd.DataFrame({"item": [text for text, _ in items], **columns})
    rows, pairs = study.sessions, study.mentoring
    counts: list[float] = [float(len(pairs))]
    if len(rows):
        held = float(rows["held"].sum())
        counts += [held, float(len(rows)) - held]
        length = pd.to_numeric(rows.loc[rows["held"] == 1, "minutes"]).median() if "minutes" in rows else np.nan
        text = f"{rows['held'].mean():.0%} of agreed sessions held; {format_number(held / pairs['months'].sum(), 1)} a month of a match"
        text += f"; median length {length:.0f} minutes" if np.isfinite(length) else ""
        text += (
            f"; matches lasted {format_number(float((pairs['last'] - pairs['start']).dt.days.median()) / DAYS_PER_MONTH, 1)} months (median, so far)"
        )
        frame.loc[len(frame)] = (
            ["From the data: as delivered", text, *[""] * (len(columns) - 1)]
            if len(columns) == 1
            else ["From the data: as delivered, all versions", text, *["as in the first column"] * (len(columns) - 1)]
        )
    return table_exhibit(
        "delivery.versions",
        "The programme, by the items of TIDieR",
        frame,
        rests_on=tuple(counts),
        labels={"item": "Item", **{f"v{i}": f"Version {version}" for i, version in enumerate(shown["version"].astype(str))}},
    )
