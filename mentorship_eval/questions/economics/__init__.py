"""Costs and benefits: what the programme cost, what the leavers avoided are worth, how sure that is; monthly totals ahead, if asked for."""
