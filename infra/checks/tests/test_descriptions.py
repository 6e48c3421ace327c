"""The readers themselves: which differences are ignored, and what is an error."""

import pytest
from descriptions import cloudformation
from descriptions.cloudformation.intrinsics import Resolver
from descriptions.diff import differences, report
from descriptions.model import Model
from descriptions.normal import dashboard, statements, text
from descriptions.terraform.overrides import run_file
from descriptions.terraform.variables import variables
from seeds import Seed


def template(**resources):
    return {"Parameters": {"Stage": {"Type": "String", "Default": "prod"}}, "Resources": resources}


def test_a_type_that_nobody_reads_is_an_error():
    told = template(Machine={"Type": "AWS::EC2::Instance"})
    with pytest.raises(ValueError, match="nobody reads .*AWS::EC2::Instance"):
        cloudformation.model(told, {})


def test_a_queue_policy_for_two_queues_is_an_error():
    statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": ["arn:aws:sqs:::a", "arn:aws:sqs:::b"]}
    properties = {"Queues": ["a", "b"], "PolicyDocument": {"Statement": [statement]}}
    with pytest.raises(ValueError, match="one queue a policy"):
        cloudformation.model(template(Policy={"Type": "AWS::SQS::QueuePolicy", "Properties": properties}), {})


def test_a_resource_whose_condition_fails_is_not_there():
    told = template(Group={"Type": "AWS::Logs::LogGroup", "Condition": "Never", "Properties": {"LogGroupName": "a"}})
    told["Conditions"] = {"Never": {"Fn::Equals": [{"Ref": "Stage"}, "test"]}}
    assert cloudformation.model(told, {}).log_groups == {}
    assert cloudformation.model(told, {"Stage": "test"}).log_groups == {"a": 0}


def test_intrinsic_functions_are_resolved():
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Stage}-a.fifo"}}}
    resolve = Resolver(template(Queue=queue), {"Stage": "blue"}).resolve
    assert resolve({"Fn::GetAtt": ["Queue", "Arn"]}) == "arn:aws:sqs:us-east-1:123456789012:blue-a.fifo"
    assert resolve({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}) == "b"
    assert resolve({"Fn::Sub": ["${!kept} ${A}", {"A": {"Ref": "Stage"}}]}) == "${kept} blue"
    assert resolve([{"Ref": "AWS::NoValue"}, "a"]) == ["a"]


def test_an_unknown_function_and_an_unknown_name_are_errors():
    resolve = Resolver(template(), {}).resolve
    with pytest.raises(ValueError, match="Fn::Transform"):
        resolve({"Fn::Transform": {}})
    with pytest.raises(KeyError, match="Nowhere"):
        resolve({"Ref": "Nowhere"})


def test_a_parameter_without_a_value_and_one_too_many_are_errors():
    with pytest.raises(ValueError, match="Needed"):
        Resolver({"Parameters": {"Needed": {"Type": "String"}}, "Resources": {}}, {})
    with pytest.raises(ValueError, match="Unknown"):
        Resolver(template(), {"Unknown": "a"})


def test_how_statements_are_grouped_is_form():
    together = {"Statement": [{"Sid": "A", "Effect": "Allow", "Action": ["a:x", "a:y"], "Resource": "r"}]}
    apart = {
        "Statement": [
            {"Effect": "Allow", "Action": "a:y", "Resource": ["r"]},
            {"Effect": "Allow", "Action": ["a:x"], "Resource": "r"},
        ]
    }
    assert statements(together) == statements(apart)


def test_a_condition_is_no_form():
    plain = {"Effect": "Allow", "Action": "a:x", "Resource": "r"}
    bound = plain | {"Condition": {"StringEquals": {"a:source": "b"}}}
    assert statements({"Statement": plain}) != statements({"Statement": bound})


def test_a_dashboard_repeats_what_stands_above():
    rows = [["A", "x", "k", "v", {"stat": "p50"}], [".", "y", ".", "."], ["...", "w", {"stat": "Sum"}]]
    body = {"widgets": [{"properties": {"title": "t", "metrics": rows, "stat": "Average", "period": 60}}]}
    assert dashboard(body) == {"t": ["A x k=v p50 of 60 s", "A y k=v Average of 60 s", "A y k=w Sum of 60 s"]}


def test_zeros_at_the_end_of_a_fraction_are_form():
    assert [text(value) for value in ("0.50", 0.5, "10", True, None)] == ["0.5", "0.5", "10", "true", ""]


def test_a_difference_says_what_who_and_which():
    here, there = Model(log_groups={"a": 30}), Model(log_groups={"a": 7, "b": 30})
    told = report(differences({"SAM": here, "Terraform": there}))
    assert told.splitlines() == [
        "2 differences between the descriptions:",
        "log_groups › a",
        "    SAM        30",
        "    Terraform  7",
        "log_groups › b",
        "    SAM        (absent)",
        "    Terraform  30",
    ]


def test_a_value_for_terraform_is_never_a_template():
    file = run_file("apply", {"a": "${b} %{c}"}, [('aws_x.y["z"]', "resource", {"arn": "d"})])
    assert 'a = "$${b} %%{c}"' in file
    assert 'target = aws_x.y["z"]' in file


def test_parameters_have_terraforms_names():
    told = variables({"RateAddressPer5Minutes": "1", "OpenAiBaseUrl": "u", "AllowedOrigins": "a,b", "WebSocketDomainName": "w"})
    assert told["rate_address_per_5_minutes"] == "1"
    assert told["openai_base_url"] == "u"
    assert told["allowed_origins"] == ["a", "b"]
    assert told["websocket_domain_name"] == "w"


def test_an_edit_whose_text_is_gone_is_an_error(tmp_path):
    (tmp_path / "a").write_text("b b")
    for before in ("b", "c"):
        with pytest.raises(ValueError, match="a holds"):
            Seed("a", before, "d", "path").plant(tmp_path)
