"""The thinking: manifest, graph, normal form, difference, change, plan, plan file, views.

Pure: no file, no clock, no network, no terminal. Time, ids, randomness and the API model come in as arguments. From
`providers` it takes only the facts: `errors`, `resources`, `kinds`.

    manifest ─parse─▶ desired ─┐
                               ├─normalise─▶ differences ─decide─▶ changes ─lower─▶ steps of a plan ─▶ views
    snapshot of the world ─────┘
"""
