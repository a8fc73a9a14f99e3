"""One scale of a survey: what it is called in a report, in which direction it is read, and beyond which score it is high or low."""

from __future__ import annotations

from dataclasses import dataclass

from mentorship_eval.cohort.study.surveys import SurveyChoice
from mentorship_eval.inference.scales.keys import ScoringKey
from mentorship_eval.inference.scales.known import TOTAL, known_scale, scale_slug

__all__ = ["OF_MENTORS", "Scale", "scale_of"]

# scoring key -> subscale -> what the scale measures, in words; no two scales have the same
WORDS: dict[str, dict[str, str]] = {
    "MBI-HSS": {"EE": "Emotional exhaustion", "DP": "Depersonalisation", "PA": "Personal accomplishment"},
    "ProQOL-5": {
        "compassion satisfaction": "Compassion satisfaction", "burnout": "Burnout (ProQOL)",
        "secondary traumatic stress": "Secondary traumatic stress",
    },
    "UWES-9": {TOTAL: "Work engagement", "vigour": "Vigour at work", "dedication": "Dedication to work", "absorption": "Absorption in work"},
    "BRS": {TOTAL: "Resilience (BRS)"},
    "CD-RISC-10": {TOTAL: "Resilience"},
    "WHO-5": {TOTAL: "General wellbeing"},
    "PSS-10": {TOTAL: "Perceived stress"},
    "GSE": {TOTAL: "Self-efficacy"},
    "PES-NWI": {
        TOTAL: "Practice environment", "participation": "Participation in hospital affairs", "foundations": "Foundations for quality of care",
        "leadership": "Manager's leadership and support", "staffing": "Staffing and resources", "collegial relations": "Nurse-physician relations",
    },
    "SAQ": {
        "teamwork climate": "Teamwork climate", "safety climate": "Safety climate", "job satisfaction": "Job satisfaction (SAQ)",
        "stress recognition": "Stress recognition", "perceptions of management": "Perceptions of management",
        "working conditions": "Working conditions",
    },
    "HSOPSC": {
        "teamwork within units": "Teamwork within units", "supervisor expectations": "Supervisor's expectations of safety",
        "organisational learning": "Organisational learning", "management support": "Management support for safety",
        "overall perceptions": "Safety culture (overall)", "feedback about error": "Feedback about error",
        "communication openness": "Speaking up (communication openness)", "frequency of reporting": "Frequency of reporting",
        "teamwork across units": "Teamwork across units", "staffing": "Staffing (HSOPSC)", "handoffs": "Handoffs",
        "nonpunitive response": "Non-punitive response to error",
    },
    "HSOPSC-2": {
        "teamwork": "Teamwork (HSOPSC 2.0)", "staffing and work pace": "Staffing and work pace (HSOPSC 2.0)",
        "organisational learning": "Organisational learning (HSOPSC 2.0)", "response to error": "Response to error (HSOPSC 2.0)",
        "supervisor support": "Supervisor's support for safety (HSOPSC 2.0)", "communication about error": "Communication about error (HSOPSC 2.0)",
        "communication openness": "Speaking up (HSOPSC 2.0)", "reporting": "Reporting of events (HSOPSC 2.0)",
        "management support": "Management support for safety (HSOPSC 2.0)", "handoffs": "Handoffs (HSOPSC 2.0)",
    },
    "T-TPQ": {
        "team structure": "Team structure", "leadership": "Team leadership", "situation monitoring": "Situation monitoring",
        "mutual support": "Mutual support", "communication": "Team communication",
    },
    "PSYCH-SAFETY": {TOTAL: "Psychological safety"},
    "CASEY-FINK": {TOTAL: "Graduate nurse experience"},  # its factors are named by the study
    "YIS": {TOTAL: "Imposter feelings (YIS)"},
    "CIPS": {TOTAL: "Imposter feelings (CIPS)"},
    "WFC": {TOTAL: "Work-family conflict"},
}  # fmt: skip
# scales without a key: instruments that have none, and parts that keys leave to the study
_OWN = {
    ("BELONGING", TOTAL): "Belonging", ("JOB-SATISFACTION", TOTAL): "Job satisfaction", ("DIGITAL-CONFIDENCE", TOTAL): "Digital confidence",
    ("ORGANISATIONAL-SUPPORT", TOTAL): "Support by the institution", ("MENTORING-COMPETENCE", TOTAL): "Mentoring competence",
}  # fmt: skip
# asked of mentors about their mentoring, which the chapter on delivery tells: nobody else can be compared with them
OF_MENTORS = frozenset({"MENTORING-COMPETENCE"})
_INSTRUMENTS = {"CASEY-FINK": "Casey-Fink"}


@dataclass(frozen=True)
class Scale:
    """One scale: column of its scores; slug for ids; name in words; key of the instrument where one is shipped; higher is better or not.

    instrument as the data spell it, subscale as the key does; declared: whether it is the study that says in which direction it is read.
    """

    column: str
    slug: str
    name: str
    instrument: str
    subscale: str
    key: ScoringKey | None
    higher_is_better: bool | None
    declared: bool = False

    @property
    def direction(self) -> str:
        return {True: "higher is better", False: "lower is better", None: "direction not known"}[self.higher_is_better]

    @property
    def cutoff(self) -> tuple[float | None, float | None, str] | None:
        """at_least, at_most and meaning of the key's cut-off for this scale, if it has one."""
        if self.key is None:
            return None
        part = self.key.subscales.get(self.subscale)
        chosen = part.cutoff if part is not None else self.key.cutoff if not self.key.subscales else None
        return None if chosen is None else (chosen.at_least, chosen.at_most, chosen.means)


def scale_of(instrument: str, subscale: str, declared: SurveyChoice) -> Scale:
    """The scale of the scores that stand under ``instrument`` and ``subscale``; what a shipped key says goes before what the study declares."""
    known = known_scale(instrument, subscale)
    told = known.key.name if known.key else ""
    words = WORDS.get(told, {}).get(known.subscale) or _OWN.get((instrument.upper(), known.subscale))
    name = _INSTRUMENTS.get(told, instrument)
    plain_name = words or (name if subscale.lower() in (TOTAL, "") else f"{name}: {subscale.replace('_', ' ')}")
    own = declared.reading(instrument, subscale) if known.higher_is_better is None else None
    better = known.higher_is_better if own is None else own
    slug = scale_slug(instrument, subscale)
    return Scale(f"{instrument}|{subscale}", slug, plain_name, instrument, known.subscale, known.key, better, own is not None)
