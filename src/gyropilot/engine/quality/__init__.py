"""How good a candidate's predictions are, with the uncertainty of every figure."""
