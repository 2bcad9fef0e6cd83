"""A saved result in, a page for people out."""
