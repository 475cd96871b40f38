"""What jobs show: DescribeJobs, ListJobs."""

from collections.abc import Callable, Iterator
from itertools import takewhile

from providers.simulator.catalogue import CHILD, DEFINITION, JOB, QUEUE
from providers.simulator.jobs import arrays, nodes
from providers.simulator.jobs.records import number_in
from providers.simulator.lifecycle import API, Handler, Json, Thing, World, at_most_a_hundred, is_named, page
from providers.simulator.rules import Refused, assumed, documented

_LIST = API + "API_ListJobs.html"
_SUMMARY = API + "API_JobSummary.html"
_KEYS = (
    "jobArn",
    "jobId",
    "jobName",
    "createdAt",
    "shareIdentifier",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "jobDefinition",
)
_Test = Callable[[Thing], bool]


def show(world: World, request: Json) -> Json:
    at_most_a_hundred(request["jobs"], "jobs")
    found = [_found(world, reference) for reference in dict.fromkeys(request["jobs"])]
    return {"jobs": [shown for shown in found if shown]}


def list_jobs(world: World, request: Json) -> Json:
    _one_thing_is_asked(request)
    if "arrayJobId" in request:
        return _children(world, request)
    if "multiNodeJobId" in request:
        return _nodes(world, request)
    return _of_queue(world, request)


OPERATIONS: dict[str, Handler] = {"DescribeJobs": show, "ListJobs": list_jobs}


@documented(API + "API_DescribeJobs.html")
def _found(world: World, reference: str) -> Json | None:
    """Jobs are described by ID, children of arrays by ID:INDEX, nodes by ID#INDEX; unknown ones are left out."""
    name = reference.rpartition("/")[2] if reference.startswith("arn:") else reference
    node = nodes.index_of(name)
    thing = world.look(CHILD if ":" in name else JOB, node[0] if node else name)
    if thing is None:
        return None
    return nodes.view(thing, node[1]) if node else _detail(world, thing)


def _detail(world: World, thing: Thing) -> Json:
    if thing.kept.get("size"):
        return {**thing.shown, "arrayProperties": arrays.summary(world, thing)}
    return thing.shown


@documented(_LIST)
def _one_thing_is_asked(request: Json) -> None:
    """Jobs are listed of a queue, of an array, or of a multi-node job: exactly one of them."""
    if len({"jobQueue", "arrayJobId", "multiNodeJobId"} & request.keys()) != 1:
        raise Refused("Exactly one of jobQueue, arrayJobId, multiNodeJobId must be specified")


@documented(_LIST)
def _status(request: Json) -> str:
    """Jobs of one status are listed, RUNNING where none is named."""
    return str(request.get("jobStatus", "RUNNING"))


@documented(_LIST)
def _size(request: Json, most: int) -> int:
    """A page has one item at least, and up to 1000, with a filter 100, whatever was asked for."""
    size = int(request.get("maxResults", most))
    if size < 1:
        raise Refused("maxResults must be at least 1")
    return min(size, most)


@documented(_LIST)
def _children(world: World, request: Json) -> Json:
    """The children of an array are listed by its id; a filter does not apply to them."""
    parent = _parent(world, request["arrayJobId"])

    def things(after: int) -> Iterator[Thing]:
        return world.view(CHILD, parent=parent.name, status=_status(request), after=after)

    return page(world, request, "jobSummaryList", things, lambda it: _summary(world, it), _size(request, 1000))


@assumed("moto")
def _parent(world: World, reference: str) -> Thing:
    """A list of an array or of nodes names a job that is there."""
    thing = world.look(JOB, reference)
    if thing is None:
        raise Refused(f"Job {reference} not found")
    return thing


@documented(_LIST)
def _nodes(world: World, request: Json) -> Json:
    """The nodes of a multi-node job are listed by its id."""
    job = _parent(world, request["multiNodeJobId"])
    count = job.shown.get("nodeProperties", {}).get("numNodes", 0)

    def things(after: int) -> Iterator[Thing]:
        for index in range(after, count):
            shown = nodes.view(job, index)
            if shown and shown["status"] == _status(request):
                yield Thing(JOB, shown["jobId"], shown, seq=index + 1)

    return page(world, request, "jobSummaryList", things, lambda it: _summary(world, it), _size(request, 1000))


def _of_queue(world: World, request: Json) -> Json:
    queue = world.find(QUEUE, request["jobQueue"])
    filters = request.get("filters", [])
    _one_filter_is_used(filters)
    tests = [(it.get("name", ""), _test(world, it)) for it in filters]
    by_share = [name for name, _ in tests] == ["SHARE_IDENTIFIER"]
    status = None if tests and not (by_share and "jobStatus" in request) else _status(request)

    def things(after: int) -> Iterator[Thing]:
        jobs = world.view(JOB, parent=queue.name, status=status, after=after, backwards=bool(tests))
        for name, test in tests:
            jobs = takewhile(test, jobs) if name == "AFTER_CREATED_AT" else filter(test, jobs)
        return jobs

    size = _size(request, 100 if tests else 1000)
    return page(world, request, "jobSummaryList", things, lambda it: _summary(world, it), size)


@documented(_LIST)
def _one_filter_is_used(filters: list[Json]) -> None:
    """One filter is used at a time."""
    if len(filters) > 1:
        raise Refused("Only one filter can be used at a time")


def _test(world: World, given: Json) -> _Test:
    name, values = given.get("name"), [str(value) for value in given.get("values", [])]
    _value_is_given(values)
    match name:
        case "JOB_NAME":
            return lambda it: any(is_named(it.shown["jobName"], value) for value in values)
        case "JOB_DEFINITION":
            return lambda it: any(_is_of(world, it.shown["jobDefinition"], value) for value in values)
        case "BEFORE_CREATED_AT":
            before = _instant(values[0])
            return lambda it: bool(it.shown["createdAt"] < before)
        case "AFTER_CREATED_AT":
            after = _instant(values[0])
            return lambda it: bool(it.shown["createdAt"] > after)
        case "SHARE_IDENTIFIER":
            return lambda it: it.shown.get("shareIdentifier") in values
        case _:
            return _unknown(name)


@documented(API + "API_KeyValuesPair.html")
def _unknown(name: str | None) -> _Test:
    """Names of filters are case sensitive, and others are refused."""
    raise Refused(f"Invalid filter name: {name}")


@assumed("a filter without a value says nothing")
def _value_is_given(values: list[str]) -> None:
    """A filter has a value."""
    if not values:
        raise Refused("A filter must have values")


@documented(_LIST)
def _is_of(world: World, arn: str, value: str) -> bool:
    """JOB_DEFINITION finds, in this case, all revisions of a name, of names that begin so, or the one of an ARN."""
    if value.startswith("arn:"):
        return arn == value
    family = world.name(DEFINITION, arn).partition(":")[0]
    return family.startswith(value[:-1]) if value.endswith("*") else family == value


@documented(_LIST)
def _instant(value: str) -> int:
    """BEFORE_CREATED_AT and AFTER_CREATED_AT take milliseconds since 1970."""
    instant = number_in(value)
    if instant is None:
        raise Refused(f"{value} is not a number of milliseconds")
    return instant


def _summary(world: World, thing: Thing) -> Json:
    shown = thing.shown
    found = {key: shown[key] for key in _KEYS if key in shown}
    found.update(_flags(shown), **_container(shown))
    if thing.kept.get("size"):
        found["arrayProperties"] = arrays.summary(world, thing)
    elif "arrayProperties" in shown:
        found["arrayProperties"] = shown["arrayProperties"]
    if "nodeProperties" in shown:
        found["nodeProperties"] = {"numNodes": shown["nodeProperties"]["numNodes"]}
    if "nodeDetails" in shown:
        details = shown["nodeDetails"]
        found["nodeProperties"] = {"isMainNode": details["isMainNode"], "nodeIndex": details["nodeIndex"]}
    return found


@documented(_SUMMARY)
def _flags(shown: Json) -> Json:
    """A summary tells that a job is cancelled or terminated only where it is."""
    return {key: True for key in ("isCancelled", "isTerminated") if shown.get(key)}


@documented(API + "API_ContainerSummary.html")
def _container(shown: Json) -> Json:
    """A summary tells exit code and reason of the container of a job that has ended."""
    told = {key: shown["container"][key] for key in ("exitCode", "reason") if key in shown.get("container", {})}
    return {"container": told} if told else {}
