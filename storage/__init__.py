"""What Reelay remembers: tables, queries by aggregate, the vault, the object store."""
