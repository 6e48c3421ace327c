"""Resolves the intrinsic functions of a template for given parameters, without an account."""

import base64
import re
from dataclasses import dataclass
from typing import Any

from .. import names
from .identities import identity

PSEUDO = {
    "AWS::AccountId": names.ACCOUNT,
    "AWS::Partition": names.PARTITION,
    "AWS::Region": names.REGION,
    "AWS::StackId": "stack",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": names.SUFFIX,
}
NOTHING = object()


@dataclass(frozen=True)
class Resource:
    """A resource that would be created, its properties resolved."""

    logical: str
    kind: str
    properties: dict[str, Any]


class Resolver:
    """Resolves one template."""

    def __init__(self, template: dict, parameters: dict[str, str]):
        self._template = template
        self._values = PSEUDO | _parameters(template, parameters)
        self._known: dict[str, tuple[str, dict[str, str]]] = {}

    def resources(self) -> list[Resource]:
        """Returns every resource whose condition holds."""
        wanted = [name for name, resource in self._template["Resources"].items() if self._is_wanted(resource)]
        return [Resource(name, self._raw(name)["Type"], self._properties(name)) for name in wanted]

    def condition(self, name: str) -> bool:
        """Tells whether a named condition holds."""
        return self._condition(self._template["Conditions"][name])

    def broken_rules(self) -> list[str]:
        """Returns what is wrong with the parameters, according to the template's rules."""
        rules = self._template.get("Rules", {}).values()
        checked = [rule for rule in rules if "RuleCondition" not in rule or self._condition(rule["RuleCondition"])]
        assertions = [assertion for rule in checked for assertion in rule["Assertions"]]
        return [told["AssertDescription"] for told in assertions if not self._condition(told["Assert"])]

    def resolve(self, node: Any) -> Any:
        """Resolves the intrinsic functions of a node; `AWS::NoValue` is removed."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return self._function(function, argument)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def _raw(self, logical: str) -> dict:
        return self._template["Resources"][logical]

    def _properties(self, logical: str) -> dict:
        return self.resolve(self._raw(logical).get("Properties", {}))

    def _is_wanted(self, resource: dict) -> bool:
        return "Condition" not in resource or self.condition(resource["Condition"])

    def _identity(self, logical: str) -> tuple[str, dict[str, str]]:
        if logical not in self._known:
            if logical not in self._template["Resources"]:
                raise KeyError(f"{logical} is neither a parameter nor a resource")
            self._known[logical] = (logical, {})  # for resources that refer to each other in circles
            self._known[logical] = identity(self._raw(logical)["Type"], logical, self._properties(logical))
        return self._known[logical]

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        return self._values[name] if name in self._values else self._identity(name)[0]

    def _attribute(self, logical: str, attribute: str) -> str:
        return self._identity(logical)[1].get(attribute, f"{logical}.{attribute}")

    def _condition(self, node: dict) -> bool:
        (function, argument), = node.items()
        match function:
            case "Condition":
                return self.condition(argument)
            case "Fn::Not":
                return not self._condition(argument[0])
            case "Fn::And":
                return all(map(self._condition, argument))
            case "Fn::Or":
                return any(map(self._condition, argument))
            case "Fn::Equals":
                left, right = map(self.resolve, argument)
                return str(left) == str(right)
            case "Fn::Contains":
                values, value = map(self.resolve, argument)
                return value in values
            case "Fn::EachMemberEquals":
                values, value = map(self.resolve, argument)
                return all(member == value for member in values)
        raise ValueError(f"{function} is not known as a condition")

    def _function(self, function: str, argument: Any) -> Any:
        match function:
            case "Fn::If":
                name, yes, no = argument
                return self.resolve(yes if self.condition(name) else no)
            case "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(*parts)
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::Join":
                return argument[0].join(map(str, self.resolve(argument[1])))
            case "Fn::Select":
                return self.resolve(argument[1])[int(self.resolve(argument[0]))]
            case "Fn::Split":
                return str(self.resolve(argument[1])).split(argument[0])
            case "Fn::Base64":
                return base64.b64encode(str(self.resolve(argument)).encode()).decode()
        raise ValueError(f"{function} is not known")

    def _substitute(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def value(found: re.Match) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(own[name])
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)


def _parameters(template: dict, given: dict[str, str]) -> dict[str, Any]:
    declared = template.get("Parameters", {})
    if unknown := given.keys() - declared.keys():
        raise ValueError(f"the template has no parameters {sorted(unknown)}")
    values: dict[str, Any] = {}
    for name, about in declared.items():
        value = given.get(name, about.get("Default"))
        if value is None:
            raise ValueError(f"the parameter {name} has no default and was not given")
        is_list = about["Type"] == "CommaDelimitedList" or about["Type"].startswith("List<")
        values[name] = str(value).split(",") if is_list else str(value)
    return values
