"""A multilayer perceptron in torch, after RealMLP (Holzmüller, Grinsztajn and Steinwart, NeurIPS 2024).

Amounts also enter as bins (piecewise linear encoding: Gorishniy, Rubachev and Babenko, NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.contracts import Abilities, Configuration, Fit, Parameters, TrainingData
from gyropilot.engine.task import ProblemType
from gyropilot.engine.tuning import Range

TRAINED_ROWS = 1_500_000
"""Rows that a fit looks at, over all epochs."""
FEWEST_EPOCHS, MOST_EPOCHS = 12, 32


class NNTorch:
    """The catalogue's `nn-torch`."""

    name = "nn-torch"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("torch",),
        extra="networks",
        schedule="epochs",
        ranges={
            "learning_rate": Range(low=0.003, high=0.05),
            "weight_decay": Range(low=0.002, high=0.2),
            "dropout": Range(low=0.0, high=0.4, is_logarithmic=False),
        },
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return one network; what it costs is bounded: long tables are trained for fewer epochs, or on samples."""
        parameters = {
            "width": 256 if rows >= 1000 else 128,
            "depth": 3,
            "activation": "silu",
            "bins": 16,
            "dropout": 0.15,
            "learning_rate": 0.02,
            "weight_decay": 0.02,
            "batch_size": 256 if rows >= 5000 else 128 if rows >= 2000 else 32,
            "epochs": min(max(TRAINED_ROWS // max(rows, 1), FEWEST_EPOCHS), MOST_EPOCHS),
            "epoch_rows": TRAINED_ROWS // FEWEST_EPOCHS,
        }
        return [Configuration(parameters=parameters, priority=4 if rows <= 3000 else 8, strength=65)]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> Fit:
        """Begin a fit on the rows outside a fold."""
        from gyropilot.engine.algorithms.networks.epochs import begin_by_epochs
        from gyropilot.engine.algorithms.networks.perceptron import Perceptron, PerceptronTrainer

        return begin_by_epochs(
            data,
            fold,
            parameters,
            seed,
            make_model=Perceptron,
            make_trainer=lambda model, _, epochs: PerceptronTrainer(
                model, data.problem_type, parameters, epochs=epochs
            ),
        )
