"""A result in, findings and a verdict out."""
