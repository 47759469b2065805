"""What can go wrong in the engine."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""


class DataError(EngineError, ValueError):
    """The data cannot be learned from; the message names the file, column or value and the rule."""


class TaskError(EngineError, ValueError):
    """The task asks for something that does not fit: an unknown metric, an algorithm that does not exist."""


class BudgetSpentError(EngineError):
    """The budget ended, or the run was stopped, before there was a single model."""


class TrainingError(EngineError):
    """No candidate could be trained; the message holds the first one's reason."""


class BundleError(EngineError):
    """A model archive cannot be opened; the message says what is wrong with it."""


class RequestError(EngineError, ValueError):
    """Rows given for prediction do not fit the model; the message says what was expected."""


class LaneError(EngineError):
    """A lane ended or answered nonsense; the message holds its last words."""
