"""Decode, analyse, draw: always in a subprocess with limits, because the files are anybody's.

`runner` starts one fresh process for each task, `task` is that process's program. `fitting`, with
the decisions in `story` and `fingerprint`, is what the stories ask; these import no decoder. The
other modules run inside the process and are imported nowhere else.
"""
