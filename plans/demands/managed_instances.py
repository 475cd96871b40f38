"""Compute resources of type ECS_MANAGED_INSTANCES: the provider of their instances, and the tags of their capacity."""

from plans.demands.demand import Demand, of, outside, unknown
from plans.demands.tags import tags_of
from providers.kinds.environment_changes import OF_MACHINES, SCALE
from providers.kinds.facts import page
from providers.kinds.regimes import managed_instances
from providers.resources import Document

_TYPE = "ECS_MANAGED_INSTANCES"
_RESOURCE = page("ComputeResource")
_TEMPLATE = page("InstanceLaunchTemplate")
_NETWORK = page("ManagedInstancesNetworkConfiguration")
_OF_OWN_MACHINES = tuple(member for member in OF_MACHINES if f"computeResources.{member}" not in SCALE)


def _is(part: Document) -> bool:
    return part.get("type") == _TYPE


DEMANDS = (
    Demand(
        "provider-needed",
        "ComputeResource.managedInstancesProvider",
        lambda part, _: _is(part) and "managedInstancesProvider" not in part,
        f"{_TYPE} needs a provider of its instances",
        "say infrastructureRoleArn and instanceLaunchTemplate",
        _RESOURCE,
    ),
    Demand(
        "provider-elsewhere",
        "ComputeResource.managedInstancesProvider",
        lambda part, _: not _is(part) and "managedInstancesProvider" in part,
        f"only {_TYPE} takes it",
        "leave it out",
        _RESOURCE,
    ),
    Demand(
        "capacity-tags-elsewhere",
        "ComputeResource.capacityTags",
        lambda part, _: not _is(part) and "capacityTags" in part,
        f"only {_TYPE} takes it",
        "leave it out; tags are those of instances",
        _RESOURCE,
    ),
    *tags_of("capacity-tags", "capacityTags", managed_instances),
    *(
        Demand(
            "machines-of-provider",
            f"ComputeResource.{member}",
            of(member, lambda part, _, member: _is(part) and member in part),
            f"{_TYPE} has no such field: the provider tells of its instances",
            "leave it out, and see managedInstancesProvider",
            _RESOURCE,
        )
        for member in _OF_OWN_MACHINES
    ),
    Demand(
        "provider-tags",
        "ManagedInstancesProvider.propagateTags",
        lambda part, whole: managed_instances(whole) and unknown(part, "propagateTags", "CAPACITY_PROVIDER", "NONE"),
        "it is none of the words that this takes",
        "CAPACITY_PROVIDER or NONE",
        page("ManagedInstancesProvider"),
    ),
    Demand(
        "idle-time",
        "InfrastructureOptimization.scaleInAfter",
        lambda part, whole: managed_instances(whole) and outside(part, "scaleInAfter", -1, 3600),
        "it is 0 to 3600 seconds, or -1 for never",
        "name a time within an hour",
        page("InfrastructureOptimization"),
    ),
    *(
        Demand(
            f"provider-{told}",
            f"ManagedInstancesNetworkConfiguration.{member}",
            of(member, lambda part, whole, member: managed_instances(whole) and not part.get(member)),
            "managed instances have one or more",
            "name one or more",
            _NETWORK,
        )
        for member, told in (("subnets", "subnets"), ("securityGroups", "security-groups"))
    ),
    Demand(
        "capacity-option",
        "InstanceLaunchTemplate.capacityOptionType",
        lambda part, whole: managed_instances(whole) and unknown(part, "capacityOptionType", "ON_DEMAND", "SPOT"),
        "it is none of the words that this takes",
        "ON_DEMAND or SPOT",
        _TEMPLATE,
    ),
    Demand(
        "monitoring",
        "InstanceLaunchTemplate.monitoring",
        lambda part, whole: managed_instances(whole) and unknown(part, "monitoring", "BASIC", "DETAILED"),
        "it is none of the words that this takes",
        "BASIC or DETAILED",
        _TEMPLATE,
    ),
    Demand(
        "reservation",
        "CapacityReservationRequest.reservationPreference",
        lambda part, whole: (
            managed_instances(whole)
            and unknown(
                part, "reservationPreference", "RESERVATIONS_ONLY", "RESERVATIONS_FIRST", "RESERVATIONS_EXCLUDED"
            )
        ),
        "it is none of the words that this takes",
        "RESERVATIONS_ONLY, RESERVATIONS_FIRST or RESERVATIONS_EXCLUDED",
        page("CapacityReservationRequest"),
    ),
)
