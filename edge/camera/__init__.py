"""Sources of pictures. ``table.make_camera`` is the way in; ``source`` says what a camera is."""
