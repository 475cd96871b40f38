"""Compute resources of type ECS_MANAGED_INSTANCES: the provider of their instances, and the tags of their capacity."""

from providers.simulator.lifecycle import API, Json
from providers.simulator.rules import Refused, assumed, documented, must_be_one_of

TYPE = "ECS_MANAGED_INSTANCES"
_PROVIDER = API + "API_ManagedInstancesProvider.html"
_TEMPLATE = API + "API_InstanceLaunchTemplate.html"
_ELSEWHERE = (
    "allocationStrategy",
    "bidPercentage",
    "ec2Configuration",
    "ec2KeyPair",
    "imageId",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "placementGroup",
    "spotIamFleetRole",
    "tags",
)
_PREFERENCES = ("RESERVATIONS_ONLY", "RESERVATIONS_FIRST", "RESERVATIONS_EXCLUDED")


def is_managed(given: Json) -> bool:
    return bool(given["type"] == TYPE)


def check(given: Json) -> None:
    """Refuse what Batch refuses of the resources as they are, or are to be."""
    _provider_goes_with_the_type(given)
    _capacity_tags_go_with_the_type(given)
    _machines_are_the_providers(given)
    if is_managed(given):
        provider = given["managedInstancesProvider"]
        _propagation_is_known(provider)
        _idle_time_is_in_range(provider)
        template = provider["instanceLaunchTemplate"]
        _network_is_told(template)
        _option_is_known(template)
        _monitoring_is_known(template)
        _preference_is_known(template)


@documented(_PROVIDER)
def _provider_goes_with_the_type(given: Json) -> None:
    """Resources of type ECS_MANAGED_INSTANCES, and no others, have a provider of managed instances."""
    if is_managed(given) and "managedInstancesProvider" not in given:
        raise Refused(f"managedInstancesProvider must be specified for {TYPE} compute environments")
    if not is_managed(given) and "managedInstancesProvider" in given:
        raise Refused(f"managedInstancesProvider can only be specified for {TYPE} compute environments")


@documented(API + "API_ComputeResource.html")
def _capacity_tags_go_with_the_type(given: Json) -> None:
    """Capacity tags are for ECS_MANAGED_INSTANCES."""
    if "capacityTags" in given and not is_managed(given):
        raise Refused(f"capacityTags can only be specified for {TYPE} compute environments")


@assumed("botocore's model gives the provider members of its own for them")
def _machines_are_the_providers(given: Json) -> None:
    """What describes machines stands in the provider, not beside it."""
    found = [key for key in _ELSEWHERE if key in given]
    if is_managed(given) and found:
        raise Refused(f"{found[0]} is not applicable for {TYPE}.")


@documented(_PROVIDER)
def _propagation_is_known(provider: Json) -> None:
    """Tags of the capacity provider go on to its instances (CAPACITY_PROVIDER) or not (NONE)."""
    must_be_one_of("propagateTags", provider.get("propagateTags", "NONE"), ("CAPACITY_PROVIDER", "NONE"))


@documented(API + "API_InfrastructureOptimization.html")
def _idle_time_is_in_range(provider: Json) -> None:
    """An instance is idle for 0 to 3600 s before it goes, or stays where -1 is said."""
    if not -1 <= provider.get("infrastructureOptimization", {}).get("scaleInAfter", 0) <= 3600:
        raise Refused("scaleInAfter must be -1, or between 0 and 3600")


@documented(API + "API_ManagedInstancesNetworkConfiguration.html")
def _network_is_told(template: Json) -> None:
    """Managed instances have subnets and security groups."""
    for key in ("subnets", "securityGroups"):
        if not template["networkConfiguration"][key]:
            raise Refused(f"networkConfiguration.{key} must not be empty")


@documented(_TEMPLATE)
def _option_is_known(template: Json) -> None:
    """Capacity is ON_DEMAND or SPOT."""
    must_be_one_of("capacityOptionType", template.get("capacityOptionType", "SPOT"), ("ON_DEMAND", "SPOT"))


@documented(_TEMPLATE)
def _monitoring_is_known(template: Json) -> None:
    """Monitoring is BASIC or DETAILED."""
    must_be_one_of("monitoring", template.get("monitoring", "BASIC"), ("BASIC", "DETAILED"))


@documented(API + "API_CapacityReservationRequest.html")
def _preference_is_known(template: Json) -> None:
    """Reserved capacity is the only one, the first one, or excluded."""
    given = template.get("capacityReservations", {})
    must_be_one_of("reservationPreference", given.get("reservationPreference", "RESERVATIONS_ONLY"), _PREFERENCES)


@documented(API + "API_UpdateManagedInstancesProviderConfiguration.html")
def as_updated(live: Json, sent: Json) -> Json:
    """Of a provider, what is sent changes; the option of capacity and FIPS are not among what can be sent."""
    template = {**live["instanceLaunchTemplate"], **sent.get("instanceLaunchTemplate", {})}
    return {**live, **sent, "instanceLaunchTemplate": template}
