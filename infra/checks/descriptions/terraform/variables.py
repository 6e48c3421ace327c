"""The parameters of the template as the module's variables."""

import re
from collections.abc import Mapping
from typing import Any

#: What is a list in the module, and text with commas elsewhere.
LISTS = {"AllowedOrigins", "AuroraSubnetIds", "JwtAudience", "VpcRouteTableIds", "VpcSecurityGroupIds", "VpcSubnetIds"}
#: The functions, whose archives only Terraform has to be told.
FUNCTIONS = ("ingress", "worker", "notifier")


def variables(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns the variables for a set of parameters."""
    told = {_snake(name): value.split(",") if name in LISTS else value for name, value in parameters.items()}
    return {**told, "packages": {function: f"{function}.zip" for function in FUNCTIONS}}


def _snake(name: str) -> str:
    words = name.replace("OpenAi", "Openai").replace("WebSocket", "Websocket")
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", words).lower()
