"""The perceptron of hyperparameter tuning: that of `nn_torch.py` with layers of any sizes."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.contracts import Abilities, Configuration, Fit, Parameters, TrainingData
from gyropilot.engine.task import Mode, ProblemType

TRAINED_ROWS = 1_500_000
"""Rows that a fit looks at, over all epochs."""
FEWEST_EPOCHS, MOST_EPOCHS = 12, 32


class MLP:
    """The catalogue's `mlp`."""

    name = "mlp"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("torch",),
        extra="networks",
        schedule="epochs",
        limit="epochs",
        modes=frozenset({Mode.HYPERPARAMETER_TUNING}),
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return one network, which is good on most tables."""
        parameters = {
            "layers": "256, 256, 256" if rows >= 1000 else "128",
            "activation": "silu",
            "bins": 16,
            "mini_batch_size": 256 if rows >= 5000 else 128 if rows >= 2000 else 32,
            "learning_rate": 0.02,
            "weight_decay": 0.02,
            "dropout_prob": 0.15,
            "epochs": min(max(TRAINED_ROWS // max(rows, 1), FEWEST_EPOCHS), MOST_EPOCHS),
            "epoch_rows": TRAINED_ROWS // FEWEST_EPOCHS,
        }
        return [Configuration(parameters=parameters, priority=0, strength=65)]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> Fit:
        """Begin a fit on the rows outside a fold."""
        from gyropilot.engine.algorithms.networks.epochs import begin_by_epochs
        from gyropilot.engine.algorithms.networks.perceptron import Perceptron, PerceptronTrainer

        settings = {
            **parameters,
            "dropout": parameters["dropout_prob"],
            "batch_size": parameters["mini_batch_size"],
        }
        return begin_by_epochs(
            data,
            fold,
            settings,
            seed,
            make_model=Perceptron,
            make_trainer=lambda model, _, epochs: PerceptronTrainer(model, data.problem_type, settings, epochs=epochs),
        )
