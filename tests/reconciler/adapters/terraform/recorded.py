"""What Terraform said and made in `tests/data/terraform`; `tests.contract.terraform.record` makes it anew."""

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from plans.manifest import Source
from providers.resources import Document
from providers.simulator import Simulator, Store
from reconciler.adapters.conversion import Conversion
from reconciler.adapters.terraform import Asked, convert
from tests.kit import Stage, client, kinds

DATA = Path(__file__).parent.parent.parent.parent / "data" / "terraform"
SHOP = Asked("shop")


@cache
def text(name: str) -> str:
    return (DATA / f"{name}.json").read_text()


def document(name: str) -> Any:
    """What a file says, anew each time."""
    return json.loads(text(name))


def converted(what: Any, asked: Asked = SHOP) -> Conversion:
    """The conversion of a file by its name, or of a document."""
    said = text(what) if isinstance(what, str) else json.dumps(what)
    return convert(Source("given.json", said.encode()), kinds(), asked)


def edited(name: str, edit: Callable[[Any], None]) -> Any:
    """A file's document after an edit."""
    made = document(name)
    edit(made)
    return made


def replay(
    batch: Any, wait: Callable[[float], object], but: Callable[[str, Document], bool] = lambda _operation, _said: False
) -> None:
    """Make the calls that Terraform made, without those that `but` holds of; each is given two minutes."""
    operations = {name.replace("_", ""): name for name in dir(batch) if not name.startswith("_")}
    for call in document("calls"):
        if not but(call["operation"], call["arguments"]):
            getattr(batch, operations[call["operation"]])(**call["arguments"])
            wait(120)


def made_by_terraform(*, but: Callable[[str, Document], bool] = lambda _operation, _said: False) -> Stage:
    """A stage with everything that Terraform made, by its own calls."""
    stage = Stage.new()
    replay(stage.world, stage.settle, but)
    return stage


def kept_in(path: Path) -> None:
    """Make the file of a simulator that has everything that Terraform made."""
    store = Store.open(path, time.time(), 1_000_000)
    clock = store.clock()
    replay(client(Simulator(store, clock)), clock.sleep)
    store.close()
