"""Least privilege: each function has exactly the permissions that its code needs, spelled out."""

import json

from cases import FULL, PLAIN, SEEDED
from descriptions import names, sam

BASE = "learning-yogi-chatbot"
REQUESTS, REPLIES = names.queue(f"{BASE}-requests.fifo"), names.queue(f"{BASE}-replies.fifo")
TABLE = names.table("chatbot-sessions")
RECEIVE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
POST, DELETE = (names.arn("execute-api", f"{names.SOCKET_API}/prod/{verb}/@connections/*") for verb in ("POST", "DELETE"))

#: The only statements on all resources: actions without resource-level permissions.
STARS = {
    "xray:PutTraceSegments": "X-Ray has no resource level",
    "xray:PutTelemetryRecords": "X-Ray has no resource level",
    "ec2:CreateNetworkInterface": "Lambda makes the interfaces before they have a name",
    "ec2:DescribeNetworkInterfaces": "EC2 has no resource level for it",
    "ec2:DescribeSubnets": "EC2 has no resource level for it",
    "ec2:DeleteNetworkInterface": "Lambda makes the interfaces before they have a name",
    "ec2:AssignPrivateIpAddresses": "Lambda makes the interfaces before they have a name",
    "ec2:UnassignPrivateIpAddresses": "Lambda makes the interfaces before they have a name",
}


def allowed(function: str, *rows: tuple[list[str], list[str]]) -> dict[str, str]:
    """Expands rows of actions and resources, with the permissions that every function has."""
    logs = f"{names.log_group(f'/aws/lambda/{BASE}-{function}')}:*"
    every = [
        (["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
        (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
    ]
    return spread(*every, *rows) | assumed_by("lambda.amazonaws.com")


def assumed_by(service: str) -> dict[str, str]:
    """Allows a service, and nobody else, to assume the role."""
    return {"assumed: sts:AssumeRole on the principal": f'Allow for {{"Service": ["{service}"]}}'}


def spread(*rows: tuple[list[str], list[str]]) -> dict[str, str]:
    """Allows each action of a row on each of its resources."""
    return {f"{action} on {resource}": "Allow" for actions, resources in rows for action in actions for resource in resources}


def dynamodb(*actions: str) -> list[str]:
    return [f"dynamodb:{action}" for action in actions]


def test_ingress_may_do_what_the_table_says(plain):
    items = dynamodb("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "ConditionCheckItem")
    assert plain.iam[f"{BASE}-ingress"] == allowed(
        "ingress",
        (["sqs:SendMessage"], [REQUESTS, REPLIES]),
        (items, [TABLE]),
        (["secretsmanager:GetSecretValue"], [names.secret("/learning-yogi/chatbot/signing-key")]),
        (["execute-api:ManageConnections"], [POST, DELETE]),
    )


def test_the_worker_may_do_what_the_table_says(plain):
    items = dynamodb("GetItem", "Query", "UpdateItem", "PutItem", "DeleteItem", "ConditionCheckItem")
    assert plain.iam[f"{BASE}-worker"] == allowed(
        "worker",
        (RECEIVE, [REQUESTS]),
        (["sqs:SendMessage"], [REPLIES]),
        (items, [TABLE]),
        (["secretsmanager:GetSecretValue"], [names.secret("/learning-yogi/chatbot/api-keys")]),
        (["ssm:GetParameter"], [names.parameter("/learning-yogi/chatbot/provider-preference")]),
        (["execute-api:ManageConnections"], [POST]),
    )


def test_the_worker_may_call_bedrock_where_a_model_is_named(template, plain):
    chosen = sam.parse(template, PLAIN | {"BedrockModel": "anthropic.claude-other"}).iam[f"{BASE}-worker"]
    profiles = [names.arn("bedrock", f"{kind}/*") for kind in ("inference-profile", "application-inference-profile")]
    models = ["arn:aws:bedrock:*::foundation-model/anthropic.*", *profiles]
    assert chosen == plain.iam[f"{BASE}-worker"] | spread((["bedrock:InvokeModelWithResponseStream"], models))


def test_the_notifier_may_do_what_the_table_says(plain):
    items = dynamodb("GetItem", "Query", "UpdateItem", "DeleteItem")
    expected = allowed(
        "notifier",
        (RECEIVE, [REPLIES]),
        (["sqs:SendMessage"], [REPLIES]),
        (items, [TABLE, f"{TABLE}/index/due"]),
        (["events:PutEvents"], [names.bus(BASE)]),
        (["execute-api:ManageConnections"], [POST, DELETE]),
    )
    source = json.dumps({"StringEquals": {"events:source": ["learning-yogi.chatbot"]}})
    expected[f"events:PutEvents on {names.bus(BASE)}"] = f"Allow if {source}"
    assert plain.iam[f"{BASE}-notifier"] == expected


def test_an_operator_may_do_what_the_table_says(template, plain):
    """The operators' policy allows what yogi calls; the signing key, the KMS key and the log group depend on their options."""
    dead = [names.queue(f"{BASE}-{queue}-dlq.fifo") for queue in ("requests", "replies")]
    items = dynamodb("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "ConditionCheckItem")
    rows = [
        (["ssm:GetParameter"], [names.parameter("/learning-yogi/chatbot/operator")]),
        (["sqs:GetQueueAttributes", "sqs:SendMessage"], [REQUESTS, REPLIES]),
        (RECEIVE, dead),
        (items, [TABLE]),
        (["execute-api:ManageConnections"], [POST, DELETE]),
    ]
    sign = (["secretsmanager:GetSecretValue"], [names.secret("/learning-yogi/chatbot/signing-key")])
    log = (["logs:FilterLogEvents"], [f"{names.log_group(f'/aws/events/{BASE}')}:*"])
    key = (["kms:Decrypt", "kms:GenerateDataKey"], [FULL["KmsKeyArn"]])
    assert plain.policies == {f"{BASE}-operator": spread(*rows, sign, log)}
    chosen = sam.parse(template, PLAIN | {"LogEvents": "false", "KmsKeyArn": FULL["KmsKeyArn"]})
    assert chosen.policies == {f"{BASE}-operator": spread(*rows, sign, key)}
    signed_in = sam.parse(template, PLAIN | {"AuthMode": "AWS_IAM", "AllowAnonymous": "false"})
    assert signed_in.policies == {f"{BASE}-operator": spread(*rows, log)}


def test_the_queues_let_operators_in(plain):
    """A queue's only denial is for requests without TLS."""
    assert len(plain.queue_policies) == 4
    for name, denied in plain.queue_policies.items():
        insecure = json.dumps({"Bool": {"aws:SecureTransport": ["false"]}})
        assert denied == {f"sqs:* on {names.queue(name)}": f'Deny for "*" if {insecure}'}


def test_the_store_of_events_may_do_what_the_table_says(template, plain):
    """The stream may write events and errors to the bucket, and the rule may write to the stream."""
    stored = sam.parse(template, SEEDED)
    bucket = names.bucket(f"{BASE}-events-{names.ACCOUNT}")
    log = names.log_group(f"/aws/kinesisfirehose/{BASE}-events:log-stream:delivery")
    stream = spread(
        (["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket]),
        (["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], [f"{bucket}/events/*", f"{bucket}/errors/*"]),
        (["logs:PutLogEvents"], [log]),
    )
    rule = spread((["firehose:PutRecord", "firehose:PutRecordBatch"], [names.stream(f"{BASE}-events")]))
    assert stored.iam == plain.iam | {
        f"{BASE}-events": stream | assumed_by("firehose.amazonaws.com"),
        f"{BASE}-store": rule | assumed_by("events.amazonaws.com"),
    }
    keyed = sam.parse(template, SEEDED | {"KmsKeyArn": FULL["KmsKeyArn"]})
    key = {f"kms:{action} on {FULL['KmsKeyArn']}" for action in ("Decrypt", "GenerateDataKey")}
    assert keyed.iam[f"{BASE}-events"].keys() - stored.iam[f"{BASE}-events"].keys() == key


def test_options_add_what_they_need_and_nothing_else(template):
    """A KMS key, a VPC and a database each add their own statements, and only where needed."""
    options = ["Stage", "KmsKeyArn", "AuroraMode", "AuroraClusterArn", "AuroraSecretArn", "VpcSubnetIds"]
    chosen = {name: FULL[name] for name in options if name != "Stage"}
    before, after = sam.parse(template, PLAIN).iam, sam.parse(template, PLAIN | chosen).iam
    key = {f"kms:{action} on {FULL['KmsKeyArn']}" for action in ("Decrypt", "GenerateDataKey")}
    # Those of AWS's own policy, AWSLambdaVPCAccessExecutionRole.
    network = {f"{action} on *" for action in STARS if action.startswith("ec2:")}
    documents = {
        f"secretsmanager:GetSecretValue on {FULL['AuroraSecretArn']}",
        f"rds-data:ExecuteStatement on {FULL['AuroraClusterArn']}",
    }
    added = {name: after[name].keys() - before[name].keys() for name in after}
    assert added == {f"{BASE}-ingress": key, f"{BASE}-notifier": key, f"{BASE}-worker": key | network | documents}


def test_no_statement_is_on_every_resource_without_a_reason(either):
    stars = [key.removesuffix(" on *") for may in _all(either) for key in may if key.endswith(" on *")]
    assert stars and set(stars) <= STARS.keys()


def test_no_action_is_a_pattern(either):
    """Actions are spelled out; only the denial of requests without TLS covers every action."""
    actions = {key.split(" on ")[0] for may in _all(either) for key in may}
    assert not [action for action in actions if "*" in action]
    denied = {effect.split()[0] for policy in either.queue_policies.values() for effect in policy.values()}
    assert denied == {"Deny"}


def test_no_role_has_a_managed_policy(either):
    """Managed policies allow more than is listed here."""
    assert not [key for role in either.iam.values() for key in role if key.startswith("managed policy")]


def test_every_star_of_the_transformed_template_has_a_reason(template):
    """Searches SAM's expansion as text, in case a statement is where no reader looks."""
    for parameters in (PLAIN, FULL, SEEDED):
        for where, statement in _statements(sam.expand(template, parameters)["Resources"], ""):
            resources = statement.get("Resource", [])
            resources = resources if isinstance(resources, list) else [resources]
            if "*" in resources and statement.get("Effect") == "Allow":
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert set(actions) <= STARS.keys(), where


def _all(model):
    """Returns the permissions of every role and every policy."""
    return [*model.iam.values(), *model.policies.values()]


def _statements(node, where):
    if isinstance(node, dict):
        if "Effect" in node and "Action" in node:
            yield where, node
        for key, inner in node.items():
            yield from _statements(inner, f"{where}/{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from _statements(inner, where)
