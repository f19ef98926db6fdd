"""How much tasks differ, learned from the data: variances of levels and slopes by likelihood."""
