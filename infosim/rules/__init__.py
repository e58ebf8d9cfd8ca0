"""What carries out the rules of learning, and what infomorphic learning is compared with."""

from infosim.rules import backprop, hebb, infomorphic
from infosim.rules.executor import Executor, executes, executor_of

__all__ = ["Executor", "backprop", "executes", "executor_of", "hebb", "infomorphic"]
