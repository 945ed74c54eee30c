"""Analysis: any profile's reels, what their figures say, and how sure that is."""
