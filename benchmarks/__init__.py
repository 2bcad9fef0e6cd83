"""Speed and accuracy, measured by one command each."""
