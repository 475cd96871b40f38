// Writes the templates of this folder: NODE_PATH=.../node_modules node stacks.js FOLDER
const fs = require("fs");
const path = require("path");
const cdk = require("aws-cdk-lib");
const { aws_batch: batch, aws_ec2: ec2, aws_ecs: ecs, aws_efs: efs, aws_eks: eks, aws_iam: iam } = cdk;
const { aws_logs: logs, aws_secretsmanager: secrets, aws_ssm: ssm } = cdk;

const folder = process.argv[2];
const context = {
  "aws:cdk:enable-path-metadata": true,
  ...JSON.parse(fs.readFileSync(path.join(__dirname, "cdk.context.json"))),
};
const app = new cdk.App({ context, outdir: path.join(folder, "cdk.out") });

// A network, a cluster of Fargate and jobs on it, all in one stack.
class Fargate extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, "Network", { maxAzs: 2, natGateways: 0 });
    const subnets = { subnetType: ec2.SubnetType.PUBLIC };
    const quick = new batch.FargateComputeEnvironment(this, "Quick", { vpc, vpcSubnets: subnets, maxvCpus: 64 });
    const spare = new batch.FargateComputeEnvironment(this, "Spare", {
      vpc, vpcSubnets: subnets, spot: true, computeEnvironmentName: "spare", enabled: false,
    });
    new batch.JobQueue(this, "Line", {
      computeEnvironments: [{ computeEnvironment: quick, order: 1 }, { computeEnvironment: spare, order: 2 }],
      priority: 10,
      jobStateTimeLimitActions: [{
        reason: batch.JobStateTimeLimitActionsReason.INSUFFICIENT_INSTANCE_CAPACITY, maxTime: cdk.Duration.minutes(10),
      }],
    });
    const password = new secrets.Secret(this, "Password");
    const files = new efs.FileSystem(this, "Files", { vpc, vpcSubnets: subnets });
    new batch.EcsJobDefinition(this, "Align", {
      container: new batch.EcsFargateContainerDefinition(this, "Container", {
        image: ecs.ContainerImage.fromRegistry("public.ecr.aws/docker/library/busybox:stable"),
        command: ["align", "Ref::sample"],
        cpu: 0.25,
        memory: cdk.Size.mebibytes(512),
        environment: { MODE: "fast", REGION: cdk.Aws.REGION },
        secrets: { PASSWORD: batch.Secret.fromSecretsManager(password, "value") },
        logging: ecs.LogDriver.awsLogs({ streamPrefix: "align", logGroup: new logs.LogGroup(this, "Logs") }),
        volumes: [batch.EcsVolume.efs({ name: "data", containerPath: "/data", fileSystem: files })],
        assignPublicIp: true,
      }),
      parameters: { sample: "s1" },
      retryAttempts: 2,
      timeout: cdk.Duration.hours(1),
      propagateTags: true,
    });
    cdk.Tags.of(this).add("team", "blue");
  }
}

// A network that was looked up, instances with a launch template, shares, a queue.
class Instances extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const vpc = ec2.Vpc.fromLookup(this, "Network", { vpcId: "vpc-0123456789abcdef0" });
    const data = ec2.UserData.forLinux();
    data.addCommands("echo ready");
    const environment = new batch.ManagedEc2EcsComputeEnvironment(this, "Large", {
      vpc,
      instanceTypes: [ec2.InstanceType.of(ec2.InstanceClass.C6I, ec2.InstanceSize.XLARGE)],
      useOptimalInstanceClasses: false,
      launchTemplate: new ec2.LaunchTemplate(this, "Template", { userData: new ec2.MultipartUserData() }),
      instanceRole: new iam.Role(this, "InstanceRole", {
        assumedBy: new iam.ServicePrincipal("ec2.amazonaws.com"),
        managedPolicies: [
          iam.ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonEC2ContainerServiceforEC2Role"),
        ],
      }),
      images: [{ imageType: batch.EcsMachineImageType.ECS_AL2023 }],
      updateTimeout: cdk.Duration.minutes(60),
      terminateOnUpdate: true,
    });
    const policy = new batch.FairshareSchedulingPolicy(this, "Shares", {
      shareDecay: cdk.Duration.hours(1),
      shares: [{ shareIdentifier: "blue", weightFactor: 1 }, { shareIdentifier: "red*", weightFactor: 0.5 }],
    });
    const queue = new batch.JobQueue(this, "Line", {
      jobQueueName: `${cdk.Aws.STACK_NAME}-line`,
      computeEnvironments: [{ computeEnvironment: environment, order: 1 }],
      schedulingPolicy: policy,
      priority: 1,
    });
    new cdk.CfnOutput(this, "Queue", { value: queue.jobQueueArn, exportName: "Instances-Queue" });
    new iam.ManagedPolicy(this, "Submitting", {
      statements: [new iam.PolicyStatement({ actions: ["batch:SubmitJob"], resources: [queue.jobQueueArn] })],
    });
  }
}

// The API's own shapes with parameters, conditions, imports, and names that are put together.
class Spot extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const stage = new cdk.CfnParameter(this, "Stage", { default: "test", allowedValues: ["test", "prod"] });
    const most = new cdk.CfnParameter(this, "Most", { type: "Number", default: 64 });
    const subnets = new cdk.CfnParameter(this, "Subnets", { type: "List<AWS::EC2::Subnet::Id>" });
    const token = new cdk.CfnParameter(this, "Token", { noEcho: true });
    const production = new cdk.CfnCondition(this, "Production", {
      expression: cdk.Fn.conditionEquals(stage.valueAsString, "prod"),
    });
    const resources = (type, more) => ({
      type,
      minvCpus: 0,
      maxvCpus: most.valueAsNumber,
      instanceTypes: ["optimal"],
      subnets: subnets.valueAsList,
      securityGroupIds: [cdk.Fn.importValue("network-group")],
      instanceRole: ssm.StringParameter.valueForStringParameter(this, "/batch/instance-profile"),
      ...more,
    });
    const spot = new batch.CfnComputeEnvironment(this, "Spot", {
      type: "managed",
      state: "enabled",
      computeEnvironmentName: cdk.Fn.sub("${Stage}-spot"),
      computeResources: resources("spot", {
        allocationStrategy: "SPOT_PRICE_CAPACITY_OPTIMIZED",
        bidPercentage: cdk.Token.asNumber(cdk.Fn.conditionIf("Production", 100, 60)),
        tags: { Name: cdk.Fn.join("-", [stage.valueAsString, "spot"]) },
      }),
      updatePolicy: { jobExecutionTimeoutMinutes: 30, terminateJobsOnUpdate: false },
    });
    const steady = new batch.CfnComputeEnvironment(this, "Steady", {
      type: "managed",
      replaceComputeEnvironment: true,
      computeResources: resources("ec2", { allocationStrategy: "BEST_FIT_PROGRESSIVE" }),
    });
    steady.cfnOptions.condition = production;
    steady.cfnOptions.deletionPolicy = cdk.CfnDeletionPolicy.RETAIN;
    const licences = new batch.CfnConsumableResource(this, "Licences", { resourceType: "REPLENISHABLE", totalQuantity: 5 });
    const queue = new batch.CfnJobQueue(this, "Line", {
      jobQueueName: cdk.Fn.sub("${Stage}-line"),
      priority: 10,
      state: "ENABLED",
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: spot.ref }],
    });
    queue.addDependency(licences);
    const definition = new batch.CfnJobDefinition(this, "Sort", {
      type: "container",
      jobDefinitionName: "sort",
      containerProperties: {
        image: cdk.Fn.sub("${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/sort:1"),
        command: ["sort"],
        environment: [{ name: "TOKEN", value: token.valueAsString }, { name: "STAGE", value: stage.valueAsString }],
        resourceRequirements: [{ type: "VCPU", value: "1" }, { type: "MEMORY", value: "512" }],
      },
      consumableResourceProperties: {
        consumableResourceList: [{ consumableResource: licences.ref, quantity: 1 }],
      },
      resourceRetentionPolicy: { skipDeregisterOnUpdate: true },
    });
    definition.applyRemovalPolicy(cdk.RemovalPolicy.RETAIN);
  }
}

// Every sort of job definition.
class Definitions extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const image = ecs.ContainerImage.fromRegistry("public.ecr.aws/docker/library/busybox:stable");
    const role = iam.Role.fromRoleArn(this, "JobRole", "arn:aws:iam::123456789012:role/jobs");
    const container = (name) => new batch.EcsEc2ContainerDefinition(this, name, {
      image,
      cpu: 2,
      memory: cdk.Size.gibibytes(2),
      jobRole: role,
      executionRole: role,
      command: ["echo", name],
      secrets: {
        KEY: batch.Secret.fromSsmParameter(
          ssm.StringParameter.fromSecureStringParameterAttributes(this, `${name}Key`, { parameterName: "/key" }),
        ),
      },
      ulimits: [{ name: batch.UlimitName.NOFILE, softLimit: 1024, hardLimit: 2048 }],
      volumes: [batch.EcsVolume.host({ name: "scratch", hostPath: "/scratch", containerPath: "/scratch" })],
      linuxParameters: new batch.LinuxParameters(this, `${name}Linux`, { initProcessEnabled: true }),
    });
    new batch.EcsJobDefinition(this, "Single", {
      jobDefinitionName: "single",
      container: container("Single0"),
      retryAttempts: 3,
      retryStrategies: [
        batch.RetryStrategy.of(batch.Action.RETRY, batch.Reason.SPOT_INSTANCE_RECLAIMED),
        batch.RetryStrategy.of(batch.Action.EXIT, batch.Reason.custom({ onExitCode: "40*" })),
      ],
      skipDeregisterOnUpdate: true,
    });
    new batch.MultiNodeJobDefinition(this, "Many", {
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.R4, ec2.InstanceSize.LARGE),
      containers: [
        { container: container("Main"), startNode: 0, endNode: 0 },
        { container: container("Worker"), startNode: 1, endNode: 4 },
      ],
      propagateTags: true,
    });
    new batch.EksJobDefinition(this, "Pod", {
      container: new batch.EksContainerDefinition(this, "PodContainer", {
        image,
        command: ["sh", "-c", "echo $HOME"],
        env: { MODE: "fast" },
        memoryLimit: cdk.Size.gibibytes(1),
        cpuLimit: 1,
        volumes: [
          batch.EksVolume.emptyDir({ name: "tmp", mountPath: "/tmp", sizeLimit: cdk.Size.mebibytes(64) }),
          batch.EksVolume.secret({ name: "keys", mountPath: "/keys", secretName: "keys" }),
        ],
        runAsUser: 1000,
      }),
      serviceAccount: "jobs",
    });
    const resource = new batch.ConsumableResource(this, "Tokens", { consumableResourceName: "tokens", totalQuantity: 3 });
    void resource;
    const cluster = eks.Cluster.fromClusterAttributes(this, "Cluster", {
      clusterName: "pods",
      vpc: ec2.Vpc.fromVpcAttributes(this, "PodNetwork", {
        vpcId: "vpc-1", availabilityZones: ["eu-west-1a"], privateSubnetIds: ["subnet-1"],
      }),
      kubectlRoleArn: "arn:aws:iam::123456789012:role/kubectl",
    });
    new batch.ManagedEc2EksComputeEnvironment(this, "Pods", {
      vpc: cluster.vpc,
      eksCluster: cluster,
      kubernetesNamespace: "jobs",
      useOptimalInstanceClasses: false,
      instanceTypes: [ec2.InstanceType.of(ec2.InstanceClass.M6I, ec2.InstanceSize.LARGE)],
      instanceRole: new iam.Role(this, "NodeRole", { assumedBy: new iam.ServicePrincipal("ec2.amazonaws.com") }),
    });
  }
}

const env = { account: "123456789012", region: "eu-west-1" };
new Fargate(app, "Fargate");
new Instances(app, "Instances", { env });
new Spot(app, "Spot");
new Definitions(app, "Definitions", { analyticsReporting: false });
const made = app.synth();
for (const stack of made.stacks) {
  fs.writeFileSync(path.join(folder, stack.templateFile), `${JSON.stringify(stack.template, null, 1)}\n`);
}
fs.rmSync(path.join(folder, "cdk.out"), { recursive: true });
