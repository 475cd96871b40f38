"""The file of a controller: what it says, and everything that is wrong with one at once."""

from pathlib import Path
from textwrap import dedent

import attrs
import pytest

from plans.nodes import Source
from plans.policy import Policy
from providers.errors import Fault, ManifestError
from providers.resources import Target
from reconciler.controller.configuration import (
    Approving,
    Configuration,
    Drifting,
    Folder,
    Git,
    Hook,
    Place,
    Prefix,
    Stack,
    Window,
)
from reconciler.controller.reading import FIELD, GOES_WITH, read
from tests.kit import kinds

HOME = Path("/etc/batchwright")
WHOLE = """
store: sqlite:///state/controller.db
cache: cache
listen: 127.0.0.1:8701
tokens: tokens.yaml
workers: 2
keep: 10
keepFor: 7d
targets:
  prod:
    region: eu-west-1
    accountId: "123456789012"
    roleArn: arn:aws:iam::123456789012:role/batch
    policy: {maxImpact: scaling, maxDeletes: 0}
    lock: s3://locks/batch
    maxApiRate: 5
    parallelism: 4
  play: {provider: simulator, simulatorFile: play.db, speed: 60}
sources:
  platform:
    git: git@github.com:acme/batch.git
    branch: release/1
    knownHosts: known_hosts
    sshKey: /root/key
    signers: signers
    maxFiles: 10
    interval: 2m
    timeout: 30s
  beside: {git: ../batch.git}
  here: {folder: stacks, interval: 10s}
  shelf: {s3: s3://bucket/some/prefix/, region: us-east-1}
  whole: {s3: s3://bucket}
defaults: {interval: 10m, mode: apply, target: prod, windows: [{allow: "* * * * *", for: 1m}], variables: {env: dev}}
stacks:
  shared: {source: here}
  genomics:
    source: platform
    target: play
    paths: [teams/genomics/, ./common]
    mode: apply-and-heal
    interval: 5m
    retryInterval: 15s
    timeout: 2h
    suspend: true
    dependsOn: [shared]
    prune: true
    variables: {env: prod}
    drift: [{kind: compute_environment, path: computeResources.desiredvCpus, do: ignore}, {do: report}]
    approval: {by: file, file: approved/genomics}
    windows: [{allow: 0 8 * * mon-fri, for: 10h, zone: Europe/Berlin}, {deny: 0 0 24 12 *, for: 3d}]
hooks:
  push: {kind: github, source: platform, secrets: github.secrets}
"""


def configuration(text: str) -> Configuration:
    return read(Source("c.yaml", dedent(text).encode()), folder=HOME, kinds=kinds())


def told(text: str) -> list[str]:
    """The faults of a file that has some, as they are shown, without the name of the file."""
    with pytest.raises(ManifestError) as caught:
        configuration(text)
    return [str(fault).removeprefix("c.yaml:") for fault in caught.value.faults]


def test_whole() -> None:
    """Each key is read as its type, paths from the folder of the file; a stack's own values come before defaults."""
    assert configuration(WHOLE) == Configuration(
        store="sqlite:////etc/batchwright/state/controller.db",
        cache=HOME / "cache",
        host="127.0.0.1",
        port=8701,
        tokens=HOME / "tokens.yaml",
        workers=2,
        keep=10,
        keep_for=7 * 86400.0,
        targets={
            "prod": Place(
                Target(
                    region="eu-west-1",
                    region_source="the configuration",
                    account_id="123456789012",
                    role_arn="arn:aws:iam::123456789012:role/batch",
                ),
                Policy(max_impact="scaling", max_deletes=0),
                "s3://locks/batch",
                5.0,
                4,
            ),
            "play": Place(Target(provider="simulator", simulator_file="/etc/batchwright/play.db", speed=60.0)),
        },
        sources={
            "platform": Git(
                "git@github.com:acme/batch.git",
                "release/1",
                HOME / "known_hosts",
                Path("/root/key"),
                signers=HOME / "signers",
                max_files=10,
                interval=120.0,
                timeout=30.0,
            ),
            "beside": Git("/etc/batchwright/../batch.git"),
            "here": Folder(HOME / "stacks", 10.0),
            "shelf": Prefix("bucket", "some/prefix", "us-east-1"),
            "whole": Prefix("bucket"),
        },
        stacks={
            "shared": Stack(
                "shared",
                "here",
                "prod",
                mode="apply",
                interval=600.0,
                variables={"env": "dev"},
                windows=(Window("allow", "* * * * *", 60.0),),
            ),
            "genomics": Stack(
                "genomics",
                "platform",
                "play",
                ("teams/genomics", "common"),
                "apply-and-heal",
                300.0,
                15.0,
                7200.0,
                True,
                ("shared",),
                True,
                {"env": "prod"},
                (Drifting("compute_environment", "computeResources.desiredvCpus", "ignore"), Drifting(do="report")),
                Approving("file", "approved/genomics"),
                (
                    Window("allow", "0 8 * * mon-fri", 36000.0, "Europe/Berlin"),
                    Window("deny", "0 0 24 12 *", 3 * 86400.0),
                ),
            ),
        },
        hooks={"push": Hook("push", "github", "platform", HOME / "github.secrets")},
    )


def test_policy_says_what_it_says() -> None:
    """Of a target's policy only what the file says binds."""
    policy = configuration(WHOLE).targets["prod"].policy
    assert policy.said == {"max_impact", "max_deletes"}


def test_nothing_said() -> None:
    """What is unsaid, or null, has its default, and no stack is a configuration too."""
    least = Configuration("sqlite:////etc/batchwright/controller.db", HOME / "cache")
    assert configuration("{}") == least
    assert configuration("{store: null, tokens: null, stacks: null, defaults: null, listen: null}") == least


def test_every_attribute_has_its_key() -> None:
    """The types tell the keys: an attribute that no key says is one that is made of others."""
    element = {name: FIELD.members[name].element for name in ("stacks", "hooks", "targets", "sources")}
    shown = {name: set(field.members) for name, field in element.items() if field is not None}
    assert len(shown["stacks"]) == len(attrs.fields(Stack)) - 1
    assert len(shown["hooks"]) == len(attrs.fields(Hook)) - 1
    assert len(shown["targets"]) == len(attrs.fields(Place)) - 1 + len(attrs.fields(Target)) - 1
    assert shown["sources"] == {*GOES_WITH, *(key for keys in GOES_WITH.values() for key in keys)}
    assert set(FIELD.members) >= {"store", "cache", "listen", "tokens", "workers", "keep", "keepFor"}


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("sqlite:////var/lib/c.db", "sqlite:////var/lib/c.db"),
        ("sqlite:///c.db", "sqlite:////etc/batchwright/c.db"),
        ("postgresql+psycopg://me@host/batch", "postgresql+psycopg://me@host/batch"),
    ],
)
def test_stores(url: str, store: str) -> None:
    """A file of SQLite is found from the folder of the configuration; a server is where its URL says."""
    assert configuration(f"store: {url}").store == store


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [("localhost:1", "localhost", 1), ('"[::1]:8700"', "::1", 8700), ("127.9.9.9:0", "127.9.9.9", 0)],
)
def test_listening(listen: str, host: str, port: int) -> None:
    """An address of this machine alone needs no tokens."""
    made = configuration(f"listen: {listen}")
    assert (made.host, made.port) == (host, port)


def test_listening_to_all_with_tokens() -> None:
    """What can be reached from elsewhere is listened at where it is said who may ask."""
    assert configuration("{listen: 0.0.0.0:8700, tokens: t}").host == "0.0.0.0"


def stack(said: str) -> str:
    """A file with a stack that says this, at line 4."""
    places = "targets: {prod: {}}\nsources: {here: {folder: .}}"
    return f"{places}\nstacks:\n  a: {{source: here, target: prod, {said}}}"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("[]", ["1:1: a configuration is a map of keys such as `stacks`, not a list"]),
        ("stcks: {}", ["1:1: stcks: there is no key 'stcks' here (did you mean stacks?)"]),
        ("listen: here", ["1:9: listen: 'here' is no address to listen at (HOST:PORT, such as 127.0.0.1:8700)"]),
        ("listen: localhost:70000", ["1:9: listen: 'localhost:70000' is no address to listen at "
            "(HOST:PORT, such as 127.0.0.1:8700)"]),
        ("listen: 0.0.0.0:8700", ["1:9: listen: 0.0.0.0 can be reached from elsewhere, and nobody need say who they "
            "are (say tokens: FILE, or listen at 127.0.0.1)"]),
        ("listen: example.org:80", ["1:9: listen: example.org can be reached from elsewhere, and nobody need say who "
            "they are (say tokens: FILE, or listen at 127.0.0.1)"]),
        ("store: mysql://me:hunter2@x", [
            "1:8: store: this is no store (sqlite:///PATH or postgresql://USER@HOST/DATABASE)"]),
        ("keepFor: 30", ["1:10: keepFor: takes a duration, not '30' (such as 30s, 10m, 2h or 7d)"]),
        ("workers: 0", ["1:10: workers: is 0, and must be at least 1"]),
        ("targets: {..: {}}", ["1:11: targets[..]: '..' is not a name (1 to 64 letters, digits, . _ and -)"]),
        ("targets: {a: {accountId: 1}}", ["1:26: targets[a].accountId: '1' is not an account (twelve digits)"]),
        ("targets: {a: {lock: elsewhere}}", ["1:21: targets[a].lock: 'elsewhere' is no lock "
            "(a lock is file, s3://BUCKET/KEY, dynamodb://TABLE/KEY or none)"]),
        ("targets: {a: {policy: {maxDelets: 1, ignore: [computeResources.imageid]}}}", [
            "1:24: targets[a].policy.maxDelets: there is no key 'maxDelets' here (did you mean maxDeletes?)",
            "1:47: targets[a].policy.ignore[0]: 'computeResources.imageid' is no path of any kind "
            "(did you mean computeResources.imageId?)"]),
        ("sources: {a: {}}", ["1:14: sources[a]: a source does not say where it lies (say one of git, folder, s3)"]),
        ("sources: {a: {git: x, folder: y}}", ["1:14: sources[a]: a source says git and folder "
            "(say one of git, folder, s3)"]),
        ("sources: {a: {folder: x, branch: main}}", ["1:26: sources[a].branch: means nothing to a source of folder"]),
        ("sources: {a: {s3: bucket}}", ["1:19: sources[a].s3: 'bucket' is no prefix of a bucket (s3://BUCKET/PREFIX)"]),
        ("sources: {a: {git: \"ssh://git@host/x.git\"}}", ["1:20: sources[a].git: is fetched by ssh, and nothing says "
            "which hosts are known (say knownHosts: FILE, as ssh-keyscan writes it once you have checked it)"]),
        ("sources: {a: {git: \"git@host:x.git\"}}", ["1:20: sources[a].git: is fetched by ssh, and nothing says "
            "which hosts are known (say knownHosts: FILE, as ssh-keyscan writes it once you have checked it)"]),
        ("sources: {a: {git: \"http://host/x.git\"}}", ["1:20: sources[a].git: http:// is no way to fetch from "
            "(one of https://, ssh://, git://, file://, or a path)"]),
        ("sources: {a: {git: \"ext::sh -c x\"}}", ["1:20: sources[a].git: is no repository "
            "(such as https://github.com/acme/batch.git)"]),
        ("sources: {a: {git: --upload-pack=x}}", ["1:20: sources[a].git: is no repository "
            "(such as https://github.com/acme/batch.git)"]),
        *((f"sources: {{a: {{git: \"{url}\", knownHosts: k}}}}", ["1:20: sources[a].git: holds a password or a token, "
            "which this file is no place for (put it into a file of its own, and say credentials: FILE)"])
            for url in ("https://me:secret@host/x.git", "https://token@host/x.git", "ssh://me:secret@host/x.git")),
        ("sources: {a: {git: x, branch: --x}}", ["1:31: sources[a].branch: '--x' is not a name of a branch"]),
        ("sources: {a: {git: x, signers: s, keyring: k}}", ["1:44: sources[a].keyring: says by whom commits are signed "
            "beside signers (say one of the two)"]),
        ("stacks: {a: {}}", ["1:13: stacks[a].source: source is missing (the file has no sources)",
            "1:13: stacks[a].target: target is missing (the file has no targets)"]),
        ("{sources: {here: {folder: .}}, stacks: {a: {source: her, target: prod}}}", [
            "1:53: stacks[a].source: there is no source 'her' (did you mean here?)",
            "1:66: stacks[a].target: there is no target 'prod' (the file has no targets)"]),
        ("{targets: {p: {}}, defaults: {target: q}}", ["1:39: defaults.target: there is no target 'q' (there is p)"]),
        ("defaults: {source: a}", ["1:20: defaults.source: there is no source 'a' (the file has no sources)"]),
        ("defaults: {paths: [a]}", ["1:12: defaults.paths: there is no key 'paths' here (paths is a key of stacks)"]),
        ("hooks: {a: {kind: svn, source: b, secrets: c}}", [
            "1:19: hooks[a].kind: 'svn' is none of the values that this takes (one of github, gitlab, generic)",
            "1:32: hooks[a].source: there is no source 'b' (the file has no sources)"]),
        (stack("dependsOn: [b, a]"), ["4:47: stacks[a].dependsOn[0]: there is no stack 'b' (there is a)",
            "4:50: stacks[a].dependsOn[1]: these wait for each other: a → a (take one dependsOn away)"]),
        (stack("interval: 5, timeout: 0.5s"), [
            "4:45: stacks[a].interval: takes a duration, not '5' (such as 30s, 10m, 2h or 7d)",
            "4:57: stacks[a].timeout: is 0.5s, and must be at least 1s"]),
        (stack("mode: heal"), ["4:41: stacks[a].mode: 'heal' is none of the values that this takes "
            "(one of observe, plan, apply, apply-and-heal)"]),
        (stack("paths: [../x, /etc, a/../../b, '', 'c\\d']"), [
            f"4:{column}: stacks[a].paths[{n}]: {path!r} lies outside of the source "
            "(a path below it, such as teams/genomics)"
            for n, (column, path) in enumerate(
                [(43, "../x"), (49, "/etc"), (55, "a/../../b"), (66, ""), (70, "c\\d")])]),
        (stack("drift: [{kind: queue, do: heal}, {kind: job_queue, path: computeResources}]"), [
            "4:50: stacks[a].drift[0].kind: there is no kind 'queue' (did you mean job_queue?)",
            "4:92: stacks[a].drift[1].path: 'computeResources' is no path of a job queue"]),
        (stack("drift: [{kind: foo, path: bar}, {kind: foo, path: priority}, {kind: foo, path: tags, do: ignore}]"), [
            "4:50: stacks[a].drift[0].kind: there is no kind 'foo' (one of KINDS, or *)",
            "4:61: stacks[a].drift[0].path: 'bar' is no path of any kind",
            "4:74: stacks[a].drift[1].kind: there is no kind 'foo' (one of KINDS, or *)",
            "4:103: stacks[a].drift[2].kind: there is no kind 'foo' (one of KINDS, or *)"]),
        (stack("drift: [{path: nothing}, {kind: job_queue, path: 'tags[a]', do: ignore}]"), [
            "4:50: stacks[a].drift[0].path: 'nothing' is no path of any kind",
            "4:67: stacks[a].drift[1].kind: tags are ignored of all kinds or of none "
            "(leave kind out, or say do: report)"]),
        (stack("drift: [{path: 'computeEnvironmentOrder[0]'}]"), [
            "4:50: stacks[a].drift[0].path: 'computeEnvironmentOrder[0]' leads to no entry: they are told apart by "
            "computeEnvironment (write in the brackets the computeEnvironment that is meant)"]),
        (stack("approval: {by: file}"), ["4:45: stacks[a].approval.file: file is missing "
            "(say which file of the source has the plan's id)"]),
        (stack("approval: {file: x}"), ["4:46: stacks[a].approval.file: means nothing unless by is file"]),
        (stack("approval: {by: file, file: ../x}"), ["4:62: stacks[a].approval.file: '../x' lies outside of the source "
            "(a path below it)"]),
        (stack("windows: [{for: 1h}, {allow: 0 8 * * *, deny: 0 8 * * *, for: 1h}, {allow: 0 8 * * *}]"), [
            "4:45: stacks[a].windows[0]: a window neither allows nor denies (say allow: CRON, or deny: CRON)",
            "4:56: stacks[a].windows[1]: a window allows and denies (say allow: CRON, or deny: CRON)",
            "4:102: stacks[a].windows[2].for: for is missing"]),
        (stack("windows: [{allow: 0 0 30 2 *, for: 1h, zone: Europe/Berlyn}]"), [
            "4:53: stacks[a].windows[0].allow: '0 0 30 2 *' is no cron that ever comes "
            "(minute, hour, day of month, month and day of week, such as 0 8 * * mon-fri)",
            "4:80: stacks[a].windows[0].zone: 'Europe/Berlyn' is no time zone (as in Europe/Berlin or UTC)"]),
    ],
)  # fmt: skip
def test_faults(text: str, faults: list[str]) -> None:
    """What is wrong is told where it stands, in words, with what to do."""
    assert told(text) == [fault.replace("KINDS", ", ".join(kinds().by_name)) for fault in faults]


def test_faults_of_many_places_at_once() -> None:
    """One reading tells everything, in the order of the file; what stands in the defaults is told once."""
    text = """\
    workers: many
    targets: {prod: {}}
    sources: {here: {folder: .}}
    defaults: {target: prod, windows: [{allow: never, for: 1h}]}
    stacks:
      a: {source: here, dependsOn: [b]}
      b: {source: there, dependsOn: [c]}
      c: {source: here, paths: [.], dependsOn: [a]}
      d: {source: here, intervall: 5m, variables: {env: x}}
    """
    hint = "minute, hour, day of month, month and day of week, such as 0 8 * * mon-fri"
    assert told(text) == [
        "1:10: workers: takes a whole number, not 'many'",
        f"4:44: defaults.windows[0].allow: 'never' is no cron that ever comes ({hint})",
        "6:33: stacks[a].dependsOn[0]: these wait for each other: a → b → c → a (take one dependsOn away)",
        "7:15: stacks[b].source: there is no source 'there' (did you mean here?)",
        "8:3: stacks[c]: says the same source, paths, variables and target as a "
        "(a manifest is of one stack: take one of the two away)",
        "9:21: stacks[d].intervall: there is no key 'intervall' here (did you mean interval?)",
    ]


@pytest.mark.parametrize("value", ["null", "x", "[]", "[x]", "{}", "{x: y}", "{x: {y: z}}", "{x: null}"])
def test_anything_anywhere(value: str) -> None:
    """Whatever stands at whatever key, reading ends in a configuration or in faults that have a place."""

    def tried(text: str) -> tuple[Fault, ...]:
        try:
            configuration(text)
        except ManifestError as error:
            return (*error.faults,)
        return ()

    found: list[Fault] = []
    for key, field in FIELD.members.items():
        found += tried(f"{key}: {value}")
        inner = field.element if field.type == "map" else field
        members = inner.members if inner is not None else {}
        for name in members:
            block = f"{{{name}: {value}, source: s, target: t}}"
            found += tried(f"{key}: {{x: {block}}}" if field.type == "map" else f"{key}: {block}")
    assert found
    assert all(fault.line for fault in found)


def test_a_source_may_be_that_of_all_stacks(tmp_path: Path) -> None:
    """Where most of them lie in one repository, it is said once."""
    text = """
targets: {lab: {region: eu-west-1}}
sources: {here: {folder: stacks}, there: {folder: others}}
defaults: {source: here, target: lab}
stacks: {one: {paths: [one]}, two: {source: there}}
"""
    said = read(Source("controller.yaml", text.encode()), folder=tmp_path)
    assert {name: stack.source for name, stack in said.stacks.items()} == {"one": "here", "two": "there"}
