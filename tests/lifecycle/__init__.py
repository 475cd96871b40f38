"""Scenarios: whole runs on a simulated account, and the world afterwards.

Sweeps over all calls of a run, or over all fields, are `unmeasured`: they go where other tests have been, and what
measures lines would double what they cost.
"""
