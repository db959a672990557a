"""Where answers sleep: this process's memory, and Redis for all instances."""
