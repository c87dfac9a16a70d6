"""The one YAML file. ``schema``: every key; ``file``: reading it; ``tree``, ``keys``, ``draft``: every mistake with its line.

Only composition roots and the command line import this.
"""
