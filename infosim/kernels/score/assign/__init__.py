"""The first verb: each potential is assigned a bin, or shares of several."""
