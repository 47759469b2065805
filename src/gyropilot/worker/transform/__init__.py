"""Runs batch transforms with the code of the model server: objects in, predictions out, in little memory."""
