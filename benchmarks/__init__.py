"""Speed and memory, as ratios within one run: `make bench`.

Absolute times depend on the machine and its neighbours; a ratio of two things measured in turns, in one run, does not.
Nothing here is asserted in the tests; numbers of API calls are, since those are exact.
"""
