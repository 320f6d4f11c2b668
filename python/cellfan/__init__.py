"""What cellfan brings to Python programs that drive notebooks. The kernel itself is a Node program."""
