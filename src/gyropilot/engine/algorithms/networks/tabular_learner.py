"""fastai's own model and learner, which `fastai.py` trains. Imported only where one is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from fastai.callback.core import TrainEvalCallback
from fastai.callback.schedule import ParamScheduler, combined_cos
from fastai.learner import Learner
from fastai.optimizer import Adam
from fastai.tabular.model import TabularModel
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from gyropilot.engine.algorithms.networks.design import EMBEDDING, Design
from gyropilot.engine.algorithms.networks.epochs import Batches, State, copy_state, weighted_loss
from gyropilot.engine.contracts import Parameters
from gyropilot.engine.task import ProblemType

WARM_UP, FIRST_DIVISOR, LAST_DIVISOR = 0.25, 25.0, 1e5
MOMENTA = 0.95, 0.85, 0.95
"""What `fit_one_cycle` does unless it is told otherwise."""

Numbers = NDArray[np.float64]


class TabularNetwork(Module):
    """fastai's `TabularModel`, which has a table for each column of categories, on the inputs of all networks."""

    begin: Tensor

    def __init__(self, design: Design, outputs: int, parameters: Parameters) -> None:
        super().__init__()
        sizes = [int(levels) + 2 for levels in design.levels]
        width = int(parameters["width"])
        self.tabular = TabularModel(
            emb_szs=[(size, EMBEDDING) for size in sizes],
            n_cont=design.number_count,
            out_sz=outputs,
            layers=[width, width // 2],
            ps=float(parameters["dropout"]),
            bn_cont=False,  # the numbers are scaled, and what is rarely there would become very large
        )
        self.register_buffer("begin", torch.tensor([0, *sizes]).cumsum(0)[:-1], persistent=False)

    def forward(self, numbers: Tensor, entries: Tensor) -> Tensor:
        """Return the scores (n, outputs)."""
        scores: Tensor = self.tabular(entries - self.begin, numbers)
        return scores


class LearnerTrainer:
    """Trains with fastai's `Learner`: its one-cycle policy, taken epoch by epoch."""

    activation = "relu"

    def __init__(
        self, model: TabularNetwork, batches: Batches, problem_type: ProblemType, parameters: Parameters, *, epochs: int
    ) -> None:
        self.model = model
        self._epochs = epochs

        def loss(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
            return weighted_loss(problem_type, scores, target, weights)

        highest = float(parameters["learning_rate"])
        self._rate = combined_cos(WARM_UP, highest / FIRST_DIVISOR, highest, highest / LAST_DIVISOR)
        self._momentum = combined_cos(WARM_UP, *MOMENTA)
        self._learner = Learner(
            _Loaders(batches),
            model,
            loss_func=loss,
            opt_func=Adam,
            lr=highest,
            wd=float(parameters["weight_decay"]),
            cbs=TrainEvalCallback(),
            default_cbs=False,
        )

    def train_epoch(self, number: int, batches: Batches) -> None:  # noqa: ARG002  # the learner has the batches
        """Learn from the batches of an epoch."""
        schedules = {
            "lr": self._within_epoch(self._rate, number),
            "mom": self._within_epoch(self._momentum, number),
        }
        self._learner.fit(1, cbs=ParamScheduler(schedules))

    def state(self) -> State:
        """Return a copy of the weights."""
        return copy_state(self.model)

    def export(self, state: State) -> tuple[NDArray[np.float32], list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return embeddings, weights and biases; each normalisation is multiplied into the layer that follows it."""
        arrays = {name.removeprefix("tabular."): value.double().numpy() for name, value in state.items()}
        tables = [arrays[f"embeds.{column}.weight"] for column in range(len(self.model.begin))]
        layers = sum(name.endswith(".0.weight") for name in arrays if name.startswith("layers."))
        weights = [arrays[f"layers.{layer}.0.weight"].T for layer in range(layers)]
        # fastai has the embeddings before the numbers.
        weights[0] = np.roll(weights[0], -EMBEDDING * len(tables), axis=0)
        biases = [arrays.get(f"layers.{layer}.0.bias", np.zeros(weights[layer].shape[1])) for layer in range(layers)]
        for layer in range(1, layers):
            factor, offset = _read_norm(arrays, f"layers.{layer - 1}.2")
            biases[layer] = biases[layer] + offset @ weights[layer]
            weights[layer] = weights[layer] * factor[:, None]
        embeddings = np.concatenate(tables) if tables else np.empty((0, EMBEDDING))
        return (
            embeddings.astype(np.float32),
            [each.astype(np.float32) for each in weights],
            [each.astype(np.float32) for each in biases],
        )

    def _within_epoch(self, schedule: Callable[[float], float], number: int) -> Callable[[float], float]:
        return lambda progress: schedule((number + progress) / self._epochs)


class _Loaders:
    """What the learner asks of a `DataLoaders`."""

    device = torch.device("cpu")
    n_inp = 2

    def __init__(self, batches: Batches) -> None:
        self.train = _Tuples(batches)

    def __getitem__(self, number: int) -> Sequence[tuple[Tensor, ...]]:
        """Return the batches that it validates on: none, the fit does that itself."""
        return ()


class _Tuples:
    """Batches in the form that the learner takes."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return ((batch.numbers, batch.entries, batch.target, batch.weights) for batch in self._batches)


def _read_norm(arrays: dict[str, Numbers], name: str) -> tuple[Numbers, Numbers]:
    """Return what a normalisation multiplies by and what it then adds."""
    factor = arrays[f"{name}.weight"] / np.sqrt(arrays[f"{name}.running_var"] + torch.nn.BatchNorm1d(1).eps)
    return factor, arrays[f"{name}.bias"] - arrays[f"{name}.running_mean"] * factor
