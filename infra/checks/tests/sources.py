"""Reads facts from the Rust sources and the documents."""

import re
import tomllib
from pathlib import Path

FAMILIES = "CHATBOT|ANTHROPIC|OPENAI|AURORA"
VARIABLE = re.compile(rf'\b(?:{FAMILIES})_[A-Z0-9_]*[A-Z0-9]\b')
LITERAL = re.compile(rf'"((?:{FAMILIES})_[A-Z0-9_]*[A-Z0-9])"')


def production(path: Path) -> str:
    """Returns a Rust file without its tests, which are at its end."""
    return path.read_text().split("#[cfg(test)]")[0]


def read_by(root: Path, function: str) -> set[str]:
    """Returns the variables that occur as strings in a function's crate and in its dependencies."""
    folders = [function, *crates_linked_by(root, function)]
    files = [file for folder in folders for file in (root / folder / "src").rglob("*.rs") if file.name != "tests.rs"]
    return {name for file in files for name in LITERAL.findall(production(file))}


def crates_linked_by(root: Path, function: str) -> list[str]:
    """Returns the crates of this workspace that a function names as dependencies, tests aside."""
    manifest = tomllib.loads((root / function / "Cargo.toml").read_text())
    return [name for name in manifest["dependencies"] if (root / name / "src").is_dir()]


def documented(root: Path) -> dict[str, str]:
    """Returns the variables of docs/CONFIGURATION.md with their defaults."""
    rows = (line.split("|") for line in (root / "docs/CONFIGURATION.md").read_text().splitlines() if line.startswith("| `"))
    return {row[1].strip(" `"): row[2].strip() for row in rows}


def required_by(root: Path, function: str) -> set[str]:
    """Returns the variables that a function requires at start."""
    text = production(root / "aws/src/config.rs")
    found: set[str] = set()
    for owner in ("CommonResources", f"{function.capitalize()}Resources"):
        body = re.search(rf"impl {owner} \{{(.*?)\n\}}", text, re.DOTALL)
        if body is None:
            raise ValueError(f"aws/src/config.rs has no {owner}")
        found |= set(re.findall(r'(?:required|url)\(environment, "([A-Z0-9_]+)"\)', body[1]))
    return found


def metrics(root: Path) -> tuple[str, set[str]]:
    """Returns the namespace and the names of the metrics that the code emits."""
    text = production(root / "aws/src/metrics.rs")
    namespace = re.search(r'NAMESPACE: &str = "([^"]+)"', text)
    listed = re.search(r"METRICS: .*?= \[(.*?)\n\];", text, re.DOTALL)
    if namespace is None or listed is None:
        raise ValueError("aws/src/metrics.rs has neither NAMESPACE nor METRICS")
    constants = dict(re.findall(r'const ([A-Z_]+): &str = "([A-Za-z]+)";', text))
    names = re.findall(r"\(([A-Z_]+),", listed[1])
    return namespace[1], {constants[name] for name in names}
