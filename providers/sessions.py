"""Sessions of botocore: whose settings and credentials count, and what they say of regions and endpoints."""

import os
from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

import attrs

from providers.errors import CredentialsMissing
from providers.resources import Target

if TYPE_CHECKING:
    from botocore.session import Session

_LOOK_AT_THEM = "look at the AWS settings of this profile"

Make = Callable[..., Any]
"""Makes the client of a service, by its name; further arguments are those of `boto3.Session.client`."""


def region_said(target: Target, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The region that a target or the environment names, and where it came from."""
    if target.region:
        return target.region, target.region_source or "the target"
    return next(((environ[name], name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if environ.get(name)), None)


def region_of_profile(core: "Session", target: Target, environ: Mapping[str, str]) -> tuple[str, str]:
    region = core.get_scoped_config().get("region")
    if not region:
        raise CredentialsMissing(
            "there is no region to work in", hint="give --region, set AWS_REGION, or say `region` in the target"
        )
    profile = target.profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    return region, f"profile {profile}"


def configured_endpoint(core: "Session", environ: Mapping[str, str], service: str) -> str | None:
    """The endpoint that the user's own settings give a service ("Service-specific endpoints", AWS SDKs guide)."""
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    profile = core.get_scoped_config()
    services = core.full_config.get("services", {}).get(profile.get("services"), {})
    places = (
        environ.get(f"AWS_ENDPOINT_URL_{service.upper()}"),
        environ.get("AWS_ENDPOINT_URL"),
        services.get(service, {}).get("endpoint_url"),
        profile.get("endpoint_url"),
    )
    return next((url for url in places if url), None)


def user_session(target: Target) -> "Session":
    from botocore.session import Session

    return Session(profile=target.profile)


def alike(core: "Session") -> "Session":
    """Another session with the profile, the settings and the hooks of this one, whose credentials may be others."""
    from botocore.session import Session

    # The hooks hold botocore's own, and those of boto3, which may not be there twice.
    hooks = copy(core.get_component("event_emitter"))
    made = Session(profile=core.profile, event_hooks=hooks, include_builtin_handlers=False)
    made.register_component("data_loader", core.get_component("data_loader"))
    if (config := core.get_default_client_config()) is not None:
        made.set_default_client_config(config)
    return made


def session_of(target: Target) -> "Session":
    """A session of the user's profile and settings that has credentials."""
    return with_credentials(user_session(target))


def with_settings(core: "Session") -> "Session":
    """The session, whose profile there is; raises CredentialsMissing where there is none."""
    from botocore.exceptions import BotoCoreError, ProfileNotFound

    try:
        core.get_scoped_config()
    except ProfileNotFound as error:
        known = ", ".join(core.available_profiles) or "none"
        raise CredentialsMissing(str(error), hint=f"profiles that there are: {known}") from error
    except BotoCoreError as error:
        raise CredentialsMissing(str(error), hint=_LOOK_AT_THEM) from error
    return core


def with_credentials(core: "Session") -> "Session":
    """The session, which has credentials; raises CredentialsMissing where it has none."""
    from botocore.exceptions import BotoCoreError

    try:
        credentials = with_settings(core).get_credentials()
    except BotoCoreError as error:
        raise CredentialsMissing(str(error), hint=_LOOK_AT_THEM) from error
    if credentials is None:
        raise CredentialsMissing(
            "there are no credentials to call AWS with",
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (an endpoint of your own takes any)",
        )
    return core


def sealed_session() -> "Session":
    """A session that reads none of the user's profiles and files."""
    from botocore.session import Session

    return Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


@attrs.frozen
class _Held:
    """Credentials in the place where a session looks for the means of finding some."""

    credentials: Any

    def load_credentials(self) -> Any:
        return self.credentials


def in_role(role_arn: str, external_id: str | None, own: "Session", make: Make, other: "Session") -> "Session":
    """Turn `other` into a session of a role that `own` may assume; botocore renews it before it ends.

    `make` makes the client of the STS that is asked for the role.
    """
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    more = {"RoleSessionName": "batchwright"} | ({"ExternalId": external_id} if external_id else {})
    fetcher = AssumeRoleCredentialFetcher(make, own.get_credentials(), role_arn, extra_args=more)
    held = _Held(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))
    other.register_component("credential_provider", held)
    return other
