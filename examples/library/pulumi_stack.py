"""A stack as one resource of a Pulumi program, by a dynamic provider. `document` is the manifest, as JSON text."""

import json
from typing import Any

from pulumi import Input, Output
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from plans import Manifest
from providers import ManifestError, Target
from reconciler import Reconciler, build

TARGET = Target(provider="simulator", region="eu-west-1", speed=1000)


def parts(props: dict[str, Any]) -> tuple[Reconciler, Manifest]:
    return Reconciler.connect(TARGET), build(json.loads(props["document"]))


def converged(props: dict[str, Any]) -> dict[str, Any]:
    """What Pulumi keeps of a stack that was made to be as its document says; raises where it is not."""
    reconciler, manifest = parts(props)
    if (report := reconciler.apply(manifest)).exit_code:
        raise RuntimeError("; ".join(f"{it.step}: {it.error}" for it in report.failures) or "it has not converged")
    return {**props, "objects": json.dumps(reconciler.output(manifest))}


class StackProvider(ResourceProvider):
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        try:
            parts(news)
            return CheckResult(news, [])
        except ManifestError as error:
            return CheckResult(news, [CheckFailure("document", str(fault)) for fault in error.faults])
        except ValueError as error:
            return CheckResult(news, [CheckFailure("document", f"it is not JSON: {error}")])

    def diff(self, id_: str, _olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        reconciler, manifest = parts(news)
        replaces = [] if manifest.stack == id_ else ["document"]
        return DiffResult(changes=bool(replaces) or not reconciler.plan(manifest).empty, replaces=replaces)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(parts(props)[1].stack, converged(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(converged(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        reconciler, manifest = parts(props)
        if reconciler.destroy(manifest).exit_code:
            raise RuntimeError("not all of it is gone: the same command again goes on")


class Stack(Resource):
    objects: Output[str]  # the names and ARNs, as JSON text

    def __init__(self, name: str, document: Input[str]) -> None:
        super().__init__(StackProvider(), name, {"document": document, "objects": None})
