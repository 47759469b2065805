"""Gyropilot as an estimator of scikit-learn: cross-validated, searched over and scored.

python examples/with_scikit_learn.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split

from gyropilot.engine import GyropilotClassifier

DATA = Path(__file__).parent / "data" / "adult.csv"


def main() -> None:
    adult = pd.read_csv(DATA).head(3000)
    features, income = adult.drop(columns="income"), adult["income"]
    training, rest, answers, truth = train_test_split(features, income, test_size=0.3, random_state=0)

    # In this process, one candidate a fit: many small fits are quicker so.
    classifier = GyropilotClassifier(max_candidates=1, in_process=True, random_state=0)
    print("accuracy of two folds:", cross_val_score(classifier, training, answers, cv=2).round(3))

    search = GridSearchCV(classifier, {"algorithms": [("linear-learner",), ("lightgbm",)]}, cv=2, scoring="roc_auc")
    search.fit(training, answers)
    print("chosen:", search.best_params_)

    probabilities = search.best_estimator_.predict_proba(rest)
    positive = list(search.best_estimator_.classes_).index(">50K")
    print("area under the curve on unseen rows:", round(roc_auc_score(truth == ">50K", probabilities[:, positive]), 3))

    # What was trained is a model like any other: it can be saved, and served over HTTP.
    search.best_estimator_.model_.save("adult.tar.gz")


if __name__ == "__main__":
    main()
