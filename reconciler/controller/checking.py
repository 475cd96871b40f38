"""What no type tells of a controller's file: what refers to what, and what each value means."""

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Any

import attrs

from plans.desired import counted, counted_told, path_exists, path_hint
from plans.nodes import Faults, Node
from plans.ownership import STACK, STACK_HINT
from providers.errors import InputError
from providers.kinds import Kinds
from reconciler.controller.windows import is_cron, is_zone
from reconciler.lock import place

LISTENING = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(?P<port>[0-9]{1,5})")
PREFIX = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<prefix>[^\x00-\x1f\x7f]{0,900}))?")
_STORE = re.compile(r"sqlite:///[^?#]+|postgresql(\+[a-z0-9]+)?://.+")
_REMOTE = re.compile(r"(?P<scheme>[A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)
_BY_SSH = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^:\s][^\s]*")
_REFERENCE = re.compile(r"(?!-)[A-Za-z0-9_./-]+")
_SCHEMES = ("https", "ssh", "git", "file")
At = Sequence[str | int]
_SECTIONS = ("targets", "sources", "stacks", "hooks")


def is_remote(url: str) -> bool:
    """Whether a repository is at a URL, or at `USER@HOST:PATH`, rather than at a path of this machine."""
    return bool(_REMOTE.fullmatch(url) or _BY_SSH.fullmatch(url))


def normal(path: str) -> str:
    """A path inside a source, written in one way; the source itself is `.`."""
    return str(PurePosixPath(path))


def check(root: Node, said: Any, faults: Faults, kinds: Kinds, goes_with: Mapping[str, Collection[str]]) -> None:
    """Add all that is wrong with a file although its types are right. `said` are its checked values.

    `goes_with` has the keys that mean something beside each of the keys of which a source has one.
    """
    if isinstance(said, dict):
        _Checking(root, said, faults, kinds, goes_with).all()


@attrs.frozen
class _Checking:
    root: Node
    said: Mapping[str, Any]
    faults: Faults
    kinds: Kinds
    goes_with: Mapping[str, Collection[str]]

    def all(self) -> None:
        self.listening()
        store = self.said.get("store")
        if isinstance(store, str) and not _STORE.fullmatch(store):
            # It is not repeated: it may hold a password.
            self.wrong(["store"], "this is no store", "sqlite:///PATH or postgresql://USER@HOST/DATABASE")
        for section in _SECTIONS:
            for name, _ in self.blocks(section):
                if not (STACK.fullmatch(name) and name.strip(".")):
                    self.wrong([section, name], f"{name!r} is not a name", STACK_HINT, key=True)
        for name, block in self.blocks("targets"):
            self.target(["targets", name], block)
        for name, block in self.blocks("sources"):
            self.source(["sources", name], block)
        for name, block in self.blocks("hooks"):
            self.refers(["hooks", name, "source"], block.get("source"), "sources")
        defaults = self.said.get("defaults")
        defaults = defaults if isinstance(defaults, dict) else {}
        self.stack(["defaults"], defaults)
        for name, block in self.blocks("stacks"):
            at = ["stacks", name]
            self.stack(at, block)
            for key in ("source", "target"):
                if block.get(key) is None and defaults.get(key) is None:
                    self.wrong([*at, key], f"{key} is missing", _known(f"{key}s", self.said.get(f"{key}s")))
        self.circles()
        self.doubles(defaults)

    def wrong(self, at: At, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Tell a fault where the path leads, or as near as the file goes; `key`: at the key, not at its value."""
        node = self.root
        for segment in at:
            if isinstance(segment, int):
                node = node.items[segment]
            elif segment in node.entries:
                entry = node.entries[segment]
                node = entry.key if key and segment == at[-1] else entry.node
        self.faults.add(node, _path(at), message, hint)

    def blocks(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        blocks = self.said.get(section)
        for name, block in blocks.items() if isinstance(blocks, dict) else ():
            if isinstance(block, dict):
                yield name, block

    def refers(self, at: At, name: Any, section: str) -> None:
        known = self.said.get(section)
        if isinstance(name, str) and name not in (known if isinstance(known, dict) else ()):
            near = self.faults.nearest(name, known if isinstance(known, dict) else ())
            hint = f"did you mean {near}?" if near else _known(section, known)
            self.wrong(at, f"there is no {section.removesuffix('s')} {name!r}", hint)

    def listening(self) -> None:
        said = self.said.get("listen")
        if not isinstance(said, str):
            return
        found = LISTENING.fullmatch(said)
        if found is None or int(found["port"]) > 65535:
            self.wrong(["listen"], f"{said!r} is no address to listen at", "HOST:PORT, such as 127.0.0.1:8700")
        elif not _is_loopback(found["host"].strip("[]")) and self.said.get("tokens") is None:
            message = f"{found['host']} can be reached from elsewhere, and nobody need say who they are"
            self.wrong(["listen"], message, "say tokens: FILE, or listen at 127.0.0.1")

    def target(self, at: At, block: Mapping[str, Any]) -> None:
        account, lock = block.get("accountId"), block.get("lock")
        if isinstance(account, str) and not re.fullmatch("[0-9]{12}", account):
            self.wrong([*at, "accountId"], f"{account!r} is not an account", "twelve digits")
        if isinstance(lock, str):
            try:
                place(lock)
            except InputError as error:
                self.wrong([*at, "lock"], error.message, error.hint)
        policy = block.get("policy")
        ignored = policy.get("ignore") if isinstance(policy, dict) else None
        for index, path in enumerate(ignored if isinstance(ignored, list) else ()):
            self.path([*at, "policy", "ignore", index], path, [*self.kinds.by_name])

    def source(self, at: At, block: Mapping[str, Any]) -> None:
        said = [key for key in self.goes_with if block.get(key) is not None]
        if len(said) != 1:
            told = f"says {' and '.join(said)}" if said else "does not say where it lies"
            self.wrong(at, f"a source {told}", f"say one of {', '.join(self.goes_with)}")
            return
        for key in block:
            if key not in (*self.goes_with[said[0]], said[0]) and block[key] is not None:
                self.wrong([*at, key], f"means nothing to a source of {said[0]}", key=True)
        where = block[said[0]]
        if said[0] == "s3" and isinstance(where, str) and not PREFIX.fullmatch(where):
            self.wrong([*at, "s3"], f"{where!r} is no prefix of a bucket", "s3://BUCKET/PREFIX")
        if said[0] == "git" and isinstance(where, str):
            self.git(at, where, block)

    def git(self, at: At, url: str, block: Mapping[str, Any]) -> None:
        found = _REMOTE.fullmatch(url)
        by_ssh = (found is not None and found["scheme"] == "ssh") or (not found and _BY_SSH.fullmatch(url))
        if found and found["scheme"] not in _SCHEMES:
            told = f"{found['scheme']}:// is no way to fetch from"
            self.wrong([*at, "git"], told, f"one of {', '.join(f'{it}://' for it in _SCHEMES)}, or a path")
        elif url.startswith("-") or "::" in url or not url.isprintable() or not url:
            self.wrong([*at, "git"], "is no repository", "such as https://github.com/acme/batch.git")
        elif found and re.match("[^/@]*@" if found["scheme"] == "https" else "[^/@]*:[^/@]*@", found["rest"]):
            hint = "put it into a file of its own, and say credentials: FILE"
            self.wrong([*at, "git"], "holds a password or a token, which this file is no place for", hint)
        elif by_ssh and block.get("knownHosts") is None:
            message = "is fetched by ssh, and nothing says which hosts are known"
            self.wrong([*at, "git"], message, "say knownHosts: FILE, as ssh-keyscan writes it once you have checked it")
        branch = block.get("branch")
        if isinstance(branch, str) and (not _REFERENCE.fullmatch(branch) or ".." in branch):
            self.wrong([*at, "branch"], f"{branch!r} is not a name of a branch")
        if block.get("signers") is not None and block.get("keyring") is not None:
            self.wrong([*at, "keyring"], "says by whom commits are signed beside signers", "say one of the two")

    def stack(self, at: At, block: Mapping[str, Any]) -> None:
        """What a stack says, or what all take that do not say it."""
        for key in ("source", "target"):
            self.refers([*at, key], block.get(key), f"{key}s")
        for key, message in (("paths", "lies outside of the source"), ("dependsOn", "")):
            for index, name in enumerate(block[key] if isinstance(block.get(key), list) else ()):
                if key == "dependsOn":
                    self.refers([*at, key, index], name, "stacks")
                elif isinstance(name, str) and not _inside(name):
                    self.wrong([*at, key, index], f"{name!r} {message}", "a path below it, such as teams/genomics")
        for index, row in self.rows(block, "drift"):
            self.drift([*at, "drift", index], row)
        for index, row in self.rows(block, "windows"):
            self.window([*at, "windows", index], row)
        approval = block.get("approval")
        if not isinstance(approval, dict):
            return
        file, by = approval.get("file"), approval.get("by")
        if by == "file" and not file:
            self.wrong([*at, "approval", "file"], "file is missing", "say which file of the source has the plan's id")
        elif file is not None and by != "file":
            self.wrong([*at, "approval", "file"], "means nothing unless by is file", key=True)
        elif isinstance(file, str) and not _inside(file):
            self.wrong([*at, "approval", "file"], f"{file!r} lies outside of the source", "a path below it")

    def rows(self, block: Mapping[str, Any], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
        rows = block.get(key)
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict):
                yield index, row

    def drift(self, at: At, row: Mapping[str, Any]) -> None:
        kind, path = row.get("kind") or "*", row.get("path") or "*"
        if not isinstance(kind, str) or not isinstance(path, str):
            return
        known = kind == "*" or kind in self.kinds
        if not known:
            near = self.faults.nearest(kind, self.kinds.by_name)
            hint = f"did you mean {near}?" if near else f"one of {', '.join(self.kinds.by_name)}, or *"
            self.wrong([*at, "kind"], f"there is no kind {kind!r}", hint)
        if re.fullmatch(r"tags(\[[^\]]+\])?", path):
            if row.get("do") == "ignore" and kind != "*" and known:
                message = "tags are ignored of all kinds or of none"
                self.wrong([*at, "kind"], message, "leave kind out, or say do: report")
        elif path != "*":
            self.path([*at, "path"], path, [kind] if known and kind != "*" else [*self.kinds.by_name])

    def path(self, at: At, path: Any, names: Collection[str]) -> None:
        """Tell where a path leads to nothing in any of some kinds."""
        kinds = [self.kinds[name] for name in names]
        having = [kind for kind in kinds if isinstance(path, str) and path_exists(kind, path)]
        if not having and isinstance(path, str):
            of = f"a {kinds[0].title}" if len(kinds) == 1 else "any kind"
            self.wrong(at, f"{path!r} is no path of {of}", path_hint(path, self.faults, *kinds))
        keys = [counted(kind, path) for kind in having]
        if having and keys[0] is not None and None not in keys:
            self.wrong(at, *counted_told(path, keys[0]))

    def window(self, at: At, row: Mapping[str, Any]) -> None:
        said = [key for key in ("allow", "deny") if row.get(key) is not None]
        if len(said) != 1:
            told = "allows and denies" if said else "neither allows nor denies"
            self.wrong(at, f"a window {told}", "say allow: CRON, or deny: CRON")
        for key in said:
            if isinstance(row[key], str) and not is_cron(row[key]):
                hint = "minute, hour, day of month, month and day of week, such as 0 8 * * mon-fri"
                self.wrong([*at, key], f"{row[key]!r} is no cron that ever comes", hint)
        zone = row.get("zone")
        if isinstance(zone, str) and not is_zone(zone):
            self.wrong([*at, "zone"], f"{zone!r} is no time zone", "as in Europe/Berlin or UTC")

    def circles(self) -> None:
        needs = {
            name: [it for it in block["dependsOn"] if isinstance(it, str)]
            for name, block in self.blocks("stacks")
            if isinstance(block.get("dependsOn"), list)
        }
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            # It goes from what comes first to what waits for it.
            circle = error.args[1][::-1]
            words = " → ".join(circle)
            at = ["stacks", circle[0], "dependsOn", needs[circle[0]].index(circle[1])]
            self.wrong(at, f"these wait for each other: {words}", "take one dependsOn away")

    def doubles(self, defaults: Mapping[str, Any]) -> None:
        """Stacks that would read the same manifest for the same target: of two names one at least is not its."""
        seen: list[tuple[str, Any]] = []
        for name, block in self.blocks("stacks"):
            whole = {**defaults, **{key: value for key, value in block.items() if value is not None}}
            paths = whole.get("paths")
            sorted_paths = sorted(map(normal, map(str, paths))) if isinstance(paths, list) else []
            what = [whole.get("source"), whole.get("target"), sorted_paths or ["."], whole.get("variables") or {}]
            other = next((other for other, same in seen if same == what), None)
            if other is not None and isinstance(what[0], str) and isinstance(what[1], str):
                message = f"says the same source, paths, variables and target as {other}"
                self.wrong(["stacks", name], message, "a manifest is of one stack: take one of the two away", key=True)
            seen.append((name, what))


def _path(at: At) -> str:
    """A path as it is shown: `stacks[genomics].windows[0].allow`."""
    made = ""
    for depth, segment in enumerate(at):
        bracketed = isinstance(segment, int) or (depth == 1 and at[0] in _SECTIONS)
        made += f"[{segment}]" if bracketed else f".{segment}" if made else str(segment)
    return made


def _known(section: str, known: Any) -> str:
    names = [*known] if isinstance(known, dict) else []
    return f"there is {', '.join(names[:8])}" if names else f"the file has no {section}"


def _inside(path: str) -> bool:
    """Whether a path stays inside of what it is taken from."""
    parts = PurePosixPath(path).parts
    return bool(path) and path.isprintable() and "\\" not in path and ".." not in parts and not path.startswith("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
