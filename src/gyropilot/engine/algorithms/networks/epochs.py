"""Trains a network by epochs: what does not depend on which network it is. Imported only where one is trained."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module, functional

from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.algorithms.networks.design import Design, Inputs, share_inputs
from gyropilot.engine.contracts import Network, Parameters, Progress, TrainingData
from gyropilot.engine.metrics.catalogue import surrogate
from gyropilot.engine.task import ProblemType

SCORED_AT_ONCE = 8192
MAX_SNAPSHOT_BYTES = 96 * 2**20
"""What the weights of all epochs may take together; a larger network is trained for fewer epochs."""

State = dict[str, Tensor]
M = TypeVar("M", bound=Module)


class Trainer(Protocol):
    """A network and how it learns."""

    activation: str
    """What follows its layers, in the words of `Network`."""

    @property
    def model(self) -> Module:
        """What gives (n, outputs) scores for numbers and table entries."""
        ...

    def train_epoch(self, number: int, batches: Batches) -> None:
        """Learn from the batches of an epoch; epochs are numbered from 0."""
        ...

    def state(self) -> State:
        """Return a copy of the weights that the model is to have after this epoch."""
        ...

    def export(self, state: State) -> tuple[NDArray[np.float32], list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return embeddings, weights and biases as `Network` wants them, of the model's state after some epoch."""
        ...


@dataclass(frozen=True)
class Batch:
    """Rows to learn from."""

    numbers: Tensor
    entries: Tensor
    target: Tensor
    weights: Tensor


class Batches:
    """The training rows of a fold in random order, dealt into batches of nearly equal size."""

    def __init__(self, data: TrainingData, inputs: Inputs, fold: int, *, size: int, epoch_rows: int) -> None:
        rows = data.training_rows(fold)
        # Rows that count nothing would still have a say in the means that some networks normalise by.
        self._rows = rows[data.weights[rows] > 0]
        self._inputs = inputs
        weights = data.weights[self._rows]
        self._weights = torch.from_numpy(weights / weights.mean()).float()
        self.center, self.scale = 0.0, 1.0
        target = torch.from_numpy(data.target[self._rows])
        if data.problem_type is ProblemType.REGRESSION:
            self.center = float(np.average(target, weights=weights))
            self.scale = math.sqrt(np.average((target - self.center) ** 2, weights=weights)) or 1.0
        standardised = (target - self.center) / self.scale
        self._target = target.long() if data.problem_type is ProblemType.MULTICLASS else standardised.float()
        self._epoch_rows = min(epoch_rows, len(self._rows))
        self._size = size

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return max(1, round(self._epoch_rows / self._size))

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch; a long table's epoch is a sample."""
        order = torch.randperm(len(self._rows))[: self._epoch_rows]
        for chosen in order.tensor_split(len(self)):
            numbers, entries = self._inputs.take(self._rows[chosen.numpy()])
            yield Batch(
                torch.from_numpy(numbers), torch.from_numpy(entries), self._target[chosen], self._weights[chosen]
            )


class EpochFit:
    """One network in training, an epoch a step. Every epoch's weights are kept, as any may turn out to be the best."""

    def __init__(
        self, data: TrainingData, fold: int, trainer: Trainer, batches: Batches, inputs: Inputs, *, epochs: int
    ) -> None:
        self._data = data
        self._validation = data.validation_rows(fold)
        self._trainer = trainer
        self._batches = batches
        self._inputs = inputs
        self._epochs = epochs
        self._randomness = torch.get_rng_state()
        self._states: list[State] = []
        self._scores: list[NDArray[np.float64]] = []

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Train whole epochs."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (len(losses) < max_steps and time.monotonic() < end and len(self._states) < self._epochs):
            losses.append(self._train_epoch())
        is_broken = not math.isfinite(losses[-1])
        return Progress(losses=tuple(losses), is_finished=is_broken or len(self._states) >= self._epochs)

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self._scores[steps - 1]

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        model = self._trainer.model.eval()
        state = self._states[steps - 1]
        scores = [np.empty((0, self._data.output_count))]
        with torch.inference_mode():
            for first in range(0, len(rows), SCORED_AT_ONCE):
                taken = self._inputs.take(rows[first : first + SCORED_AT_ONCE])
                given = torch.func.functional_call(model, state, tuple(map(torch.from_numpy, taken)))
                scores.append(given.double().numpy() * self._batches.scale + self._batches.center)
        return np.concatenate(scores)

    def part(self, steps: int) -> Network:
        """Return the network as it was after some epoch."""
        embeddings, weights, biases = self._trainer.export(self._states[steps - 1])
        weights[-1] = weights[-1] * np.float32(self._batches.scale)
        biases[-1] = (biases[-1] * self._batches.scale + self._batches.center).astype(np.float32)
        return self._inputs.design.part(embeddings, weights, biases, self._trainer.activation)

    def _train_epoch(self) -> float:
        with randomness(self._randomness):
            self._trainer.model.train()
            self._trainer.train_epoch(len(self._states), self._batches)
            self._randomness = torch.get_rng_state()
        self._states.append(self._trainer.state())
        rows = self._validation
        self._scores.append(self.score_rows(rows, len(self._states)))
        predictions = to_predictions(self._scores[-1], self._data.problem_type)
        loss = surrogate(self._data.problem_type).function
        return float(loss(self._data.target[rows], predictions, self._data.weights[rows]))


def begin_by_epochs(
    data: TrainingData,
    fold: int,
    parameters: Parameters,
    seed: int,
    *,
    make_model: Callable[[Design, int, Parameters], M],
    make_trainer: Callable[[M, Batches, int], Trainer],
) -> EpochFit:
    """Begin the fit of a network on the rows outside a fold.

    Args:
        data: the table.
        fold: whose rows are left out.
        parameters: with at least `bins`, `batch_size`, `epoch_rows` and `epochs`.
        seed: where its randomness begins.
        make_model: called with the design, the number of outputs and the parameters.
        make_trainer: called with the model, the batches and the number of epochs.
    """
    torch.set_num_threads(1)
    inputs = share_inputs(data, int(parameters["bins"]))
    batches = Batches(data, inputs, fold, size=int(parameters["batch_size"]), epoch_rows=int(parameters["epoch_rows"]))
    with randomness(seed):
        model = make_model(inputs.design, data.output_count, parameters)
        epochs = limit_epochs(int(parameters["epochs"]), model)
        trainer = make_trainer(model, batches, epochs)
        return EpochFit(data, fold, trainer, batches, inputs, epochs=epochs)


def copy_state(model: Module) -> State:
    """Return a copy of a model's weights."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def limit_epochs(epochs: int, model: Module) -> int:
    """Return how many epochs of the model can be kept."""
    bytes_: int = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    return max(1, min(epochs, MAX_SNAPSHOT_BYTES // max(bytes_, 1)))


@contextmanager
def randomness(state: Tensor | int) -> Iterator[None]:
    """Let torch's randomness go on from a state, or begin at a seed; what other fits draw is not touched."""
    with torch.random.fork_rng(devices=[]):
        if isinstance(state, int):
            torch.manual_seed(state)
        else:
            torch.set_rng_state(state)
        yield


def weighted_loss(problem_type: ProblemType, scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the mean loss of scores (n, outputs), each row counted by its weight."""
    if problem_type is ProblemType.MULTICLASS:
        losses = functional.cross_entropy(scores, target, reduction="none")
    elif problem_type is ProblemType.BINARY:
        losses = functional.binary_cross_entropy_with_logits(scores[:, 0], target, reduction="none")
    else:
        losses = functional.mse_loss(scores[:, 0], target, reduction="none")
    return (losses * weights).mean()
