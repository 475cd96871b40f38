"""The doing: observe, wait, retry, journal, lock, execute; the engine that other tools call; the command line.

One coordinator owns all state of a run; a pool only makes calls; whoever waits holds no worker. With an inline pool
and a manual clock the same code runs in one thread, in a fixed order, in no time: that is how it is tested.
"""
