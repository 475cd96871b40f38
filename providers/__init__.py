"""The outside: what AWS Batch is, how it is reached, and time itself.

`kinds` tells what Batch is, made from botocore's model; `provider` turns its API into our nouns over a client that
`clients` makes, real or of the embedded `simulator`; `clock` is the only source of time. Nothing here decides
anything: verbs take data and give data, never wait, and are safe to repeat where AWS makes them so.

May import neither `plans` nor `reconciler`. `simulator` imports nothing of `kinds`: the judge must not read the notes
of those it judges, else every test of a verdict would be a tautology.
"""
