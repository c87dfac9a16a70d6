"""What makes sound. ``player.py`` says what a player is; ``table.py`` makes one."""
