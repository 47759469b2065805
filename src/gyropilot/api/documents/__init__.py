"""Records of the service as AWS's documents, and AWS's requests in the service's words."""
