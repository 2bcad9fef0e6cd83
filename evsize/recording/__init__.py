"""A path or array in, a lazy recording with its acquisition out."""
