"""The AWS wire: bytes to checked documents, documents to service calls, results and errors back to bytes."""
