"""What ``moodcast doctor`` looks at. One small function for each check, with plain arguments; the daemons never import
this."""
