"""What one client may ask for: who it is, how often it may ask, how much it may have fetched."""
