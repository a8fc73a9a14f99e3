"""A round of matching told to its coordinator: in sentences, and on a page that stays with the data."""
