"""The scripted visits of `reelay demo --tour`."""
