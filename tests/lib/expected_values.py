# SPDX-License-Identifier: Apache-2.0
"""
What other meters' reports say that flows are about, in the form of application_fields: {(conversation, field, value)}.
Fields have our names; `name` is whichever of them holds the name of the other side.
"""
import csv
import json
import re

from application_fields import conversation, dns_name, number, text
from expectations import NDPI_FLOW, ndpi_flow
from flows import Flow


def _key(proto, src, sport, dst, dport):
    flow = Flow.make(proto=proto, src=src, sport=sport, dst=dst, dport=dport, packets=(0, 0), octets=(0, 0),
                     bytes_are="ip")
    return conversation(flow.proto, (flow.src, flow.sport), (flow.dst, flow.dport))


def name(value):
    """Of a host: no port, no case, and octets outside of ASCII in whatever number."""
    return re.sub(r"\?+", "?", re.sub(r"(?<=[^:]):\d+$", "", text(value)).lower())


def names_in(value):
    """A value that begins with the name of a host, as greetings do, or is one."""
    return {name(value), name(value.split(" ")[0]), dns_name(value)}


def first_word(value):
    """nDPI judges fingerprints behind a blank."""
    return value.split(" ")[0]


def ja4_core(value):
    """Without what nDPI (SNI, ALPN) and ipfixprobe (GREASE counted) write otherwise than the specification."""
    return value[:3] + value[4:6] + value[10:]


# ---- arkime: section -> {its name: (our field, how values compare)}

_ARKIME = {
    "tls": {"ja3": ("tls_ja3", text), "ja3s": ("tls_ja3s", text), "ja4": ("tls_ja4", text)},
    "http": {"host": ("name", name), "useragent": ("http_user_agent", text), "method": ("http_method", text),
             "statuscode": ("http_status", number)},
    "ssh": {"hassh": ("ssh_hassh", text), "hasshServer": ("ssh_hassh_server", text)},
    "network": {"community_id": ("community_id", text)},
}


def _as_list(value):
    return value if isinstance(value, list) else [value]


def arkime(path):
    with open(path, encoding="utf-8") as file:
        (sessions,) = json.load(file).values()
    found = set()
    for body in (session["body"] for session in sessions):
        a, b = body["source"], body["destination"]
        if "ip" not in a or "ip" not in b:
            continue
        key = _key(body["ipProtocol"], a["ip"], a.get("port", 0), b["ip"], b.get("port", 0))
        for section, names in _ARKIME.items():
            for label, (field, same) in names.items():
                values = _as_list(body.get(section, {}).get(label, []))
                found.update((key, field, same(str(value))) for value in values)
        for query in body.get("dns", []):
            if "queryHost" in query:
                found.add((key, "dns_name", dns_name(query["queryHost"])))
    return found


# ---- nDPI

_NDPI = {"JA3C": ("tls_ja3", first_word), "JA3S": ("tls_ja3s", first_word), "JA4": ("ja4_core", ja4_core),
         "Hostname/SNI": ("name", name), "StatusCode": ("http_status", number)}


def ndpi(path):
    found = set()
    with open(path, encoding="utf-8", errors="replace") as lines:
        for match in filter(None, map(NDPI_FLOW.match, lines)):
            flow = ndpi_flow(match)
            key = conversation(flow.proto, (flow.src, flow.sport), (flow.dst, flow.dport))
            for label, (field, same) in _NDPI.items():
                found.update((key, field, same(value))
                             for value in re.findall(rf"\[{re.escape(label)}: ([^\]]+)\]", match.string))
    return found


# ---- ipfixprobe: column -> our field

_IPFIXPROBE = {
    "DNS_NAME": ("dns_name", dns_name), "HTTP_REQUEST_HOST": ("http_host", name),
    "HTTP_REQUEST_METHOD": ("http_method", text), "HTTP_REQUEST_URL": ("http_uri", text),
    "HTTP_REQUEST_AGENT": ("http_user_agent", text), "HTTP_RESPONSE_STATUS_CODE": ("http_status", number),
    "TLS_SNI": ("tls_sni", name), "TLS_JA3": ("tls_ja3", text), "TLS_JA4": ("ja4_core", ja4_core),
    "QUIC_SNI": ("tls_sni", name), "SMTP_DOMAIN": ("smtp_helo", text), "SIP_CALL_ID": ("sip_call_id", text),
    "SIP_REQUEST_URI": ("sip_uri", text), "NTP_VERSION": ("ntp_version", number),
}


def ipfixprobe(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    (header,) = [row for row in rows if row[0].startswith("ipaddr ")]
    names = [cell.split(" ", 1)[1] for cell in header]
    found = set()
    for row in (dict(zip(names, row)) for row in rows if row is not header):
        key = _key(int(row["PROTOCOL"]), row["SRC_IP"], row["SRC_PORT"], row["DST_IP"], row["DST_PORT"])
        for column, (field, same) in _IPFIXPROBE.items():
            value = row.get(column, "")
            if value not in ("", "0"):
                found.add((key, field, same(value)))
    return found


# ---- ours

_SAME = {field: same for names in (*_ARKIME.values(), _NDPI, _IPFIXPROBE) for field, same in names.values()}
_SAME["tls_ja4"], _SAME["dns_name"] = text, dns_name
_NAMES = ("tls_sni", "http_host", "dns_name", "dhcp_hostname", "dhcp_fqdn", "smb_host", "smtp_banner", "ftp_banner",
          "rdp_cookie", "sip_uri", "ssh_client", "ssh_server", "snmp_community")


def of_records(records):
    found = set()
    for record in records:
        proto = record["protocolIdentifier"]
        ends = [record.get(f"{end}IPv4Address", record.get(f"{end}IPv6Address")) for end in ("source", "destination")]
        key = _key(proto, ends[0], record.get("sourceTransportPort", 0), ends[1],
                   record.get("destinationTransportPort", 0))
        for field, same in _SAME.items():
            sources = {"name": _NAMES, "ja4_core": ("tls_ja4",)}.get(field, (field,))
            for value in (str(value) for source in sources for value in _as_list(record.get(source, []))):
                found.update((key, field, form) for form in (names_in(value) if field == "name" else {same(value)}))
    return found
