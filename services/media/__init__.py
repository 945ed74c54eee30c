"""Decode, analyse, draw: always in a subprocess with limits, because the files are anybody's.

`runner` starts one fresh process for each task, `task` is that process's program; the other modules
run inside it and are imported nowhere else.
"""
