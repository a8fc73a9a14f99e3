"""Equity: whom the programme reaches and how much of it they get, who is paired with whom, and whether gaps in staying change with mentoring."""
