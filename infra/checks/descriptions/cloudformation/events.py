"""The bus, its archive, rules and schemas, and schedules."""

from .. import names
from ..model import Archive, Rule, Schedule
from ..normal import document, tried
from .compute import permissions


def _bus(model, resource, _):
    model.buses[resource.properties["Name"]] = True


def _archive(model, resource, _):
    properties = resource.properties
    model.archives[properties["ArchiveName"]] = Archive(
        source=properties["SourceArn"],
        retention_days=int(properties["RetentionDays"]),
        pattern=document(properties.get("EventPattern")),
    )


def _rule(model, resource, stack):
    properties = resource.properties
    if properties.get("State", "ENABLED") == "DISABLED":
        return
    if "ScheduleExpression" in properties:
        _schedule(model, properties)
        return
    model.rules[properties["Name"]] = Rule(
        bus=names.last(properties["EventBusName"]),
        pattern=document(properties["EventPattern"]),
        targets=sorted(map(_target, properties["Targets"])),
    )
    for target in properties["Targets"]:
        if "RoleArn" in target:
            model.iam[properties["Name"]] = permissions(target["RoleArn"], stack)


def _target(target):
    retry = target.get("RetryPolicy", {})
    return tried(target["Arn"], retry.get("MaximumEventAgeInSeconds"), retry.get("MaximumRetryAttempts"))


def _schedule(model, properties):
    for target in properties["Targets"]:
        told = document(target["Input"])
        key = f"{told.get('task')} → {names.called(target['Arn'])}"
        model.schedules[key] = Schedule(expression=properties["ScheduleExpression"], input=told)


def _schema(model, resource, _):
    properties = resource.properties
    key = f"{properties['RegistryName']} {properties['SchemaName']} {properties['Type']}"
    model.schemas[key] = document(properties["Content"])


def _registry(model, resource, _):
    model.schemas[resource.properties["RegistryName"]] = "registry"


READERS = {
    "AWS::EventSchemas::Registry": _registry,
    "AWS::EventSchemas::Schema": _schema,
    "AWS::Events::Archive": _archive,
    "AWS::Events::EventBus": _bus,
    "AWS::Events::Rule": _rule,
}
