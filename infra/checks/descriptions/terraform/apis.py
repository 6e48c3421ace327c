"""The REST API with its firewall, and the WebSocket API."""

from .. import names
from ..gateway import openapi_routes, response
from ..model import Authorizer, RestStage, Route, SocketRoute, SocketStage
from ..normal import any_document, boolean, document, integer, number


def _rest_api(model, resource, _):
    body = any_document(resource.values.get("body") or "null")
    if not isinstance(body, dict):
        return
    model.routes.update(openapi_routes(body))
    for kind, told in body.get("x-amazon-apigateway-gateway-responses", {}).items():
        parameters = told.get("responseParameters", {})
        model.gateway_responses[kind] = response(told.get("statusCode"), parameters, told.get("responseTemplates", {}))


def _method(model, resource, state):
    values = resource.values
    of = {"resource_id": values["resource_id"], "http_method": values["http_method"]}
    (integration,) = state.having("aws_api_gateway_integration", **of)
    model.routes[f"{values['http_method']} {_path(values['resource_id'], state)}"] = Route(
        authorization=values["authorization"],
        integration=integration.values["type"],
        target=names.called(names.invoked(integration.values["uri"] or "")),
    )


def _path(identifier, state):
    if identifier == "root":
        return "/"
    (own,) = state.having("aws_api_gateway_resource", id=identifier)
    return f"{_path(own.values['parent_id'], state).rstrip('/')}/{own.values['path_part']}"


def _gateway_response(model, resource, _):
    values = resource.values
    parameters, templates = values["response_parameters"] or {}, values["response_templates"] or {}
    status = values["status_code"]
    # If the status is left to API Gateway, the mock generates one.
    told = status if str(status).isdigit() else ""
    model.gateway_responses[values["response_type"]] = response(told, parameters, templates)


def _stage(model, resource, state):
    values = resource.values
    log = next(iter(values["access_log_settings"] or []), {})
    settings = [r.values["settings"][0] for r in state.having("aws_api_gateway_method_settings", method_path="*/*")]
    own = settings[0] if settings else {}
    (api,) = state.of("aws_api_gateway_rest_api")
    model.rest_stages[values["stage_name"]] = RestStage(
        endpoint=",".join(kind for told in api.values["endpoint_configuration"] for kind in told["types"]),
        tracing=boolean(values["xray_tracing_enabled"]),
        access_log_group=log.get("destination_arn", "").removesuffix(":*"),
        access_log_fields=document(log.get("format", "null")),
        logging_level=own.get("logging_level") or "OFF",
        data_trace=boolean(own.get("data_trace_enabled")),
        metrics=boolean(own.get("metrics_enabled")),
        throttling_rate=number(own.get("throttling_rate_limit")),
        throttling_burst=integer(own.get("throttling_burst_limit")),
    )


def _socket_route(model, resource, state):
    values = resource.values
    found = state.having("aws_apigatewayv2_integration", id=values["target"].removeprefix("integrations/"))
    integration = found[0].values
    authorizers = state.having("aws_apigatewayv2_authorizer", id=values["authorizer_id"])
    templates = integration["request_templates"] or {}
    model.socket_routes[values["route_key"]] = SocketRoute(
        authorization=values["authorization_type"] or "NONE",
        authorizer=authorizers[0].values["name"] if authorizers else "",
        integration=integration["integration_type"],
        target=names.called(names.invoked(integration["integration_uri"] or "")),
        template=templates.get(integration["template_selection_expression"] or "", ""),
        response=bool(state.having("aws_apigatewayv2_route_response", route_id=values["id"])),
    )


def _authorizer(model, resource, _):
    values = resource.values
    model.authorizers[values["name"]] = Authorizer(
        kind=values["authorizer_type"],
        target=names.called(names.invoked(values["authorizer_uri"])),
        identity=sorted(values["identity_sources"]),
    )


def _socket_stage(model, resource, state):
    values = resource.values
    (api,) = state.of("aws_apigatewayv2_api")
    settings = next(iter(values["default_route_settings"] or []), {})
    log = next(iter(values["access_log_settings"] or []), {})
    model.socket_stages[values["name"]] = SocketStage(
        selection=api.values["route_selection_expression"],
        auto_deploy=boolean(values["auto_deploy"]),
        access_log_group=log.get("destination_arn", "").removesuffix(":*"),
        access_log_fields=document(log.get("format", "null")),
        logging_level=settings.get("logging_level") or "OFF",
        data_trace=boolean(settings.get("data_trace_enabled")),
        throttling_rate=number(settings.get("throttling_rate_limit")),
        throttling_burst=integer(settings.get("throttling_burst_limit")),
    )


def _domain(model, resource, _):
    values = resource.values
    configuration = next(iter(values.get("domain_name_configuration") or []), values)
    model.domains[values["domain_name"]] = configuration["security_policy"] or ""


def _account(model, *_):
    model.account["role for the logs of API Gateway"] = True


def _nothing(*_):
    """Read together with the resources that refer to it, or specific to one tool."""


READERS = {
    "aws_api_gateway_account": _account,
    "aws_api_gateway_base_path_mapping": _nothing,
    "aws_api_gateway_deployment": _nothing,
    "aws_api_gateway_domain_name": _domain,
    "aws_api_gateway_gateway_response": _gateway_response,
    "aws_api_gateway_integration": _nothing,
    "aws_api_gateway_method": _method,
    "aws_api_gateway_method_settings": _nothing,
    "aws_api_gateway_resource": _nothing,
    "aws_api_gateway_rest_api": _rest_api,
    "aws_api_gateway_stage": _stage,
    "aws_apigatewayv2_api": _nothing,
    "aws_apigatewayv2_api_mapping": _nothing,
    "aws_apigatewayv2_authorizer": _authorizer,
    "aws_apigatewayv2_domain_name": _domain,
    "aws_apigatewayv2_integration": _nothing,
    "aws_apigatewayv2_integration_response": _nothing,
    "aws_apigatewayv2_route": _socket_route,
    "aws_apigatewayv2_route_response": _nothing,
    "aws_apigatewayv2_stage": _socket_stage,
}
