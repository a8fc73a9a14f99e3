"""The programme as it was delivered: who was reached, how it was prepared, how often pairs met, what stood in the way."""
