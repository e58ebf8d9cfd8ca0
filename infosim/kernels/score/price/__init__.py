"""The third verb: what a change of each cell's mass is worth."""
