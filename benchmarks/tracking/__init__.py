"""Tables of detection, flow and linking against truth and against other tools."""
