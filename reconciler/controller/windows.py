"""When an apply may begin. Pure.

A window begins whenever the clock of its zone shows a time that its cron names, and lasts so many real seconds. Where
the clock goes back a time is shown twice, and a window begins twice; a time that the clock leaps over counts as the
moment of the leap, so that no night is without its window.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from reconciler.controller.configuration import Window

YEAR = 366 * 86400.0
_LEAP = 25 * 3600.0
"""Seconds in which a clock shows all times that it shows twice: none is set back by more than a day."""
_TURNS = 2000
"""Of windows that begin and end about each other so many are looked at."""


def is_cron(text: str) -> bool:
    """Whether a text is a cron of five fields that ever comes; `@daily`, seconds, years, hashes and dice are none."""
    if len(text.split()) != 5 or not all(_plain(word) for field in text.split() for word in field.split(",")):
        return False
    try:
        return next(_names(text, datetime(2000, 1, 1), back=False), None) is not None
    except ValueError:
        return False


def _plain(word: str) -> bool:
    """Whether it is not one of croniter's own words, `h` and `r`."""
    return not word.lower().startswith(("h", "r"))


def is_zone(text: str) -> bool:
    """Whether a text names a time zone that this machine knows."""
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return False
    return True


def is_open(windows: Sequence[Window], at: float) -> bool:
    """Whether an apply may begin: no window denies it, and one allows it if there are any that allow."""
    if any(_until(window, at) is not None for window in windows if window.kind == "deny"):
        return False
    allowing = [window for window in windows if window.kind == "allow"]
    return not allowing or any(_until(window, at) is not None for window in allowing)


def opens_at(windows: Sequence[Window], at: float) -> float | None:
    """The first moment from `at` on at which an apply may begin, in seconds of the epoch.

    None where there is none within a year, or none is found in two thousand beginnings and ends of windows.
    """
    moment = at
    for _ in range(_TURNS):
        if moment - at > YEAR:
            return None
        denied = [end for window in windows if window.kind == "deny" and (end := _until(window, moment)) is not None]
        if denied:
            moment = max(denied)
        elif is_open(windows, moment):
            return moment
        else:
            begins = [_next(window, moment) for window in windows if window.kind == "allow"]
            moment = min((begin for begin in begins if begin is not None), default=at + 2 * YEAR)
    return None


def _until(window: Window, at: float) -> float | None:
    """When a window ends that is there at a moment; None where it is not."""
    zone = ZoneInfo(window.zone)
    here = _shown(at, zone)
    ahead = max(timedelta(), _offset(at - _LEAP, zone) - _offset(at, zone))
    oldest = here - timedelta(seconds=window.length + 2 * _LEAP)
    begun = []
    for named in _names(window.cron, here + ahead + timedelta(seconds=1), back=True):
        moments = _moments(named, zone)
        begun += [moment for moment in moments if moment <= at]
        if moments[-1] <= at or named < oldest:
            break
    last = max(begun, default=float("-inf"))
    return last + window.length if at < last + window.length else None


def _next(window: Window, at: float) -> float | None:
    """When a window begins next after a moment; None where it does not within a year."""
    zone = ZoneInfo(window.zone)
    here = _shown(at, zone)
    behind = max(timedelta(), _offset(at, zone) - _offset(at + _LEAP, zone))
    latest = here + timedelta(seconds=YEAR + _LEAP)
    coming = []
    for named in _names(window.cron, here - behind - timedelta(seconds=1), back=False):
        moments = _moments(named, zone)
        coming += [moment for moment in moments if moment > at]
        if moments[0] > at or named > latest:
            break
    return min(coming, default=None)


def _names(cron: str, start: datetime, *, back: bool) -> Iterator[datetime]:
    """The times that a cron names before a time, the last first, or after it, the first first: as a clock shows them.

    None where it names none within fifty years.
    """
    steps = croniter(cron, start)
    try:
        while True:
            yield steps.get_prev(datetime) if back else steps.get_next(datetime)
    except ValueError:
        return


def _shown(at: float, zone: ZoneInfo) -> datetime:
    """What a clock shows at a moment, to the second."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, microsecond=0)


def _offset(at: float, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(at, zone).utcoffset() or timedelta()


def _moments(shown: datetime, zone: ZoneInfo) -> tuple[float, ...]:
    """When a clock shows a time: once, or twice, or where it leaps over it the moment of the leap."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first == second:
        return (first,)
    if first < second:
        return (first, second)
    before, after = int(second), int(first)
    old = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return (float(after),)
