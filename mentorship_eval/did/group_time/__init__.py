"""Group-time average treatment effects (Callaway & Sant'Anna) and their aggregation."""
