"""A real PostgreSQL from the system's packages, for one run."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

SCHEMA = Path(__file__).resolve().parents[2] / "aurora" / "schema.sql"


def binaries() -> Path | None:
    """Returns the folder of the newest version's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    installed = shutil.which("initdb")
    return Path(installed).parent if installed else None


def schema() -> str:
    """Returns the statements in psql's syntax."""
    return SCHEMA.read_text().replace("-- then", ";")


class Postgres:
    """A server on a Unix socket in its own folder, with the schema of `infra/aurora`."""

    def __init__(self):
        self.bin = binaries()
        if self.bin is None:
            raise FileNotFoundError("PostgreSQL is not installed (initdb was not found)")
        self.folder = Path(tempfile.mkdtemp(prefix="chatbot-pg-"))
        # The server refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "admin", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self._run("pg_ctl", "-D", data, "-w", "-l", self.folder / "log", "-o", options, "start")
        self._run("createdb", "-h", self.folder, "-U", "admin", "learningyogi")
        self._run("psql", "-h", self.folder, "-U", "admin", "-q", "-v", "ON_ERROR_STOP=1", "-d", "learningyogi", "-f", "-", stdin=schema())
        self.admin = f"host={self.folder} user=admin dbname=learningyogi"
        self.dsn = f"host={self.folder} user=chatbot_reader dbname=learningyogi"

    def database(self, documents: list[dict]) -> str:
        """Creates a database with exactly these documents; returns the connection string for the worker's login."""
        name = "documents_" + secrets.token_hex(5)
        self._run("createdb", "-h", self.folder, "-U", "admin", name)
        self._run("psql", "-h", self.folder, "-U", "admin", "-q", "-v", "ON_ERROR_STOP=1", "-d", name, "-f", "-", stdin=schema())
        with psycopg.connect(f"host={self.folder} user=admin dbname={name}") as connection:
            row = "INSERT INTO documents (id, title, content, owner) VALUES (%s, %s, %s, %s)"
            for document in documents:
                content = document["content"]
                text = content if isinstance(content, str) else "\n".join(content)
                connection.execute(row, (document["id"], document["title"], text, document.get("owner")))
        return f"host={self.folder} user=chatbot_reader dbname={name}"

    def _run(self, program: str, *arguments, stdin: str = "") -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        options = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
        # The server that pg_ctl starts would keep a pipe open forever, so its output goes to files.
        with (self.folder / "output").open("w+") as output:
            done = subprocess.run(command, cwd=self.folder, input=stdin, stdout=output, stderr=output, text=True, **options)
            output.seek(0)
            said = output.read()
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said}")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
