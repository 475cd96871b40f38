"""When an apply may begin: crons, lengths, denials, and clocks that are set forward and back."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.controller.configuration import Window
from reconciler.controller.windows import YEAR, is_cron, is_open, is_zone, opens_at

BERLIN = "Europe/Berlin"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def moment(text: str) -> float:
    """A moment by its time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def allow(cron: str, length: float, zone: str = "UTC") -> Window:
    return Window("allow", cron, length, zone)


def deny(cron: str, length: float, zone: str = "UTC") -> Window:
    return Window("deny", cron, length, zone)


WORK = allow("0 8 * * mon-fri", 10 * HOUR, BERLIN)
CHRISTMAS = deny("0 0 24 12 *", 3 * DAY)


@pytest.mark.parametrize(
    ("windows", "at", "opens"),
    [
        ([], "2026-11-22T12:00", "2026-11-22T12:00"),
        ([WORK], "2026-11-23T06:59", "2026-11-23T07:00"),
        ([WORK], "2026-11-23T07:00", "2026-11-23T07:00"),
        ([WORK], "2026-11-23T16:59", "2026-11-23T16:59"),
        ([WORK], "2026-11-23T17:00", "2026-11-24T07:00"),
        ([WORK], "2026-11-27T17:00", "2026-11-30T07:00"),
        ([WORK], "2026-07-01T05:59", "2026-07-01T06:00"),
        ([CHRISTMAS], "2026-12-23T23:59", "2026-12-23T23:59"),
        ([CHRISTMAS], "2026-12-24T00:00", "2026-12-27T00:00"),
        ([WORK, CHRISTMAS], "2026-12-24T12:00", "2026-12-28T07:00"),
        ([WORK, deny("0 0 28 12 *", 12 * HOUR, BERLIN)], "2026-12-28T07:00", "2026-12-28T11:00"),
        ([WORK, allow("0 0 * * sun", HOUR)], "2026-11-27T17:00", "2026-11-29T00:00"),
        ([deny("0 * * * *", HOUR)], "2026-11-22T12:00", None),
        ([deny("* * * * *", MINUTE)], "2026-11-22T12:00", None),
        ([allow("0 0 29 2 *", HOUR)], "2026-11-22T12:00", None),
        ([allow("0 0 29 2 *", HOUR)], "2027-11-22T12:00", "2028-02-29T00:00"),
        ([allow("0 0 1 * *", HOUR), deny("0 0 1 * *", 2 * HOUR)], "2026-11-22T12:00", None),
        ([allow("0 0 1 1 *", 400 * DAY)], "2026-11-22T12:00", "2026-11-22T12:00"),
        ([deny("0 0 30 1 *", 30 * DAY), deny("0 0 28 2 *", 5 * DAY)], "2026-02-01T00:00", "2026-03-05T00:00"),
    ],
)
def test_opening(windows: list[Window], at: str, opens: str | None) -> None:
    """A window lasts from each moment of its cron; deny wins; without one that allows all else is allowed."""
    expected = None if opens is None else moment(opens)
    assert opens_at(windows, moment(at)) == expected
    assert is_open(windows, moment(at)) == (opens == at)


@pytest.mark.parametrize(
    ("window", "begin", "end"),
    [
        # 2026-03-29: Berlin leaps from 02:00 to 03:00, at 01:00 UTC.
        (allow("0 0 * * *", 6 * HOUR, BERLIN), "2026-03-28T23:00", "2026-03-29T05:00"),
        (allow("0 2 * * *", HOUR, BERLIN), "2026-03-29T01:00", "2026-03-29T02:00"),
        (allow("30 2 * * *", HOUR, BERLIN), "2026-03-29T01:00", "2026-03-29T02:00"),
        (allow("30 3 * * *", HOUR, BERLIN), "2026-03-29T01:30", "2026-03-29T02:30"),
        # 2026-10-25: it goes back from 03:00 to 02:00, at 01:00 UTC.
        (allow("0 0 * * *", 6 * HOUR, BERLIN), "2026-10-24T22:00", "2026-10-25T04:00"),
        (allow("0 2 * * *", HOUR, BERLIN), "2026-10-25T00:00", "2026-10-25T02:00"),
        (allow("30 2 * * *", 10 * MINUTE, BERLIN), "2026-10-25T00:30", "2026-10-25T00:40"),
        (allow("30 2 * * *", 10 * MINUTE, BERLIN), "2026-10-25T01:30", "2026-10-25T01:40"),
        (allow("50 2 * * *", HOUR, BERLIN), "2026-10-25T00:50", "2026-10-25T02:50"),
        (allow("5,50 2 * * *", 10 * MINUTE, BERLIN), "2026-10-25T01:05", "2026-10-25T01:15"),
        # Samoa had no 30th of December in 2011; it is the leap at 10:00 UTC of that day.
        (allow("0 12 30 12 *", HOUR, "Pacific/Apia"), "2011-12-30T10:00", "2011-12-30T11:00"),
        # Lord Howe goes back by half an hour, at 15:00 UTC.
        (allow("45 1 * * *", 5 * MINUTE, "Australia/Lord_Howe"), "2026-04-04T15:15", "2026-04-04T15:20"),
    ],
)
def test_clocks_that_are_set(window: Window, begin: str, end: str) -> None:
    """Lengths are real time; a time that is leapt over is the leap, and one that comes twice begins twice."""
    assert not is_open([window], moment(begin) - 1)
    assert opens_at([window], moment(begin) - 1) == moment(begin)
    assert is_open([window], moment(begin))
    assert is_open([window], moment(end) - 1)
    assert not is_open([window], moment(end))


@pytest.mark.parametrize(
    ("cron", "at", "opens"),
    [
        ("5 2 * * *", "2026-10-25T00:55", "2026-10-25T01:05"),
        ("5,50 2 * * *", "2026-10-25T00:20", "2026-10-25T00:50"),
        ("50 2 * * *", "2026-10-25T01:10", "2026-10-25T01:50"),
    ],
)
def test_next_in_a_night_of_times_that_come_twice(cron: str, at: str, opens: str) -> None:
    """The next beginning is the next in real time, whatever the clock shows till then."""
    assert opens_at([allow(cron, 5 * MINUTE, BERLIN)], moment(at)) == moment(opens)


def test_open_where_the_clock_shows_less_than_at_the_beginning() -> None:
    """A window that began before the clock was set back is there after that."""
    window = allow("50 2 * * *", 50 * MINUTE, BERLIN)
    assert is_open([window], moment("2026-10-25T01:10"))
    assert not is_open([window], moment("2026-10-25T01:45"))


@attrs.frozen
class Cron:
    """A cron whose meaning is plain: at these minutes of these hours, on these days of the week (0 is Monday)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]

    def __str__(self) -> str:
        def told(numbers: Collection[int], most: int) -> str:
            return "*" if len(numbers) == most else ",".join(map(str, sorted(numbers)))

        return f"{told(self.minutes, 60)} {told(self.hours, 24)} * * {told([(day + 1) % 7 for day in self.days], 7)}"

    def names(self, shown: datetime) -> bool:
        return shown.minute in self.minutes and shown.hour in self.hours and shown.weekday() in self.days


def some(most: int, size: int) -> st.SearchStrategy[frozenset[int]]:
    numbers = st.integers(0, most - 1)
    return st.just(frozenset(range(most))) | st.frozensets(numbers, min_size=1, max_size=size)


CRONS = st.builds(Cron, some(60, 2), some(24, 3) | st.just(frozenset({2})), some(7, 4))
ZONES = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
TIMES = st.sampled_from(
    ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00"]
).flatmap(lambda text: st.integers(-240, 480).map(lambda minutes: moment(text) + minutes * MINUTE))


def begins(cron: Cron, zone: str, at: float) -> bool:
    """Whether the clock shows such a time at this minute, or leaps over one."""
    shown, last = (datetime.fromtimestamp(each, ZoneInfo(zone)).replace(tzinfo=None) for each in (at, at - MINUTE))
    minute = timedelta(minutes=1)
    leapt = (last + minute * n for n in range(1, (shown - last) // minute))
    return cron.names(shown) or any(map(cron.names, leapt))


@given(CRONS, ZONES, TIMES, st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_open_as_the_clock_goes(cron: Cron, zone: str, at: float, minutes: int) -> None:
    """A window is there where the clock showed a time of its cron less than its length ago, minute by minute."""
    window = Window("allow", str(cron), minutes * MINUTE, zone)
    begun = any(begins(cron, zone, at - ago * MINUTE) for ago in range(minutes))
    assert is_open([window], at) == begun
    assert is_open([attrs.evolve(window, kind="deny")], at) == (not begun)


WINDOWS = st.lists(
    st.builds(
        lambda kind, cron, minutes, zone: Window(kind, str(cron), minutes * MINUTE, zone),
        st.sampled_from(["allow", "deny"]),
        CRONS,
        st.integers(1, 300),
        ZONES,
    ),
    max_size=3,
)


@given(WINDOWS, TIMES)
@settings(max_examples=25, deadline=None)
def test_opens_first(windows: list[Window], at: float) -> None:
    """What opens is open, and was not before, from the moment of the question on."""
    opens = opens_at(windows, at)
    if opens is not None:
        assert at <= opens <= at + YEAR
        assert is_open(windows, opens)
    until = at + 2 * HOUR if opens is None else min(opens, at + 2 * HOUR)
    assert not any(is_open(windows, at + n * MINUTE) for n in range(int((until - at) / MINUTE)))


@pytest.mark.parametrize(
    "text",
    ["", "@daily", "0 0 * * * *", "60 * * * *", "0 0 30 2 *", "h h * * *", "R R * * *", "* * * *", "0 8 * * mon-fry",
     "0 0 * * *,R", "*/0 * * * *"],
)  # fmt: skip
def test_no_crons(text: str) -> None:
    """A cron has five fields, comes at times, and is the same for everybody who reads it."""
    assert not is_cron(text)


@pytest.mark.parametrize("text", ["0 8 * * mon-fri", "*/5 0-3,22 1 jan 7", "0 0 29 2 *", "0 0 l * *"])
def test_crons(text: str) -> None:
    """Names, steps, ranges, lists and the last day of a month are as in any cron."""
    assert is_cron(text)


def test_zones() -> None:
    """A zone is one of the tz database."""
    assert all(map(is_zone, ("UTC", BERLIN)))
    assert not any(map(is_zone, ("", "Europe", "Europe/Berlyn", "../etc/passwd", "/etc/localtime", "a\0b")))
