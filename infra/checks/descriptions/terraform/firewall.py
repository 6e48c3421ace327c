"""The firewall: Terraform's blocks written as CloudFormation writes rules, so that both are read in one way."""

from ..firewall import INSPECTED, rules


def _firewall(model, resource, _):
    model.firewall.update(rules([_rule(told) for told in resource.values["rule"]]))
    model.firewall["inspects"] = _inspected(resource.values.get("association_config") or [])


def _inspected(told):
    """Returns how much of a body is inspected, which three nested blocks define."""
    bodies = [body for config in told for body in config["request_body"]]
    limits = [gateway["default_size_inspection_limit"] for body in bodies for gateway in body["api_gateway"]]
    return limits[0] if limits else INSPECTED


def _rule(told):
    (statement,) = told["statement"]
    acts = {key: told[key] for key in ("action", "override_action") if told.get(key)}
    words = {"action": "Action", "override_action": "OverrideAction"}
    rule = {"Name": told["name"], "Priority": told["priority"], "Statement": _statement(statement)}
    return rule | {words[key]: _act(value) for key, value in acts.items()}


def _act(blocks):
    """Exactly one of several blocks is present, and defines the action."""
    (block,) = blocks
    return {name.capitalize(): {} for name, inner in block.items() if inner}


def _statement(told):
    (kind, (about,)), = ((kind, blocks) for kind, blocks in told.items() if blocks)
    match kind:
        case "rate_based_statement":
            window = about["evaluation_window_sec"] or 300
            rate = {"Limit": about["limit"], "EvaluationWindowSec": window, "AggregateKeyType": about["aggregate_key_type"]}
            scopes = [{"ScopeDownStatement": _statement(scope)} for scope in about["scope_down_statement"] or []]
            return {"RateBasedStatement": rate | (scopes[0] if scopes else {})}
        case "byte_match_statement":
            ((field, _),) = ((name, blocks) for name, blocks in about["field_to_match"][0].items() if blocks)
            return {"ByteMatchStatement": {
                "FieldToMatch": {field.capitalize(): {}},
                "PositionalConstraint": about["positional_constraint"],
                "SearchString": about["search_string"],
            }}
        case "size_constraint_statement":
            return {"SizeConstraintStatement": {
                "FieldToMatch": _field(about["field_to_match"][0]),
                "ComparisonOperator": about["comparison_operator"],
                "Size": about["size"],
            }}
        case "managed_rule_group_statement":
            overrides = about["rule_action_override"] or []
            return {"ManagedRuleGroupStatement": {
                "VendorName": about["vendor_name"],
                "Name": about["name"],
                "RuleActionOverrides": [{"Name": o["name"], "ActionToUse": _act(o["action_to_use"])} for o in overrides],
            }}
    raise ValueError(f"nobody reads {kind}; add it to descriptions/terraform/firewall.py")


def _field(told):
    (name, (how,)), = ((name, blocks) for name, blocks in told.items() if blocks)
    return {name.capitalize(): {"OversizeHandling": how.get("oversize_handling")}}


def _shield(model, resource, _):
    model.firewall["protects"] = resource.values["resource_arn"]


READERS = {
    "aws_wafv2_web_acl": _firewall,
    "aws_wafv2_web_acl_association": _shield,
}
