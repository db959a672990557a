"""A track as a player shows it: what is known of it at once, and the rest as it comes."""
