"""The others, a few lines each: `python -m scripts.hits.peers bare|flask|fastapi PORT DIRECTORY`.

The directory holds a file for each path: what has to be answered there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

HOST = "127.0.0.1"
JSON = "application/json"

Contents = dict[str, bytes]


def bare(contents: Contents, port: int) -> None:
    """The least that a WSGI application can do, on stock Waitress."""
    import waitress  # noqa: PLC0415  # each process loads only what it measures

    known = {
        path: (content, [("Content-Type", JSON), ("Content-Length", str(len(content)))])
        for path, content in contents.items()
    }

    def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        content, headers = known[environ["PATH_INFO"]]
        start_response("200 OK", headers)
        return [content]

    waitress.serve(hello, host=HOST, port=port)


def flask(contents: Contents, port: int) -> None:
    """What one writes first: the value as JSON, anew for each request, on stock Waitress."""
    import waitress  # noqa: PLC0415  # each process loads only what it measures
    from flask import Flask, Response, jsonify  # noqa: PLC0415

    app = Flask(__name__)

    def view(value: Any) -> Callable[[], Response]:
        return lambda: jsonify(value)

    for path, content in contents.items():
        app.add_url_rule(path, path.strip("/"), view(orjson.loads(content)))
    waitress.serve(app, host=HOST, port=port)


def fastapi(contents: Contents, port: int) -> None:
    """The same bytes, encoded beforehand, by uvicorn at its fastest."""
    import uvicorn  # noqa: PLC0415  # each process loads only what it measures
    from fastapi import FastAPI, Response  # noqa: PLC0415

    app = FastAPI()

    def view(content: bytes) -> Callable[[], Any]:
        async def answer() -> Any:
            return Response(content, media_type=JSON)

        return answer

    for path, content in contents.items():
        app.add_api_route(path, view(content))
    uvicorn.run(
        app,
        host=HOST,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


PEERS: dict[str, Callable[[Contents, int], None]] = {
    "bare": bare,
    "flask": flask,
    "fastapi": fastapi,
}


def main(name: str, port: str, directory: str) -> None:
    """Serve until told to stop."""
    contents = {f"/{file.name}": file.read_bytes() for file in Path(directory).iterdir()}
    PEERS[name](contents, int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
