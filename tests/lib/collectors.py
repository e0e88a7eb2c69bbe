# SPDX-License-Identifier: Apache-2.0
"""Foreign IPFIX collectors and readers, for tests of what they make of our output."""
import json
import re
import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree

from processes import Background, free_port, udp_port_is_open, wait_until


def run(*command, timeout_s=60):
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def nfdump_records(text):
    """
    What `nfdump -o json` prints: objects with commas between them; 1.7.1 leaves out the brackets around. A file without
    flows, as there is one when nfcapd changes files on the way, is a line of text.
    """
    if "{" not in text:
        return []
    return json.loads("[" + text.strip().lstrip("[").rstrip(",]") + "]")


class Nfcapd:
    """nfcapd on a free UDP port of 127.0.0.1, of a namespace's if given. Its flows can be read after stop()."""

    def __init__(self, folder, port=None, netns=None):
        self.folder = folder / "nfcapd"
        self.folder.mkdir()
        self.port = port or free_port()
        command = ["nfcapd", "-w", self.folder, "-b", "127.0.0.1", "-p", self.port, "-t", "300", "-I", "probe"]
        pid = netns.pid if netns else "self"
        self._process = Background(netns.command(*command) if netns else command, folder / "nfcapd.log",
                                   ready=lambda: udp_port_is_open(self.port, pid))

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._process.stop()

    @property
    def log(self):
        return self._process.output()

    def flows(self):
        """Records as nfdump prints them in JSON."""
        records = []
        for file in sorted(self.folder.glob("nfcapd.[0-9]*")):
            records += nfdump_records(run("nfdump", "-q", "-r", file, "-o", "json"))
        return records

    def log_counts(self):
        """(gaps in the sequence numbers, bad packets) that it logged."""
        found = re.findall(r"Sequence Errors: (\d+), Bad Packets: (\d+)", self.log)
        return tuple(sum(int(row[i]) for row in found) for i in (0, 1))

    def sequence_failures(self):
        """Gaps in the sequence numbers and bad packets that it logged."""
        return sum(self.log_counts())


_NFACCTD_CONF = """\
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {port}
plugins: print
aggregate_primitives: {primitives}
aggregate: {aggregate}
print_output: json
print_output_file: {output}
print_output_file_append: true
print_refresh_time: 1
timestamps_utc: true
timestamps_rfc3339: true
"""

# fields of our own, which nfacctd needs for reverse counters
_NFACCTD_PRIMITIVES = """\
name=revBytes    field_type=29305:1 len=8 semantics=u_int
name=revPackets  field_type=29305:2 len=8 semantics=u_int
name=revTcpFlags field_type=29305:6 len=1 semantics=hex
name=endReason   field_type=136     len=1 semantics=u_int
"""
NFACCTD_COMPAT = "src_host,dst_host,src_port,dst_port,proto,tcpflags,vlan,timestamp_start,timestamp_end,endReason"
NFACCTD_BIFLOW = NFACCTD_COMPAT + ",revBytes,revPackets,revTcpFlags"


class Nfacctd:
    """nfacctd with the JSON print plugin on a free UDP port of 127.0.0.1."""

    def __init__(self, folder, aggregate="src_host,dst_host,src_port,dst_port,proto,tcpflags", port=None):
        self.port = port or free_port()
        self._output = folder / "nfacctd.json"
        conf = folder / "nfacctd.conf"
        primitives = folder / "primitives.lst"
        primitives.write_text(_NFACCTD_PRIMITIVES, encoding="ascii")
        conf.write_text(_NFACCTD_CONF.format(port=self.port, aggregate=aggregate, output=self._output,
                                             primitives=primitives), encoding="ascii")
        self._process = Background(["nfacctd", "-f", conf], folder / "nfacctd.log",
                                   ready=lambda: udp_port_is_open(self.port))

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self._process.stop()

    @property
    def log(self):
        return self._process.output()

    def flows(self):
        """Records printed so far."""
        if not self._output.exists():
            return []
        lines = self._output.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for_flows(self, count, timeout_s=20):
        wait_until(lambda: len(self.flows()) >= count, timeout_s, f"{count} flows at nfacctd")
        return self.flows()


@dataclass
class IpfixDump:
    messages: int
    data_records: int
    template_records: int
    warnings: str


def ipfix_dump(path):
    """libfixbuf's reading of an RFC 5655 file."""
    done = subprocess.run(["ipfixDump", "-i", path], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ipfixDump ended with {done.returncode}: {done.stderr[-2000:]}")
    last = done.stdout.strip().splitlines()[-1]
    numbers = re.search(r"(\d+) Messages, (\d+) Data Records, (\d+) Template Records", last)
    if numbers is None:
        raise RuntimeError(f"ipfixDump ends with an unknown line: {last}")
    return IpfixDump(*map(int, numbers.groups()), warnings=done.stderr)


_ELEMENT_TYPES = ("octetArray", "unsigned8", "unsigned16", "unsigned32", "unsigned64", "signed8", "signed16", "signed32",
                  "signed64", "float32", "float64", "boolean", "macAddress", "string", "dateTimeSeconds",
                  "dateTimeMilliseconds", "dateTimeMicroseconds", "dateTimeNanoseconds", "ipv4Address", "ipv6Address")


def element_file(path, type_records):
    """Our elements for libfixbuf, from what the exporter says about them (options 325, RFC 5610)."""
    rows = "".join(f"<record><name>{r['informationElementName']}</name>"
                   f"<dataType>{_ELEMENT_TYPES[int(r['informationElementDataType'])]}</dataType>"
                   f"<cert:enterpriseId>{r['privateEnterpriseNumber']}</cert:enterpriseId>"
                   f"<elementId>{r['informationElementId']}</elementId></record>" for r in type_records)
    path.write_text('<registry xmlns="http://www.iana.org/assignments" xmlns:cert="http://www.cert.org/ipfix" id="ipfix">'
                    f'<registry id="ipfix-information-elements">{rows}</registry></registry>', encoding="ascii")
    return path


def ipfix_dump_records(path, elements=None):
    """ipfixDump's data records as dictionaries; a repeated element gets the key name_2."""
    records, record = [], None
    options = ("-e", elements) if elements else ()
    for line in run("ipfixDump", *options, "--data", "-i", path).splitlines():
        if line.startswith("--- data record"):
            record = {}
            records.append(record)
        # "(S)" marks a scope field, "(len: N)" a string
        field = re.match(r"\s+\([\d/]+\)(?: \(S\))?\s+(\w+) : (?:\(len: \d+\) )?(.*)$", line)
        if field is not None and record is not None:
            name = field[1] if field[1] not in record else field[1] + "_2"
            record[name] = field[2]
    return records


class Sniffer:
    """dumpcap on the loopback interface for datagrams to one port; tshark's word on them after wait_for()."""

    def __init__(self, folder, port):
        self.path = folder / "sent.pcapng"
        self.port = port
        command = ["dumpcap", "-q", "-B", "64", "-i", "lo", "-f", f"udp dst port {port}", "-w", self.path]
        self._process = Background(command, folder / "dumpcap.log", ready=lambda: "File: " in self._process.output())

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self._process.stop()

    def _count(self):
        done = subprocess.run(["capinfos", "-T", "-r", "-c", self.path], capture_output=True, text=True, timeout=60,
                              check=False)  # a packet cut short is one that dumpcap writes just now
        return int(done.stdout.split()[-1]) if done.stdout.strip() else 0

    def wait_for(self, datagrams):
        """Until so many are in the file, which dumpcap writes somewhat later than they are sent."""
        wait_until(lambda: self._count() >= datagrams, 15, f"{datagrams} datagrams captured")
        self._process.stop()

    def _tshark(self, *options):
        # templates of profile full have more fields than it takes by default
        return run("tshark", "-n", "-o", "cflow.max_template_fields:128", "-r", self.path, "-d",
                   f"udp.port=={self.port},cflow", *options, timeout_s=120)

    def remarks(self):
        """What tshark finds wrong: malformed packets, expert notes, sequence gaps. Good: nothing."""
        return self._tshark("-Y", "_ws.malformed || _ws.expert", "-T", "fields", "-e", "frame.number", "-e",
                            "_ws.expert.message")

    def payloads(self):
        """The datagrams as they were sent."""
        return [bytes.fromhex(line) for line in self._tshark("-T", "fields", "-e", "udp.payload").split()]

    def records(self):
        """[(set id, {field: values in order})] of data and options records; key `reverse`: those of reverse elements."""
        root = ElementTree.fromstring(self._tshark("-T", "pdml"))
        found = []
        for part in root.iterfind("./packet/proto[@name='cflow']/field"):
            number = re.match(r"Set \d+ \[id=(\d+)\] \(\d+ flows\)", part.get("show") or "")
            for flow in part.findall("field") if number else ():
                # behind it may stand a name that is in the record
                if re.match(r"Flow \d+( \[.*\])?$", flow.get("show") or ""):
                    found.append((int(number[1]), _pdml_fields(flow)))
        return found


def _pdml_fields(flow):
    fields, reverse = {}, {}
    unit = ""  # of the times that follow
    for field in flow.iter("field"):
        if field.get("name") == "cflow.timedelta":
            unit = re.search(r"\((\w+)\)$", field.get("showname").replace(" [unlikely]", ""))[1]
        into = reverse if "(Reverse Type" in (field.get("showname") or "") else fields
        # a time's value is its octets, since that is exact
        value = field.get("value") if "abstime" in field.get("name", "") else field.get("show")
        name = f"{field.get('name')}.{unit}" if "abstime" in field.get("name", "") else field.get("name")
        into.setdefault(name, []).append(value)
    return {**fields, "reverse": reverse}
