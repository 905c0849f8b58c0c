"""Tests of the teachers need LiteLLM, which fits into no environment with the rest: see the Makefile's test-teachers."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("litellm") else ["teachers"]
