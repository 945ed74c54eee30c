"""The durable engine and the clock. Knows job kinds by registration and imports no capability."""
