"""What Reelay remembers: tables, one module of queries per aggregate, the vault, the object store."""
