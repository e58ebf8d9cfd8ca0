"""Measurements of infosim itself."""
