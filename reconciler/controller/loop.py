"""The coordinator: the one thread that owns all state. Workers fetch, look and carry out, and tell it what came of it.

A source is fetched at its interval, or when something hints at it; what is new under the paths of a stack makes that
due. A target is looked at when the first of its stacks is due, together with all that soon would be, so that the account
is read once for them. What is to be applied is carried out by itself, one run a stack; a newer revision lets a run give
way (`yielding`). Whatever fails is tried again, later each time, and for ever: the next revision counts anew.

Nothing hangs on what is kept here: after a start all of it is seen again. Only what people said is in the store.
"""
