"""What carries out the rules of learning, and what infomorphic learning is compared with."""

from infosim.rules import backprop, flow, hebb, infomorphic, projection, stability, storkey
from infosim.rules.executor import Executor, executes, executor_of

__all__ = [
    "Executor",
    "backprop",
    "executes",
    "executor_of",
    "flow",
    "hebb",
    "infomorphic",
    "projection",
    "stability",
    "storkey",
]
