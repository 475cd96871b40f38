"""The API does what its document says."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, get_args

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from reconciler.controller.conditions import ALLOWED, REASONS, Answer
from reconciler.controller.configuration import Hook
from reconciler.controller.guard import hosts_of
from reconciler.controller.openapi import OPERATIONS, document
from reconciler.controller.rates import Rate
from reconciler.controller.web import Limits
from tests.reconciler.controller.desks import PLAN, TOKENS, house

MANY = Rate(1e9, 1e9)


@pytest.mark.unmeasured
@pytest.mark.parametrize("known", [False, True], ids=["any stack", "a stack that there is"])
def test_schemathesis_finds_no_fault(tmp_path: Path, known: bool) -> None:
    """Whatever comes, right or wrong, is answered as the document says, and what is wrong is refused."""
    (tmp_path / "secrets").write_bytes(b"s3cret\n")
    hooks = {"genomics": Hook("genomics", "github", "code", tmp_path / "secrets")}
    limits = Limits(asks=MANY, strangers=MANY, good=MANY, bad=MANY)
    made = house(tmp_path, hooks=hooks, limits=limits, hosts=hosts_of("127.0.0.1", ["testserver"]))
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "max-examples": 6, "database": "none"},
            "auth": {"openapi": {"token": {"bearer": TOKENS["override"]}}},
            "parameters": {"path.name": "genomics", "body.plan": PLAN} if known else {},
            "workers": 1,
            "seed": 1,
        }
    )
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", made.app, config=config)
    faults: list[str] = []
    answered: dict[str, set[int]] = defaultdict(set)
    checked: dict[str, set[str]] = defaultdict(set)
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                for case, checks in recorder.checks.items():
                    response = recorder.interactions[case].response
                    answered[recorder.label] |= {response.status_code} if response is not None else set()
                    checked[recorder.label] |= {check.name for check in checks}
                    faults += [
                        f"{recorder.label}: {check.name}: {check.failure_info.failure.message}"
                        for check in checks
                        if check.failure_info is not None
                    ]
            case events.NonFatalError() | events.FatalError():
                faults.append(str(event))
    assert not faults, "\n".join(faults[:20])
    # schemathesis leaves out the path that it has the document from.
    expected = {
        f"{operation.method} {operation.path}": operation for operation in OPERATIONS if operation.id != "openapi"
    }
    assert answered.keys() == expected.keys()
    for label, operation in expected.items():
        assert {"ignored_auth", "negative_data_rejection", "unsupported_method"} <= checked[label]
        assert 405 in answered[label]
        if operation.role is not None:
            assert 401 in answered[label]
        done = known or "{name}" not in operation.path
        assert (operation.answers if done and operation.id != "hook" else 401 if done else 404) in answered[label]


def test_the_document_holds_together(tmp_path: Path) -> None:
    """It is served without a token as it is, every reference leads somewhere, every schema is one, and a condition
    is one of the table."""
    got = house(tmp_path).call("GET", "/openapi.json")
    whole = document("1")
    assert (got.status, got.json) == (200, whole)
    text = json.dumps(whole)
    for part in text.split('"$ref": "#/')[1:]:
        here: Any = whole
        for step in part.split('"')[0].split("/"):
            here = here[step]
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for status, header in (("401", "WWW-Authenticate"), ("405", "Allow"), ("429", "Retry-After")):
        assert whole["components"]["responses"][status]["headers"][header]["required"]
    made = Draft202012Validator(whole["components"]["schemas"]["Condition"])
    for kind, answers in ALLOWED.items():
        for answer in get_args(Answer):
            for reason in REASONS:
                row = {"type": kind, "status": answer, "reason": reason, "message": "", "since": "2027-01-15T08:00:00Z"}
                assert made.is_valid(row) == (reason in answers[answer])
    identities = [operation.id for operation in OPERATIONS]
    assert len(set(identities)) == len(identities)
