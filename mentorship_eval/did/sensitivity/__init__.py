"""How far an estimate depends on parallel trends: intervals under bounded violations, breakdown values, weighted controls."""
