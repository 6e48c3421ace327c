"""Rules of a firewall, as CloudFormation writes them."""

from typing import Any

# How much of a body a firewall in front of API Gateway inspects by default.
INSPECTED = "KB_16"


def rules(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns each rule by name: its priority, its action, and what it matches."""
    return {rule["Name"]: _rule(rule) for rule in told}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    acts = rule.get("Action") or rule.get("OverrideAction") or {}
    return {"priority": int(rule["Priority"]), "action": "".join(acts), **_statement(rule["Statement"])}


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    (kind, about), = statement.items()
    match kind:
        case "RateBasedStatement":
            window = int(about.get("EvaluationWindowSec", 300))
            counted = _statement(about["ScopeDownStatement"]) if "ScopeDownStatement" in about else "everything"
            return {"rate": int(about["Limit"]), "window_seconds": window, "by": about["AggregateKeyType"], "counted": counted}
        case "ByteMatchStatement":
            field = "".join(about["FieldToMatch"])
            return {"matches": f"{field} {about['PositionalConstraint']} {about['SearchString']}"}
        case "SizeConstraintStatement":
            (field, how), = about["FieldToMatch"].items()
            oversize = (how or {}).get("OversizeHandling", "")
            return {"size": f"{field} {about['ComparisonOperator']} {about['Size']}", "oversize": oversize}
        case "ManagedRuleGroupStatement":
            overrides = {o["Name"]: "".join(o["ActionToUse"]) for o in about.get("RuleActionOverrides", [])}
            return {"managed": f"{about['VendorName']} {about['Name']}", "overrides": overrides}
    raise ValueError(f"nobody reads {kind}; add it to descriptions/firewall.py")
