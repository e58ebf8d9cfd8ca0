"""What networks are to do: a file for each task, and a line here; docs/tasks.md has one's own."""

from infosim.tasks.classification import Classification
from infosim.tasks.factors import Factors
from infosim.tasks.recall import Recall
from infosim.tasks.task import Task, register, task_called, task_of

for _kind in (Factors, Recall, Classification):
    register(_kind)

__all__ = ["Classification", "Factors", "Recall", "Task", "register", "task_called", "task_of"]
