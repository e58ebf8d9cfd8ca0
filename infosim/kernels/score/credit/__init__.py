"""The fourth verb: each sample is credited with what it can change."""
