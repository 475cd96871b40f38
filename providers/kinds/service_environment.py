"""Service environments (SageMaker Training).

Source: the CreateServiceEnvironment, UpdateServiceEnvironment and DescribeServiceEnvironments pages of the AWS Batch
API reference.
"""

from types import MappingProxyType

from providers.kinds.facts import Default, Facts, Lookup, Rule, page

_CREATE = page("CreateServiceEnvironment")
_UPDATE = page("UpdateServiceEnvironment")
_SCHEMA = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-batch-serviceenvironment.html"

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
    orderless=MappingProxyType({"CapacityLimits": _SCHEMA}),
    defaults=(Default("service_environment.state", "ENABLED", source=_CREATE),),
    always_sent=(Default("service_environment.state", "ENABLED", source=_CREATE),),
    rules=(
        Rule(
            "in-place", ("state", "capacityLimits"), "update", "taken in place; limits are sent in full", source=_UPDATE
        ),
        Rule(
            "for-life", ("serviceEnvironmentType",), "replace", "the API has no update for this field", source=_UPDATE
        ),
    ),
    settles=True,
    switched=True,
    quota=50,
)
