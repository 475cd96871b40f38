"""Permissions: what an IAM policy must allow for a plan, and for a stack whatever becomes of it, and nothing beside.

Actions, resource types and condition keys are those of "Actions, resources, and condition keys for AWS Batch", Service
Authorization Reference (docs.aws.amazon.com/service-authorization/latest/reference/list_batch.html):

- What reads takes no resource, or all of a kind are read, so it is `*`. GetCallerIdentity needs no permission.
- A creation needs its own action and, for the tags that go with it, `batch:TagResource`; what a queue or a definition
  names is a resource of the call too; `batch:SetCapacityTags` where it says `capacityTags`. A registration is of
  `job-definition/NAME`, and everything else about revisions of `job-definition/NAME:REVISION`.
- Jobs have ids that nobody knows before, and ARNs without a queue: `job/*`. CancelJobs, TerminateJobs and
  TerminateServiceJobs are allowed by the actions of one job.
- `iam:PassRole` for each role that a call names, to the service that takes it (`iam:PassedToService`): AWS Batch, EC2
  or Spot Fleet for an environment, as the reference says; tasks of ECS for a definition; ECS for the role of managed
  instances ("Amazon ECS infrastructure IAM role", Amazon ECS developer guide). What is passed with an instance profile
  is the role in it ("Grant a user permissions to pass a role to an AWS service", IAM user guide).

Conditions. For a plan all objects are known by their ARNs, or will have names that it knows, so there is no condition
on them: one on our tag would deny the tagging of what is taken over. For a stack

- `aws:RequestTag/batchwright:stack`: whatever is made, registered or submitted must be made as this stack's;
- `aws:ResourceTag/batchwright:stack`: what is updated, tagged, deleted or deregistered must be this stack's, or one's
  whose objects the manifest takes over with `moved`. A taking over adds our tag to what has none, so that one would
  deny it: there the request must have the tag, and the resource, only if it carries the tag at all, must be this
  stack's (`StringEqualsIfExists`), as holds of what is being made;
- none of them on what a queue, a quota share or a definition names, which may be another stack's and stays as it is;
- nothing of this holds of the jobs of users, which carry no tag of ours: `drain: cancel` and `terminate` are allowed
  to end any job of the account and region. Jobs of trials carry it, and no others are ended for being one.
"""

from plans.permissions.common import Where, assumed, of_lock
from plans.permissions.grants import LIMIT, Grant, document, size
from plans.permissions.plan import of_plan
from plans.permissions.stack import of_stack

__all__ = ["LIMIT", "Grant", "Where", "assumed", "document", "of_lock", "of_plan", "of_stack", "size"]
