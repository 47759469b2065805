"""The perceptron that `nn_torch.py` trains. Imported only where one is trained."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module, Parameter, ParameterList, functional

from gyropilot.engine.algorithms.networks.design import EMBEDDING, Design
from gyropilot.engine.algorithms.networks.epochs import Batches, State, copy_state, weighted_loss
from gyropilot.engine.contracts import Parameters
from gyropilot.engine.task import ProblemType

WARM_UP = 0.05
"""Share of the training in which the learning rate rises; it falls along half a cosine after that."""
SCALE_RATE, BIAS_RATE, EMBEDDING_RATE = 6.0, 0.1, 0.1
"""Learning rates relative to that of the weights."""
LEAST_AVERAGED = 10
"""Weights are averaged over so many steps where an epoch has fewer."""


class Perceptron(Module):
    """Linear layers with activations between; weights are of unit size and divided by the root of their inputs."""

    def __init__(self, design: Design, outputs: int, parameters: Parameters) -> None:
        super().__init__()
        inputs = design.number_count + EMBEDDING * len(design.category)
        widths = read_widths(parameters)
        sizes = [inputs, *widths, outputs]
        self.scale = Parameter(torch.ones(inputs))
        self.embeddings = Parameter(torch.randn(design.entry_count, EMBEDDING) / math.sqrt(EMBEDDING))
        hidden = [torch.randn(before, after) for before, after in itertools.pairwise(sizes[:-1])]
        self.weights = ParameterList([*map(Parameter, hidden), Parameter(torch.zeros(widths[-1], outputs))])
        self.biases = ParameterList([Parameter(torch.randn(size)) for size in sizes[1:-1]] + [torch.zeros(outputs)])
        self._dropout = float(parameters["dropout"])
        self._activate = ACTIVATIONS[str(parameters["activation"])]

    def forward(self, numbers: Tensor, entries: Tensor) -> Tensor:
        """Return the scores (n, outputs)."""
        embedded = functional.embedding(entries, self.embeddings).flatten(1)
        flow = torch.cat([numbers, embedded], dim=1) * self.scale
        last = len(self.weights) - 1
        for number, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            flow = torch.addmm(bias, flow, weights, alpha=1 / math.sqrt(len(weights)))
            if number < last:
                flow = functional.dropout(self._activate(flow), self._dropout, self.training)
        return flow


def read_widths(parameters: Parameters) -> list[int]:
    """Return the sizes of the layers: `layers`, such as `256, 128`, or `depth` of one `width`."""
    if "layers" in parameters:
        return [int(width) for width in str(parameters["layers"]).split(",")]
    return [int(parameters["width"])] * int(parameters["depth"])


ACTIVATIONS = {"relu": functional.relu, "selu": functional.selu, "silu": functional.silu}


class PerceptronTrainer:
    """Trains a perceptron with AdamW."""

    def __init__(self, model: Perceptron, problem_type: ProblemType, parameters: Parameters, *, epochs: int) -> None:
        self.model = model
        self.activation = str(parameters["activation"])
        self._problem_type = problem_type
        self._epochs = epochs
        rate, decay = float(parameters["learning_rate"]), float(parameters["weight_decay"])
        groups = [
            {"params": list(model.weights), "lr": rate, "weight_decay": decay},
            {"params": [model.scale], "lr": rate * SCALE_RATE},
            {"params": list(model.biases), "lr": rate * BIAS_RATE},
            {"params": [model.embeddings], "lr": rate * EMBEDDING_RATE, "weight_decay": decay},
        ]
        self._optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._average = copy_state(model)
        self._steps = 0

    def train_epoch(self, number: int, batches: Batches) -> None:
        """Learn from the batches of an epoch."""
        for place, batch in enumerate(batches):
            factor = _schedule((number + place / len(batches)) / self._epochs)
            for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * factor
            self._optimizer.zero_grad()
            scores = self.model(batch.numbers, batch.entries)
            loss = weighted_loss(self._problem_type, scores, batch.target, batch.weights)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            self._optimizer.step()
            self._take_into_average(1 / max(len(batches), LEAST_AVERAGED))

    def state(self) -> State:
        """Return a copy of the weights, averaged over about the last epoch."""
        return {name: value.clone() for name, value in self._average.items()}

    def _take_into_average(self, share: float) -> None:
        self._steps += 1
        for name, value in self.model.state_dict().items():
            self._average[name].lerp_(value, max(share, 1 / self._steps))

    def export(self, state: State) -> tuple[NDArray[np.float32], list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return embeddings, weights and biases, the scales multiplied in."""
        layers = range(len(self.model.weights))
        weights = [state[f"weights.{layer}"].numpy() for layer in layers]
        weights = [each / np.float32(math.sqrt(len(each))) for each in weights]
        weights[0] = weights[0] * state["scale"].numpy()[:, None]
        return state["embeddings"].numpy(), weights, [state[f"biases.{layer}"].numpy() for layer in layers]


def _schedule(progress: float) -> float:
    """Return the learning rate, relative to its highest, after a share of the training."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))
