"""A day of requests, replayed through the real cache on a simulated clock."""
