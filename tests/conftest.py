"""Tests of the teachers need LiteLLM, which has an environment of its own: see test-teachers of the Makefile."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("litellm") else ["teachers"]
