"""LiteLLM as it is used here: imported late, silent, calling home to nobody, with providers of our own."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any

from primum.errors import UserError
from primum.teaching import Teacher

OWN = "primum"  # the provider whose models live in this project
_OWN_HANDLER = "primum.corpora.embedded"  # its module, with handler() -> litellm.CustomLLM
_OURS = ("model", "messages", "api_base", "base_url", "api_key", "timeout", "num_retries", "max_retries", "stream", "n")
_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # prices from the package, not from the network
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",  # reads no .env file
    "LITELLM_TELEMETRY": "False",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a token; ``known`` is False where nobody tells."""

    prompt: float
    completion: float
    known: bool

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """US dollars of so many tokens."""
        return prompt_tokens * self.prompt + completion_tokens * self.completion


def load() -> Any:
    """The ``litellm`` module, silenced; 3-4 CPU-s on the first call."""
    for key, value in _QUIET.items():
        os.environ.setdefault(key, value)
    try:
        litellm = importlib.import_module("litellm")
    except ImportError as error:
        raise UserError(
            f"LiteLLM cannot be imported ({error}).", "Run this in the environment of envs/teacher.yaml."
        ) from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Of odd bodies, which are judged in replies.py.
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    return litellm


def register(provider: str, handler: Any) -> None:
    """Serve every model ``provider/...`` by ``handler``, a ``litellm.CustomLLM``."""
    litellm = load()
    others = [entry for entry in litellm.custom_provider_map if entry["provider"] != provider]
    litellm.custom_provider_map = [*others, {"provider": provider, "custom_handler": handler}]


def check(name: str, teacher: Teacher) -> None:
    """Refuse, with LiteLLM loaded, a model nobody serves."""
    litellm = load()
    provider = teacher.model.partition("/")[0]
    registered = {entry["provider"] for entry in litellm.custom_provider_map}
    if provider == OWN and provider not in registered:
        register(provider, importlib.import_module(_OWN_HANDLER).handler())
        registered.add(provider)
    if provider in registered:
        return
    try:
        litellm.get_llm_provider(teacher.model, api_base=teacher.api_base)
    except litellm.BadRequestError:
        raise UserError(
            f"teacher '{name}': LiteLLM knows no provider '{provider}' (model '{teacher.model}').",
            "Write model as 'provider/model', e.g. hosted_vllm/NAME for a vLLM server, openai/NAME for OpenAI.",
        ) from None


def check_parameters(name: str, teacher: Teacher) -> None:
    """Refuse parameters that are this client's own business."""
    for key in sorted(teacher.parameters):
        if key in _OURS or "key" in key.lower().split("_"):
            raise UserError(
                f"teacher '{name}': parameters.{key} is not for a study to set.",
                "Remove it; api_base, api_key_env and limits stand beside 'parameters'.",
            )


def call_arguments(name: str, teacher: Teacher) -> dict[str, Any]:
    """What every call of ``litellm.acompletion`` takes besides its messages. Holds the key: never log it."""
    arguments: dict[str, Any] = {
        **teacher.parameters,
        "model": teacher.model,
        "timeout": teacher.limits.timeout,
        "num_retries": 0,
        "max_retries": 0,
    }
    if teacher.api_base is not None:
        arguments["api_base"] = teacher.api_base
    if teacher.api_key_env is not None:
        if not os.environ.get(teacher.api_key_env):
            raise UserError(
                f"teacher '{name}': the environment variable {teacher.api_key_env} (api_key_env) is not set.",
                f"Set it: export {teacher.api_key_env}=...",
            )
        arguments["api_key"] = os.environ[teacher.api_key_env]
    return arguments


def prices(name: str, teacher: Teacher) -> Prices:
    """The study's prices, or LiteLLM's; a cost budget without a price is refused, for it would never bind."""
    own = (teacher.input_cost_per_token, teacher.output_cost_per_token)
    if own != (None, None):
        return Prices(own[0] or 0.0, own[1] or 0.0, True)
    try:
        info = load().get_model_info(teacher.model)
        found = Prices(float(info["input_cost_per_token"]), float(info["output_cost_per_token"]), True)
    except Exception:  # LiteLLM raises a bare Exception for a model it has no entry for
        found = Prices(0.0, 0.0, False)
    if teacher.limits.max_cost is not None and not (found.prompt or found.completion):
        raise UserError(
            f"teacher '{name}': limits.max_cost is set, but LiteLLM knows no price of '{teacher.model}'.",
            "Give input_cost_per_token and output_cost_per_token, or limit max_requests or max_tokens instead.",
        )
    return found


async def close() -> None:
    """Close LiteLLM's connections; they belong to the loop that ends."""
    litellm = load()
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()
