"""Which candidate a report is about."""

from __future__ import annotations

from dataclasses import dataclass

from gyropilot.worker.reports.document import Cell


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A candidate of a job."""

    job: str
    """The job's name."""
    candidate: str
    """The candidate's name."""
    algorithm: str
    """Name in the catalogue."""
    problem_type: str
    """`binary`, `multiclass` or `regression`."""
    target: str
    """The column it predicts."""
    objective: str
    """The metric that ranks candidates."""
    higher_is_better: bool
    """Its direction."""
    figure: float
    """Its value for unseen rows."""

    @property
    def facts(self) -> dict[str, Cell]:
        """What stands under a report's title."""
        direction = "maximised" if self.higher_is_better else "minimised"
        return {
            "Job": self.job,
            "Candidate": self.candidate,
            "Algorithm": self.algorithm,
            "Problem type": self.problem_type,
            "Target": self.target,
            "Objective": f"{self.objective}, {direction}",
            f"{self.objective} on unseen rows": self.figure,
        }
