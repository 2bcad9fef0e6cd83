"""A result to and from its folder, whole or not at all."""
