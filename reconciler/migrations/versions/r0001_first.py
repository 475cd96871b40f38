"""Statuses, runs, plans, approvals, suspensions, and who leads."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Double, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "status",
        Column("stack", Text, primary_key=True),
        Column("plan", Text),
        Column("document", JSON, nullable=False),
        Column("at", Double, nullable=False),
    )
    op.create_table(
        "run",
        Column("id", Text, primary_key=True),
        Column("stack", Text, nullable=False),
        Column("revision", Text, nullable=False),
        Column("plan", Text),
        Column("began", Double, nullable=False),
        Column("ended", Double),
        Column("outcome", Text),
        Column("document", JSON),
        Column("fence", BigInteger),
    )
    op.create_index("run_by_stack", "run", ["stack", "began", "id"])
    op.create_index("run_by_plan", "run", ["plan"])
    op.create_index("run_by_time", "run", ["began"])
    op.create_table(
        "plan",
        Column("id", Text, primary_key=True),
        Column("stack", Text, nullable=False),
        Column("document", JSON, nullable=False),
        Column("at", Double, nullable=False),
    )
    op.create_table(
        "approval",
        Column("stack", Text, primary_key=True),
        Column("plan", Text, primary_key=True),
        Column("who", Text, primary_key=True),
        Column("at", Double, nullable=False),
    )
    op.create_table(
        "suspended",
        Column("stack", Text, primary_key=True),
        Column("who", Text, nullable=False),
        Column("at", Double, nullable=False),
    )
    op.create_table(
        "leader",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("token", BigInteger, nullable=False),
        Column("holder", Text, nullable=False),
        Column("at", Double, nullable=False),
    )
