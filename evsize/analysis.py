"""Analysis: what a user holds."""
