package simdev

// LabNS is the namespace of the module "dialtone-lab", the one that a device
// of the RFC dialect hands out with get-schema.
const LabNS = "urn:dialtone:params:xml:ns:yang:lab"

// InterfacesNS is the namespace of the interfaces of the RFC dialect.
const InterfacesNS = "urn:ietf:params:xml:ns:yang:ietf-interfaces"

// What a device of the RFC dialect takes.
const rfcSchema = `
@` + LabNS + `
system
  hostname = string
  location = string
  contact = string
  login-banner = string
  mtu-default = mtu (1500)
  clock
    timezone = string (UTC)
  dns
    search += string
    server [name]
      name = string
      address = ip
      port = uint16 (53)
  ntp
    enabled = boolean (true)
    server [name]
      name = string
      prefer = boolean (false)
  user [name]
    name = string
    full-name = string
    class = operator|read-only|super-user (read-only)
  static-route [prefix]
    prefix = prefix
    next-hop = ip
    out-interface = string
    preference = uint8 (5)
@` + InterfacesNS + `
interfaces
  interface [name]
    name = string
    description = string
    type = string
    enabled = boolean (true)
    mtu = mtu
    ipv4
      enabled = boolean (true)
      address [ip]
        ip = ip
        prefix-length = uint8
    ipv6
      enabled = boolean (true)
      address [ip]
        ip = ip
        prefix-length = uint8
`

// The module text that get-schema returns.
const labModule = `module dialtone-lab {
  yang-version 1;
  namespace "` + LabNS + `";
  prefix lab;
  organization "dialtone";
  description "Plain configuration of a simulated device.";
  revision 2026-11-01;

  container system {
    leaf hostname { type string; }
    leaf location { type string; }
    leaf contact { type string; }
    leaf login-banner { type string; }
    leaf mtu-default { type uint16 { range "68..16000"; } default 1500; }
    container clock { leaf timezone { type string; default UTC; } }
    container dns {
      leaf-list search { type string; }
      list server {
        key name;
        leaf name { type string; }
        leaf address { type string; }
        leaf port { type uint16; default 53; }
      }
    }
    container ntp {
      leaf enabled { type boolean; default true; }
      list server {
        key name;
        leaf name { type string; }
        leaf prefer { type boolean; default false; }
      }
    }
    list user {
      key name;
      leaf name { type string; }
      leaf full-name { type string; }
      leaf class {
        type enumeration { enum operator; enum read-only; enum super-user; }
        default read-only;
      }
    }
    list static-route {
      key prefix;
      leaf prefix { type string; }
      leaf next-hop { type string; }
      leaf out-interface { type string; }
      leaf preference { type uint8; default 5; }
    }
  }
}
`

const rfcDefault = `
<system xmlns="` + LabNS + `">
  <hostname>HOSTNAME</hostname>
  <location>rack 4, row B</location>
  <dns>
    <search>lab.example</search>
    <server><name>a</name><address>192.0.2.53</address></server>
  </dns>
  <ntp><enabled>true</enabled><server><name>192.0.2.123</name><prefer>true</prefer></server></ntp>
  <user><name>admin</name><full-name>Lab operator</full-name><class>super-user</class></user>
  <static-route><prefix>198.51.100.0/24</prefix><next-hop>192.0.2.1</next-hop><out-interface>eth0</out-interface></static-route>
</system>
<interfaces xmlns="` + InterfacesNS + `">
  <interface><name>eth0</name><description>uplink</description><type>ethernet</type><enabled>true</enabled><mtu>1500</mtu>
    <ipv4><address><ip>192.0.2.2</ip><prefix-length>24</prefix-length></address></ipv4></interface>
  <interface><name>eth1</name><description>customer &amp; lab</description><type>ethernet</type><enabled>true</enabled><mtu>9000</mtu></interface>
  <interface><name>lo0</name><type>loopback</type><ipv4><address><ip>192.0.2.255</ip><prefix-length>32</prefix-length></address></ipv4></interface>
</interfaces>
`
