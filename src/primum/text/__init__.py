"""What rules can tell of a text: its words, numbers and negations; quotes, abstentions, answers, tags."""
