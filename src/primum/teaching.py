"""Who writes a corpus, and what it is to hold: the typed models of ``teachers`` and of a study's ``corpus``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from primum.strict import Identifier, Share, Strict


class Limits(Strict):
    """How hard a teacher may be pressed, and how much may be spent on one corpus. ``None``: no limit."""

    concurrency: Annotated[int, Field(gt=0)] = 8  # requests in flight
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None  # prompt and completion
    attempts: Annotated[int, Field(gt=0)] = 8  # of one request, while its failures may pass
    timeout: Annotated[float, Field(gt=0)] = 120.0  # seconds an attempt
    max_requests: Annotated[int, Field(gt=0)] | None = None  # the budget, over all that the ledger holds
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None  # US dollars, by the prices below or LiteLLM's own table


class Teacher(Strict):
    """A model that writes examples: any that LiteLLM reaches. Keys come from the environment alone."""

    model: str  # LiteLLM's name: 'provider/model'
    api_base: str | None = None
    api_key_env: str | None = None  # name of the variable that holds the key, where LiteLLM's own does not fit
    parameters: dict[str, Any] = Field(
        default_factory=dict
    )  # temperature, max_tokens, ...: handed to litellm.acompletion
    limits: Limits = Limits()
    input_cost_per_token: Annotated[float, Field(ge=0)] | None = None  # US dollars
    output_cost_per_token: Annotated[float, Field(ge=0)] | None = None

    @field_validator("model")
    @classmethod
    def _provider(cls, model: str) -> str:
        if not re.fullmatch(r"[a-z0-9_-]+/\S+", model):
            raise ValueError(f"'{model}' names no provider; write it as 'provider/model'")
        return model


KINDS = ("reasoning", "needle", "refusal", "anti_knowledge", "conflict", "safety")
Kind = Literal["reasoning", "needle", "refusal", "anti_knowledge", "conflict", "safety"]


class Corpus(Strict):
    """What a teacher writes for a study; see ``primum.corpora``."""

    resources: str  # folder of concepts, safety rules, axioms, traps and patients
    teacher: Identifier  # a name of 'teachers'
    challenger: Identifier | None  # compared with the teacher on the same items
    comparison_items: Annotated[int, Field(ge=50)]
    seed: Annotated[int, Field(ge=0)]
    prompts: Annotated[dict[Kind, str], Field(min_length=1)]  # files of config/prompts, one a kind
    composition: dict[Kind, Share]  # of every split; checked after filtering
    sizes: Annotated[dict[Identifier, Annotated[int, Field(gt=0)]], Field(min_length=1)]  # rows by split
    prompts_only: list[Identifier] = Field(default_factory=list)  # splits whose published chats leave the targets out
    held_out: Annotated[list[Identifier], Field(min_length=1)]  # splits with concepts of their own
    held_out_share: Annotated[float, Field(gt=0, lt=1)]  # of the concepts, for all held-out splits together
    haystack_axioms: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]  # fewest and most
    near_duplicate_threshold: Annotated[float, Field(gt=0, le=1)]  # as in data
    max_tries: Annotated[float, Field(ge=1)]  # requests a wanted row, before a kind is given up

    @model_validator(mode="before")
    @classmethod
    def _range_as_tuple(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("haystack_axioms"), list):
            data = data | {"haystack_axioms": tuple(data["haystack_axioms"])}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Corpus:
        if abs(sum(self.composition.values()) - 1) > 1e-9:
            raise ValueError(f"composition: shares add up to {sum(self.composition.values()):g}, not to 1")
        for kind in self.composition:
            if kind not in self.prompts:
                raise ValueError(f"prompts: kind '{kind}' has no prompt")
        for key in ("held_out", "prompts_only"):
            for split in getattr(self, key):
                if split not in self.sizes:
                    raise ValueError(f"{key}: '{split}' is not in sizes")
        if not set(self.sizes) - set(self.held_out):
            raise ValueError("held_out: no split is left to train on")
        if self.haystack_axioms[0] > self.haystack_axioms[1]:
            raise ValueError("haystack_axioms: the fewest are more than the most")
        if self.challenger == self.teacher:
            raise ValueError("challenger: it is the teacher itself")
        return self
