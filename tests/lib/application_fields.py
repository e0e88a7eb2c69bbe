# SPDX-License-Identifier: Apache-2.0
"""
What flows are about, by tshark and by us, in one form: (capture, conversation, field, value). A conversation is
protocol and both endpoints of the innermost packet, the lower one first; fields have our names.
"""
import re
from typing import Callable, NamedTuple, Tuple

import millrace
from flows import address

_COMPARED_OCTETS = 200  # of a text: we cut at 256
_COMPARED_OCTETS_DNS = 40  # an escape has four octets


def text(value):
    """Octets outside of ASCII and blanks look different everywhere, and blanks at the ends are cut by some."""
    return re.sub(r"[^\x21-\x7e]+", "?", value.strip())[:_COMPARED_OCTETS]


def dns_name(value):
    """tshark has octets where zone files have escapes, and <Root> for the empty name."""
    value = re.sub(r"\\(\d{3})", "?", value)
    value = re.sub(r"\\(.)", r"\1", value)
    value = re.sub(r"[^\x21-\x7e?]+|\?+", "?", "" if value.lower() == "<root>" else value)
    return re.sub(r"\?+", "?", value).lower().rstrip(".")[:_COMPARED_OCTETS_DNS]


def number(value):
    return str(int(str(value), 0))


def cookie(value):
    """RDP's is shown as a line of a header."""
    return text(re.sub(r"^Cookie: (mstshash=)?", "", value))


def ip_address(value):
    """0.0.0.0 is none."""
    return "" if value == "0.0.0.0" else value


class Field(NamedTuple):
    ours: Tuple[str, ...]  # the first one is the name here
    theirs: Tuple[str, ...]
    layers: Tuple[str, ...]  # one of which the frame must have: tshark uses some fields for several protocols
    same: Callable = text  # makes values comparable; "" for none


def _field(ours, theirs, layers, same=text):
    return Field(*(tuple(names.split()) for names in (ours, theirs, layers)), same)


FIELDS = (
    _field("http_method", "http.request.method", "http"),
    _field("http_host", "http.host", "http"),
    _field("http_uri", "http.request.uri", "http"),
    _field("http_user_agent", "http.user_agent", "http"),
    _field("http_server", "http.server", "http"),
    _field("http_referer", "http.referer", "http"),
    _field("http_location", "http.location", "http"),
    _field("http_status", "http.response.code", "http", number),
    _field("dns_name", "dns.qry.name", "dns mdns llmnr", dns_name),
    _field("dns_type", "dns.qry.type", "dns mdns llmnr", number),
    _field("tls_sni", "tls.handshake.extensions_server_name", "tls"),
    _field("tls_ja3", "tls.handshake.ja3", "tls"),
    _field("tls_ja3s", "tls.handshake.ja3s", "tls"),
    _field("ssh_client ssh_server", "ssh.protocol", "ssh"),
    _field("ssh_hassh", "ssh.kex.hassh", "ssh"),
    _field("ssh_hassh_server", "ssh.kex.hasshserver", "ssh"),
    _field("ftp_command", "ftp.request.command", "ftp"),
    _field("smb_share", "smb2.tree", "smb2"),
    _field("smb_user", "ntlmssp.auth.username", "smb smb2"),
    _field("smb_host", "ntlmssp.auth.hostname", "smb smb2"),
    _field("rdp_cookie", "rdp.rt_cookie", "rdp", cookie),
    _field("dhcp_hostname", "dhcp.option.hostname", "dhcp"),
    _field("dhcp_client_mac", "dhcp.hw.mac_addr", "dhcp"),
    _field("dhcp_vendor_class", "dhcp.option.vendor_class_id", "dhcp"),
    _field("dhcp_requested_address", "dhcp.option.requested_ip_address", "dhcp", ip_address),
    _field("dhcp_assigned_address", "dhcp.ip.your", "dhcp", ip_address),
    _field("ntp_mode", "ntp.flags.mode", "ntp", number),
    _field("snmp_community", "snmp.community", "snmp"),
    _field("sip_method", "sip.Method", "sip"),
    _field("sip_uri", "sip.r-uri", "sip"),
    _field("sip_call_id", "sip.Call-ID", "sip"),
    _field("sip_user_agent", "sip.User-Agent sip.Server", "sip"),
    _field("sip_status", "sip.Status-Code", "sip", number),
    _field("mqtt_client_id", "mqtt.clientid", "mqtt"),
    _field("mqtt_user", "mqtt.username", "mqtt"),
    _field("mqtt_topic mqtt_subscribe_topic", "mqtt.topic", "mqtt"),
    _field("modbus_unit", "mbtcp.unit_id", "mbtcp", number),
    _field("modbus_function", "modbus.func_code", "mbtcp", number),
    _field("community_id", "communityid", "tcp udp"),
)
NAMES = tuple(f.ours[0] for f in FIELDS)

_OPTIONS = ("-o", "http.desegment_body:FALSE",  # else a message without the end of its body is none
            "--enable-protocol", "communityid")
ENDPOINTS = ("frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
             "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")
_COLUMNS = (*ENDPOINTS, *sorted({name for f in FIELDS for name in f.theirs}))


def layers_of(row):
    return row["frame.protocols"][0].split(":") if row["frame.protocols"] else []  # a frame may be empty


def ends(row):
    """
    (protocol, sender, receiver) of a frame's innermost packet, or None when it has no TCP or UDP, or only quotes it
    in an ICMP message.
    """
    layers = layers_of(row)
    last = {name: i for i, name in enumerate(layers)}
    if "icmp" in last or "icmpv6" in last or not {"tcp", "udp"} & last.keys():
        return None
    proto = max("tcp", "udp", key=lambda name: last.get(name, -1))
    version = max("ip", "ipv6", key=lambda name: last.get(name, -1))
    ports = [row[f"{proto}.{way}port"] for way in ("src", "dst")]
    addresses = [row[f"{version}.{way}"] for way in ("src", "dst")]
    if not all(ports) or not all(addresses):
        return None
    source, destination = ((address(a[-1]), int(p[-1])) for a, p in zip(addresses, ports))
    return 6 if proto == "tcp" else 17, source, destination


def conversation(proto, a, b):
    return proto, min(a, b), max(a, b)


def of_tshark(batch):
    """{(capture, conversation, field, value)}"""
    found = set()
    for name, row in batch.rows(_COLUMNS, *_OPTIONS):
        packet = ends(row)
        if packet is None:
            continue
        layers = set(layers_of(row))
        for field in FIELDS:
            if layers.isdisjoint(field.layers):
                continue
            for value in (field.same(value) for theirs in field.theirs for value in row[theirs]):
                if value:
                    found.add((name, conversation(*packet), field.ours[0], value))
    return found


def as_list(value):
    return value if isinstance(value, list) else [value]


def conversation_of(record):
    flow = millrace.flow_of_record(record)
    return conversation(flow.proto, (flow.src, flow.sport), (flow.dst, flow.dport))


def capture_of(batch, record):
    """By the addresses of the outermost IP header: tshark may not see those within."""
    flow = millrace.flow_of_record(record)
    outer = next((level for level in record.get("tunnel", []) if "src" in level), None)
    if outer is not None:
        return batch.capture_of(address(outer["src"]), address(outer["dst"]))
    return batch.capture_of(flow.src, flow.dst)


def of_records(batch, records):
    """{(capture, conversation, field, value)} of TCP and UDP flows"""
    found = set()
    for record in records:
        key = conversation_of(record)
        if key[0] not in (6, 17):
            continue
        name = capture_of(batch, record)
        for field in FIELDS:
            for value in (field.same(str(value)) for ours in field.ours for value in as_list(record.get(ours, []))):
                if value:
                    found.add((name, key, field.ours[0], value))
    return found


def cut(batch, records):
    """{(capture, conversation)} whose records say that not all values found room."""
    return {(capture_of(batch, record), conversation_of(record)) for record in records if record.get("valuesCut")}
