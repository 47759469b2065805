"""Which columns moved a model's predictions, and how far."""
