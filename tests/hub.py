"""A small hub on loopback: the routes that the real client asks, one repository, one commit."""

from __future__ import annotations

import hashlib
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY, COMMIT = "some-lab/medmcqa", "0123456789abcdef0123456789abcdef01234567"


def unhurried(folder):
    """A PYTHONPATH for a script that tries as often as it would, and waits a hundredth of a second at most between."""
    folder.mkdir(parents=True, exist_ok=True)
    hurry = "import time\nsleep = time.sleep\ntime.sleep = lambda seconds: sleep(min(seconds, 0.01))\n"
    (folder / "sitecustomize.py").write_text(hurry)
    return f"src{os.pathsep}{folder}"


class Hub(ThreadingHTTPServer):
    """Serves one dataset or model at one commit. ``files`` may change while ``listed`` keeps what the hub says."""

    def __init__(self, files, kind="datasets", repository=REPOSITORY):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.listed = dict(files), {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        self.lfs, self.kind, self.repository = True, kind, repository
        self.asked = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        self.server.asked.append(self.path)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition("?")[0]
        kind, repository = self.server.kind, self.server.repository
        tree = f"/api/{kind}/{repository}/tree/{COMMIT}"
        resolve = f"{'' if kind == 'models' else f'/{kind}'}/{repository}/resolve/{COMMIT}/"
        if path == tree:
            listing = []
            for name, digest in self.server.listed.items():
                size = len(self.server.files[name])
                lfs = {"oid": digest, "size": size, "pointerSize": 134} if self.server.lfs else None
                item = {"type": "file", "path": name, "size": size, "oid": digest[:40]}
                listing.append(item | ({"lfs": lfs} if lfs else {}))
            self.answer(200, json.dumps(listing).encode(), Content_Type="application/json")
        elif path in (f"/api/{kind}/{repository}", f"/api/{kind}/{repository}/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in self.server.listed]
            body = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings})
            self.answer(200, body.encode(), Content_Type="application/json")
        elif path.startswith(resolve) and path.removeprefix(resolve) in self.server.files:
            data = self.server.files[path.removeprefix(resolve)]
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            linked = {"X_Linked_Etag": etag, "X_Linked_Size": str(len(data))}
            self.answer(200, data, ETag=etag, X_Repo_Commit=COMMIT, **linked)
        elif f"/{repository}/" in path:
            self.answer(404, b"{}", X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
        else:
            self.answer(401, b"{}", X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")

    do_HEAD = do_GET
