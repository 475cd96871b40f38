"""Client tokens: a call that comes again is known by the token that came with it the first time."""

from providers.simulator.lifecycle import API, Json, World
from providers.simulator.rules import documented


def kept(world: World, token: str) -> Json | None:
    """Return what was kept when the token came first, as long as it is valid."""
    return world.transaction.token(token, world.now)


@documented(API + "API_UpdateConsumableResource.html")
def keep(world: World, token: str, document: Json) -> None:
    """A client token is valid for eight hours, then it is as good as new."""
    world.transaction.keep_token(token, document, world.now, world.now + 8 * 3600)
