"""Speed, memory and calls, as ratios within one run: `make bench`.

Absolute times depend on the machine and its neighbours; a ratio of two things measured in turns, in one run, does not.
Nothing here is asserted in the tests; numbers of API calls are, since those are exact.

`frame` says what a measurement is made of, and `measure` which there are; each is a module with `measure(setting)`,
and runs in a process of its own. `account` has the manifests, `serving` the servers. What becomes of the rows is in
`showing` (table, page), `plot` and `baseline`; `breakdown` tells where each millisecond of a plan goes.
"""
