"""Whether a network is in a state in which it can learn: its bins, outputs and cells.

What only costs something is a note; what makes training senseless is a warning. docs/runs.md has
the thresholds, and why they are what they are.
"""

from infosim.analysis.health.findings import KINDS, Finding, Health
from infosim.analysis.health.measure import check

__all__ = ["KINDS", "Finding", "Health", "check"]
