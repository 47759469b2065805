"""The program that serves one model: `/ping` and `/invocations`, as the SageMaker container contract says.

Imports what predicting needs and nothing that trains: it starts in a moment and stays small.
"""
