"""The mentoring platform's report with its key file, the sessions, and the survey download, with what goes wrong in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.messy.extract import Extract, day_text, texts
from mentorship_eval.cohort.simulation.messy.faults import Book

__all__ = ["invite_file", "key_file", "loop_report", "plant_mentoring_faults", "plant_survey_faults", "session_file", "survey_download"]

_METHODS = ("Manual", "Smart", "Self")


def _address(person: str) -> str:
    return f"{person.lower()}@example.org"


def loop_report(tables: dict[str, pd.DataFrame]) -> Extract:
    rows = tables["matches"]
    columns = {
        "Loop ID": rows["match_id"].tolist(), "Program": rows["programme_id"].tolist(), "Mentor Email": [_address(one) for one in rows["mentor_id"]],
        "Mentee Email": [_address(one) for one in rows["mentee_id"]], "Match Date": day_text(rows["start"]), "End Date": day_text(rows["end"]),
        "Status": np.where(rows["end"].isna(), "Active", "Closed").tolist(), "Close Reason": rows["end_reason"].fillna("").tolist(),
        "Match Type": [_METHODS[number % 3] for number in range(len(rows))],
    }
    return Extract("mentorloop_loops.csv", columns)


def key_file(tables: dict[str, pd.DataFrame]) -> Extract:
    """E-mail and id, apart from the exports: nothing of it reaches a table, a log or a report."""
    people = tables["staff"]["staff_id"]
    return Extract("keys/people_key.csv", {"email": [_address(one) for one in people], "staff_id": people.tolist()})


def session_file(tables: dict[str, pd.DataFrame]) -> Extract:
    rows = tables["sessions"]
    return Extract("sessions.csv", {"Loop": rows["match_id"].tolist(), "Date": day_text(rows["date"]), "Minutes": texts(rows["minutes"]),
                                    "Outcome": rows["status"].tolist(), "Mode": texts(rows["mode"])})


def plant_mentoring_faults(book: Book, tables: dict[str, pd.DataFrame], loops: Extract, keys: Extract, sessions: Extract) -> None:
    rng = book.stream("mentoring")
    if book.asks("address_for_id"):  # they are there anyway: asking for it puts it on the list
        book.add("address_for_id", loops, None, "Mentor Email", "e-mail addresses in place of ids, told by a key file")
    if book.asks("second_address"):
        label = loops.order[int(rng.integers(len(loops.order)))]
        old = loops.cell(label, "Mentor Email")
        new = old.replace("@", ".new@")
        loops.put(label, "Mentor Email", new)
        keys.insert({"email": new, "staff_id": keys.cell(keys.where("email", old)[0], "staff_id")})
        book.add("second_address", loops, None, "Mentor Email", "a mentor under a second address")
    if book.asks("draft_loops"):
        labels = [loops.copy_of(loops.order[place], **{"Loop ID": f"X{place}", "Status": "Draft", "End Date": ""}) for place in (3, 9)]
        book.add("draft_loops", loops, labels, "Status", "a loop that was drafted and never begun")
    if book.asks("open_end_4712"):
        labels = [label for label in loops.order if not loops.cell(label, "End Date") and loops.cell(label, "Status") == "Active"][:6]
        for label in labels:
            loops.put(label, "End Date", "31/12/4712")
        book.add("open_end_4712", loops, labels, "End Date", "a date of the far future for a match that lasts")
    if book.asks("outside_mentor"):
        labels = [label for label in loops.order if loops.cell(label, "Status") == "Closed"][:2]
        for number, label in enumerate(labels):
            address = f"outside{number}@example.org"
            loops.put(label, "Mentor Email", address)
            keys.insert({"email": address, "staff_id": f"EXT{number}"})
        book.add("outside_mentor", loops, labels, "mentor_id", "a mentor who works elsewhere")
    _sessions(book, tables, loops, sessions)


def _sessions(book: Book, tables: dict[str, pd.DataFrame], loops: Extract, sessions: Extract) -> None:
    matches = tables["matches"].set_index("match_id")
    if book.asks("stray_sessions"):
        labels = []
        for match in list(matches.index)[5:8]:
            day = matches.loc[match, "start"] - pd.Timedelta(days=20)
            labels.append(sessions.insert({"Loop": match, "Date": f"{day:%d/%m/%Y}", "Minutes": "30", "Outcome": "held", "Mode": "remote"}))
        book.add("stray_sessions", sessions, labels, "Date", "a session before its match began")
    if book.asks("short_rows"):
        labels = [label for label in sessions.order if sessions.cell(label, "Mode") == "" and sessions.cell(label, "Outcome") != "held"][:3]
        for label in labels:
            sessions.rows[label] = sessions.rows[label][:-1]
        book.add("short_rows", sessions, labels, "", "a row with fewer fields than the header")
    if book.asks("start_missing"):
        held = tables["sessions"][tables["sessions"]["status"].eq("held")].groupby("match_id")["date"].min()
        some = [match for match in matches.index[10:] if match in held.index][:2]
        for match in some:
            label = loops.where("Loop ID", match)[0]
            loops.put(label, "Match Date", "")
            days = int((held[match] - matches.loc[match, "start"]).days)
            book.add("start_missing", loops, [label], "Match Date", "no day of the match: it begins with its first session", undone=False,
                     bound={"leavers": 0, "person_days": days})


def survey_download(tables: dict[str, pd.DataFrame]) -> Extract:
    """One row per answer: five items of general wellbeing, and a score of exhaustion that was made before."""
    wide = tables["surveys"].pivot_table(index=["staff_id", "wave", "completed_on"], columns="instrument", values="score").reset_index()
    total = (wide["WHO-5"] / 4).round().astype(int).to_numpy()
    items = np.stack([(total + place) // 5 for place in range(5)], axis=1)
    columns = {"ResponseId": [f"R_{number:05d}" for number in range(len(wide))], "RecordedDate": wide["completed_on"].tolist(),
               "Status": ["0"] * len(wide), "Finished": ["1"] * len(wide), "ExternalReference": wide["staff_id"].tolist(),
               "wave": wide["wave"].astype(str).tolist(), "linkage_consent": ["1"] * len(wide),
               **{f"Q5_{place + 1}": items[:, place].astype(str).tolist() for place in range(5)}, "mbi_ee": texts(wide["MBI"])}
    labels = [[f"Question {name}" for name in columns], [f'{{"ImportId":"{name}"}}' for name in columns]]
    return Extract("survey/wellbeing.csv", columns, below=labels)


def invite_file(tables: dict[str, pd.DataFrame]) -> Extract:
    rows = tables["survey_invites"]
    return Extract("survey_invites.csv", {"staff_id": rows["staff_id"].tolist(), "wave": rows["wave"].astype(str).tolist(),
                                          "invited_on": rows["invited_on"].tolist()})


def plant_survey_faults(book: Book, survey: Extract, invites: Extract) -> None:
    if book.asks("label_rows"):  # they are there anyway, as in every export of this kind
        book.add("label_rows", survey, None, "", "two lines of labels below the header")
    if book.asks("unfinished"):
        labels = [survey.copy_of(survey.order[place], ResponseId=f"R_U{place}", Finished="0", Q5_4="", Q5_5="") for place in (4, 11)]
        book.add("unfinished", survey, labels, "Finished", "an answer that was not finished")
    if book.asks("no_consent"):
        labels = survey.order[20:24]
        for label in labels:
            survey.put(label, "linkage_consent", "0")
        book.add("no_consent", survey, labels, "linkage_consent", "no consent to linkage: kept without the id")
    if book.asks("few_answers"):
        last = survey.where("wave", "2")
        keep = round(0.42 * len(invites.where("wave", "2")))
        gone = set(last[keep:])
        survey.order = [label for label in survey.order if label not in gone]
        book.add("few_answers", invites, None, "wave", "two in five answered the last wave")
