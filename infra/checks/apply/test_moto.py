"""The Terraform module can be applied: the real provider creates every resource that the stand-in supports."""

import json
import shutil
import zipfile

from stand_in import prepare, server

from cases import SEEDED
from descriptions.terraform import terraform
from descriptions.terraform.variables import FUNCTIONS, variables


#: Parameters of each function, and of the REST API.
UPDATE = {"ProductName": "Example School", "AnalyticsText": "true", "AuthMode": "AWS_IAM", "AllowAnonymous": "false"}


def check_update(plan):
    """Checks that changed parameters publish a version of each function, move its alias, and deploy the API anew."""
    actions = {change["address"]: change["change"]["actions"] for change in plan["resource_changes"]}
    for function in FUNCTIONS:
        assert actions[f'aws_lambda_function.main["{function}"]'] == ["update"]
        assert actions[f'aws_lambda_alias.live["{function}"]'] == ["update"]
    assert actions["aws_api_gateway_deployment.main"] == ["create", "delete"]


def test_the_module_can_be_applied(module, tmp_path):
    shutil.copytree(module.parents[1], tmp_path, symlinks=True, dirs_exist_ok=True)
    folder = tmp_path / "infra/terraform"
    prepare(folder)
    for function in FUNCTIONS:
        with zipfile.ZipFile(folder / f"{function}.zip", "w") as archive:
            archive.writestr("bootstrap", "")
    settings = folder / "terraform.tfvars.json"
    settings.write_text(json.dumps(variables(SEEDED)))
    apply = ["apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=30"]
    with server(tmp_path / "moto.log") as address:
        done = terraform(folder, *apply, AWS_ENDPOINT_URL=address, AWS_MAX_ATTEMPTS="2")
        assert done.returncode == 0, done.stdout + done.stderr
        settings.write_text(json.dumps(variables(SEEDED | UPDATE)))
        update = terraform(folder, "plan", "-out=update", "-input=false", "-no-color", AWS_ENDPOINT_URL=address)
    assert update.returncode == 0, update.stdout + update.stderr
    check_update(json.loads(terraform(folder, "show", "-json", "update").stdout))
    state = json.loads(terraform(folder, "show", "-json").stdout)["values"]
    created = {r["type"] for r in state["root_module"]["resources"] if r["mode"] == "managed"}
    needed = {
        "aws_apigatewayv2_route", "aws_api_gateway_rest_api", "aws_cloudwatch_event_bus", "aws_cloudwatch_metric_alarm",
        "aws_athena_named_query", "aws_dynamodb_table", "aws_glue_catalog_table", "aws_iam_policy", "aws_iam_role_policy",
        "aws_kinesis_firehose_delivery_stream", "aws_s3_bucket_lifecycle_configuration", "aws_lambda_alias", "aws_lambda_event_source_mapping",
        "aws_secretsmanager_secret", "aws_sqs_queue", "aws_ssm_parameter", "aws_wafv2_web_acl",
    }
    assert needed <= created
    assert state["outputs"]["chatbot_api_url"]["value"].startswith("https://")
    assert state["outputs"]["chatbot_websocket_url"]["value"].startswith("wss://")
