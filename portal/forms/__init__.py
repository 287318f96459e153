"""What visitors and subscribers fill in."""
