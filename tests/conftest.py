"""Tests of the teachers need LiteLLM, those of Tunix JAX; each has an environment of its own: see the Makefile."""

from importlib.util import find_spec

collect_ignore = [folder for folder, needs in (("teachers", "litellm"), ("tunix", "tunix")) if not find_spec(needs)]
