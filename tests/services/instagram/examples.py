"""How many examples the properties of this folder try: REELAY_EXAMPLES, 200 by default."""

import os

from hypothesis import settings

EXAMPLES = settings(max_examples=int(os.environ.get("REELAY_EXAMPLES", "200")), deadline=None)
