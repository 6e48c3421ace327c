"""`yogi`, run as operators run it: against a stage, with credentials and nothing else."""

import asyncio
import json
import os
from pathlib import Path

import boto3


class Yogi:
    """Runs `yogi --stack` with the stack's operator policy, or without permissions."""

    def __init__(self, deployment, folder: Path):
        self.deployment, self.folder = deployment, folder
        self.parts = folder / "parts.json"
        self.parts.write_text(json.dumps(self._parts()))

    def _parts(self) -> dict:
        """Returns the stack's entry; names that DNS would resolve to AWS point at the harness."""
        keys = {"aws_access_key_id": "deployer", "aws_secret_access_key": "deployer"}
        ssm = boto3.client("ssm", endpoint_url=self.deployment.moto.url, region_name="us-east-1", **keys)
        name = self.deployment.ref("OperatorParameter")
        parts = json.loads(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        stage = self.deployment.parameters["Stage"]
        return {**parts, "api_url": self.deployment.url, "connections_url": f"{self.deployment.aws.url}/{stage}"}

    async def __call__(self, *arguments: str, stack: str | None = None, who: str = "OperatorPolicy", said: str = "", code: int = 0):
        """Returns standard output and standard error; fails unless the exit code is as expected."""
        variables = {
            "PATH": os.environ["PATH"], "USER": "ann", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": who,
            "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": self.deployment.aws.url,
        }
        pipes = {name: asyncio.subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        command = [self.deployment.programs / "yogi", "--stack", stack or str(self.parts), *arguments]
        process = await asyncio.create_subprocess_exec(*command, env=variables, cwd=self.folder, **pipes)
        printed, told = await asyncio.wait_for(process.communicate(said.encode()), 90)
        assert process.returncode == code, f"{arguments} ended with {process.returncode}:\n{printed.decode()}\n{told.decode()}"
        return printed.decode(), told.decode()

    async def objects(self, *arguments: str, **more) -> list[dict]:
        """Returns the printed objects, one per line."""
        printed, _ = await self(*arguments, "--json", **more)
        return [json.loads(line) for line in printed.splitlines()]
