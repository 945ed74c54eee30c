"""People, their roles, credits, Instagram connections and their rights over their data."""
