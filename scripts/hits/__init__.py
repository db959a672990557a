"""The rate of fresh hits beside other servers that return the same bytes."""
