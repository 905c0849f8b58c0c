"""Requests and replies, and what tells an answer from what only looks like one.

LiteLLM returns ``choices: []`` and ``content: null`` as success, and hides a refused connection in a status 500: what a
call came to is therefore judged here, once, and the caller only acts on it.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

ANSWERED = "answered"
EMPTY = "empty"
REFUSED = "refused_by_server"

_REFUSALS = {400, 404, 413, 422}  # the request itself is at fault
_HOPELESS = {401, 402, 403}  # key, credit, permission: every other request would meet the same
_FINAL_BLANKS = {"length", "content_filter"}  # with these a blank text is what the model had to say
_UNREACHABLE = {"ConnectError", "ClientConnectorError", "ConnectionRefusedError", "gaierror"}
_REASON_CHARS = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a teacher. ``id`` is for messages to people; it is no part of what is asked."""

    id: str
    messages: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question came to: one line of the ledger.

    Args:
        key: SHA-256 of the canonical JSON of what was asked.
        outcome: ``answered``, ``empty`` or ``refused_by_server``.
        text: the message's content; the server's short reason where it refused; '' where empty.
        finish_reason: why the model stopped, in LiteLLM's words; '' where refused.
        prompt_tokens: of the call that was answered; estimated from the characters where the server does not tell.
        completion_tokens: likewise.
        cost: US dollars; 0.0 where no price is known.
        attempts: calls made in the session that got it: state, not for published artefacts.
    """

    key: str
    outcome: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A response of status 200: text ('' if blank), why the model stopped, tokens, and whether that settles it."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    settled: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed, and what is to be done about it.

    Args:
        action: ``retry``; ``refused``: this request will never do; ``stop``: no request will.
        reason: one short line without secrets.
        status: LiteLLM's HTTP status; also 500 where there was none.
        connected: False where the server could not be reached at all.
        wait: seconds that the server asks to wait; None where it does not say.
    """

    action: Literal["retry", "refused", "stop"]
    reason: str
    status: int | None = None
    connected: bool = True
    wait: float | None = None


class Malformed(Exception):
    """A response that is no answer at all, though its status was 200."""


def estimate_tokens(text: str) -> int:
    """A token to four characters, rounded up: the usual rule of thumb for English."""
    return -(-len(text) // 4)


def prompt_tokens(messages: list[dict[str, str]]) -> int:
    """Estimated tokens of a prompt."""
    return sum(estimate_tokens(message.get("content", "")) for message in messages)


def read(response: Any, messages: list[dict[str, str]]) -> Reading:
    """Read LiteLLM's response; :class:`Malformed` where it is none. No choice at all reads as a blank text."""
    choices = getattr(response, "choices", None)
    if not isinstance(choices, list) or (choices and getattr(choices[0], "message", None) is None):
        raise Malformed("the response has no choices")
    finish = choices[0].finish_reason if choices else ""
    finish = finish if isinstance(finish, str) else ""
    text = _text(choices[0].message.content) if choices else ""
    usage = getattr(response, "usage", None)
    given, made = (_count(getattr(usage, name, None)) for name in ("prompt_tokens", "completion_tokens"))
    if not given and not made:
        given, made = prompt_tokens(messages), estimate_tokens(text)
    return Reading(text, finish, given, made, bool(text) or finish in _FINAL_BLANKS)


def explain(error: Exception, secret: str | None = None) -> Failure:
    """What an exception of LiteLLM, or of a provider of our own, asks for; ``secret`` never shows in the reason."""
    reason = reason_of(error, secret)
    if isinstance(error, Malformed | TimeoutError):
        return Failure("retry", reason)
    status = getattr(error, "status_code", None)
    headers = getattr(error, "litellm_response_headers", None) or {}
    if status in _HOPELESS or type(error).__name__ in ("LiteLLMUnknownProvider", "UnsupportedParamsError"):
        return Failure("stop", reason, status)
    # A missing key comes as status 500 without a response, a wrong one of Gemini's as 400.
    if re.search(r"api[ _]?key", str(error), re.IGNORECASE) and (status in _REFUSALS or not headers):
        return Failure("stop", reason, status)
    if status == 404 and "model" in reason.lower():
        return Failure("stop", reason, status)
    if status in _REFUSALS:
        return Failure("refused", reason, status)
    return Failure("retry", reason, status, not _unreachable(error), retry_after(headers))


def retry_after(headers: Any) -> float | None:
    """Seconds of a Retry-After header, whether a number or an HTTP date (RFC 9110, 10.2.3); None without one."""
    value = {str(key).lower(): value for key, value in dict(headers).items()}.get("retry-after")
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def reason_of(error: Exception, secret: str | None = None) -> str:
    """The server's or the library's words as one short line, without secrets or wrapping."""
    if isinstance(error, TimeoutError):
        return "no answer within the timeout"
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    text = re.sub(r"^((litellm\.)?\w*(Error|Exception|Timeout)( Error)?: |\w+Exception - )+", "", text)
    if (start := text.find("{")) >= 0:
        text = _message(text[start:]) or text
    text = " ".join(re.split(r"Traceback|\n\s*File ", text)[0].split())
    return _without_secrets(text, secret)[:_REASON_CHARS].strip() or type(error).__name__


def _text(content: Any) -> str:
    """The content as text; '' where it is blank. Some providers hand on a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text", "") if isinstance(part, dict) else part for part in content]
        content = "".join(part for part in parts if isinstance(part, str))
    if not isinstance(content, str) or not content.strip():
        return ""
    return content.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair can be sent, but not kept


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _message(body: str) -> str:
    """The message of an OpenAI-style error body; '' where it is none."""
    try:
        error = json.loads(body)
    except json.JSONDecodeError:
        return ""
    error = error.get("error", error)
    message = error.get("message", error.get("detail", "")) if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


def _unreachable(error: BaseException | None) -> bool:
    """Whether the connection was never made: the cause stands some exceptions down."""
    while error is not None:
        if type(error).__name__ in _UNREACHABLE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _without_secrets(text: str, secret: str | None) -> str:
    """``text`` with the secret, whatever the environment's keys hold, and what looks like a key struck out."""
    known = [os.environ[name] for name in sorted(os.environ) if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name)]
    for value in [secret or "", *known]:
        if len(value) >= 6:
            text = text.replace(value, "***")
    return re.sub(r"\bsk-[\w-]{6,}|(?<=Bearer )\S+", "***", text)
