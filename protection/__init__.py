"""What keeps an upstream and this gateway from overrunning each other."""
