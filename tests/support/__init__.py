"""What tests share: the harness that runs the real bot against the stand-ins, and factories."""
