"""The four AWS protocols: each reads requests and writes answers, led by botocore's service model alone."""
