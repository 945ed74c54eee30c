"""The side server, and how Reelay is seen from outside: health, metrics, alerts."""
