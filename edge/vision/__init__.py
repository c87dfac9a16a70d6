"""Faces and what they show. ``finders.make_finder`` makes what finds them."""
