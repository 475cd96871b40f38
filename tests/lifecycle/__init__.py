"""Scenarios: whole runs on a simulated account, and the world afterwards.

Sweeps that begin a run again after each of its calls are `unmeasured`: they go where other tests have been, and what
measures lines would double what they cost.
"""
