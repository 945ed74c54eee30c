"""The chat page: what a visitor of the sandbox sees instead of the Telegram app.

`api.make_app` serves it; the composition in `sandbox/demo.py` and the browser tests call that.
"""
