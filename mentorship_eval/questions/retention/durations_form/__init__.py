"""The chapter from the table durations: one line per person, without dates and departments."""
