"""The SAM template, expanded and resolved as CloudFormation would."""

import base64
import functools
import json
import os
import re
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samtranslator.translator.transform import transform

ACCOUNT = "123456789012"
REGION = "us-east-1"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "learning-yogi-chatbot",
}
NOTHING = object()


@functools.cache
def read(path: Path) -> str:
    """Returns the template as JSON; parsing YAML takes longer than everything else."""
    return json.dumps(load(str(path)))


class _NoManagedPolicies:
    def load(self):
        return {}


def expand(path: Path, parameters: dict[str, str]) -> dict:
    """Runs the template through SAM's own translator, with the parameters' defaults filled in."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator asks for it and calls nobody
    template = json.loads(read(path))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://code/code.zip"
    return transform(template, dict(parameters), _NoManagedPolicies())


class Resolver:
    """Resolves intrinsic functions with the names of the created resources."""

    def __init__(self, template: dict, parameters: dict[str, str]):
        self.template = template
        self.values = dict(PSEUDO)
        for name, declared in template["Parameters"].items():
            value = parameters.get(name, declared.get("Default"))
            if value is None:
                raise ValueError(f"the parameter {name} has no default and was not given")
            if declared["Type"] == "CommaDelimitedList":
                value = [part for part in str(value).split(",")]
            self.values[name] = value if isinstance(value, list) else str(value)
        self.refs: dict[str, str] = {}
        self.attributes: dict[tuple[str, str], str] = {}

    def condition(self, name: str) -> bool:
        return self._condition(self.template["Conditions"][name])

    def _condition(self, node) -> bool:
        (function, argument), = node.items()
        if function == "Condition":
            return self.condition(argument)
        if function == "Fn::Not":
            return not self._condition(argument[0])
        if function == "Fn::And":
            return all(self._condition(part) for part in argument)
        if function == "Fn::Or":
            return any(self._condition(part) for part in argument)
        left, right = (str(self(side)) for side in argument)
        return left == right

    def __call__(self, node):
        """Resolves the intrinsic functions of a node; `AWS::NoValue` removes it."""
        if isinstance(node, list):
            return [value for value in map(self, node) if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Ref":
                return NOTHING if argument == "AWS::NoValue" else self._ref(argument)
            if function == "Condition" and isinstance(argument, str):
                return node
            if function.startswith("Fn::"):
                return self._function(function, argument)
        resolved = {key: self(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def _ref(self, name: str):
        for known in (self.values, self.refs):
            if name in known:
                return known[name]
        raise KeyError(f"{name} is not made yet")

    def _attribute(self, name: str, attribute: str) -> str:
        try:
            return self.attributes[name, attribute]
        except KeyError:
            raise KeyError(f"{name}.{attribute} is not known") from None

    def _function(self, function: str, argument):
        match function:
            case "Fn::If":
                name, yes, no = argument
                return self(yes if self.condition(name) else no)
            case "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(*parts)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(str(part) for part in self(parts))
            case "Fn::Select":
                index, parts = argument
                return self(parts)[int(index)]
            case "Fn::Split":
                separator, text = argument
                return str(self(text)).split(separator)
            case "Fn::Base64":
                return base64.b64encode(str(self(argument)).encode()).decode()
            case "Fn::Sub":
                return self._substitute(argument)
        raise ValueError(f"{function} is not known here")

    def _substitute(self, argument) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], self(argument[1]))

        def value(found: re.Match) -> str:
            name = found.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(own[name])
            if "." in name and name not in self.refs:
                return str(self._attribute(*name.split(".", 1)))
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)
