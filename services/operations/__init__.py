"""Long answers: what somebody would rather not wait for, and how far it is."""
