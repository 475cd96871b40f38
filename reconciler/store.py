"""What the controller remembers: the status of each stack, its runs and plans, who approved what, and
who suspended it or lets it begin outside the windows.

Each write goes by key, so that done twice it is as if done once. Nothing is read back to know what is on AWS, which the
world itself says. Documents are JSON as it is shown to people: what is secret is masked before it comes here. Times are
in seconds of the epoch. It may be used from several threads.
"""

from collections.abc import Mapping
from typing import Any, Literal

import attrs
from sqlalchemy import Connection, Row, Table, and_, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from providers.clock import Clock
from providers.errors import UnknownRun
from reconciler.database import Database
from reconciler.tables import APPROVAL, LEADER, OVERRIDDEN, PLAN, RUN, STATUS, SUSPENDED

Document = Mapping[str, Any]

Ending = Literal["done", "failed", "interrupted", "timed-out", "lost"]
"""interrupted: it was asked to end before it was done · timed-out: so it was, since it took too long · lost: whoever
did it is gone, and told no end."""

_UNNAMED = 3600.0
"""Seconds for which a plan is kept though nothing names it: that of a run in work is named only when that ends."""

_PORTION = 1000
"""How many runs go at a time, so that whoever writes meanwhile does not wait for long."""


@attrs.frozen
class Run:
    """One run of one stack: of what revision, by which plan, and how it ended; `fence` is the number of who led.

    `why` is by what it was cut short, None where it was not.
    """

    id: str
    stack: str
    revision: str
    plan: str | None
    began: float
    ended: float | None = None
    outcome: Ending | None = None
    document: Document | None = None
    fence: int | None = None
    why: str | None = None


@attrs.frozen
class Approval:
    """Somebody's word that a plan is to be carried out."""

    stack: str
    plan: str
    who: str
    at: float


@attrs.frozen
class Override:
    """Somebody's word that a plan may begin outside the windows, `until` then."""

    stack: str
    plan: str
    who: str
    at: float
    until: float


@attrs.frozen
class Leading:
    """Who came to lead last, since when, and under which number."""

    token: int
    holder: str
    at: float


@attrs.frozen(eq=False)
class Store:
    """Every method raises StoreError where the database fails, after some attempts where that may pass."""

    database: Database

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> "Store":
        """A store that is up to date, made if it is not there; `url` is one of `database.FORMS`.

        Raises StoreError where it cannot be reached or a newer version made it.
        """
        return cls(Database.open(url, clock))

    def close(self) -> None:
        self.database.close()

    # Stacks.

    def put_status(self, stack: str, document: Document, at: float) -> None:
        """The plan that it names (`plan`) is kept as long as it does."""
        self._put(STATUS, stack=stack, plan=document.get("plan"), document=dict(document), at=at)

    def statuses(self) -> Mapping[str, Document]:
        return {row.stack: row.document for row in self._rows(select(STATUS.c.stack, STATUS.c.document))}

    def forget_stack(self, stack: str) -> None:
        """Drop what is known of it and what was said about it. Its runs stay, as those of any stack do."""

        def forget(connection: Connection) -> None:
            for table in (STATUS, APPROVAL, SUSPENDED, OVERRIDDEN):
                connection.execute(delete(table).where(table.c.stack == stack))

        self.database.write(forget)

    def suspend(self, stack: str, by: str | None, at: float) -> None:
        """Note that somebody suspended it; nobody: it goes on."""
        if by is None:
            self._do(delete(SUSPENDED).where(SUSPENDED.c.stack == stack))
        else:
            self._put(SUSPENDED, stack=stack, who=by, at=at)

    def suspended(self) -> Mapping[str, str]:
        """The suspended stacks, and by whom."""
        return {row.stack: row.who for row in self._rows(select(SUSPENDED).order_by(SUSPENDED.c.stack))}

    # Runs.

    def begin(self, run: Run) -> None:
        self._put(RUN, **{**attrs.asdict(run, recurse=False), "document": _plain(run.document)})

    def end(
        self,
        run_id: str,
        outcome: Ending,
        document: Document | None,
        at: float,
        *,
        plan: str | None = None,
        why: str | None = None,
    ) -> None:
        """Note how a run ended, and by which plan where that came out only in its course.

        Raises UnknownRun where there is no such run.
        """
        said = {"outcome": outcome, "document": _plain(document), "ended": at, "why": why}
        change = update(RUN).where(RUN.c.id == run_id).values(said if plan is None else {**said, "plan": plan})
        if not self._do(change):
            raise UnknownRun(f"{self.database.place} has no run {run_id}")

    def run(self, run_id: str) -> Run | None:
        found = self._rows(select(RUN).where(RUN.c.id == run_id))
        return _run(found[0]) if found else None

    def runs(self, stack: str, limit: int = 50, before: str | None = None) -> tuple[Run, ...]:
        """Runs of a stack, the newest first; `before` is the id of one, of which there are none once it is gone."""
        wanted = select(RUN).where(RUN.c.stack == stack)
        if before is not None:
            other = RUN.alias()
            earlier = or_(RUN.c.began < other.c.began, and_(RUN.c.began == other.c.began, RUN.c.id < other.c.id))
            wanted = wanted.where(exists().where(other.c.id == before, other.c.stack == stack, earlier))
        return tuple(map(_run, self._rows(wanted.order_by(RUN.c.began.desc(), RUN.c.id.desc()).limit(limit))))

    def unended(self) -> tuple[Run, ...]:
        """Runs that have not ended, the oldest first: to whoever comes to lead, those that a dead process left."""
        return tuple(map(_run, self._rows(select(RUN).where(RUN.c.ended.is_(None)).order_by(RUN.c.began, RUN.c.id))))

    # Plans.

    def keep_plan(self, plan_id: str, stack: str, document: Document, at: float) -> None:
        """`document` as `plan --json` shows it, with secrets masked."""
        self._put(PLAN, id=plan_id, stack=stack, document=dict(document), at=at)

    def plan(self, plan_id: str) -> Document | None:
        found = self._rows(select(PLAN.c.document).where(PLAN.c.id == plan_id))
        return found[0].document if found else None

    def approve(self, approval: Approval) -> None:
        self._put(APPROVAL, **attrs.asdict(approval))

    def approvals(self, stack: str) -> tuple[Approval, ...]:
        """Those of a stack, the oldest first; each is of one plan, and says nothing of another."""
        wanted = select(APPROVAL).where(APPROVAL.c.stack == stack).order_by(APPROVAL.c.at, APPROVAL.c.who)
        return tuple(Approval(row.stack, row.plan, row.who, row.at) for row in self._rows(wanted))

    def withdraw(self, stack: str) -> None:
        """Drop all approvals of a stack, and its override: to be called when its plan is another."""

        def drop(connection: Connection) -> None:
            for table in (APPROVAL, OVERRIDDEN):
                connection.execute(delete(table).where(table.c.stack == stack))

        self.database.write(drop)

    def override(self, override: Override) -> None:
        """Of a stack the last one counts."""
        self._put(OVERRIDDEN, **attrs.asdict(override))

    def overrides(self) -> Mapping[str, Override]:
        """By stack; whether their time has come is not asked."""
        rows = self._rows(select(OVERRIDDEN).order_by(OVERRIDDEN.c.stack))
        return {row.stack: Override(**row._mapping) for row in rows}

    def end_override(self, stack: str, plan: str) -> None:
        """Drop the override of this plan; one of another stays."""
        self._do(delete(OVERRIDDEN).where(OVERRIDDEN.c.stack == stack, OVERRIDDEN.c.plan == plan))

    # What is kept.

    def retain(self, now: float, keep: int, keep_for: float) -> None:
        """Drop runs that have ended, began more than `keep_for` seconds ago, and are none of the newest `keep` of
        their stack; then plans that no run and no status names, and overrides whose time has come."""
        other = RUN.alias()
        newest = select(other.c.began).where(other.c.stack == RUN.c.stack).order_by(other.c.began.desc())
        old = select(RUN.c.id).where(RUN.c.ended.is_not(None), RUN.c.began < now - keep_for)
        if keep:
            old = old.where(RUN.c.began < newest.offset(keep - 1).limit(1).scalar_subquery())
        some = delete(RUN).where(RUN.c.id.in_(old.limit(_PORTION)))
        while self._do(some) == _PORTION:
            pass
        named = or_(exists().where(RUN.c.plan == PLAN.c.id), exists().where(STATUS.c.plan == PLAN.c.id))
        self._do(delete(PLAN).where(PLAN.c.at < now - _UNNAMED, ~named))
        self._do(delete(OVERRIDDEN).where(OVERRIDDEN.c.until <= now))

    # Who leads.

    def leading(self) -> Leading | None:
        """Who came to lead last; whether it still does is not said."""
        found = self._rows(select(LEADER))
        return Leading(found[0].token, found[0].holder, found[0].at) if found else None

    def raise_fence(self, holder: str, at: float) -> int:
        """A number greater than any before, for one who has seen to it that nobody else leads. Of an attempt that was
        done unknown to us the number is passed over."""
        first = self._insert(LEADER).values(id=1, token=1, holder=holder, at=at)
        next_one = first.on_conflict_do_update(
            index_elements=[LEADER.c.id], set_={"token": LEADER.c.token + 1, "holder": holder, "at": at}
        ).returning(LEADER.c.token)
        token: int = self.database.write(lambda connection: connection.execute(next_one).scalar_one())
        return token

    # How it is done.

    def _insert(self, table: Table) -> Any:
        """Both dialects have `on_conflict_do_update`, but no type in common that says so."""
        return (postgresql if self.database.postgresql else sqlite).insert(table)

    def _put(self, table: Table, **values: object) -> None:
        """Insert a row, or make the one of this key like it."""
        row = self._insert(table).values(**values)
        keys = [column.name for column in table.primary_key]
        rest = {name: row.excluded[name] for name in values if name not in keys}
        self._do(row.on_conflict_do_update(index_elements=keys, set_=rest))

    def _do(self, statement: Any) -> int:
        """Change something; how many rows that were."""
        changed: int = self.database.write(lambda connection: connection.execute(statement).rowcount)
        return changed

    def _rows(self, statement: Any) -> list[Row[Any]]:
        return self.database.read(lambda connection: list(connection.execute(statement)))


def _plain(document: Document | None) -> dict[str, Any] | None:
    return None if document is None else dict(document)


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
