"""Direct identifiers: found by the names of columns and by what stands in them, in mapped and unmapped columns alike."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.checks.identifying import Column, identifying_name, plain_words, valid_nhs_number
from mentorship_eval.cohort.reading.raw import MISSING, Source

__all__ = ["check_identifiers", "valid_nhs_number"]

# the name of a ward or of a programme is nobody's name
_NAMES_OF_THINGS = {("departments", "name"), ("programmes", "name")}
_PERSON_IDS = {"staff_id", "mentor_id", "mentee_id", "anon_id", "from_id", "to_id"}
_FIX = (
    "Take the column out before the file comes here, or put pseudonyms in its place (mentorship-eval pseudonymise); if it identifies nobody, "
    "list it under not_identifiers in study.yaml."
)


def check_identifiers(source: Source) -> None:
    """E121 per column. What was found is never quoted."""
    for name in source.raw.columns:
        if name in source.declared.not_identifiers:
            continue
        ours = {key for key, theirs in source.theirs.items() if theirs == name}
        codes, uniques = pd.factorize(source.raw[name].to_numpy(dtype=object))
        column = Column(name, person=bool(ours & _PERSON_IDS))
        column.look(text for text in uniques if text.strip() not in MISSING)
        things = any((source.name, key) in _NAMES_OF_THINGS for key in ours or {plain_words(name)})
        if identifying_name(name) and not things and not column.harmless:
            source.find("E121", "the column's name says that it identifies people", rows=source.declared.header_row, column=name, fix=_FIX)
            continue
        what, values = column.verdict()
        if what:
            hits = [i for i, text in enumerate(uniques) if text.strip() in values]
            source.find("E121", f"holds {what}", rows=source.raw.index[np.isin(codes, hits)], column=name, fix=_FIX)
