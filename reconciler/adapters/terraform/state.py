"""What Terraform says of its resources: a state file of version 4, or `terraform show -json` of a state or of a plan.

Sources: https://developer.hashicorp.com/terraform/internals/json-format (format_version 1.x, whose later minor versions
only add), and the state file as `terraform state pull` prints it, which is read from version 4 on, that of Terraform
0.12. Of a plan what is live is read as it is live, whatever is planned for it; what is to be created as planned.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from plans.nodes import Source
from reconciler.adapters.terraform.places import Path, Text, refused

PULL = "run `terraform state pull > state.json`, and give that file"
SHOW = "run `terraform show -json > state.json`, or for a plan `terraform show -json PLANFILE > plan.json`"
MOST = 100_000
"""Resources in a file."""

_KEY = re.compile(r'\[(?:-?\d+|"(?:[^"\\]|\\.)*")\]')
_PROVIDER = re.compile(r'provider\["([^"]+)"\](?:\.(.+))?$')


@attrs.frozen
class Unset:
    """What stands where a plan does not know a value yet."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNSET = Unset()


@attrs.frozen
class Resource:
    """One instance of a resource.

    `address` is the whole one, `module["a"]` and keys included; `where` is its path in the file. `values` hold `UNSET`
    where a plan does not know them. `planned` is what a plan would do to it, () where nothing; `changes` the attributes
    that differ then. `live` is false for what is yet to be created; `region` is then that of its provider, as far as a
    plan tells it. `needs` are addresses without keys.
    """

    address: str
    type: str
    name: str
    where: Path
    values: Mapping[str, Any]
    managed: bool = True
    index: int | str | None = None
    provider: str = ""
    sensitive: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    tainted: bool = False
    deposed: bool = False
    planned: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    live: bool = True
    region: str = ""

    @property
    def configured(self) -> str:
        """The address as the configuration has it: without keys."""
        return without_keys(self.address)

    @property
    def module(self) -> str:
        """The address of the module that holds it; empty for the root module."""
        local = f"{self.type}.{self.name}{_key(self.index)}"
        return self.address.removesuffix(local).removesuffix("data.").removesuffix(".")


@attrs.frozen
class State:
    """All resources of a file. `head` says what it is; `configuration` and `variables` are a plan's, else empty."""

    head: str
    resources: tuple[Resource, ...]
    text: Text
    configuration: Mapping[str, Any] = attrs.field(factory=dict)
    variables: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


def without_keys(address: str) -> str:
    """An address without the keys of `count` and `for_each`."""
    return _KEY.sub("", address)


def read(source: Source) -> State:
    """Read any of the three; raises ManifestError, with what to run where it is something else of Terraform."""
    _refuse_others(source)
    text = Text.read(source)
    root = text.root
    if not isinstance(root, dict):
        raise text.fault((), "is neither a state nor a plan of Terraform", SHOW)
    if "encrypted_data" in root or "encryption_version" in root:
        raise text.fault(
            (), "is an encrypted state of OpenTofu", "run `tofu state pull > state.json`, which decrypts it"
        )
    if "format_version" in root:
        resources, head = _shown(text, root)
    elif "version" in root:
        resources, head = _kept(text, root)
    elif "ID" in root and "Who" in root:
        raise text.fault((), "is the lock of a state, and no state", PULL)
    else:
        raise text.fault((), "is neither a state nor a plan of Terraform", SHOW)
    made = tuple(resources)
    if len(made) > MOST:
        raise text.fault((), f"has {len(made):,} resources, more than {MOST:,}")
    plan = (text.map(root.get(key), (key,)) for key in ("configuration", "variables"))
    return State(head, made, text, *plan)


def _refuse_others(source: Source) -> None:
    """Tell what is no JSON at all by what it begins with."""
    start = source.content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"PK\x03\x04", b"tfplan")):
        hint = f"run `terraform show -json {source.name} > plan.json`, and give that file"
        raise refused(source, "is a plan as Terraform keeps it, which is not JSON", hint)
    if not start and len(source.content) < 4096:
        raise refused(source, "the file is empty", PULL)
    if re.match(rb'# This file is maintained automatically by "(terraform|tofu) init"', start):
        raise refused(source, "is the lock file of the providers, and no state", PULL)
    if re.match(rb"[{[]", start) is None and re.search(rb"(?m)^\s*[a-z_]+[ \t\w\"-]*[{=]", start):
        raise refused(source, "is a configuration (HCL), which does not say what is live", PULL)


def _kept(text: Text, root: Mapping[str, Any]) -> tuple[Iterator[Resource], str]:
    version = root["version"]
    if version != 4:
        if isinstance(version, int) and version < 4:
            older = "run Terraform 0.12 or later once, which brings it up to date: `terraform state pull > state.json`"
            hint = PULL if "backend" in root else older
            raise text.fault(("version",), f"is a state of version {version}, and 4 is read", hint)
        raise text.fault(("version",), "is a state of another version than 4", SHOW)
    made = root.get("terraform_version")
    return _instances(text, root), f"a state of Terraform {made}" if isinstance(made, str) else "a state of Terraform"


def _instances(text: Text, root: Mapping[str, Any]) -> Iterator[Resource]:
    for number, row in enumerate(text.items(root.get("resources"), ("resources",))):
        path: Path = ("resources", number)
        block = text.map(row, path)
        kind, name = text.text(block, "type", path), text.text(block, "name", path)
        mode = text.text(block, "mode", path, "managed")
        module = text.text(block, "module", path, "")
        found = _PROVIDER.search(text.text(block, "provider", path, ""))
        for place, one in enumerate(text.items(block.get("instances"), (*path, "instances"))):
            at: Path = (*path, "instances", place)
            instance = text.map(one, at)
            index = _index(text, instance, "index_key", at)
            local = f"{'data.' if mode == 'data' else ''}{kind}.{name}{_key(index)}"
            if instance.get("attributes") is None and instance.get("attributes_flat") is not None:
                raise text.fault(at, "has the attributes of a state of version 3", PULL)
            yield Resource(
                address=f"{module}.{local}" if module else local,
                type=kind,
                name=name,
                where=(*at, "attributes"),
                values=text.map(instance.get("attributes"), (*at, "attributes")),
                managed=mode == "managed",
                index=index,
                provider=found[1] if found else "",
                sensitive=frozenset(_paths(instance.get("sensitive_attributes"))),
                needs=_texts(instance.get("dependencies")),
                tainted=instance.get("status") == "tainted",
                deposed="deposed" in instance,
            )


def _paths(rows: Any) -> Iterator[str]:
    """The attributes that a state names as sensitive, or in which something is."""
    for row in rows if isinstance(rows, list) else ():
        steps = row.get("value", row) if isinstance(row, dict) else row
        first = steps[0] if isinstance(steps, list) and steps else None
        if isinstance(first, dict) and isinstance(first.get("value"), str):
            yield first["value"]


def _shown(text: Text, root: Mapping[str, Any]) -> tuple[Iterator[Resource], str]:
    version = text.text(root, "format_version", ())
    # Versions 0.1 and 0.2 are those of Terraform before 1.1, and hold the same.
    if version.partition(".")[0] not in ("0", "1"):
        raise text.fault(("format_version",), f"is of format_version {version[:20]}, and 1.x is read", None)
    made = root.get("terraform_version")
    by = f" of Terraform {made}" if isinstance(made, str) else " of Terraform"
    if "resource_changes" in root or "planned_values" in root:
        return _planned(text, root), f"a plan{by}"
    if "provider_schemas" in root or ("values" not in root and "terraform_version" not in root):
        raise text.fault((), "is neither a state nor a plan of Terraform", SHOW)
    return _modules(text, text.map(root.get("values"), ("values",)), ("values",)), f"a state{by}"


def _modules(text: Text, values: Mapping[str, Any], path: Path) -> Iterator[Resource]:
    todo: list[tuple[Any, Path]] = [(values.get("root_module"), (*path, "root_module"))]
    while todo:
        held, at = todo.pop(0)
        module = text.map(held, at)
        for number, row in enumerate(text.items(module.get("resources"), (*at, "resources"))):
            where: Path = (*at, "resources", number)
            block = text.map(row, where)
            known = _named(text, block, where)
            yield attrs.evolve(
                known,
                where=(*where, "values"),
                values=text.map(block.get("values"), (*where, "values")),
                sensitive=_marked(block.get("sensitive_values")),
                needs=_texts(block.get("depends_on")),
                tainted=block.get("tainted") is True,
                deposed="deposed_key" in block,
            )
        children = text.items(module.get("child_modules"), (*at, "child_modules"))
        todo += [(child, (*at, "child_modules", number)) for number, child in enumerate(children)]


def _planned(text: Text, root: Mapping[str, Any]) -> Iterator[Resource]:
    prior = text.map(root.get("prior_state"), ("prior_state",))
    live = _modules(text, text.map(prior.get("values"), ("prior_state", "values")), ("prior_state", "values"))
    pending: dict[str, Resource] = {}
    for number, row in enumerate(text.items(root.get("resource_changes"), ("resource_changes",))):
        where: Path = ("resource_changes", number)
        block = text.map(row, where)
        change = text.map(block.get("change"), (*where, "change"))
        known = _named(text, block, where)
        if known.managed and "deposed" not in block:
            pending[known.address] = _changing(text, known, change, (*where, "change"))
    for resource in live:
        changing = None if resource.deposed else pending.get(resource.address)
        if changing is None or not changing.live:
            yield resource
        else:
            yield attrs.evolve(resource, planned=changing.planned, changes=changing.changes)
            del pending[resource.address]
    # What is imported by the plan is live, though it is in no state yet.
    yield from pending.values()


def _changing(text: Text, known: Resource, change: Mapping[str, Any], path: Path) -> Resource:
    actions = tuple(each for each in _texts(change.get("actions")) if each not in ("no-op", "read"))
    before, after = text.map(change.get("before"), (*path, "before")), text.map(change.get("after"), (*path, "after"))
    unknown = change.get("after_unknown")
    if change.get("before") is None:
        values, place, marks = text.map(_merged(after, unknown), path), "after", change.get("after_sensitive")
    else:
        values, place, marks = before, "before", change.get("before_sensitive")
    hidden = unknown if isinstance(unknown, dict) else {}
    differing = (name for name in {**before, **after, **hidden} if before.get(name) != after.get(name))
    return attrs.evolve(
        known,
        where=(*path, place),
        values=values,
        sensitive=_marked(marks),
        planned=actions,
        changes=tuple(sorted(differing)),
        live=change.get("before") is not None,
    )


def _merged(value: Any, unknown: Any) -> Any:
    """A planned value with `UNSET` wherever the other, which is formed alike, says that it is not known."""
    if unknown is True:
        return UNSET
    if isinstance(unknown, dict):
        known = value if isinstance(value, dict) else {}
        return {key: _merged(known.get(key), unknown.get(key)) for key in {**known, **unknown}}
    if isinstance(unknown, list):
        said = value if isinstance(value, list) else []
        longest = max(len(said), len(unknown))
        pairs = zip([*said, *[None] * longest][:longest], [*unknown, *[None] * longest][:longest], strict=True)
        return [_merged(*pair) for pair in pairs]
    return value


def _named(text: Text, block: Mapping[str, Any], path: Path) -> Resource:
    mode = text.text(block, "mode", path, "managed")
    return Resource(
        address=text.text(block, "address", path),
        type=text.text(block, "type", path),
        name=text.text(block, "name", path),
        where=path,
        values={},
        managed=mode == "managed",
        index=_index(text, block, "index", path),
        provider=text.text(block, "provider_name", path, ""),
    )


def _index(text: Text, block: Mapping[str, Any], key: str, path: Path) -> int | str | None:
    index: Any = block.get(key)
    if isinstance(index, bool) or not isinstance(index, int | str | None):
        raise text.fault((*path, key), "the key of an instance is a number or a text")
    return index


def _key(index: int | str | None) -> str:
    if index is None:
        return ""
    if isinstance(index, int):
        return f"[{index}]"
    escaped = index.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def _marked(marks: Any) -> frozenset[str]:
    """The attributes that are sensitive, or in which something is."""
    if not isinstance(marks, dict):
        return frozenset()
    return frozenset(name for name, mark in marks.items() if _any(mark))


def _any(mark: Any) -> bool:
    inside = mark.values() if isinstance(mark, dict) else mark if isinstance(mark, list) else ()
    return mark is True or any(map(_any, inside))


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()
