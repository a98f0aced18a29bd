"""Profile a model that was trained elsewhere."""

import json
import sys
from pathlib import Path

import edgeimpulse as ei

found = ei.model.profile(model=Path(sys.argv[1]).read_bytes(), device="cortex-m4f-80mhz")
found.summary()
info = found.model.profile_info
print(
    json.dumps(
        {
            "variant": info.table.variant,
            "low_end_supported": info.table.low_end_mcu.supported,
            "ram": info.int8.memory.eon.ram,
        }
    )
)
