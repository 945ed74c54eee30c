"""Stories: queue, schedule, approve, publish exactly once, or post by hand."""
