# SPDX-License-Identifier: Apache-2.0
"""Identifiers of tunnels, by tshark and by us, in one form: (capture, (), kind, id)."""
from application_fields import capture_of, layers_of

# layer of tshark -> fields with its identifier, our kinds that have the same one
_KINDS = {
    "vxlan": (("vxlan.vni",), ("vxlan", "vxlan-gpe")),
    "geneve": (("geneve.vni",), ("geneve",)),
    "gtp": (("gtp.teid",), ("gtp-u",)),
    "gre": (("gre.key", "gre.key.call_id"), ("gre", "nvgre", "eoip")),
    "erspan": (("erspan.spanid",), ("erspan2", "erspan3")),
}
_LAYER_OF = {kind: layer for layer, (_, kinds) in _KINDS.items() for kind in kinds}
_COLUMNS = ("frame.protocols", *(field for fields, _ in _KINDS.values() for field in fields))


def of_tshark(batch):
    """Of frames with an IP packet within the tunnel: others are no flows of ours."""
    found = set()
    for name, row in batch.rows(_COLUMNS):
        layers = layers_of(row)
        for layer, (fields, _) in _KINDS.items():
            if layer in layers and {"ip", "ipv6"} & set(layers[layers.index(layer):]):
                found.update((name, (), layer, int(value, 0)) for field in fields for value in row[field])
    return found


def of_records(batch, records):
    found = set()
    for record in records:
        name = capture_of(batch, record)
        for level in record.get("tunnel", []):
            layer = _LAYER_OF.get(level["kind"])
            ids = (level[key] for key in ("id", "reverse_id") if key in level)
            found.update((name, (), layer, number) for number in ids if layer is not None)
    return found
