"""Files as the SDK sees them: uploaded, read back, shared by a link, and refused by name."""

from __future__ import annotations

import http.client
import io
import json
from datetime import timedelta
from typing import Any

import pytest
import requests
import stripe
from django.core.files.storage import default_storage

from api.models import ApiRequest
from merchants.models import File, FileLink
from tests.api.conftest import Caller
from tests.api.sdk import Sdk, new_sdk

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
MB = 1024 * 1024


def named(content: bytes, name: str = "reçu no 7.pdf") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def uploaded(sdk: Sdk, content: bytes = PDF, purpose: str = "dispute_evidence", **params: Any) -> Any:
    name = params.pop("name", "reçu no 7.pdf")
    return sdk.v1.files.create({"file": named(content, name), "purpose": purpose, **params})


def refusal(sdk: Sdk, content: bytes, purpose: str, **params: Any) -> tuple[int | None, str | None, str | None]:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        uploaded(sdk, content, purpose, **params)
    return refused.value.http_status, refused.value.code, refused.value.param


def key_of(sdk: Sdk) -> str:
    key: str = sdk.client._requestor.api_key or ""
    return key


def get(sdk: Sdk, url: str, *, with_key: bool = True) -> requests.Response:
    """As a browser or curl would; the address is the site's own, the server of the test another."""
    path = "/" + url.split("/", 3)[3]
    headers = {"Authorization": f"Bearer {key_of(sdk)}"} if with_key else {}
    return requests.get(sdk.url + path, headers=headers, timeout=10)


def test_a_file_is_uploaded_read_back_and_listed(sdk: Sdk) -> None:
    """Evidence is kept for 270 days, as Stripe's own example of an answer shows."""
    file = uploaded(sdk)
    assert (file.object, file.purpose, file.filename, file.type, file.size) == (
        "file",
        "dispute_evidence",
        "reçu no 7.pdf",
        "pdf",
        len(PDF),
    )
    assert file.expires_at - file.created == 270 * 86_400
    assert (file.links.data, file.links.url) == ([], f"/v1/file_links?file={file.id}")
    logo = uploaded(sdk, PNG, "business_logo", name="C:\\logos\\us.png")
    assert (logo.filename, logo.type, logo.expires_at) == ("us.png", "png", None)
    assert sdk.v1.files.retrieve(file.id) == file
    assert [one.id for one in sdk.v1.files.list().data] == [logo.id, file.id]
    assert [one.id for one in sdk.v1.files.list({"purpose": "business_logo"}).data] == [logo.id]
    assert sdk.v1.files.list({"created": {"gt": logo.created}}).data == []
    assert [one.data.object.id for one in sdk.v1.events.list({"type": "file.created"}).data] == [logo.id, file.id]


def test_the_contents_come_with_the_key_and_are_never_shown_as_a_page(sdk: Sdk) -> None:
    file = uploaded(sdk, SVG, "customer_signature", name="sig.svg")
    assert file.url.endswith(f"/v1/files/{file.id}/contents")
    answer = get(sdk, file.url)
    assert (answer.status_code, answer.content) == (200, SVG)
    assert answer.headers["content-disposition"] == 'attachment; filename="sig.svg"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert get(sdk, file.url, with_key=False).status_code == 401
    hidden = uploaded(sdk, PDF, "identity_document")
    assert hidden.url is None
    refused = get(sdk, f"{sdk.url}/v1/files/{hidden.id}/contents")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "file_not_downloadable")


def test_what_a_purpose_does_not_take_is_refused_by_name_and_nothing_is_kept(sdk: Sdk) -> None:
    assert refusal(sdk, PDF, "business_logo") == (400, "file_type_unsupported", "file")
    assert refusal(sdk, b"<html>hello</html>", "dispute_evidence", name="a.pdf") == (
        400,
        "file_type_unsupported",
        "file",
    )
    assert refusal(sdk, PNG + b"\x00" * (512 * 1024), "business_icon") == (400, "file_too_large", "file")
    assert refusal(sdk, b"", "dispute_evidence") == (400, "parameter_invalid_empty", "file")
    assert refusal(sdk, PDF, "holiday_pictures") == (400, "parameter_invalid", "purpose")
    assert refusal(sdk, PDF, "dispute_evidence", colour="red") == (400, "parameter_unknown", "colour")
    assert refusal(sdk, PDF, "dispute_evidence", file_link_data={"expires_at": 9}) == (
        400,
        "parameter_missing",
        "file_link_data[create]",
    )
    assert refusal(sdk, PDF, "dispute_evidence", file_link_data={"create": True, "expires_at": 9}) == (
        400,
        "parameter_invalid",
        "file_link_data[expires_at]",
    )
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.files.create({"purpose": "dispute_evidence"})
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "file")
    assert File.objects.count() == FileLink.objects.count() == 0
    assert default_storage.exists(f"files/{sdk.merchant.id}") is False


def test_a_body_that_is_too_long_is_refused_by_its_length_alone(sdk: Sdk) -> None:
    """18 MB are announced and not one byte is sent: the answer does not wait for them."""
    connection = http.client.HTTPConnection(sdk.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/v1/files")
    connection.putheader("Authorization", f"Bearer {key_of(sdk)}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(18 * MB))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["error"]["code"]) == (413, "request_too_large")
    connection.close()


def test_multipart_is_taken_here_alone_and_must_be_well_formed(caller: Caller) -> None:
    kind = "multipart/form-data; boundary=x"
    headers = {"Authorization": f"Bearer {caller.secret}"}
    elsewhere = caller.client.post("/v1/customers", b"--x--", content_type=kind, headers=headers)
    assert elsewhere.json()["error"]["code"] == "request_content_type_unsupported"
    for broken in (b"", b"nothing like it", b'--x\r\nContent-Disposition: form-data; name="file"; filename="a'):
        answer = caller.client.post("/v1/files", broken, content_type=kind, headers=headers)
        assert answer.status_code == 400
    bare = caller.client.post("/v1/files", b"x", content_type="multipart/form-data", headers=headers)
    assert bare.json()["error"]["code"] == "request_body_invalid"
    written = caller("POST", "/v1/files", "purpose=dispute_evidence&file=receipt.pdf")
    assert (written["error"]["code"], written["error"]["param"]) == ("parameter_invalid", "file")
    assert File.objects.count() == 0


def test_a_repeated_upload_is_one_file(sdk: Sdk) -> None:
    options = {"idempotency_key": "upload-1"}
    first = sdk.v1.files.create({"file": named(PDF), "purpose": "dispute_evidence"}, options)
    again = sdk.v1.files.create({"file": named(PDF), "purpose": "dispute_evidence"}, options)
    assert (again.id, File.objects.count()) == (first.id, 1)
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.files.create({"file": named(PDF + b"%"), "purpose": "dispute_evidence"}, options)
    kept = ApiRequest.objects.filter(path="/v1/files").order_by("id").first()
    assert kept is not None
    assert kept.params["file"].startswith(f"reçu no 7.pdf ({len(PDF)} bytes, sha256 ")


def test_a_link_opens_a_file_to_whoever_has_it_until_it_expires(sdk: Sdk) -> None:
    file = uploaded(sdk, file_link_data={"create": True, "metadata": {"for": "the bank"}})
    [link] = file.links.data
    assert (link.object, link.file, link.expired, link.expires_at, link.metadata["for"]) == (
        "file_link",
        file.id,
        False,
        None,
        "the bank",
    )
    answer = get(sdk, link.url, with_key=False)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''re%C3%A7u")
    soon = sdk.v1.file_links.create({"file": file.id, "expires_at": file.created + 3600, "metadata": {"a": "1"}})
    assert sdk.v1.file_links.retrieve(soon.id, {"expand": ["file"]}).file.filename == "reçu no 7.pdf"
    assert [one.id for one in sdk.v1.file_links.list({"file": file.id}).data] == [soon.id, link.id]
    over = sdk.v1.file_links.update(soon.id, {"expires_at": "now", "metadata": {"a": "", "b": "2"}})
    assert (over.expired, over.metadata.to_dict()) == (True, {"b": "2"})
    assert get(sdk, soon.url, with_key=False).status_code == 404
    assert [one.id for one in sdk.v1.file_links.list({"expired": True}).data] == [soon.id]
    assert [one.id for one in sdk.v1.file_links.list({"expired": False}).data] == [link.id]
    assert sdk.v1.file_links.update(soon.id, {"expires_at": ""}).expired is False
    assert get(sdk, soon.url, with_key=False).status_code == 200
    File.objects.update(expires_at=File.objects.get().created + timedelta(seconds=0))
    assert get(sdk, soon.url, with_key=False).status_code == 404
    assert get(sdk, file.url).json()["error"]["code"] == "file_expired"


def test_what_cannot_be_shared_is_refused_by_name(sdk: Sdk) -> None:
    file, hidden = uploaded(sdk), uploaded(sdk, PDF, "identity_document")
    for params, status, code, param in (
        ({"file": "file_none"}, 400, "resource_missing", "file"),
        ({"file": hidden.id}, 400, "file_not_downloadable", "file"),
        ({"file": file.id, "expires_at": 100}, 400, "parameter_invalid", "expires_at"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.file_links.create(params)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (status, code, param)
    assert get(sdk, f"{sdk.url}/links/nothing").status_code == 404


def test_anothers_files_are_not_there(sdk: Sdk, live_server: Any) -> None:
    file = uploaded(sdk, file_link_data={"create": True})
    stranger = new_sdk(live_server.url)
    assert stranger.v1.files.list().data == stranger.v1.file_links.list().data == []
    for ask in (
        lambda: stranger.v1.files.retrieve(file.id),
        lambda: stranger.v1.file_links.retrieve(file.links.data[0].id),
        lambda: stranger.v1.file_links.update(file.links.data[0].id, {"expires_at": "now"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            ask()
        assert refused.value.http_status == 404
    assert get(stranger, file.url).status_code == 404
    with pytest.raises(stripe.InvalidRequestError):
        stranger.v1.file_links.create({"file": file.id})


def test_a_file_that_is_gone_from_the_store_is_told_so(sdk: Sdk) -> None:
    file = uploaded(sdk)
    default_storage.delete(File.objects.get().content.name)
    answer = get(sdk, file.url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "file_damaged")
