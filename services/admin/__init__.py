"""What an operator does with the cache: the same operations on the command line and over HTTP."""
