"""Pure functions and small state machines: data and time in, data out. No clock, no I/O, no cv2, no logging."""
