"""What a plan may ask of the services around Batch: each answer, or *unread* with the reason.

A caller who may use Batch and nothing else can plan and apply all the same; what could not be read is said.
"""

import attrs

from providers.clients import Connection
from providers.errors import AnswerLost, CallError, CredentialsExpired, CredentialsMissing, ServerFault, Throttled


@attrs.frozen
class Unread:
    """What could not be read, and why."""

    reason: str


def account(connection: Connection) -> str | Unread:
    """The id of the account that is called, as STS tells it.

    Raises CredentialsExpired or CredentialsMissing, since with those nothing else can be called either, and
    Throttled, ServerFault or AnswerLost, after which STS may be asked again. One that cannot be reached at all is not
    worth waiting for: a network that leads to Batch need not lead to STS.
    """
    try:
        return connection.identity()
    except (CredentialsExpired, CredentialsMissing, Throttled, ServerFault, AnswerLost):
        raise
    except CallError as error:
        return Unread(str(error))
