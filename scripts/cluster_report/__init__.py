"""Many instances over one Redis: that they behave as one, and what they do when it breaks."""
