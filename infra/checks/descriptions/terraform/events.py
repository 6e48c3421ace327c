"""The bus, its archive, rules and schemas, and schedules."""

from .. import names
from ..model import Archive, Rule, Schedule
from ..normal import document, tried
from .compute import permissions


def _bus(model, resource, _):
    model.buses[resource.values["name"]] = True


def _archive(model, resource, _):
    values = resource.values
    model.archives[values["name"]] = Archive(
        source=values["event_source_arn"],
        retention_days=int(values["retention_days"]),
        pattern=document(values["event_pattern"] or "null"),
    )


def _rule(model, resource, state):
    values = resource.values
    if values["state"] == "DISABLED":
        return
    targets = [t.values for t in state.having("aws_cloudwatch_event_target", rule=values["name"])]
    if values["schedule_expression"]:
        for target in targets:
            told = document(target["input"])
            key = f"{told.get('task')} → {names.called(target['arn'])}"
            model.schedules[key] = Schedule(expression=values["schedule_expression"], input=told)
        return
    model.rules[values["name"]] = Rule(
        bus=names.last(values["event_bus_name"]),
        pattern=document(values["event_pattern"]),
        targets=sorted(map(_target, targets)),
    )
    for target in targets:
        if target["role_arn"]:
            model.iam[values["name"]] = permissions(target["role_arn"], state)


def _target(target):
    retry = next(iter(target["retry_policy"] or []), {})
    return tried(target["arn"], retry.get("maximum_event_age_in_seconds"), retry.get("maximum_retry_attempts"))


def _schema(model, resource, _):
    values = resource.values
    key = f"{values['registry_name']} {values['name']} {values['type']}"
    model.schemas[key] = document(values["content"])


def _registry(model, resource, _):
    model.schemas[resource.values["name"]] = "registry"


def _nothing(*_):
    """Read together with its rule."""


READERS = {
    "aws_cloudwatch_event_archive": _archive,
    "aws_cloudwatch_event_bus": _bus,
    "aws_cloudwatch_event_rule": _rule,
    "aws_cloudwatch_event_target": _nothing,
    "aws_schemas_registry": _registry,
    "aws_schemas_schema": _schema,
}
