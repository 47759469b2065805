"""Ridge and logistic regression of a dense design matrix, as scikit-learn solves them, by SciPy.

The first model of a run is a linear one: SciPy is imported in a third of the time that scikit-learn takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS, TOLERANCE = 200, 1e-4
"""What one penalty of a logistic regression may take, converged or not: the validation loss tells what it is worth."""
FUNCTION_TOLERANCE = 64 * float(np.finfo(float).eps)
MAX_LINE_SEARCH = 50

Floats = NDArray[np.float64]


class Ridge:
    """Ridge regression for one penalty after the other: what all of them need is computed once.

    Args:
        matrix: (n, d) design.
        target: (n,) answers.
        weights: (n,) weights of the rows.
    """

    def __init__(self, matrix: NDArray[np.float32], target: Floats, weights: Floats) -> None:
        self._center = np.average(matrix, axis=0, weights=weights).astype(np.float64)
        self._mean = float(np.average(target, weights=weights))
        roots = np.sqrt(weights)
        rows = (matrix - self._center) * roots[:, None]
        answers = (target - self._mean) * roots
        # As many equations as there are columns, or rows where these are fewer: the solution is the same.
        self._rows = rows if rows.shape[1] > len(rows) else None
        self._products = rows.T @ rows if self._rows is None else rows @ rows.T
        self._answers = rows.T @ answers if self._rows is None else answers

    def solve(self, penalty: float) -> tuple[Floats, float]:
        """Return the (d,) weights and the intercept that a penalty on the weights' squares leaves.

        Raises:
            numpy.linalg.LinAlgError: when the penalty is too small to tell columns apart that are the same.
        """
        from scipy.linalg import solve

        system = self._products.copy()
        system.flat[:: len(system) + 1] += penalty
        found = solve(system, self._answers, assume_a="pos", overwrite_a=True)
        weights: Floats = found if self._rows is None else self._rows.T @ found
        return weights, self._mean - float(self._center @ weights)


def fit_logistic(
    matrix: NDArray[np.float32], classes: NDArray[np.int64], weights: Floats, penalty: float, start: Floats
) -> Floats:
    """Return the weights of a logistic regression, the intercepts in the last row.

    Args:
        matrix: (n, d) design.
        classes: (n,) numbers of the classes; 0 and 1 where there is one output.
        weights: (n,) weights of the rows.
        penalty: what half the weights' squares cost, beside the sum of the rows' losses; intercepts are free.
        start: (d + 1, outputs) weights to begin from; one output for two classes.
    """
    from scipy.optimize import minimize

    rows = matrix.astype(np.float64)
    shares = weights / weights.sum()
    cost = penalty / weights.sum()
    measure = _measure_two if start.shape[1] == 1 else _measure_many

    def look(point: Floats) -> tuple[float, Floats]:
        coefficients = point.reshape(start.shape)
        losses, residuals = measure(rows @ coefficients[:-1] + coefficients[-1], classes)
        residuals *= shares[:, None]
        slope = np.vstack([rows.T @ residuals + cost * coefficients[:-1], residuals.sum(axis=0)])
        return float(shares @ losses + 0.5 * cost * (coefficients[:-1] ** 2).sum()), slope.ravel()

    found = minimize(
        look,
        start.ravel(),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": MAX_ITERATIONS, "maxls": MAX_LINE_SEARCH, "gtol": TOLERANCE, "ftol": FUNCTION_TOLERANCE},
    )
    coefficients: Floats = found.x.reshape(start.shape)
    return coefficients


def _measure_two(scores: Floats, classes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return each row's loss, and how it grows with its score: (n,) and (n, 1)."""
    from scipy.special import expit

    losses: Floats = np.logaddexp(0, scores[:, 0]) - classes * scores[:, 0]
    return losses, expit(scores) - classes[:, None]


def _measure_many(scores: Floats, classes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return each row's loss, and how it grows with its scores: (n,) and (n, classes)."""
    scores -= scores.max(axis=1, keepdims=True)
    each = np.arange(len(scores)), classes
    own = scores[each]
    exponentials = np.exp(scores, out=scores)
    sums = exponentials.sum(axis=1)
    exponentials /= sums[:, None]
    exponentials[each] -= 1
    return np.log(sums) - own, exponentials
