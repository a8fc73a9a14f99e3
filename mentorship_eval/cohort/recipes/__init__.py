"""Import recipes: the exports of HR, incident, patient and survey systems and of mentoring platforms, turned into our tables."""
