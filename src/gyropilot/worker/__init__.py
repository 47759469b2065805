"""The program that runs one job: the only place where service meets engine."""
