"""fastai's tabular network: embeddings, two layers with batch normalisation, one cycle (Howard and Gugger, 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.contracts import Abilities, Configuration, Fit, Parameters, TrainingData
from gyropilot.engine.task import ProblemType

TRAINED_ROWS = 1_000_000
"""Rows that a fit looks at, over all epochs."""
FEWEST_EPOCHS, MOST_EPOCHS = 8, 25


class FastAI:
    """The catalogue's `fastai`."""

    name = "fastai"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("torch", "fastai.tabular.model", "fastai.learner"),
        extra="networks",
        schedule="epochs",
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return one network; what it costs is bounded: long tables are trained for fewer epochs, or on samples."""
        parameters = {
            "width": 400 if rows >= 2000 else 200,
            "bins": 8,
            "dropout": 0.3,
            "learning_rate": 0.005,
            "weight_decay": 0.01,
            "batch_size": 256 if rows >= 10_000 else 128 if rows >= 2000 else 32,
            "epochs": min(max(TRAINED_ROWS // max(rows, 1), FEWEST_EPOCHS), MOST_EPOCHS),
            "epoch_rows": TRAINED_ROWS // FEWEST_EPOCHS,
        }
        return [Configuration(parameters=parameters, priority=7 if rows <= 3000 else 9, strength=45)]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> Fit:
        """Begin a fit on the rows outside a fold."""
        from gyropilot.engine.algorithms.networks.epochs import begin_by_epochs
        from gyropilot.engine.algorithms.networks.tabular_learner import LearnerTrainer, TabularNetwork

        return begin_by_epochs(
            data,
            fold,
            parameters,
            seed,
            make_model=TabularNetwork,
            make_trainer=lambda model, batches, epochs: LearnerTrainer(
                model, batches, data.problem_type, parameters, epochs=epochs
            ),
        )
