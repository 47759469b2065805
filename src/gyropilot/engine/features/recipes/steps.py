"""The steps that work on numbers, as a model's manifest holds them."""

from __future__ import annotations

from gyropilot.engine.features.recipes.categories import Ordinal, ThresholdOneHot
from gyropilot.engine.features.recipes.components import RobustPCA
from gyropilot.engine.features.recipes.missing import MissingIndicators, RobustImputer
from gyropilot.engine.features.recipes.scaling import ExtremeValues, RobustScaler

Step = MissingIndicators | RobustImputer | ThresholdOneHot | Ordinal | ExtremeValues | RobustScaler | RobustPCA
