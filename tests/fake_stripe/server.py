"""The HTTP side: keys, idempotency, faults, and a small steering wheel under /_fake/ for other processes."""

import base64
import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fake_stripe import forms, pages
from tests.fake_stripe.books import Account, Answer, Books, Json
from tests.fake_stripe.errors import Refusal, key_refused, rate_limited, server_error
from tests.fake_stripe.faults import Faults
from tests.fake_stripe.routing import Call, expanded, handler_of
from tests.fake_stripe.steering import steer


class FakeStripe:
    """One server with its books. `with FakeStripe() as fake: fake.url`."""

    def __init__(self, port: int = 0) -> None:
        self.books = Books()
        self.faults = Faults()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "FakeStripe":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "FakeStripe":
        return self.start()

    def __exit__(self, *_: Any) -> None:
        self.stop()

    # --- one API request ---------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, params: Json, api_key: str, key: str) -> tuple[int, Json, bool, str]:
        """(status, body, whether it is a replay, the fault: "drop_before" and "drop_after" send nothing)."""
        with self.books.lock:
            self.books.calls.append((method, path, key))
            fault = self.faults.next_for(method, path)
            if fault == "drop_before":
                return 0, {}, False, fault
            try:
                account = self._account(api_key, fault)
                status, body, replayed = self._once(
                    account, method, path, params, key if method == "POST" else "", fault
                )
            except Refusal as refusal:
                status, body, replayed = refusal.status, refusal.body, False
            return status, body, replayed, fault

    def _account(self, api_key: str, fault: str) -> Account:
        account = self.books.account_of(api_key)
        if account is None or fault == "401":
            raise key_refused(api_key)
        if fault == "429":
            raise rate_limited()
        return account

    def _once(
        self, account: Account, method: str, path: str, params: Json, key: str, fault: str
    ) -> tuple[int, Json, bool]:
        self.books.forget_old_keys(account)
        request = hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()
        kept = account.answers.get(key) if key else None
        if kept is not None:
            if kept.request != request:
                message = "Keys for idempotent requests can only be used with the same parameters as at first."
                raise Refusal(400, "idempotency_error", "idempotency_error", message)
            return kept.status, json.loads(json.dumps(kept.body)), True
        status, body, keep = self._do(account, method, path, params, fault)
        if key and keep:
            account.answers[key] = Answer(request, status, json.loads(json.dumps(body)), self.books.now)
        return status, body, False

    def _do(self, account: Account, method: str, path: str, params: Json, fault: str) -> tuple[int, Json, bool]:
        try:
            if fault == "500_before":
                raise server_error()
            handler, args = handler_of(method, path)
            call = Call(self.books, account, params, args, self.url)
            status, body, keep = 200, expanded(call, handler(call)), True
        except Refusal as refusal:
            status, body, keep = refusal.status, json.loads(json.dumps(refusal.body)), refusal.kept
        if fault == "500_after":
            error = server_error()
            return error.status, error.body, True
        return status, body, keep


class _Handler(BaseHTTPRequestHandler):
    fake: FakeStripe
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the books keep every call."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type") or ""
        if parts.path == "/v1/files" and kind.startswith("multipart/form-data"):
            self._api(parts, forms.multipart(kind, body))
        else:
            self._form(parts, body.decode())

    def _form(self, parts: Any, body: str) -> None:
        if parts.path.startswith("/_fake/"):
            try:
                self._send(200, steer(self.fake, parts.path.removeprefix("/_fake/"), json.loads(body or "{}")))
            except Refusal as refusal:
                self._send(409, refusal.body)
        elif parts.path.startswith("/hosted/"):
            self._page(parts.path, body)
        else:
            self._api(parts, forms.parse(body))

    def _api(self, parts: Any, sent: Json) -> None:
        params = forms.parse(parts.query) | sent
        key = self.headers.get("Idempotency-Key") or ""
        status, answer, replayed, fault = self.fake.answer(self.command, parts.path, params, self._api_key(), key)
        if fault.startswith("drop"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(status, answer, replayed)

    def _api_key(self) -> str:
        scheme, _, given = (self.headers.get("Authorization") or "").partition(" ")
        if scheme == "Basic":
            return base64.b64decode(given).decode().partition(":")[0]
        return given

    def _page(self, path: str, body: str) -> None:
        _, _, page, object_id = path.split("/", 3)
        error = ""
        with self.fake.books.lock:
            try:
                if self.command == "POST":
                    onwards, error = pages.submit(self.fake.books, page, object_id, dict(parse_qsl(body)))
                    if onwards:
                        self._raw(303, b"", "text/html", {"Location": onwards})
                        return
                shown = pages.show(self.fake.books, page, object_id, error)
            except Refusal as refusal:
                self._send(refusal.status, refusal.body)
                return
        self._raw(200, shown.encode(), "text/html; charset=utf-8", {})

    def _send(self, status: int, answer: Any, replayed: bool = False) -> None:
        extra = {"Idempotent-Replayed": "true"} if replayed else {}
        self._raw(status, json.dumps(answer).encode(), "application/json", extra)

    def _raw(self, status: int, body: bytes, kind: str, extra: dict[str, str]) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Request-Id": "req_fake", **extra}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
