"""Creates the stack on moto: every resource of the template that moto supports, through its own API.

moto's CloudFormation has neither secrets nor WebSocket APIs nor aliases, so the resources are created one by one,
in the order of their references. What moto lacks altogether is listed in `LEFT_OUT`, with what stands in for it.
"""

import functools
import json
import logging
import secrets
import string
from dataclasses import dataclass, field

import boto3

from .template import ACCOUNT, REGION, Resolver

log = logging.getLogger("deploy")

#: Types that are not created, and why the tests do not need them.
LEFT_OUT = {
    "AWS::ApiGateway::Account": "of the account, not of the stack",
    "AWS::ApiGateway::Deployment": "the front of this harness serves the API",
    "AWS::ApiGateway::GatewayResponse": "the front of this harness reads them from the template",
    "AWS::ApiGateway::RestApi": "the front of this harness serves its definition",
    "AWS::ApiGateway::Stage": "the front of this harness serves the API",
    "AWS::ApiGatewayV2::Api": "the front of this harness serves its routes",
    "AWS::ApiGatewayV2::Authorizer": "the front of this harness calls it",
    "AWS::ApiGatewayV2::Integration": "the front of this harness calls it",
    "AWS::ApiGatewayV2::IntegrationResponse": "the front of this harness answers $connect",
    "AWS::ApiGatewayV2::Route": "the front of this harness serves it",
    "AWS::ApiGatewayV2::RouteResponse": "the front of this harness answers $connect",
    "AWS::ApiGatewayV2::Stage": "the front of this harness serves the API",
    "AWS::CloudWatch::Alarm": "checked against the code's metrics by infra/checks",
    "AWS::CloudWatch::Dashboard": "checked against the code's metrics by infra/checks",
    "AWS::EventSchemas::Registry": "moto has no schemas; infra/checks compares them with contracts/events",
    "AWS::EventSchemas::Schema": "moto has no schemas; infra/checks compares them with contracts/events",
    "AWS::Events::Archive": "nothing is replayed here",
    "AWS::Lambda::Permission": "the front of this harness is the only caller",
    "AWS::Logs::MetricFilter": "nothing of Lambda's own is logged here",
    "AWS::Logs::ResourcePolicy": "moto lets every rule write to every log group",
    "AWS::WAFv2::WebACL": "moto filters nothing; infra/checks reads its rules",
    "AWS::WAFv2::WebACLAssociation": "moto filters nothing",
}


@dataclass
class Function:
    """A created function, with what the harness needs to run it."""

    logical_id: str
    name: str
    timeout: int
    memory: int
    role: str
    environment: dict[str, str]


@dataclass
class Mapping:
    """A created event source mapping."""

    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    partial: bool
    concurrency: int


@dataclass
class Stack:
    """What was created."""

    resolver: Resolver
    functions: dict[str, Function] = field(default_factory=dict)
    mappings: list[Mapping] = field(default_factory=list)
    schedules: list[tuple[str, dict]] = field(default_factory=list)
    policies: dict[str, list[dict]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def resource(self, logical_id: str) -> dict:
        """Returns the resolved properties of a resource of the template."""
        return self.resolver(self.resolver.template["Resources"][logical_id].get("Properties", {}))

    def of_type(self, kind: str) -> dict[str, dict]:
        """Returns the resolved properties of all resources of a type, by logical id."""
        resources = self.resolver.template["Resources"].items()
        return {name: self.resource(name) for name, resource in resources if resource["Type"] == kind}


class Deployer:
    """Creates one stack."""

    def __init__(self, endpoint: str, template: dict, parameters: dict[str, str]):
        keys = {"aws_access_key_id": "deployer", "aws_secret_access_key": "deployer"}
        self.client = functools.cache(lambda service: boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys))
        self.template = template
        self.stack = Stack(Resolver(template, parameters))

    def create(self) -> Stack:
        """Creates every resource whose condition is true, in the order of references."""
        waiting = [name for name, resource in self.template["Resources"].items() if self._wanted(resource)]
        while waiting:
            left = []
            for name in waiting:
                try:
                    self._create(name)
                except KeyError as missing:
                    left.append((name, missing))
            if len(left) == len(waiting):
                raise RuntimeError(f"these resources refer to what is never made: {left}")
            waiting = [name for name, _ in left]
        return self.stack

    def _wanted(self, resource: dict) -> bool:
        return "Condition" not in resource or self.stack.resolver.condition(resource["Condition"])

    def _create(self, name: str) -> None:
        resource = self.template["Resources"][name]
        kind = resource["Type"]
        make = getattr(self, "_" + kind.replace("AWS::", "").replace("::", "_").lower(), None)
        if make is None:
            if kind not in LEFT_OUT:
                raise RuntimeError(f"{name}: {kind} is neither created nor left out")
            self.stack.left_out.add(kind)
            self._names(name, name.lower())
            return
        make(name, self.stack.resolver(resource.get("Properties", {})))
        log.info("created %s", name)

    def _names(self, name: str, ref: str, **attributes: str) -> None:
        self.stack.resolver.refs[name] = ref
        for attribute, value in attributes.items():
            self.stack.resolver.attributes[name, attribute] = value

    def _logs_loggroup(self, name, properties):
        group = properties["LogGroupName"]
        self.client("logs").create_log_group(logGroupName=group)
        self._names(name, group, Arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*")

    def _iam_role(self, name, properties):
        document = json.dumps(properties["AssumeRolePolicyDocument"])
        iam, own = self.client("iam"), f"{name}-{self.stack.resolver.values['Stage']}"
        role = iam.create_role(RoleName=own, AssumeRolePolicyDocument=document)["Role"]
        statements = []
        for policy in properties.get("Policies", []):
            text = json.dumps(policy["PolicyDocument"])
            iam.put_role_policy(RoleName=own, PolicyName=policy["PolicyName"], PolicyDocument=text)
            statements += policy["PolicyDocument"]["Statement"]
        self.stack.policies[role["Arn"]] = statements
        self._names(name, own, Arn=role["Arn"])

    def _iam_managedpolicy(self, name, properties):
        document, own = properties["PolicyDocument"], properties["ManagedPolicyName"]
        created = self.client("iam").create_policy(PolicyName=own, PolicyDocument=json.dumps(document))["Policy"]
        # A test's user has the policy that they are named after: an ARN would not fit into a signature's scope.
        self.stack.policies[name] = document["Statement"]
        self._names(name, created["Arn"])

    def _sqs_queue(self, name, properties):
        attributes = {key: _attribute(value) for key, value in properties.items() if key != "QueueName"}
        created = self.client("sqs").create_queue(QueueName=properties["QueueName"], Attributes=attributes)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{properties['QueueName']}"
        self._names(name, created["QueueUrl"], Arn=arn, QueueName=properties["QueueName"])

    def _sqs_queuepolicy(self, name, properties):
        policy = json.dumps(properties["PolicyDocument"])
        for url in properties["Queues"]:
            self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self._names(name, name)

    def _dynamodb_table(self, name, properties):
        ttl = properties.pop("TimeToLiveSpecification")
        recovery = properties.pop("PointInTimeRecoverySpecification")
        client = self.client("dynamodb")
        client.create_table(**properties)
        table = properties["TableName"]
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=ttl)
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
        self._names(name, table, Arn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}")

    def _appconfig_application(self, name, properties):
        self._names(name, self.client("appconfig").create_application(**properties)["Id"])

    def _appconfig_configurationprofile(self, name, properties):
        self._names(name, self.client("appconfig").create_configuration_profile(**properties)["Id"])

    def _appconfig_hostedconfigurationversion(self, name, properties):
        content = properties.pop("Content").encode()
        created = self.client("appconfig").create_hosted_configuration_version(Content=content, **properties)
        self._names(name, name, VersionNumber=str(created["VersionNumber"]))

    def _secretsmanager_secret(self, name, properties):
        text = properties.get("SecretString")
        if generate := properties.get("GenerateSecretString"):
            alphabet = string.ascii_letters + string.digits
            value = "".join(secrets.choice(alphabet) for _ in range(generate["PasswordLength"]))
            text = json.dumps({**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: value})
        created = self.client("secretsmanager").create_secret(Name=properties["Name"], SecretString=text)
        self._names(name, created["ARN"])

    def _ssm_parameter(self, name, properties):
        self.client("ssm").put_parameter(**properties)
        self._names(name, properties["Name"])

    def _events_eventbus(self, name, properties):
        created = self.client("events").create_event_bus(Name=properties["Name"])
        self._names(name, properties["Name"], Arn=created["EventBusArn"], Name=properties["Name"])

    def _events_rule(self, name, properties):
        if "ScheduleExpression" in properties:
            if properties.get("State", "ENABLED") == "ENABLED":
                target = properties["Targets"][0]
                self.stack.schedules.append((target["Arn"], json.loads(target["Input"])))
        else:
            client, bus = self.client("events"), properties["EventBusName"]
            pattern = json.dumps(properties["EventPattern"])
            client.put_rule(Name=properties["Name"], EventBusName=bus, EventPattern=pattern)
            client.put_targets(Rule=properties["Name"], EventBusName=bus, Targets=properties["Targets"])
        self._names(name, properties.get("Name", name), Arn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")

    def _lambda_function(self, name, properties):
        properties["Code"] = {"ZipFile": EMPTY_ZIP}
        wanted = ["FunctionName", "Description", "Role", "Handler", "Runtime", "Architectures", "MemorySize", "Timeout"]
        arguments = {key: properties[key] for key in wanted}
        arguments["MemorySize"] = int(arguments["MemorySize"])
        arguments["Environment"] = {"Variables": {k: str(v) for k, v in properties["Environment"]["Variables"].items()}}
        arguments["TracingConfig"] = properties["TracingConfig"]
        client = self.client("lambda")
        created = client.create_function(Code=properties["Code"], **arguments)
        read = client.get_function_configuration(FunctionName=properties["FunctionName"])
        self.stack.functions[properties["FunctionName"]] = Function(
            name, read["FunctionName"], read["Timeout"], read["MemorySize"], read["Role"],
            read["Environment"]["Variables"],
        )
        self._names(name, properties["FunctionName"], Arn=created["FunctionArn"])

    def _lambda_version(self, name, properties):
        created = self.client("lambda").publish_version(FunctionName=properties["FunctionName"])
        self._names(name, created["FunctionArn"], Version=created["Version"])

    def _lambda_alias(self, name, properties):
        created = self.client("lambda").create_alias(
            FunctionName=properties["FunctionName"], Name=properties["Name"], FunctionVersion=properties["FunctionVersion"]
        )
        self._names(name, created["AliasArn"])

    def _lambda_eventsourcemapping(self, name, properties):
        function = properties["FunctionName"]
        queue = properties["EventSourceArn"]
        client = self.client("lambda")
        created = client.create_event_source_mapping(
            EventSourceArn=queue,
            FunctionName=function,
            BatchSize=properties["BatchSize"],
            FunctionResponseTypes=properties["FunctionResponseTypes"],
        )
        url = self.client("sqs").get_queue_url(QueueName=queue.rsplit(":", 1)[1])["QueueUrl"]
        scaling = properties.get("ScalingConfig", {})
        self.stack.mappings.append(Mapping(
            url, queue, function_name(function), created["BatchSize"],
            "ReportBatchItemFailures" in created["FunctionResponseTypes"],
            int(scaling.get("MaximumConcurrency", 4)),
        ))
        # moto would poll the queue itself and try to run the code, which it cannot.
        client.update_event_source_mapping(UUID=created["UUID"], Enabled=False)
        self._names(name, created["UUID"])


def function_name(arn: str) -> str:
    """Returns the function's name in the ARN of a function or an alias."""
    return arn.split(":function:")[-1].split(":")[0]


def _attribute(value) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _empty_zip() -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bootstrap", "the harness runs the real program")
    return buffer.getvalue()


EMPTY_ZIP = _empty_zip()
