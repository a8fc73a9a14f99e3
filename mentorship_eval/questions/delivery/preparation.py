"""Were mentors prepared? Trained before their first session, and was the training still valid at the sessions they held."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of, told_table
from mentorship_eval.questions.section import Section

__all__ = ["preparation", "recognition"]


def preparation(study: DeliveryStudy) -> Section:
    """Share of mentors trained by their first session (or match), and of sessions held under valid training."""
    told, question = Section(), "Whether mentors were trained before they began"
    mentors = study.cohort.table("mentors").drop_duplicates("staff_id").set_index("staff_id") if study.cohort.has("mentors") else pd.DataFrame()
    if "trained_on" not in mentors:
        return told.lacks(question, "When mentors were trained is not in these data.", "trained_on in mentors")
    sessions = study.sessions
    if len(sessions):
        events = sessions[sessions["held"] == 1][["mentor_id", "dept_id", "date"]]
    else:
        events = study.mentoring[["mentor_id", "dept_id", "start"]].rename(columns={"start": "date"})
    events = events[events["mentor_id"].notna()].sort_values("date", kind="stable")
    listed = events["mentor_id"].isin(mentors.index)
    if not listed.any():
        return told.lacks(
            question, "No session or match is with a mentor in the table of mentors.", "mentor_id in matches, the same ids as in mentors"
        )
    trained = events["mentor_id"].map(pd.to_datetime(mentors["trained_on"]))
    first = ~events["mentor_id"].duplicated()
    ready = (trained <= events["date"]).astype(int)
    what = "first session" if len(sessions) else "first match"
    if not listed.all():
        # whoever is on no list of the trained cannot be taken as trained, and to leave them out would say that all were
        missing, there = (int((first & side).sum()) for side in (~listed, listed))
        share = ready[first & listed].mean()
        text = f"{missing:,} people who mentor are not in the table mentors: they count as not trained. Of the others {share:.0%} were trained in "
        text += "time."
        told.cautions.append(Caution("mentors_unlisted", text, {"persons": missing, "complement": there, "share": float(share)}))
    about = {"group": "Training of mentors"}
    told.results.append(
        share_of(
            "trained",
            f"Mentors trained before their {what}",
            f"share of mentors trained on or before the day of their {what}",
            ready[first],
            events.loc[first, "dept_id"],
            population="mentors with a mentee",
            role="headline",
            **about,
        )
    )
    if "training_expiry" in mentors and mentors["training_expiry"].notna().any():
        expiry = events["mentor_id"].map(pd.to_datetime(mentors["training_expiry"]))
        late = ((ready == 1) & (expiry < events["date"])).astype(int)
        told.results.append(
            share_of(
                "training_expired",
                "Sessions after the training had expired",
                "share of sessions held after the mentor's training had expired, of those of mentors trained by then",
                late[listed],
                events.loc[listed, "mentor_id"],
                of=ready[listed],
                population="sessions held by trained mentors",
                **about,
            )
        )
    else:
        told.lacks("Whether mentors' training was still valid", "Until when training counts is not in these data.", "training_expiry in mentors")
    told.exhibits.append(
        told_table(
            "delivery.training",
            "Training of mentors",
            told.results,
            note="A mentor without a day of training, or in no list of mentors, counts as not trained.",
        )
    )
    told.methods.append(
        f"Training of mentors: day of training against the day of the {what}; departments (sessions: mentors) left out one at a time."
    )
    return told


def recognition(study: DeliveryStudy) -> Section:
    """Share of mentors with a mentee whose mentoring counts in their appraisal; their promotion is told in careers."""
    told, question = Section(), "Whether mentoring counts in mentors' appraisals"
    mentors = study.cohort.table("mentors").drop_duplicates("staff_id").set_index("staff_id") if study.cohort.has("mentors") else pd.DataFrame()
    if "appraisal_recognised" not in mentors or mentors["appraisal_recognised"].isna().all():
        return told.lacks(question, "Whether it counts is not in these data.", "appraisal_recognised in mentors")
    first = study.mentoring.dropna(subset=["mentor_id"]).drop_duplicates("mentor_id")
    said = first["mentor_id"].map(mentors["appraisal_recognised"])
    if said.isna().all():
        return told.lacks(question, "Of no mentor with a mentee is it known.", "mentor_id in matches, the same ids as in mentors")
    if silent := int(said.isna().sum()):
        text = f"Of {silent:,} mentors it is not told whether mentoring counts in their appraisal: the share is of the others."
        told.cautions.append(Caution("recognition_unsaid", text, {"persons": silent, "complement": len(said) - silent}))
    first, said = first[said.notna()], said.dropna()
    told.results.append(
        share_of(
            "recognised",
            "Mentors whose mentoring counts in their appraisal",
            "share of mentors with a mentee whose mentoring counts in their appraisal, of those of whom it is told",
            said.astype(float),
            study.department_on(first["mentor_id"], first["start"]),
            population="mentors with a mentee",
            group="Recognition of mentors",
        )
    )
    told.methods.append("Recognition: mentors with a match of mentoring, each once; departments are their own on the first day of their first match.")
    return told
