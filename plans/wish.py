"""What is to be made true, and the plan file that holds it: a manifest, what is asked for beside it, and the plan."""

import attrs

from plans import planfile
from plans.asked import NOTHING, Asked
from plans.document import from_document, to_document
from plans.jsonform import taken_on_trust
from plans.manifest import Manifest
from plans.plan import Plan


@attrs.frozen
class Wish:
    """What is to be made true: a manifest, what is asked for beside it, and the plan that was promised, if any.

    `Reconciler.apply(wish.manifest, held=wish.held, asked=wish.asked)` carries out what is held or nothing.
    """

    manifest: Manifest
    asked: Asked = Asked()
    held: Plan | None = None


def dumps(plan: Plan, manifest: Manifest, asked: Asked = NOTHING) -> str:
    """The text of a plan file, which `batchwright apply` takes too; `asked` is what the plan was made with.

    It holds the values of the manifest in the clear, secrets included: give it to nobody but its owner.
    """
    return planfile.dumps(plan, {"manifest": to_document(manifest), "asked": asked.to_json()})


def loads(text: str) -> Wish:
    """The wish in the text of a plan file; raises PlanFileError where it is damaged, edited or of another format."""
    promised, document = planfile.loads(text)
    with taken_on_trust():
        manifest = from_document(document["manifest"])
        held = attrs.evolve(promised, secrets=manifest.secrets)
        return Wish(manifest, Asked.from_json(document["asked"]), held)
