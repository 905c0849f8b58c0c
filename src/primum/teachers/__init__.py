"""Teachers: models that write examples, asked through LiteLLM, every answer kept in a ledger and never paid for twice.

``client`` asks, ``caller`` calls until a question is settled, ``replies`` tells an answer from what only looks like
one, ``ledger`` keeps it, ``limits`` paces and budgets, ``provider`` sets LiteLLM up. Nothing imports LiteLLM before the
first question that the ledger cannot answer.
"""
