"""Jobs, candidates, models and endpoints: records, states and rules.

Plain Python: knows no ML library and no AWS wire.
"""
