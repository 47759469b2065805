"""Linear models of scaled numbers and category marks."""
