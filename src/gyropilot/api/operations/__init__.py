"""One function per operation, from checked parameters to a result, and the list of those that are served."""
