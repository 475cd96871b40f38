"""Why a run was cut short, and who lets a plan begin outside the windows."""

from alembic import op
from sqlalchemy import Column, Double, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", Column("why", Text))
    op.create_table(
        "overridden",
        Column("stack", Text, primary_key=True),
        Column("plan", Text, nullable=False),
        Column("who", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("until", Double, nullable=False),
    )
