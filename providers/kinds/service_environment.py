"""Service environments (SageMaker Training).

Source: the CreateServiceEnvironment, UpdateServiceEnvironment and DescribeServiceEnvironments pages of the AWS Batch
API reference.
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Rule

FACTS = Facts(
    name="service_environment",
    entity="serviceEnvironment",
    plural="serviceEnvironments",
    title="service environment",
    rank=1,
    arn="service-environment/{name}",
    create="CreateServiceEnvironment",
    update="UpdateServiceEnvironment",
    delete="DeleteServiceEnvironment",
    lookup=Lookup(
        describe="DescribeServiceEnvironments",
        keys="serviceEnvironments",
        result="serviceEnvironments",
        batch=100,
        listing="DescribeServiceEnvironments",
        items="serviceEnvironments",
    ),
    keyed=MappingProxyType({"CapacityLimits": "capacityUnit"}),
    defaults=(Default("service_environment.state", "ENABLED"),),
    always_sent=(Default("service_environment.state", "ENABLED"),),
    rules=(Rule("in-place", ("state", "capacityLimits"), "update", "taken in place; limits are sent in full"),),
    settles=True,
    switched=True,
    quota=50,
)
