"""The API does what its document says."""

from pathlib import Path

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from reconciler.controller.configuration import Hook
from reconciler.controller.guard import hosts_of
from reconciler.controller.rates import Rate
from reconciler.controller.web import Limits
from tests.reconciler.controller.desks import PLAN, TOKENS, house

MANY = Rate(1e9, 1e9)


@pytest.mark.unmeasured
@pytest.mark.parametrize("known", [False, True], ids=["any stack", "a stack that there is"])
def test_schemathesis_finds_no_fault(tmp_path: Path, known: bool) -> None:
    """Whatever comes, right or wrong, is answered as the document says, and what is wrong is refused."""
    (tmp_path / "secrets").write_bytes(b"s3cret\n")
    hooks = {"git": Hook("git", "github", "code", tmp_path / "secrets")}
    limits = Limits(asks=MANY, strangers=MANY, good=MANY, bad=MANY)
    made = house(tmp_path, hooks=hooks, limits=limits, hosts=hosts_of("127.0.0.1", ["testserver"]))
    parameters = {"path.name": "genomics", "body.plan": PLAN} if known else {}
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "max-examples": 8, "database": "none"},
            "auth": {"openapi": {"token": {"bearer": TOKENS["override"]}}},
            "parameters": parameters,
            "workers": 1,
            "seed": 1,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", made.app, config=config)
    faults: list[str] = []
    asked = 0
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                for case_id, checks in event.recorder.checks.items():
                    asked += 1
                    case = event.recorder.cases[case_id].value
                    faults += [f"{case.method} {case.formatted_path} {check}" for check in checks if check.failure]
            case events.NonFatalError() | events.FatalError():
                faults.append(str(event))
    assert not faults, "\n".join(faults[:20])
    print(asked)
    assert asked > 300
