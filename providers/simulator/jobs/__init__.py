"""Jobs: what is submitted, where it waits and runs, how it ends.

`submission` takes jobs in: what it may change of a definition is in `overrides`, what it needs in `needs`. `running`
moves them along the clock, with `dependencies`, `arrays` and `attempts`; `placing` finds room for them in environments,
`supplies` consumable resources, `blocking` says why there is none. `reading` answers who asks, of `nodes` too,
`ending` cancels and terminates, `seeding` takes in jobs that never were submitted, `consumers` tells who uses a
resource, `snapshot` what is at the front of a queue. Service jobs are taken in and shown by `service` and moved by
`training`: `capacity` says what room there is, `turns` who is next, `preemption` who makes room. `lines` is where jobs
of both sorts wait.

A job is a document like every other (`records`). What describe does not show is in its `kept`: `vcpus` it needs, the
`line` it waits in (its queue's name, while RUNNABLE) and its `rank` there, the `place` it runs in (its environment's
name, while STARTING or RUNNING), what it `waits` for and who depends on it (`dependents`), how its attempts come out
(`outcomes`, decided when it is submitted). An array is a parent that never runs and its children, of the kind CHILD; a
multi-node job is one document.
"""
