"""The tables of the store. `migrations` makes them; a test holds the two together."""

from sqlalchemy import JSON, BigInteger, Column, Double, Index, MetaData, Table, Text

METADATA = MetaData()
_DOCUMENT = JSON(none_as_null=True)

STATUS = Table(
    "status",
    METADATA,
    Column("stack", Text, primary_key=True),
    Column("plan", Text),
    Column("document", _DOCUMENT, nullable=False),
    Column("at", Double, nullable=False),
)
RUN = Table(
    "run",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("stack", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("plan", Text),
    Column("began", Double, nullable=False),
    Column("ended", Double),
    Column("outcome", Text),
    Column("document", _DOCUMENT),
    Column("fence", BigInteger),
    Column("why", Text),
    Index("run_by_stack", "stack", "began", "id"),
    Index("run_by_plan", "plan"),
    Index("run_by_time", "began"),
)
PLAN = Table(
    "plan",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("stack", Text, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Column("at", Double, nullable=False),
)
APPROVAL = Table(
    "approval",
    METADATA,
    Column("stack", Text, primary_key=True),
    Column("plan", Text, primary_key=True),
    Column("who", Text, primary_key=True),
    Column("at", Double, nullable=False),
)
SUSPENDED = Table(
    "suspended",
    METADATA,
    Column("stack", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
)
OVERRIDDEN = Table(
    "overridden",
    METADATA,
    Column("stack", Text, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("until", Double, nullable=False),
)
LEADER = Table(
    "leader",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", Double, nullable=False),
)
"""One row of id 1: who came to lead last, and its number, which only grows."""
