"""The REST API with its firewall, and the WebSocket API."""

from .. import names
from ..firewall import INSPECTED, rules
from ..gateway import openapi_routes, response
from ..model import Authorizer, RestStage, Route, SocketRoute, SocketStage
from ..normal import boolean, document, integer, number


def _rest_api(model, resource, _):
    body = resource.properties.get("Body")
    if body is None:
        return
    model.routes.update(openapi_routes(body))
    for kind, told in body.get("x-amazon-apigateway-gateway-responses", {}).items():
        parameters = told.get("responseParameters", {})
        model.gateway_responses[kind] = response(told.get("statusCode"), parameters, told.get("responseTemplates", {}))


def _method(model, resource, stack):
    properties = resource.properties
    integration = properties.get("Integration", {})
    path = _path(properties["ResourceId"], stack)
    model.routes[f"{properties['HttpMethod']} {path}"] = Route(
        authorization=properties.get("AuthorizationType", "NONE"),
        integration=integration.get("Type", ""),
        target=names.called(names.invoked(integration.get("Uri", ""))),
    )


def _path(logical, stack):
    if logical == "root":
        return "/"
    properties = stack.named(logical).properties
    return f"{_path(properties['ParentId'], stack).rstrip('/')}/{properties['PathPart']}"


def _gateway_response(model, resource, _):
    properties = resource.properties
    told = response(properties.get("StatusCode"), properties.get("ResponseParameters", {}), properties.get("ResponseTemplates", {}))
    model.gateway_responses[properties["ResponseType"]] = told


def _stage(model, resource, stack):
    properties = resource.properties
    log = properties.get("AccessLogSetting", {})
    settings = next((s for s in properties.get("MethodSettings", []) if s["HttpMethod"] == "*"), {})
    (api,) = stack.of("AWS::ApiGateway::RestApi")
    kinds = api.properties.get("EndpointConfiguration", {}).get("Types") or api.properties.get("Parameters", {}).values()
    model.rest_stages[properties["StageName"]] = RestStage(
        endpoint=",".join(kinds),
        tracing=boolean(properties.get("TracingEnabled")),
        access_log_group=log.get("DestinationArn", "").removesuffix(":*"),
        access_log_fields=document(log.get("Format", "null")),
        logging_level=settings.get("LoggingLevel", "OFF"),
        data_trace=boolean(settings.get("DataTraceEnabled")),
        metrics=boolean(settings.get("MetricsEnabled")),
        throttling_rate=number(settings.get("ThrottlingRateLimit")),
        throttling_burst=integer(settings.get("ThrottlingBurstLimit")),
    )


def _socket_route(model, resource, stack):
    properties = resource.properties
    integration = stack.named(properties["Target"].removeprefix("integrations/")).properties
    responses = [r.properties["RouteId"] for r in stack.of("AWS::ApiGatewayV2::RouteResponse")]
    authorizer = properties.get("AuthorizerId")
    chosen = integration.get("TemplateSelectionExpression", "")
    model.socket_routes[properties["RouteKey"]] = SocketRoute(
        authorization=properties.get("AuthorizationType", "NONE"),
        authorizer=stack.named(authorizer).properties["Name"] if authorizer else "",
        integration=integration["IntegrationType"],
        target=names.called(names.invoked(integration.get("IntegrationUri", ""))),
        template=integration.get("RequestTemplates", {}).get(chosen, ""),
        response=resource.logical in responses,
    )


def _authorizer(model, resource, _):
    properties = resource.properties
    model.authorizers[properties["Name"]] = Authorizer(
        kind=properties["AuthorizerType"],
        target=names.called(names.invoked(properties["AuthorizerUri"])),
        identity=sorted(properties["IdentitySource"]),
    )


def _socket_stage(model, resource, stack):
    properties = resource.properties
    (api,) = stack.of("AWS::ApiGatewayV2::Api")
    settings = properties.get("DefaultRouteSettings", {})
    log = properties.get("AccessLogSettings", {})
    model.socket_stages[properties["StageName"]] = SocketStage(
        selection=api.properties["RouteSelectionExpression"],
        auto_deploy=boolean(properties.get("AutoDeploy")),
        access_log_group=log.get("DestinationArn", "").removesuffix(":*"),
        access_log_fields=document(log.get("Format", "null")),
        logging_level=settings.get("LoggingLevel", "OFF"),
        data_trace=boolean(settings.get("DataTraceEnabled")),
        throttling_rate=number(settings.get("ThrottlingRateLimit")),
        throttling_burst=integer(settings.get("ThrottlingBurstLimit")),
    )


def _firewall(model, resource, _):
    properties = resource.properties
    model.firewall.update(rules(properties["Rules"]))
    body = properties.get("AssociationConfig", {}).get("RequestBody", {}).get("API_GATEWAY", {})
    model.firewall["inspects"] = body.get("DefaultSizeInspectionLimit", INSPECTED)


def _shield(model, resource, _):
    properties = resource.properties
    model.firewall["protects"] = properties["ResourceArn"]


def _domain(model, resource, _):
    properties = resource.properties
    configuration = next(iter(properties.get("DomainNameConfigurations", [])), properties)
    model.domains[properties["DomainName"]] = configuration.get("SecurityPolicy", "")


def _account(model, *_):
    model.account["role for the logs of API Gateway"] = True


def _nothing(*_):
    """Read together with the resources that refer to it, or specific to one tool."""


READERS = {
    "AWS::ApiGateway::Account": _account,
    "AWS::ApiGateway::BasePathMapping": _nothing,
    "AWS::ApiGateway::Deployment": _nothing,
    "AWS::ApiGateway::DomainName": _domain,
    "AWS::ApiGateway::GatewayResponse": _gateway_response,
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGateway::Resource": _nothing,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::ApiGatewayV2::Api": _nothing,
    "AWS::ApiGatewayV2::ApiMapping": _nothing,
    "AWS::ApiGatewayV2::Authorizer": _authorizer,
    "AWS::ApiGatewayV2::DomainName": _domain,
    "AWS::ApiGatewayV2::Integration": _nothing,
    "AWS::ApiGatewayV2::IntegrationResponse": _nothing,
    "AWS::ApiGatewayV2::Route": _socket_route,
    "AWS::ApiGatewayV2::RouteResponse": _nothing,
    "AWS::ApiGatewayV2::Stage": _socket_stage,
    "AWS::WAFv2::WebACL": _firewall,
    "AWS::WAFv2::WebACLAssociation": _shield,
}
