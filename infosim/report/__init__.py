"""Reports: runs, comparisons and sweeps as one page of HTML that needs nothing beside it."""

from infosim.report.making import REPORT, page

__all__ = ["REPORT", "page"]
