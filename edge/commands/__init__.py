"""What the subcommands of ``moodcast`` do, one module each; ``edge.cli`` reads the arguments."""
