"""The targets of a controller, each connected when a stack needs it first.

One that cannot be had is a matter of its own stacks, and no other's: what is wrong is told by the name that the
configuration gives it, and each time that it is needed it is tried anew.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import attrs

from providers import model
from providers.clients import examine
from providers.errors import (
    AnswerLost,
    BatchwrightError,
    CallError,
    InputError,
    RefusedError,
    Rejected,
    ServerFault,
    TargetUnusable,
    Throttled,
    Unreachable,
)
from providers.kinds import Kinds, bind
from reconciler.controller.configuration import Place
from reconciler.engine import Reconciler
from reconciler.journal import state_folder
from reconciler.lock import place as lock_of
from reconciler.pace import Pace
from reconciler.settings import Settings


def of_target(error: BatchwrightError, name: str) -> BatchwrightError:
    """The error with the target for its address, where it is of none and may be the target's fault."""
    if error.address is not None or not isinstance(error, CallError | RefusedError | TargetUnusable):
        return error
    return attrs.evolve(error, address=f"the target {name}")


@attrs.frozen(eq=False)
class Targets:
    """Called with the name of a target it gives its reconciler, with a pace that all who call there share.

    `environ` is that of this process. It may be called from any thread.
    """

    places: Mapping[str, Place]
    environ: Mapping[str, str]
    _kinds: Kinds = attrs.field(init=False, factory=lambda: bind(model.load()))
    _made: dict[str, Reconciler] = attrs.field(init=False, factory=dict)
    _guards: Mapping[str, threading.Lock] = attrs.field(init=False)

    @_guards.default
    def _a_guard_each(self) -> Mapping[str, threading.Lock]:
        return {name: threading.Lock() for name in self.places}

    def __call__(self, name: str) -> Reconciler:
        """Raises AccessDenied where its role may not be assumed, CredentialsMissing, CredentialsExpired or
        TargetUnusable, all of which name it."""
        with self._guards[name]:
            if name not in self._made:
                with _named(name):
                    self._made[name] = self._connected(self.places[name])
            return self._made[name]

    def forget(self, name: str) -> None:
        """Connect it anew when it is needed next: credentials are read from files and the environment only then."""
        with self._guards[name]:
            self._made.pop(name, None)

    def examine(self, name: str) -> None:
        """Raise as a call would for what can be told without asking anybody."""
        with _named(name):
            examine(self.places[name].target, environ=self.environ)

    def _connected(self, there: Place) -> Reconciler:
        settings = Settings(
            parallelism=there.parallelism,
            max_api_rate=there.max_api_rate,
            lock=lock_of(there.lock),
            state=state_folder(self.environ),
            estimating=False,
        )
        made = Reconciler.connect(there.target, settings=settings, kinds=self._kinds, environ=self.environ)
        # Who it is any caller may ask: who may not has no role to ask with. A look would only tell of each kind of
        # objects that it cannot be read.
        with suppress(Throttled, ServerFault, Unreachable, AnswerLost, Rejected):
            made.connection.identity()
        return attrs.evolve(made, pace=Pace(there.max_api_rate))


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise of_target(TargetUnusable(error.message, hint=error.hint), name) from error
    except CallError as error:
        raise of_target(error, name) from error
