"""Asks Lambda's Runtime API for events and posts the answers: the least that a function needs of a runtime.

AWS's own client, `awslambdaric`, ended with a segmentation fault at the first event on the bench's machine.
"""

import http.client
import json
import os
import types

import handler

API = "/2018-06-01/runtime/invocation"


def main():
    """Answers events one after the other, for ever."""
    lambda_ = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        lambda_.request("GET", f"{API}/next")
        response = lambda_.getresponse()
        event = json.loads(response.read())
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer, outcome = handler.handle(event, types.SimpleNamespace(aws_request_id=request_id)), "response"
        except Exception as error:  # whatever the handler raises is the event's failure
            answer, outcome = {"errorType": type(error).__name__, "errorMessage": str(error)}, "error"
        lambda_.request("POST", f"{API}/{request_id}/{outcome}", json.dumps(answer))
        lambda_.getresponse().read()


if __name__ == "__main__":
    main()
