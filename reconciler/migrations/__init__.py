"""How the tables of the store came to be what they are, step by step, for Alembic.

A step that was released is never edited; what is to change is a new one. `alembic` is not called by hand: opening a
store brings it up to date.
"""
